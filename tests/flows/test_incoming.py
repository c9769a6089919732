"""The intake folder: what is whole is taken once, all of it or nothing, whatever moment it is killed at."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.incoming import AGAIN, STRAY, SUPERSEDED, TAKEN, WAITING, Told, take_in
from flows.ledger import Ledger
from flows.lock import only_one
from flows.workspace import Workspace
from survey.errors import AnxinError, DataError
from survey.intake import read
from tests.flows.test_run import run
from tests.small_survey import YAML, frame, write

ROOT = Path(__file__).parents[2]
FOLDER = YAML.replace("file: w1.csv", "file: vendors")
TWO = YAML + "  w2:\n    file: w2.csv\n    fieldwork: {start: 2026-07-01, end: 2026-07-30}\n"
OLD, NEW = b"person,safe\nP1,1\n", b"person,safe\nP1,2\n"


def arrive(root: Path, content: bytes, name: str = "w1.csv", age: float = 0.0) -> Path:
    """A file in the incoming folder that was written to `age` seconds ago."""
    path = root / "data" / "incoming" / "small-town" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if age:
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    return path


def take(root: Path, later: float = 0.0) -> list[Told]:
    """What an intake tells, as if it were that many seconds later."""
    return take_in(Workspace(root), "small-town", lambda told: None, lambda: clock(later))


def clock(later: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=later)


def states(told: list[Told]) -> list[tuple[str, str]]:
    return [(each.file, each.state) for each in told]


def lines(root: Path) -> list[dict[str, object]]:
    return Ledger(root / "data" / "work" / "ledger.jsonl").entries()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def left(root: Path) -> list[str]:
    folder = root / "data" / "incoming" / "small-town"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_at_rest_is_taken_and_the_ledger_says_so(tmp_path: Path) -> None:
    raw = write(tmp_path, delivery=OLD)
    arrive(tmp_path, NEW)
    (waiting,) = take(tmp_path)
    assert (waiting.state, waiting.why[:11]) == (WAITING, "it was writ")
    assert (raw / "w1.csv").read_bytes() == OLD
    assert lines(tmp_path) == []
    assert states(take(tmp_path, 59)) == [("w1.csv", WAITING)]
    assert states(take(tmp_path, 61)) == [("w1.csv", TAKEN)]
    assert (raw / "w1.csv").read_bytes() == NEW
    assert (raw / "w1.csv").stat().st_mode & 0o777 == 0o600
    assert left(tmp_path) == []
    (line,) = lines(tmp_path)
    assert (line["file"], line["waves"], line["sha256"], line["replaced"]) == ("w1.csv", ["w1"], sha(NEW), sha(OLD))
    assert str(line["started"]).startswith(f"{clock(61):%Y-%m-%d}")


@pytest.mark.parametrize("name", ["w1.csv", "w1/w1.csv"])
def test_what_is_vouched_for_is_taken_at_once(tmp_path: Path, name: str) -> None:
    raw = write(tmp_path, delivery=OLD)
    arrive(tmp_path, NEW, name)
    arrive(tmp_path, b"", f"{name}.done")
    assert states(take(tmp_path)) == [("w1.csv", TAKEN)]
    assert (raw / "w1.csv").read_bytes() == NEW
    assert left(tmp_path) == [name.rpartition("/")[0]] * name.count("/")


@pytest.mark.parametrize("line", ["{} *w1.csv\r\n", "{}", "SHA256 (w1.csv) = {}\n", "\ufeff{}  w1.csv\n"])
def test_a_checksum_beside_it_vouches_for_it(tmp_path: Path, line: str) -> None:
    raw = write(tmp_path, delivery=OLD)
    arrive(tmp_path, NEW)
    arrive(tmp_path, line.format(sha(NEW)).encode(), "w1.csv.sha256")
    assert states(take(tmp_path)) == [("w1.csv", TAKEN)]
    assert (raw / "w1.csv").read_bytes() == NEW
    assert left(tmp_path) == []


def test_a_checksum_that_does_not_hold_is_an_error_once_the_file_is_at_rest(tmp_path: Path) -> None:
    raw = write(tmp_path, delivery=OLD)
    arrive(tmp_path, NEW)
    mark = arrive(tmp_path, f"{sha(NEW + b'P2,1')}  w1.csv\n".encode(), "w1.csv.sha256")
    assert states(take(tmp_path)) == [("w1.csv", WAITING)]  # its upload may still go on
    with pytest.raises(DataError, match="another content"):
        take(tmp_path, 61)
    assert (raw / "w1.csv").read_bytes() == OLD
    assert left(tmp_path) == ["w1.csv", "w1.csv.sha256"]
    assert [(line["status"], line["waves"]) for line in lines(tmp_path)] == [("stopped", ["w1"])]
    mark.write_text("to follow\n")
    with pytest.raises(DataError, match="file of checksums without"):
        take(tmp_path, 61)


def test_a_mark_from_before_the_last_write_vouches_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, delivery=OLD)
    arrive(tmp_path, b"", "w1.csv.done", age=30)
    arrive(tmp_path, NEW[:5])
    assert states(take(tmp_path)) == [("w1.csv", WAITING)]


def test_a_delivery_is_taken_once(tmp_path: Path) -> None:
    raw = write(tmp_path, delivery=OLD)
    for content, state in ((NEW, TAKEN), (NEW, AGAIN), (OLD, SUPERSEDED)):
        arrive(tmp_path, content)
        assert states(take(tmp_path, 61)) == [("w1.csv", state)]
        assert (raw / "w1.csv").read_bytes() == NEW
    assert left(tmp_path) == ["w1.csv"]  # the one from before, for a person to decide about
    assert len(lines(tmp_path)) == 1


def test_what_no_survey_knows_is_told_and_left_alone(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    arrive(tmp_path, NEW, "w3.csv")
    arrive(tmp_path, NEW, ".w1.csv.part")
    arrive(tmp_path, NEW, "w1/w2.csv")
    (tmp_path / "data" / "incoming" / "small-town" / "w2").symlink_to(tmp_path)
    told = take(tmp_path, 61)
    assert [(each.file, each.state, each.why) for each in told] == [
        (".w1.csv.part", STRAY, "hidden"),
        ("w1/w2.csv", STRAY, "unknown"),
        ("w2", STRAY, "link"),
        ("w3.csv", STRAY, "unknown"),
    ]
    assert lines(tmp_path) == []
    assert len(left(tmp_path)) == 5


def test_links_folders_pipes_and_empty_files_are_refused(tmp_path: Path) -> None:
    raw = write(tmp_path, delivery=OLD)
    place = arrive(tmp_path, b"")
    with pytest.raises(DataError, match="an empty file"):
        take(tmp_path, 61)
    place.unlink()
    secret = tmp_path / "passwords.csv"
    secret.write_bytes(NEW)
    place.symlink_to(secret)
    with pytest.raises(DataError, match="got: a link"):
        take(tmp_path, 61)
    place.unlink()
    place.mkdir()
    with pytest.raises(DataError, match="got: a folder"):
        take(tmp_path, 61)
    place.rmdir()
    os.mkfifo(place)
    with pytest.raises(DataError, match="a link or a device"):
        take(tmp_path, 61)
    place.unlink()
    (place.parent / "w1").symlink_to(secret.parent)
    (tmp_path / "w1.csv").write_bytes(NEW)
    with pytest.raises(DataError, match="got: a link"):
        take(tmp_path, 61)
    assert (raw / "w1.csv").read_bytes() == OLD


def test_a_folder_that_is_a_link_shows_nothing_of_what_it_leads_to(tmp_path: Path) -> None:
    raw = write(tmp_path, delivery=OLD)
    other = tmp_path / "elsewhere" / "w1.csv"
    other.parent.mkdir()
    other.write_bytes(NEW)
    incoming = tmp_path / "data" / "incoming"
    incoming.mkdir()
    (incoming / "small-town").symlink_to(other.parent)
    with pytest.raises(DataError, match="is a link"):
        take(tmp_path, 61)
    assert ((raw / "w1.csv").read_bytes(), other.read_bytes()) == (OLD, NEW)
    (incoming / "small-town").unlink()
    incoming.rmdir()
    incoming.symlink_to(tmp_path / "mount")  # another disk, by whoever the installation belongs to
    (tmp_path / "mount" / "small-town").mkdir(parents=True)
    other.rename(tmp_path / "mount" / "small-town" / "w1.csv")
    assert states(take(tmp_path, 61)) == [("w1.csv", TAKEN)]


def test_of_a_file_that_was_taken_and_of_the_one_before_no_byte_is_left(tmp_path: Path) -> None:
    """Whoever still has them open looks at the blocks on the disk, whose names are gone."""
    raw = write(tmp_path, delivery=OLD)
    arrived = arrive(tmp_path, NEW)
    with (raw / "w1.csv").open("rb") as former, arrived.open("rb") as sent:
        take(tmp_path, 61)
        assert (raw / "w1.csv").read_bytes() == NEW
        assert not arrived.exists()
        for stream, content in ((former, OLD), (sent, NEW)):
            found = stream.read()
            assert (len(found), found == content) == (len(content), False)


def test_a_file_with_another_name_elsewhere_stays_there_as_it_is_and_that_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw = write(tmp_path, delivery=OLD)
    os.link(raw / "w1.csv", tmp_path / "backup.csv")
    os.link(arrive(tmp_path, NEW), tmp_path / "sent.csv")
    take(tmp_path, 61)
    assert (raw / "w1.csv").read_bytes() == NEW
    assert ((tmp_path / "backup.csv").read_bytes(), (tmp_path / "sent.csv").read_bytes()) == (OLD, NEW)
    told = capfd.readouterr().err.splitlines()
    assert [line.split(" is gone, its bytes are not covered")[0].rpartition("/")[2] for line in told] == [
        ".w1.csv.taking",
        ".w1.csv.taken",
    ]


def test_a_part_with_another_name_elsewhere_stays_there_as_it_is_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, FOLDER)
    os.link(arrive(tmp_path, NEW, "vendors/Wang Fang.csv"), tmp_path / "kept.csv")
    os.link(arrive(tmp_path, OLD, ".vendors.taken/b.csv"), tmp_path / "planted.csv")
    assert states(take(tmp_path, 61)) == [("vendors", TAKEN)]
    assert ((tmp_path / "kept.csv").read_bytes(), (tmp_path / "planted.csv").read_bytes()) == (NEW, OLD)
    assert left(tmp_path) == []
    told = capfd.readouterr().err
    assert told.count("its bytes are not covered") == 2
    assert "Wang" not in told, "a part may be called after who was interviewed"


def unprivileged() -> None:
    """Root, too, may write only where modes let it: PR_CAPBSET_DROP of CAP_DAC_OVERRIDE."""
    if os.geteuid() == 0:
        assert ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())


@pytest.mark.skipif(sys.platform != "linux", reason="privileges are dropped by prctl")
def test_what_a_sender_keeps_for_himself_is_told_and_holds_no_delivery_up(tmp_path: Path) -> None:
    raw = write(tmp_path, FOLDER + TWO.removeprefix(YAML))
    for name in ("vendors/a.csv", ".w2.csv.taken/x", "w2.csv"):
        arrive(tmp_path, NEW, name, age=100)
    incoming = tmp_path / "data" / "incoming" / "small-town"
    for folder in (incoming / "vendors", incoming / ".w2.csv.taken"):
        folder.chmod(0o555)
    command = [sys.executable, "-m", "flows.cli", "intake", "small-town"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "LANG": "C.UTF-8"}
    for state in (TAKEN, AGAIN):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, preexec_fn=unprivileged, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert f"w2.csv (w2)  {state}" in re.sub("  +", "  ", done.stdout)
        assert done.stderr.count("cannot be taken away: its owner has to delete it") >= 2
        assert ((raw / "vendors" / "a.csv").read_bytes(), (raw / "w2.csv").read_bytes()) == (NEW, NEW)


def test_a_folder_that_becomes_a_link_while_the_lock_is_awaited_is_refused(tmp_path: Path) -> None:
    raw = write(tmp_path, delivery=OLD)
    folder = arrive(tmp_path, NEW).parent
    victim = tmp_path / "elsewhere"
    begun = threading.Event()

    def swap() -> None:
        with only_one(Workspace(tmp_path).work):
            begun.set()
            time.sleep(1)  # the intake has looked at the folder and waits
            folder.rename(victim)
            folder.symlink_to(victim)

    holder = threading.Thread(target=swap)
    holder.start()
    begun.wait()
    with pytest.raises(DataError, match="is a link"):
        take_in(Workspace(tmp_path), "small-town", lambda told: None, lambda: clock(61), wait=30)
    holder.join()
    assert ((raw / "w1.csv").read_bytes(), (victim / "w1.csv").read_bytes()) == (OLD, NEW)


def test_one_bad_delivery_keeps_no_good_one_waiting(tmp_path: Path) -> None:
    raw = write(tmp_path, TWO, delivery=OLD)
    arrive(tmp_path, b"", "w1.csv")
    arrive(tmp_path, NEW, "w2.csv")
    with pytest.raises(DataError, match=r"w1\.csv"):
        take(tmp_path, 61)
    assert (raw / "w2.csv").read_bytes() == NEW
    assert [(line["status"], line["waves"]) for line in lines(tmp_path)] == [("taken", ["w2"]), ("stopped", ["w1"])]


def test_a_file_of_several_waves_and_one_in_two_places(tmp_path: Path) -> None:
    write(tmp_path, TWO.replace("w2.csv", "w1.csv"), delivery=OLD)
    arrive(tmp_path, NEW, "w2/w1.csv")
    (told,) = take(tmp_path, 61)
    assert told.waves == ("w1", "w2")
    arrive(tmp_path, NEW, "w1/w1.csv")
    arrive(tmp_path, OLD, "w2/w1.csv")
    with pytest.raises(DataError, match="several"):
        take(tmp_path, 61)


def test_a_checksum_of_survey_yaml_holds_here_as_well(tmp_path: Path) -> None:
    raw = write(tmp_path, YAML.replace("file: w1.csv", f"file: w1.csv\n    sha256: {sha(OLD)}"), delivery=OLD)
    arrive(tmp_path, NEW)
    with pytest.raises(DataError, match=r"survey\.yaml gives"):
        take(tmp_path, 61)
    assert (raw / "w1.csv").read_bytes() == OLD


def test_a_folder_of_parts_is_taken_when_all_of_them_are_whole(tmp_path: Path) -> None:
    raw = write(tmp_path, FOLDER)
    (raw / "vendors").mkdir()
    for name in ("east.csv", "west.csv"):
        (raw / "vendors" / name).write_bytes(OLD)
    east = arrive(tmp_path, NEW, "vendors/east.csv", age=90)
    assert [each.why for each in take(tmp_path)] == ["a part of it is lacking"]
    arrive(tmp_path, NEW, "vendors/west.csv")
    assert states(take(tmp_path)) == [("vendors", WAITING)]
    arrive(tmp_path, b"", "vendors/west.csv.done")
    assert states(take(tmp_path)) == [("vendors", TAKEN)]
    assert {path.name: path.read_bytes() for path in (raw / "vendors").iterdir()} == {
        "east.csv": NEW,
        "west.csv": NEW,
    }
    assert left(tmp_path) == []
    (line,) = lines(tmp_path)
    _, provenance = read(raw / "vendors", Workspace(tmp_path).book("small-town").waves["w1"])
    assert provenance.sha256 == line["sha256"]
    arrive(tmp_path, OLD, f"vendors/{east.name}")
    arrive(tmp_path, f"{sha(OLD)}  east.csv\n".encode(), "vendors.sha256")  # says that this is all of it
    assert states(take(tmp_path)) == [("vendors", TAKEN)]
    assert [path.name for path in (raw / "vendors").iterdir()] == ["east.csv"]
    assert [path.name for path in raw.iterdir() if path.name.startswith(".")] == []


def test_an_intake_waits_for_a_run(tmp_path: Path) -> None:
    write(tmp_path, delivery=OLD)
    arrive(tmp_path, NEW)
    with only_one(Workspace(tmp_path).work), pytest.raises(AnxinError, match="Another run is at work"):
        take(tmp_path, 61)


def test_what_was_taken_is_published_by_the_next_run(tmp_path: Path) -> None:
    write(tmp_path)
    corrected = frame()
    corrected.loc[:40, "safe"] = "1"
    arrive(tmp_path, corrected.to_csv(index=False).encode())
    take(tmp_path, 61)
    run(tmp_path)
    assert [line["status"] for line in lines(tmp_path)] == ["taken", "published"]
    assert lines(tmp_path)[1]["inputs"] == {"w1": lines(tmp_path)[0]["sha256"]}


KILLED = """\
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from flows.incoming import take_in
from flows.workspace import Workspace

