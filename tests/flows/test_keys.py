"""Keys of their own for every wave, from one secret; and encryption at rest with them."""

from __future__ import annotations

import base64
import sys
import types
from pathlib import Path

import pandas as pd
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flows import run as runs
from flows.job import Job
from flows.keys import Keys, derived, keys
from flows.store import Artefact, Ref, Store
from flows.workspace import Workspace
from survey.cleaning import clean
from survey.errors import CodebookError, UsageError
from survey.privacy import protect
from survey.survey_yaml import parse
from tests.flows.test_bad_input import run as call
from tests.flows.test_run import published, run
from tests.small_survey import YAML, frame, write

SECRET = bytes(range(32))


@pytest.fixture(autouse=True)
def _no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANXIN_KEY", "ANXIN_KEY_FILE", "ANXIN_KEYRING", "ANXIN_ENCRYPT"):
        monkeypatch.delenv(name, raising=False)


def with_key(work: Path, **environ: str) -> Keys:
    return keys(work, environ)


def test_derivation_is_hkdf_sha256() -> None:
    expected = HKDF(SHA256(), 32, b"salt", b"purpose").derive(SECRET)
    assert derived(SECRET, b"salt", "purpose") == expected


def test_every_wave_and_survey_has_a_key_of_its_own_that_stays(tmp_path: Path) -> None:
    made = keys(tmp_path, {})
    found = [made.wave("a", "w1"), made.wave("a", "w2"), made.wave("b", "w1"), made.shared("a"), made.shared("b")]
    found.append(made.sealing("a", ["w1"]))
    assert len(set(found)) == len(found)
    again = keys(tmp_path, {})
    assert found[:4] == [again.wave("a", "w1"), again.wave("a", "w2"), again.wave("b", "w1"), again.shared("a")]


def test_the_key_of_a_destroyed_salt_cannot_come_back(tmp_path: Path) -> None:
    made = with_key(tmp_path, ANXIN_KEY=SECRET.hex())
    before, other, linking = made.wave("a", "w1"), made.wave("a", "w2"), made.shared("a")
    made.salts.destroy("a", ["w1"])
    assert made.salts.waves("a") == ["w2"]
    assert made.wave("a", "w1") != before
    assert (made.wave("a", "w2"), made.shared("a")) == (other, linking)
    made.salts.destroy("a", ["w1", "w2"])
    assert list((tmp_path / "keys").iterdir()) == []
    assert made.shared("a") != linking


def test_the_secret_comes_from_file_environment_or_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_bytes(SECRET)
    file.chmod(0o600)
    ring = types.SimpleNamespace(get_password=lambda service, user: SECRET.hex() if service == "town" else None)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    found = {
        with_key(tmp_path, **{name: value}).wave("a", "w1")
        for name, value in (
            ("ANXIN_KEY", SECRET.hex()),
            ("ANXIN_KEY", base64.b64encode(SECRET).decode()),
            ("ANXIN_KEY", base64.urlsafe_b64encode(SECRET).decode() + "\n"),
            ("ANXIN_KEY_FILE", str(file)),
            ("ANXIN_KEYRING", "town"),
        )
    }
    assert len(found) == 1
    with pytest.raises(UsageError, match="holds no key"):
        with_key(tmp_path, ANXIN_KEYRING="village")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageError, match="not installed"):
        with_key(tmp_path, ANXIN_KEYRING="town")


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"ANXIN_KEY": "no key at all!"}, "cannot be read"),
        ({"ANXIN_KEY": "00" * 32}, "too weak"),
        ({"ANXIN_KEY": SECRET[:8].hex()}, "too weak"),
        ({"ANXIN_KEY": SECRET.hex(), "ANXIN_KEY_FILE": "key"}, "named twice"),
        ({"ANXIN_KEY_FILE": "nowhere"}, "no key file"),
    ],
)
def test_a_secret_that_will_not_do_is_refused(tmp_path: Path, environ: dict[str, str], part: str) -> None:
    with pytest.raises(UsageError, match=part) as fault:
        with_key(tmp_path, **environ)
    assert SECRET[:8].hex() not in str(fault.value)


def test_another_secret_than_before_is_refused_until_all_is_forgotten(tmp_path: Path) -> None:
    with_key(tmp_path, ANXIN_KEY=SECRET.hex()).wave("a", "w1")
    with pytest.raises(UsageError, match="not the key that data/work was made with"):
        with_key(tmp_path, ANXIN_KEY=SECRET[::-1].hex())
    with_key(tmp_path, ANXIN_KEY=SECRET.hex()).salts.destroy("a", ["w1"])
    assert with_key(tmp_path, ANXIN_KEY=SECRET[::-1].hex()).master == SECRET[::-1]


