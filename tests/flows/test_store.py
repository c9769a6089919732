"""What lies in the store is read as it was saved or not at all, whatever happened to it meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from flows.keys import keys
from flows.store import SEAL, Artefact, Ref, Store, forget, refs_in, waves_in
from survey.errors import AnxinError
from tests.flows.test_run import published, run
from tests.small_survey import write

ONE, OTHER = (Ref("town", "estimate", wave, digit * 64, (wave,)) for wave, digit in (("w1", "1"), ("w2", "2")))
ARTEFACT = Artefact({"results": pd.DataFrame({"a": [0.25, 0.5]})}, {"n": 2}, {"tables/a.csv": b"a\n0.25\n"})


def filled(root: Path, encrypt: bool = False) -> Store:
    store = Store(root / "store", keys(root, {}), encrypt)
    store.save(ONE, ARTEFACT)
    store.save(OTHER, Artefact({}, {"n": 3}, {}))
    return store


def flipped(path: Path) -> None:
    """Another byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def reads(artefact: Artefact) -> tuple[object, ...]:
    return artefact.facts, artefact.frames["results"].to_dict(), artefact.files["tables/a.csv"]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a frame": lambda place: flipped(place / "results.parquet"),
    "a file": lambda place: flipped(place / "files" / "tables" / "a.csv"),
    "facts": lambda place: flipped(place / "facts.json"),
    "a folder for a frame": lambda place: [(place / "results.parquet").unlink(), (place / "results.parquet").mkdir()],
    "a frame gone": lambda place: (place / "results.parquet").unlink(),
    "facts gone": lambda place: (place / "facts.json").unlink(),
    "seal gone": lambda place: (place / SEAL).unlink(),
    "seal cut off": lambda place: (place / SEAL).write_bytes((place / SEAL).read_bytes()[:40]),
    "all gone": shutil.rmtree,
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_damaged_after_it_was_checked_is_not_read(tmp_path: Path, what: str) -> None:
    store = filled(tmp_path)
    assert store.has(ONE)
    assert reads(store.load(ONE)) == reads(ARTEFACT)
    DAMAGE[what](store.path(ONE))
    with pytest.raises(AnxinError, match=f"(?s)changed while it was being used.*store/estimate/{'1' * 32}"):
        reads(store.load(ONE))
    assert not store.has(ONE)


def test_a_name_that_no_file_can_have_is_not_there(tmp_path: Path) -> None:
    store = filled(tmp_path)
    seal = (store.path(ONE) / SEAL).read_text().replace("facts.json", "facts\\u0000")
    (store.path(ONE) / SEAL).write_text(seal)
    assert not store.has(ONE)
    Store(store.folder, store.keys, encrypt=True).encrypt_all()
    assert not store.path(ONE).exists()


@pytest.mark.parametrize("what", ["a file", "a link to nowhere"])
@pytest.mark.parametrize("where", ["store", "store/estimate"])
def test_what_stands_where_a_folder_belongs_stops_nothing(tmp_path: Path, what: str, where: str) -> None:
    store = filled(tmp_path)
    place = tmp_path / where
    shutil.rmtree(place)
    if what == "a file":
        place.write_text("in the way")
    else:
        place.symlink_to(tmp_path / "nowhere")
    assert not store.has(ONE)
    store.encrypt_all()
    store.save(ONE, ARTEFACT)
    assert store.has(ONE)


def test_an_artefact_in_the_place_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    store = filled(tmp_path)
    aside = tmp_path / "aside"
    for before, after in ((store.path(ONE), aside), (store.path(OTHER), store.path(ONE)), (aside, store.path(OTHER))):
        before.rename(after)
    for ref in (ONE, OTHER):
        assert not store.has(ref)
        with pytest.raises(AnxinError, match="changed while it was being used"):
            store.load(ref)


REF = '"survey": "town", "stage": "estimate", "wave": "w1"'
SHAPES = {
    "nothing": "",
    "a list": "[]",
    "a number": "0",
    "a list for a name": '{"ref": [], "files": {}}',
    "too deep": "[" * 100_000,
    "a name lacks parts": '{"ref": {"of": ["w1"]}, "files": {}}',
    "a number for a key": f'{{"ref": {{{REF}, "key": 4, "of": ["w1"]}}, "files": {{}}}}',
    "one text for waves": f'{{"ref": {{{REF}, "key": "1", "of": "w1"}}, "files": {{}}}}',
    "a number for a wave": f'{{"ref": {{{REF}, "key": "1", "of": [1]}}, "files": {{}}}}',
    "a list for a wave": f'{{"ref": {{{REF}, "key": "1", "of": [[1]]}}, "files": {{}}}}',
    "a number for a checksum": f'{{"ref": {{{REF}, "key": "1", "of": ["w1"]}}, "files": {{"facts.json": 1}}}}',
}


@pytest.mark.parametrize("seal", SHAPES.values(), ids=SHAPES)
def test_a_seal_of_any_shape_is_none(tmp_path: Path, seal: str) -> None:
    store = filled(tmp_path)
    (store.path(ONE) / SEAL).write_text(seal)
    assert not store.has(ONE)
    assert refs_in(store.folder) == {store.path(ONE): None, store.path(OTHER): OTHER}
    assert waves_in(store.folder, "town") == {"w2"}
    assert store.find("estimate", ONE.key) is None
    assert forget(store.folder, "town", lambda wave: False) == 1


@pytest.mark.parametrize("what", DAMAGE)
def test_encryption_seals_no_damage_anew(tmp_path: Path, what: str) -> None:
    before = filled(tmp_path)
    DAMAGE[what](before.path(ONE))
    store = Store(before.folder, before.keys, encrypt=True)
    store.encrypt_all()
    assert not store.path(ONE).exists()
    assert store.asked == []
    assert store.has(OTHER)
    assert store.load(OTHER).facts == {"n": 3}
    assert [path.name for path in store.path(OTHER).iterdir() if path.suffix != ".fernet"] == [SEAL]


def test_a_run_whose_work_is_damaged_meanwhile_publishes_nothing_and_the_next_one_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "here")
    write(tmp_path / "there")
    run(tmp_path / "there")
    real = Store.save

    def damaged(store: Store, ref: Ref, artefact: Artefact) -> None:
        real(store, ref, artefact)
        if ref.stage == "tables":
            flipped(store.path(ref) / "files" / "results.json")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", damaged)
        with pytest.raises(AnxinError, match="changed while it was being used"):
            run(tmp_path / "here")
    assert not (tmp_path / "here" / "public" / "small-town" / "w1").exists()
    _, lines = run(tmp_path / "here")
    assert lines[0].stage == "tables"
    assert published(tmp_path / "here") == published(tmp_path / "there")
