"""How much of a release is kept on the shipped city and on ENUSC, and whether an outsider learns what is not."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from flows import run as runs
from flows import stages
from flows.check import THROW_AWAY_KEY
from flows.job import Job
from flows.store import Artefact
from flows.workspace import Workspace
from survey.attacker import attack, read
from survey.disclosure import release
from survey.disclosure.background import background
from survey.figures import comparisons, levels
from survey.privacy import Protected, protect

ROOT = Path(__file__).parents[2]
ENUSC = ROOT.parent / "shared" / "data" / "enusc"
LEAST = 190  # one district has fewer respondents, two in some waves
HARDER = f"disclosure: {{min_n: {LEAST}, caution_n: 200, min_psus: 2}}"
KEPT = 0.9


def job(root: Path, survey: str, yaml: str, delivered: Path | None = None, waves: tuple[str, ...] | None = None) -> Job:
    folder = root / "data" / "raw" / survey
    if delivered is None:
        shutil.copytree(ROOT / "data" / "raw" / survey, folder)
    else:
        folder.mkdir(parents=True)
    (folder / "survey.yaml").write_text(yaml, encoding="utf-8")
    return Job.plan(Workspace(root), survey, waves, None, delivered, root / "public")


def published(work: Job) -> Path:
    """The folder of the newest wave."""
    done = runs.run(work, runs.plain, "plain", lambda _: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    return done.published[work.targets[-1]]


def counted(folder: Path) -> dict[str, float]:
    """What the publication says of its own losses."""
    method = pd.read_csv(folder / "tables" / "method.csv", dtype=str, encoding="utf-8-sig")
    own = method[method["section"] == "disclosure"].set_index("key")["value"]
    return {key: float(own[key]) for key in ("cells", "cells_primary", "cells_secondary", "kept")}


def told(name: str, counts: dict[str, float]) -> None:
    print(
        f"{name}: {counts['cells']:,.0f} cells, {counts['cells_primary']:.0f} withheld for themselves, "
        f"{counts['cells_secondary']:.0f} beside them, {100 * counts['kept']:.1f} % kept"
    )


def text(survey: str) -> str:
    return (ROOT / "data" / "raw" / survey / "survey.yaml").read_text(encoding="utf-8")


def test_the_shipped_city_keeps_its_cells(tmp_path: Path) -> None:
    folder = published(job(tmp_path, "example-city", text("example-city")))
    counts = counted(folder)
    told("example-city", counts)
    assert counts["cells"] > 1000
    assert counts["kept"] >= KEPT
    assert not attack(read([folder]))[["open", "open_share"]].any().any()


def test_a_harder_city_loses_cells_that_nobody_finds(tmp_path: Path) -> None:
    """Where fewer than 190 are too few districts go, others beside them, and the public files give none away."""
    yaml, changed = re.subn(r"^disclosure: .*$", HARDER, text("example-city"), flags=re.MULTILINE)
    assert changed == 1
    folder = published(job(tmp_path, "example-city", yaml))
    counts, seen = counted(folder), read([folder])
    told(f"example-city, min_n {LEAST}", counts)
    assert counts["cells_primary"] > 0
    assert counts["cells_secondary"] > 0
    lost = counts["cells_primary"] + counts["cells_secondary"]
    assert counts["kept"] == pytest.approx(1 - lost / counts["cells"], abs=1e-4)
    found = attack(seen, protection=LEAST)
    assert len(found) > 0
    assert not found["open"].any()
    assert not found["open_share"].any()
    cells = ["wave", "item", "by", "group"]
    withheld = seen.figures[seen.figures["mark"].eq("[c]") & seen.figures["statistic"].eq("mean")][cells]
    assert set(withheld.itertuples(index=False, name=None)) <= set(found[cells].itertuples(index=False, name=None))
    assert seen.figures.loc[seen.figures["mark"].eq("[c]"), ["estimate", "n"]].isna().all().all()


@pytest.mark.skipif(not ENUSC.is_dir(), reason="the ENUSC extracts are not here (data/raw/enusc/README.md)")
def test_enusc_keeps_its_cells(tmp_path: Path) -> None:
    work = job(tmp_path, "enusc", text("enusc"), ENUSC, ())
    weighted = {wave: _weighted(work, wave) for wave in work.waves}
    parts = [comparisons(weighted, work.book), *(levels(own, work.book, wave) for wave, own in weighted.items())]
    rows = pd.concat(parts, ignore_index=True)
    known = {wave: background(own, work.book, rows[rows["wave"] == wave]) for wave, own in weighted.items()}
    counts = release(rows, {}, work.book, known).facts["disclosure"]
    told("enusc", counts)
    assert counts["cells"] > 100
    assert counts["kept"] >= KEPT


def _weighted(work: Job, wave: str) -> Protected:
    delivered, _ = stages.intake(work, wave)
    protected = protect(stages.cleaning(work, wave, delivered), work.book, wave, THROW_AWAY_KEY)
    artefact = Artefact({"answers": protected.frame, "reasons": protected.reasons}, protected.facts)
    done = stages.weighting(work, wave, artefact)
    return Protected(done.frames["answers"], done.frames["reasons"], done.facts)