def test_a_damaged_salt_is_told(tmp_path: Path) -> None:
    made = keys(tmp_path, {})
    made.wave("a", "w1")
    (tmp_path / "keys" / "a" / "w1.salt").write_bytes(b"cut off")
    with pytest.raises(UsageError, match=r"keys/a/w1\.salt"):
        made.wave("a", "w1")


def test_the_secret_does_not_show_itself(tmp_path: Path) -> None:
    assert "x01" not in repr(with_key(tmp_path, ANXIN_KEY=SECRET.hex()))


def two_waves(yaml: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same delivery protected as two waves, each with its own key, under one shared key."""
    book = parse(yaml)
    delivered = frame()
    delivered.index = pd.RangeIndex(2, 2 + len(delivered), name="row")
    cleaned = clean(delivered, book, "w1")
    one, two = (
        protect(cleaned, book, wave, key, None, SECRET).frame
        for wave, key in (("w1", b"1" + SECRET), ("w2", b"2" + SECRET))
    )
    return one, two


def test_persons_are_known_again_in_a_panel_alone() -> None:
    one, two = two_waves(YAML)
    assert not set(one["person"]) & set(two["person"])
    assert set(one["community"]) == set(two["community"])
    one, two = two_waves(YAML.replace("privacy: {", "privacy: {panel: true, "))
    assert set(one["person"]) == set(two["person"])


def test_nothing_links_the_waves_of_independent_samples() -> None:
    one, two = two_waves(YAML.replace("lonely_psu: fail", "lonely_psu: fail, shared_psus: false"))
    assert not set(one["community"]) & set(two["community"])


def test_a_panel_without_a_pseudonym_for_persons_is_refused() -> None:
    with pytest.raises(CodebookError, match="panel"):
        parse(
            YAML.replace("privacy: {pseudonyms: [person, community]", "privacy: {panel: true, pseudonyms: [community]")
        )


REF = Ref("town", "estimate", "w1", "0123456789abcdef" * 4, ("w1",))


def test_encrypted_work_is_read_with_its_key_only(tmp_path: Path) -> None:
    right = with_key(tmp_path, ANXIN_KEY=SECRET.hex())
    artefact = Artefact({"answers": pd.DataFrame({"a": ["王芳"]})}, {"说": "王芳"}, {"tables/a.csv": "王芳".encode()})
    Store(tmp_path / "store", right, encrypt=True).save(REF, artefact)
    plain = Store(tmp_path / "store", right)
    assert plain.has(REF)
    found = plain.load(REF)
    assert found.frames["answers"].equals(artefact.frames["answers"])
    assert (found.facts, found.files) == (artefact.facts, artefact.files)
    assert all("王芳".encode() not in path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    with pytest.raises(UsageError, match="cannot be opened with this key"):
        Store(tmp_path / "store", Keys(SECRET[::-1], right.salts)).load(REF)


def test_encryption_changes_no_published_byte_and_leaves_none_in_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "plain")
    run(tmp_path / "plain")
    write(tmp_path / "sealed")
    monkeypatch.setenv("ANXIN_ENCRYPT", "1")
    run(tmp_path / "sealed")
    assert published(tmp_path / "sealed") == published(tmp_path / "plain")
    run(tmp_path / "plain")  # nothing changed, and yet what lies there is encrypted now
    for root in (tmp_path / "sealed", tmp_path / "plain"):
        files = [path for path in (root / "data" / "work" / "store").rglob("*") if path.is_file()]
        assert {path.name for path in files if path.suffix != ".fernet"} == {"seal.json"}
        assert all(path.read_bytes().startswith(b"gAAAA") for path in files if path.suffix == ".fernet")
        assert len(files) > 20
    write(tmp_path / "sealed", yaml=YAML.replace("Small town survey", "Survey of the small town"))
    _, lines = run(tmp_path / "sealed")
    assert [line.stage for line in lines] == ["tables", "report", "publication"]


def test_a_run_with_another_secret_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    monkeypatch.setenv("ANXIN_KEY", SECRET.hex())
    assert call(tmp_path, monkeypatch) == 0
    monkeypatch.setenv("ANXIN_KEY", SECRET[::-1].hex())
    assert call(tmp_path, monkeypatch) == 2
    told = capsys.readouterr().err
    assert "not the key that data/work was made with" in told
    assert SECRET.hex() not in told
    monkeypatch.setenv("ANXIN_ENCRYPT", "perhaps")
    assert call(tmp_path, monkeypatch) == 2
    assert "neither on nor off" in capsys.readouterr().err


def test_the_secret_is_not_handed_to_prefect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from flows.prefect_driver import _secret_hidden

    write(tmp_path)
    monkeypatch.setenv("ANXIN_KEY", SECRET.hex())
    job = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    with _secret_hidden(job):
        assert "ANXIN_KEY" not in os.environ
        runs.plain(job, runs.Told(lambda _: None))
    assert os.environ["ANXIN_KEY"] == SECRET.hex()
