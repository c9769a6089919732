"""Chile's ENUSC 2019 and 2023 by YAML alone, against the figures that INE published."""

from __future__ import annotations

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
from survey.figures import comparisons, levels
from survey.privacy import Protected, protect

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data" / "enusc"
WAVES = ("2019", "2023")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the ENUSC extracts are not here (data/raw/enusc/README.md says where to get them)"
)


def workspace(root: Path) -> Workspace:
    folder = root / "data" / "raw" / "enusc"
    folder.mkdir(parents=True)
    (folder / "survey.yaml").write_bytes((ROOT / "data" / "raw" / "enusc" / "survey.yaml").read_bytes())
    return Workspace(root)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    root = tmp_path_factory.mktemp("enusc")
    return Job.plan(workspace(root), "enusc", (), None, DATA, root / "public")


@pytest.fixture(scope="module")
def weighted(job: Job) -> dict[str, Protected]:
    found = {}
    for wave in WAVES:
        delivered, _ = stages.intake(job, wave)
        protected = protect(stages.cleaning(job, wave, delivered), job.book, wave, THROW_AWAY_KEY)
        artefact = Artefact({"answers": protected.frame, "reasons": protected.reasons}, protected.facts)
        done = stages.weighting(job, wave, artefact)
        found[wave] = Protected(done.frames["answers"], done.frames["reasons"], done.facts)
    return found


@pytest.fixture(scope="module")
def figures(job: Job, weighted: dict[str, Protected]) -> pd.DataFrame:
    return pd.concat([levels(weighted[wave], job.book, wave) for wave in WAVES])


def test_violent_crime_by_region_is_what_ine_published(figures: pd.DataFrame) -> None:
    """Household weights, logit intervals, t on units − strata inside the region; INE prints eight decimals."""
    published = pd.read_csv(DATA / "oracle_INE_published_VH_DV_2023_by_region.csv").set_index("enc_region")
    ours = figures[(figures["item"] == "household_violent_crime") & (figures["wave"] == "2023")]
    ours = ours[ours["by"] == "region"].assign(region=lambda rows: rows["group"].astype(int)).set_index("region")
    ours = ours.loc[published.index]
    assert len(ours) == 16
    for theirs, name in (("est", "estimate"), ("lo", "ci_low"), ("hi", "ci_high")):
        assert (ours[name] - published[theirs]).abs().max() < 1e-8
    assert (ours["df"] == published["df"]).all()


@pytest.mark.parametrize(("wave", "share", "se"), [("2019", 0.8200, 0.0045), ("2023", 0.8766, 0.0021)])
def test_crime_rose_in_the_country(figures: pd.DataFrame, wave: str, share: float, se: float) -> None:
    row = figures[(figures["item"] == "crime_rose") & (figures["wave"] == wave) & (figures["by"] == "")].iloc[0]
    assert round(float(row["estimate"]), 4) == share
    assert round(float(row["se"]), 4) == se


def test_the_trend_takes_two_independent_samples(job: Job, weighted: dict[str, Protected]) -> None:
    rows = comparisons(weighted, job.book)
    change = rows[(rows["statistic"] == "change") & (rows["item"] == "crime_rose") & (rows["by"] == "")].iloc[0]
    assert change["estimate"] == pytest.approx(0.8766 - 0.8200, abs=1e-4)
    assert change["se"] == pytest.approx((0.0045**2 + 0.0021**2) ** 0.5, abs=6e-5)


def test_a_question_for_one_sex_does_not_count_the_other(weighted: dict[str, Protected]) -> None:
    frame = weighted["2019"].frame
    women = frame["sex"] == "2"
    assert frame.loc[women, "women_taxi"].notna().all()
    assert frame.loc[~women, "women_taxi"].isna().all()
    assert frame["unsafe_taxi"].notna().all()
    assert set(frame["age_band"].dropna()) == set(weighted["2023"].frame["age_band"].dropna())


def test_both_waves_come_to_a_report(tmp_path: Path) -> None:
    job = Job.plan(workspace(tmp_path), "enusc", None, None, DATA, tmp_path / "public")
    outcome = runs.run(job, runs.plain, "plain", lambda _: None, lambda: datetime(2026, 11, 25, tzinfo=UTC))
    place = outcome.published["2023"]
    assert "87.7" in (place / "en.html").read_text(encoding="utf-8")
    assert (place / "zh.html").is_file()
