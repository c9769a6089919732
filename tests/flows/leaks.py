"""Every way a run can go wrong, with planted identifiers, in one process: `python -m tests.flows.leaks FOLDER DRIVER`.

Each case has a workspace of its own. What is written anywhere, on the terminal and in logs at DEBUG among it, is for
tests/flows/test_planted.py to look through.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd

from flows import cli, stages
from tests.planted import SURVEY, identifiers, planted, repeated
from tests.small_survey import write

STAGES = (
    "intake",
    "cleaning",
    "quality",
    "privacy",
    "weighting",
    "estimate",
    "compare",
    "model",
    "disclosure",
    "tables",
    "report",
)
ELSEWHERE = ("flows.pipeline.publish", "flows.store.Store.save", "flows.store.Store.load", "flows.run.fingerprint")
FOUND = identifiers()
ROWS = planted(FOUND)
SECRET = f"{FOUND['name'][0]} {FOUND['phone'][0]} {FOUND['english_address'][0]}"


class Panic(BaseException):
    """What a compiled reader raises in a panic: no Exception."""


def leak(kind: type[BaseException]) -> Callable[..., Any]:
    """A function that fails with an answer in its text, and another one in the context of that."""

    def fail(*_: Any, **__: Any) -> Any:
        try:
            {}[FOUND["email"][0]]
        except KeyError:
            raise kind(SECRET)  # noqa: B904

    return fail


def warn(*arguments: Any) -> Any:
    """The stage of quality with a warning that quotes an answer, and a thread that dies of one."""
    import threading
    import warnings

    warnings.warn(SECRET, RuntimeWarning, stacklevel=1)
    thread = threading.Thread(target=leak(ValueError))
    thread.start()
    thread.join()
    logging.getLogger("anxin").debug("a line of the log at DEBUG is kept")
    return QUALITY(*arguments)


QUALITY = stages.quality


def csv(rows: pd.DataFrame, **options: Any) -> bytes:
    return rows.to_csv(index=False, **options).encode()


def deliveries() -> dict[str, tuple[bytes, int]]:
    """Case → delivery and the exit code of a run."""
    whole = csv(ROWS)
    return {
        "passes": (whole, 0),
        "gate": (csv(ROWS.assign(safe=ROWS["phone"], lights=ROWS["name"])), 1),
        "cut off": (whole[:-40], 1),
        "binary": (whole[:3000] + bytes(range(32)) + whole[3000:], 1),
        "no such encoding": (whole[:-200] + b"\xff\xfe\x80" + whole[-200:], 1),
        "no header": (csv(ROWS, header=False), 1),
        "quote": (whole[:9000] + b'"' + whole[9000:], 0),
        "column lacks": (csv(ROWS.drop(columns="safe")), 1),
        "column twice": (whole.replace(b"lights", b"safe", 1), 1),
        "units": (csv(ROWS.assign(community=ROWS["address"])), 1),
        "weights": (csv(ROWS.assign(weight_in=ROWS["card"])), 1),
        "negative": (csv(ROWS.assign(weight_in=["-" + text for text in FOUND["number_of_chat"]] + ["-1", "-1"])), 1),
        "district": (csv(ROWS.assign(district=ROWS["name"])), 1),
    }


def packed() -> dict[str, tuple[bytes, int]]:
    """Ending → a delivery in another format, whole or damaged, and the exit code of a run."""
    book, columns = io.BytesIO(), io.BytesIO()
    ROWS.to_excel(book, index=False, engine="xlsxwriter", engine_kwargs={"options": {"in_memory": True}})
    ROWS.to_parquet(columns)
    archive = gzip.compress(csv(ROWS), mtime=0)
    return {
        "xlsx": (book.getvalue(), 0),
        "cut.xlsx": (book.getvalue()[:-900], 1),
        "cut.parquet": (columns.getvalue()[:-9], 1),
        "junk.sav": (b"$FL2" + csv(ROWS), 1),
        "cut.csv.gz": (archive[:-90], 1),
    }


def run(root: Path, *arguments: str) -> int:
    """Exit code of the command line in a workspace."""
    os.chdir(root)
    sys.argv = ["anxin", *arguments]
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    raise AssertionError("the command line did not end")


def cases(root: Path, driver: list[str]) -> dict[str, tuple[int, int]]:
    """Case → the exit code that is expected and the one there was."""
    codes: dict[str, tuple[int, int]] = {}

    def once(name: str, expected: int, delivery: bytes, *commands: tuple[str, ...], file: str = "w1.csv") -> None:
        place = root / name.replace(" ", "-")
        raw = write(place, yaml=SURVEY.replace("file: w1.csv", f"file: {file}"), delivery=delivery)
        (raw / "w1.csv").rename(raw / file)
        for command in commands or (("run", "small-town", *driver),):
            codes[f"{name}: {command[0]}"] = (expected, run(place, *command))

    whole = csv(ROWS)
    for name, (delivery, code) in deliveries().items():
        if not driver or name in ("passes", "gate"):  # a Prefect run takes seconds
            once(name, code, delivery)
    for stage in STAGES:
        with patch(f"flows.stages.{stage}", leak(KeyError)):
            once(f"fault in {stage}", 1, whole)
    for place in ELSEWHERE[: 2 if driver else None]:
        with patch(place, leak(KeyError)):
            once(f"fault in {place}", 1, whole)
    with patch("flows.stages.cleaning", leak(Panic)):
        once("panic", 1, whole)
    with patch("flows.stages.quality", warn):
        once("warning", 0, whole)
    if not driver:
        for ending, (delivery, code) in packed().items():
            once(f"as {ending}", code, delivery, file=f"w1.{ending}")
        others(root, once)
    return codes


def others(root: Path, once: Callable[..., None]) -> None:
    """The commands that write nothing, or only a draft."""
    for name, (delivery, code) in deliveries().items():
        once(f"look at {name}", code, delivery, ("check", "small-town"))
    with patch("survey.cleaning.examined", leak(KeyError)):
        once("look at a fault", 1, csv(ROWS), ("check", "small-town"))
    raw = root / "passes" / "data" / "raw" / "small-town"
    write(root / "passes", yaml=SURVEY, delivery=csv(ROWS))
    twice = csv(repeated(FOUND))
    for name in ("gate", "cut off", "no header", "units", "repeated"):
        delivery = twice if name == "repeated" else deliveries()[name][0]
        bad = int(name in ("cut off", "no header"))
        file = raw / f"{name.replace(' ', '-')}.csv"
        file.write_bytes(delivery)
        once(f"diff {name}", bad, csv(ROWS), ("diff", "small-town", "w1", str(file)))
        once(
            f"draft {name}",
            bad,
            delivery,
            ("init", "data/raw/small-town/w1.csv", "--survey", "town", "--out", "drafted"),
        )
    changed = repeated(identifiers(seed=7)).assign(lights="1")
    file.write_bytes(csv(changed))
    once("diff twice", 0, twice, ("diff", "small-town", "data/raw/small-town/w1.csv", str(file)))
    once("draft", 0, csv(ROWS), ("init", "data/raw/small-town/w1.csv", "--survey", "town", "--out", "drafted"))
    once("list", 0, csv(ROWS), ("list",))


def main() -> None:
    """Run all cases below a folder; the codes into codes.json, what was opened to be written into opened.json."""
    root, driver = Path(sys.argv[1]), ["--prefect"] if sys.argv[2] == "prefect" else []
    opened: set[str] = set()
    active = True

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if active and event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            opened.add(os.path.abspath(arguments[0]))

    sys.addaudithook(audit)
    logging.basicConfig(level=logging.DEBUG)
    codes = cases(root, driver)
    active = False
    (root / "codes.json").write_text(json.dumps(codes))
    (root / "opened.json").write_text(json.dumps(sorted(opened)))


if __name__ == "__main__":
    main()
