"""The delivery: six wave files as untidy as vendors make them, and the margins, the same bytes for the same seed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulation.city import SEED, City, build
from simulation.identifiers import Identities, invent
from simulation.layouts import IDENTIFIERS, ITEMS, LABELS, LAYOUTS, SCALE, Layout
from simulation.population import Codes, Ints, Mask
from simulation.questionnaire import BY_NAME, QUESTIONS, WAVES
from simulation.sample import COMPLETE, PARTIAL, Cases, draw
from simulation.writers import WRITERS

EXACT_DUPLICATES = 2
BROKEN_OFF = 2
HURRIED = 12
PADDED = 0.03
INVENTOR, INVENTED = "V17", 20
"""An interviewer who filled in questionnaires at the kitchen table in the wave whose layout says so, and how many."""
LAST_BEFORE_BREAK = "c2_satisfied"


@dataclass(frozen=True)
class Delivery:
    """What was written."""

    files: tuple[Path, ...]
    identifiers: list[str]
    """Every name, number and address in the files, remarks included; none may be found after the identity boundary."""
    city: City
    """The population the samples come from, with its truth."""


def deliver(
    folder: Path, seed: int = SEED, identifiers_seed: int | None = None, waves: tuple[str, ...] = WAVES
) -> Delivery:
    """Write the wave files and margins.csv of a city into a folder, which is made where it is not there.

    Args: seed: of the city and of everything else.   identifiers_seed: other names, numbers, addresses and remarks for
    the same answers.   waves: those to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    city = build(seed)
    planted: set[str] = set()
    files = []
    for wave in waves:
        cases = draw(city, wave, seed)
        identities = _identities(city, cases, seed if identifiers_seed is None else identifiers_seed)
        planted |= identities.planted
        layout = LAYOUTS[wave]
        delivered = untidy(tidy(city, cases, identities), layout, np.random.default_rng([seed, 6, WAVES.index(wave)]))
        path = folder / layout.file
        WRITERS[wave](path, delivered, layout)
        files.append(path)
    margins(city).to_csv(folder / "margins.csv", index=False, lineterminator="\n")
    return Delivery((*files, folder / "margins.csv"), sorted(planted), city)


def margins(city: City) -> pd.DataFrame:
    """Adults of the city by sex × age band and by district × area; a blank wave stands for all of them."""
    people = city.people
    rows = []
    for name, first, second in (
        ("sex:age_band", people.sex, people.age_band),
        ("district:area", people.district, people.area),
    ):
        pairs, totals = np.unique(100 * first.astype(int) + second, return_counts=True)
        rows += [("", name, f"{a // 100}:{a % 100}", int(total)) for a, total in zip(pairs, totals, strict=True)]
    return pd.DataFrame(rows, columns=["wave", "margin", "level", "total"])


def _identities(city: City, cases: Cases, seed: int) -> Identities:
    rng = np.random.default_rng([seed, 5, WAVES.index(cases.wave)])
    districts = [LABELS["district"][code - 1] for code in city.communities.district[cases.community]]
    ages = np.where(_spoke(cases), city.people.age[cases.person], 0)
    return invent([f"澄汀市{district}" for district in districts], cases.mode.tolist(), ages.tolist(), rng)


def _spoke(cases: Cases) -> Mask:
    return np.isin(cases.disposition, (COMPLETE, PARTIAL))


def tidy(city: City, cases: Cases, identities: Identities) -> pd.DataFrame:
    """All cases in the items of survey.yaml, as text; nonrespondents have only what the list and the attempts tell.

    Reasons for silence stand as negative codes (simulation.sample); a question that was not asked is blank.
    """
    who, place, people, spoke = cases.person, cases.community, city.people, _spoke(cases)
    columns: dict[str, list[str]] = {
        "respondent": _text([f"{cases.wave[2:]}-{number:05d}" for number in range(1, len(who) + 1)]),
        "district": _text(city.communities.district[place]),
        "area": _text(city.communities.area[place]),
        "community": _text([f"C{number + 1:03d}" for number in place]),
        "p_psu": _text([f"{p:.6f}" for p in cases.p_psu]),
        "p_household": _text([f"{p:.6f}" for p in cases.p_household]),
        "adults": _text(city.households.adults[people.household[who]], spoke),
        "smart_community": _text(np.where(city.treated(cases.wave)[place], 1, 2)),
        "mode": _text(cases.mode),
        "interviewer": _text([f"V{number:02d}" for number in cases.interviewer], cases.interviewer > 0),
        "calls": _text(cases.calls),
        "disposition": _text(cases.disposition),
        "started": _text(cases.started.astype("datetime64[s]").astype(str), spoke),
        "duration": _text(cases.duration, spoke),
    }
    columns |= {name: _text(getattr(people, name)[who], spoke) for name in ("sex", "age", "education", "residence")}
    columns |= {name: _text(getattr(identities, name)) for name in IDENTIFIERS}
    for question in QUESTIONS:
        codes = cases.answers[question.name]
        columns[question.name] = _text(_joined(codes)) if question.multiple else _text(codes, codes != 0)
    frame = pd.DataFrame({item: columns[item] for item in ITEMS}, dtype=object)
    frame.loc[cases.disposition == PARTIAL, _late()] = ""
    return frame


