"""The British Crime Survey 2007/08 from its delivered file to its report, against the figures of R's survey."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from flows import run as runs
from flows.job import Job
from flows.workspace import Workspace

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data" / "bcs-2007"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the BCS teaching file is not here (data/raw/bcs-2007/README.md says where to get it)"
)

# R 4.2.2, survey 4.1.1, d <- svydesign(ids = ~1, weights = ~tcindwt): svymean(~I(walkdark >= 3), d, na.rm = TRUE) and
# svyglm(…, family = quasibinomial). (The data set's own README prints 0.0050 for the first SE; R answers 0.00536.)
SHARES = {
    "unsafe_dark": (0.332501, 0.005362854),
    "unsafe_day": (0.038773, 0.002310229),
    "unsafe_home": (0.072318, 0.003039510),
}
MODEL = {
    "intercept": (-2.20216, 0.09247),
    "female": (1.34500, 0.05428),
    "age": (0.01700, 0.00147),
    "rural": (-1.01147, 0.06455),
    "victim": (0.44431, 0.06560),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    root = tmp_path_factory.mktemp("bcs")
    folder = root / "data" / "raw" / "bcs-2007"
    folder.mkdir(parents=True)
    (folder / "survey.yaml").write_bytes((ROOT / "data" / "raw" / "bcs-2007" / "survey.yaml").read_bytes())
    job = Job.plan(Workspace(root), "bcs-2007", None, None, DATA, root / "public")
    now = datetime(2026, 11, 24, tzinfo=UTC)
    outcome = runs.run(job, runs.plain, "plain", lambda _: None, lambda: now)
    place = outcome.published["2007-08"]
    assert (place / "en.html").is_file()
    assert not (place / "zh.html").exists()
    tables = [pd.read_csv(place / "tables" / f"{name}.csv", encoding="utf-8-sig") for name in ("headline", "models")]
    return pd.concat(tables)


@pytest.mark.parametrize("indicator", SHARES)
def test_shares_are_those_of_r(results: pd.DataFrame, indicator: str) -> None:
    share, se = SHARES[indicator]
    row = results[(results["item"] == indicator) & (results["statistic"] == "mean")].iloc[0]
    assert row["estimate"] == pytest.approx(share, abs=1e-6)
    assert row["se"] == pytest.approx(se, abs=1e-6)


@pytest.mark.parametrize("term", MODEL)
def test_the_model_is_that_of_r(results: pd.DataFrame, term: str) -> None:
    value, se = MODEL[term]
    row = results[(results["item"] == term) & (results["statistic"] == "coefficient")].iloc[0]
    assert row["n"] == 11609
    assert row["estimate"] == pytest.approx(value, abs=5e-6)
    assert row["se"] == pytest.approx(se, abs=5e-6)
