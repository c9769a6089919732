"""decisions.csv: what a reviewer decided about rows in quarantine, or about rows that a rule only flagged.

One line a decision: wave, row, rule, decision (restore or exclude), reviewer, reason, and the sha256 of the delivery it
was made on; the last may be left blank where survey.yaml names the wave's checksum. Rows are the delivered file's.

    wave,row,rule,decision,reviewer,reason,sha256
    2026H1,17,partial,restore,Li,called back,
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from survey.codebook import Codebook
from survey.errors import CodebookError, DataError, masked
from survey.problems import Notes
from survey.rules import NAMED

CODE = re.compile(r"[A-Za-z_ -]{1,40}")
HEADER = ("wave", "row", "rule", "decision", "reviewer", "reason", "sha256")


@dataclass(frozen=True)
class Decision:
    """One line of decisions.csv."""

    line: int
    wave: str
    row: int
    rule: str
    restores: bool
    sha256: str


@dataclass(frozen=True)
class Decisions:
    """The decisions about one wave, and the name of their file for messages."""

    made: tuple[Decision, ...] = ()
    name: str = "decisions.csv"

    def rows(self, restores: bool, rule: str | None = None) -> pd.Index:
        """Rows restored (or excluded), of one rule or of all."""
        return pd.Index([each.row for each in self.made if each.restores == restores and rule in (None, each.rule)])

    def pairs(self) -> set[tuple[int, str]]:
        """Row and rule of every restoration."""
        return {(each.row, each.rule) for each in self.made if each.restores}


WANTED = {
    "wave": "one of {known}",
    "rule": "one of {known}",
    "decision": "one of {known}",
    "row": "the row of the delivered file",
    "reviewer": "a reviewer and a reason",
    "again": "each row and rule decided once",
}


def read_decisions(text: str, book: Codebook, wave: str, name: str = "decisions.csv") -> Decisions:
    """Decisions about one wave from the text of decisions.csv.

    Lines of other waves are left to these.

    Raises: CodebookError: a line that cannot be understood, lacks a reviewer or a reason, or decides a second time.
    """
    rows = csv.DictReader(text.splitlines())
    if text.strip() and set(rows.fieldnames or ()) != set(HEADER):
        raise CodebookError(
            "{name} has no header as expected", where="{name} line 1", expected="{header}", name=name,
            header=",".join(HEADER),
        )  # fmt: skip
    known = {"wave": list(book.waves), "rule": list(NAMED), "decision": ["restore", "exclude"]}
    made: dict[tuple[str, str, str], Decision] = {}
    for line, row in enumerate(rows, start=2):
        cells = {key: str(row.get(key) or "").strip() for key in HEADER}
        key = (cells["wave"], cells["row"], cells["rule"])
        if cells["wave"] != wave and cells["wave"] in book.waves:
            continue  # that wave's run will tell what is wrong with it
        lacking = _lacking(cells, known) or ("again" if key in made else "")
        if lacking:
            raise CodebookError(
                "{name} has a line that cannot be used",
                where="{name} line {line}",
                expected=WANTED.get(lacking, ""),
                got="{found}",
                name=name,
                line=line,
                hint="a line reads for example: {example}",
                known=", ".join(known.get(lacking, ())),
                found=f"{name}:{made[key].line}" if lacking == "again" else _own(lacking, cells.get(lacking, "")),
                example=f"{wave},17,partial,restore,Li,called back,",
            )
        restores = cells["decision"] == "restore"
        made[key] = Decision(line, key[0], int(key[1]), key[2], restores, cells["sha256"].lower())
    return Decisions(tuple(made.values()), name)


def _own(column: str, text: str) -> str:
    """What stands in a cell: the reviewer's own word for a rule or a decision, else only its length."""
    return text if column in ("rule", "decision") and CODE.fullmatch(text) else masked(text)


def _lacking(cells: dict[str, str], known: dict[str, list[str]]) -> str:
    """The first cell of a line that cannot be used, "" when all can."""
    for key, values in known.items():
        if cells[key] not in values:
            return key
    if not cells["row"].isdecimal():
        return "row"
    return "" if cells["reviewer"] and cells["reason"] else "reviewer"


def untied(decisions: Decisions, book: Codebook, wave: str, sha256: str) -> Iterator[DataError]:
    """Decisions that were made on another delivery, or do not say on which."""
    for each in decisions.made:
        made_on = each.sha256 or book.waves[wave].sha256 or ""
        if made_on != sha256:
            yield DataError(
                "A decision was made on another delivery" if made_on else "A decision does not say on which delivery",
                where="{name} line {line}",
                expected="sha256 {digest}",
                got="{found}",
                hint="look at the rows again, then write the checksum of this delivery",
                name=decisions.name,
                line=each.line,
                digest=sha256,
                found=made_on or "none",
            )


def applied(decisions: Decisions, notes: Notes, respondents: pd.Series | None) -> Iterator[DataError]:
    """Note every decision in the table of problems, and give those that cannot be followed.

    These are about a row in which the rule did not fire, or restore two rows of one respondent.

    Args: respondents: id by row.
    """
    taken: set[str] = set()
    for each in decisions.made:
        if not notes.fired_in(each.row, each.rule, "quarantined" if each.restores else None):
            yield _pointless(decisions, each)
            continue
        if each.restores and each.rule == "conflicting_duplicate" and respondents is not None:
            person = str(respondents[each.row])
            if person in taken:
                yield _pointless(decisions, each, second=True)
                continue
            taken.add(person)
        action = "restored" if each.restores else "excluded"
        notes.add(pd.Index([each.row]), "", "reviewed", action, [f"{decisions.name}:{each.line}"])


def _pointless(decisions: Decisions, decision: Decision, second: bool = False) -> DataError:
    return DataError(
        "A decision restores a second row of one respondent" if second else "A decision matches nothing",
        where="{name} line {line}",
        expected="one row of each respondent"
        if second
        else "a row of the quarantine to restore, or a row of the problems to exclude",
        got="row {row}, {problem}",
        hint="`anxin check` lists the rows in quarantine and the rules that fired",
        name=decisions.name,
        line=decision.line,
        row=decision.row,
        problem=decision.rule,
    )