def _text(values: npt.ArrayLike, where: Mask | bool = True) -> list[str]:
    """Each value as text, blank where the mask is False.

    >>> _text([3, 0], np.array([True, False]))
    ['3', '']
    """
    return [str(text) for text in np.where(where, np.asarray(values).astype(str), "")]


def _joined(chosen: Codes) -> list[str]:
    """Codes of the chosen options in one cell.

    >>> _joined(np.array([[1, 0, 1], [0, 0, 0]], dtype=np.int8))
    ['1;3', '']
    """
    return [";".join(str(option + 1) for option in np.flatnonzero(row)) for row in chosen]


def _late() -> list[str]:
    """What an interview that breaks off does not reach."""
    return [item for item in ITEMS[ITEMS.index(LAST_BEFORE_BREAK) + 1 :] if item != "comment"]


def untidy(frame: pd.DataFrame, layout: Layout, rng: np.random.Generator) -> pd.DataFrame:
    """A tidy frame as the vendor of a wave delivers it: mishaps first, then codes, then column names."""
    frame, untouched = _mishaps(frame.drop(columns=list(layout.absent)), layout, rng)
    cells = {item: _recode(item, frame[item].tolist(), layout) for item in frame.columns}
    moments = [dt.datetime.fromisoformat(moment) if moment else None for moment in cells["started"]]
    cells["started"] = [moment.strftime(layout.moment) if moment else "" for moment in moments]
    for item in layout.padded:
        padded = rng.random(len(frame)) < PADDED
        cells[item] = [f" {cell} " if pad and cell else cell for cell, pad in zip(cells[item], padded, strict=True)]
    for item in layout.decimal:
        cells[item] = [f"{cell}.0" if cell.isdigit() else cell for cell in cells[item]]
    frame = _twice(pd.DataFrame(cells, dtype=object), untouched, layout).rename(columns=dict(layout.names))
    name, filling = layout.filler
    frame.insert(0, name, pd.Series([filling.format(row=row) for row in range(1, len(frame) + 1)], dtype=object))
    return frame


def _mishaps(frame: pd.DataFrame, layout: Layout, rng: np.random.Generator) -> tuple[pd.DataFrame, Ints]:
    """Hurried interviews, one invented series, interviews broken off, impossible values; and who was spared them."""
    frame = frame.copy()
    complete = rng.permutation(np.flatnonzero(frame["disposition"] == str(COMPLETE)))
    hurried, complete = complete[:HURRIED], complete[HURRIED:]
    frame.loc[hurried, "duration"] = [f"{minutes:.1f}" for minutes in rng.uniform(2.0, 4.5, len(hurried))]
    frame.loc[hurried[: HURRIED // 2], _straight(frame)] = "2"
    if layout.invented:
        invented = frame.index[(frame["interviewer"] == INVENTOR) & (frame["disposition"] == str(COMPLETE))][:INVENTED]
        frame.loc[invented, _straight(frame)] = "1"
        frame.loc[invented, "duration"] = [f"{minutes:.1f}" for minutes in rng.uniform(5.0, 7.0, len(invented))]
    broken, complete = complete[:BROKEN_OFF], complete[BROKEN_OFF:]
    frame.loc[broken, [item for item in _late() if item in frame]] = ""
    for item, values in layout.odd.items():
        cells, complete = complete[: len(values)], complete[len(values) :]
        frame.loc[cells, item] = [f"?{value}" for value in values]
    return frame, complete


def _twice(frame: pd.DataFrame, cases: Ints, layout: Layout) -> pd.DataFrame:
    """Some interviews delivered a second time, some of them with another age."""
    same = frame.loc[cases[:EXACT_DUPLICATES]]
    other = frame.loc[cases[EXACT_DUPLICATES:][: layout.contradictions]].copy()
    other["age"] = [str(int(age) + 1) for age in other["age"]]
    return pd.concat([frame, same, other]).sort_values("respondent", kind="stable", ignore_index=True)


def _straight(frame: pd.DataFrame) -> list[str]:
    return [item for item in frame.columns if SCALE.get(item) == "satisfied"]


def _recode(item: str, column: list[str], layout: Layout) -> list[str]:
    """Codes of survey.yaml → what the vendor writes; a leading "?" marks an impossible value that stays as it is."""
    changes: dict[str, str] = {str(reason): code for reason, code in layout.silent.items()} if item in BY_NAME else {}
    levels = len(LABELS.get(SCALE.get(item, ""), ()))
    codes = [str(code) for code in range(1, levels + 1)]
    if item in layout.reversed:
        changes |= dict(zip(codes, reversed(codes), strict=True))
    if item in layout.worded:
        changes |= dict(zip(codes, LABELS[SCALE[item]], strict=True))
    changes |= dict(layout.recoded.get(item, {}))
    if item in BY_NAME and BY_NAME[item].multiple:
        return [cell.replace(";", layout.separator) for cell in column]
    return [changes.get(cell, cell.removeprefix("?")) for cell in column]