left = int(sys.argv[2])
def counted(real):
    def call(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call
for name in ("open", "replace", "rename", "unlink", "fsync", "mkdir", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
now = lambda: datetime.now(UTC) + timedelta(seconds=61)
take_in(Workspace(Path(sys.argv[1])), "small-town", lambda told: None, now)
"""


@pytest.mark.parametrize(("yaml", "step"), [(YAML, 1), (FOLDER, 2)], ids=["file", "folder"])
def test_killed_at_any_moment_it_leaves_the_old_or_the_new_and_the_next_intake_ends_it(
    tmp_path: Path, yaml: str, step: int
) -> None:
    """A real SIGKILL before every (second) call that opens, renames, deletes or flushes a file, each in turn."""
    seen = set()
    for number in range(0, 200, step):
        root = tmp_path / str(number)
        raw = write(root, yaml, delivery=OLD)
        parts = ["w1.csv"]
        if yaml == FOLDER:
            (raw / "vendors").mkdir()
            parts = ["vendors/east.csv", "vendors/west.csv"]
        for name in parts:
            (raw / name).write_bytes(OLD)
            arrive(root, NEW, name)
        names = [raw / name for name in parts] + [root / "data" / "incoming" / "small-town" / name for name in parts]
        held = [(path.open("rb"), path.read_bytes()) for path in names]  # the blocks, whatever becomes of their names
        command = [sys.executable, "-c", KILLED, str(root), str(number)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
        found = {(raw / name).read_bytes() for name in parts}
        assert found in ({OLD}, {NEW}), number
        seen.add((done.returncode, found == {NEW}))
        take(root, 61)
        assert {(raw / name).read_bytes() for name in parts} == {NEW}, number
        assert left(root) == [], number
        for stream, before in held:
            with stream:
                assert stream.read() != before, number
        assert [line["status"] for line in lines(root)] == ["taken"], number
        assert [path.name for path in raw.iterdir() if path.name.startswith(".")] == [], number
        if done.returncode == 0:
            break
    assert seen == {(-signal.SIGKILL, False), (-signal.SIGKILL, True), (0, True)}


def test_the_command_tells_every_file_and_fails_where_one_cannot_be_taken(tmp_path: Path) -> None:
    write(tmp_path, TWO, delivery=OLD)
    arrive(tmp_path, b"", "w1.csv", age=90)
    arrive(tmp_path, NEW, "w2.csv", age=90)
    arrive(tmp_path, NEW, "notes.txt")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "ANXIN_LANG": "en"}
    command = [sys.executable, "-m", "flows.cli", "intake"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "small-town  w2.csv (w2)  taken",
        "small-town  notes.txt  left alone: unknown",
    ]
    assert "The delivery w1.csv cannot be taken" in done.stderr
    assert "an empty file" in done.stderr
