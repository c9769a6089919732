"""The US General Social Survey's panel by YAML alone, against R's answers in the data set's own README."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from flows import run as runs
from flows.job import Job
from flows.workspace import Workspace

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data" / "gss-panel"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the GSS panel file is not here (data/raw/gss-panel/README.md says where to get it)"
)

# R's survey, svydesign(~vpsu, ~vstrat, weights = ~wtpannr123, nest = TRUE), options(survey.lonely.psu = "adjust").
FEAR = {"2006": (0.356328, 0.02208), "2008": (0.347060, 0.02379), "2010": (0.335305, 0.02191)}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("gss")
    folder = root / "data" / "raw" / "gss-panel"
    folder.mkdir(parents=True)
    (folder / "survey.yaml").write_bytes((ROOT / "data" / "raw" / "gss-panel" / "survey.yaml").read_bytes())
    job = Job.plan(Workspace(root), "gss-panel", (), None, DATA, root / "public")
    now = datetime(2026, 11, 25, tzinfo=UTC)
    return runs.run(job, runs.plain, "plain", lambda _: None, lambda: now).published


@pytest.mark.parametrize("wave", FEAR)
def test_fear_is_what_r_answers(published: dict[str, Path], wave: str) -> None:
    share, se = FEAR[wave]
    rows = pd.read_csv(published[wave] / "tables" / "headline.csv", encoding="utf-8-sig")
    row = rows[(rows["item"] == "afraid") & (rows["statistic"] == "mean") & rows["by"].isna()].iloc[0]
    assert row["estimate"] == pytest.approx(share, abs=1e-6)
    assert row["se"] == pytest.approx(se, abs=1e-5)


def test_every_wave_has_its_report_in_both_languages(published: dict[str, Path]) -> None:
    assert all((published[wave] / f"{language}.html").is_file() for wave in FEAR for language in ("zh", "en"))


def test_the_change_of_the_same_people_is_surer_than_of_two_samples(published: dict[str, Path]) -> None:
    rows = pd.read_csv(published["2010"] / "tables" / "headline.csv", encoding="utf-8-sig")
    change = rows[(rows["item"] == "afraid") & (rows["statistic"] == "change")].set_index("level")
    for earlier in ("2006", "2008"):
        alone = (FEAR["2010"][1] ** 2 + FEAR[earlier][1] ** 2) ** 0.5
        assert 0 < change.loc[int(earlier), "se"] < 0.95 * alone
