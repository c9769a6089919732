"""What golden.R asks of R's survey package, asked of this project's interface under the same names."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import patsy

from survey import calibrate, compare, estimate, model
from survey.design import SurveyDesign
from survey.regression.termtests import term_test
from survey.resample import as_replicates

HERE = Path(__file__).parent
Values = dict[str, Any]

PER_AREA, PER_SEX = [9000, 7500, 4500], [10000, 11000]
GREG = [21000, 7500, 4500, 1100000]  # patsy puts numbers last
LOGISTIC = "afraid ~ age + area + sex"


@cache
def people() -> pd.DataFrame:
    """The sample, its answers on safety in order."""
    frame = pd.read_csv(HERE / "data.csv")
    for name in ("area", "sex", "safe"):
        frame[name] = pd.Categorical(frame[name], categories=sorted(frame[name].dropna().unique()))
    return frame.assign(left=frame["income"] - 3000)


# -- designs ----------------------------------------------------------------------------------------------------------


def strata(**options: Any) -> SurveyDesign:
    return SurveyDesign(people(), "w", "stratum", "psu", nest=True, **options)


def two_stage() -> SurveyDesign:
    return SurveyDesign(people(), "w", "stratum", ["psu", "household"], ["fpc1", "fpc2"], nest=True)


def clusters() -> SurveyDesign:
    frame = people()
    return SurveyDesign(frame.assign(cluster=frame["stratum"] + "." + frame["psu"].astype(str)), "w", psu="cluster")


def lonely(rule: str) -> SurveyDesign:
    return SurveyDesign(people(), "w", "alone", "psu", nest=True, lonely_psu=rule)  # type: ignore[arg-type]


def pairs() -> SurveyDesign:
    return SurveyDesign(people(), "w", "stratum", "half", nest=True)


def raked(d: SurveyDesign) -> SurveyDesign:
    frame = d.frame
    return calibrate.raked(d, [(frame["area"].cat.codes, PER_AREA), (frame["sex"].cat.codes, PER_SEX)], 1e-12)


def greg(distance: Any, bounds: tuple[float, float] | None = None) -> SurveyDesign:
    return calibrate.calibrated(strata(), np.asarray(patsy.dmatrix("area + age", people())), GREG, distance, bounds)


DESIGNS: dict[str, Callable[[], SurveyDesign]] = {
    "rows": lambda: SurveyDesign(people(), "w"),
    "implied": lambda: SurveyDesign(people(), strata="stratum", fpc="people"),
    "clusters": clusters,
    "strata": strata,
    "one_stage": lambda: strata(fpc="fpc1"),
    "fraction": lambda: strata(fpc="share1"),
    "two_stage": two_stage,
    "domain": lambda: strata().domain("age >= 40 & income > 2000"),
    "two_stage_domain": lambda: two_stage().domain("area == 'old'"),
    "lonely_adjust": lambda: lonely("adjust"),
    "lonely_average": lambda: lonely("average"),
    "lonely_remove": lambda: lonely("remove"),
    "lonely_certainty": lambda: lonely("certainty"),
    "post": lambda: calibrate.poststratified(strata(), people()["area"].cat.codes, PER_AREA),
    "raked": lambda: raked(strata()),
    "raked_one_stage": lambda: raked(strata(fpc="fpc1")),
    "linear": lambda: greg("linear"),
    "raking": lambda: greg("raking"),
    "logit": lambda: greg("logit", (0.4, 3)),
    "raked_domain": lambda: raked(strata()).domain("age >= 40"),
    "jk1": lambda: as_replicates(clusters(), "JK1"),
    "jkn": lambda: as_replicates(strata(), "JKn"),
    "jkn_mse": lambda: as_replicates(strata(), "JKn", mse=True),
    "jkn_fpc": lambda: as_replicates(strata(fpc="fpc1"), "JKn"),
    "jkn_raked": lambda: raked(as_replicates(strata(), "JKn")),
    "jkn_domain": lambda: as_replicates(strata(), "JKn").domain("age >= 40"),
    "brr": lambda: as_replicates(pairs(), "BRR"),
    "fay": lambda: as_replicates(pairs(), "Fay", fay=0.3),
}


# -- what is read off an answer ----------------------------------------------------------------------------------------


def stat(out: pd.DataFrame) -> Values:
    return {"est": out["estimate"], "se": out["se"], "low": out["ci_low"], "high": out["ci_high"], "deff": out["deff"]}


def fitted(d: SurveyDesign, formula: str, family: str = "gaussian") -> Values:
    m = model.fit(d, formula, family)
    # R keeps the order of the formula, patsy puts categories before numbers
    place = sorted(range(len(m.names)), key=lambda k: (m.names[k].count(":"), _position(formula, m.names[k])))
    out = m.tidy().iloc[place]
    return {**stat(out), "p": out["p"], "df": m.df}


def _position(formula: str, name: str) -> int:
    return -1 if name == "Intercept" else formula.split("~")[1].find(name.split("[")[0].split(":")[0])


def htest(out: pd.DataFrame) -> Values:
    test = out.attrs["test"]
    names = {"saddlepoint": "value", "chi2": "x2"}
    return {
        "statistic": test[names.get(test["statistic"], "value")],
        "df": [test[name] for name in ("ndf", "ddf") if name in test],
        "p": test["p"],
    }


def ttest(out: pd.DataFrame) -> Values:
    return {**stat(out), "statistic": out["estimate"] / out["se"], "df": out["df"], "p": out["p"]}


def share(d: SurveyDesign, interval: Any) -> Values:
    return stat(estimate.proportion(d, "victim", ci=interval, df=d.degf()))


def quantiles(d: SurveyDesign, item: str, p: list[float], **how: Any) -> Values:
    return stat(estimate.quantile(d, item, p, **how))


def both(d: SurveyDesign) -> pd.DataFrame:
    return estimate.mean(d, ["income", "spent"], missing="listwise")


def wald(d: SurveyDesign) -> Values:
    test = term_test(model.fit(d, LOGISTIC, "binomial"), "area").attrs["test"]
    return {"F": test["value"], "df": test["ndf"], "ddf": test["ddf"], "p": test["p"]}


TENTHS = [0.1, 0.5, 0.75]
CALLS: dict[str, Callable[[SurveyDesign], Values]] = {
    "degrees of freedom": lambda d: {"est": d.degf()},
    "mean of visits and income": lambda d: stat(estimate.mean(d, ["visits", "income"], missing="listwise")),
    "shares of safe": lambda d: stat(estimate.proportion(d, "safe", ci="wald")),
    "total of victim": lambda d: stat(estimate.total(d, "victim")),
    "ratio of spent to income": lambda d: stat(estimate.ratio(d, "spent", "income")),
    "mean of afraid by sex": lambda d: stat(estimate.mean(d, "afraid", "sex", df=d.degf())),
    "logistic model": lambda d: fitted(d, LOGISTIC, "binomial"),
    "mean of income by area and sex": lambda d: stat(estimate.mean(d, "income", ["area", "sex"], df=d.degf())),
    "total of visits by area": lambda d: stat(estimate.total(d, "visits", "area", df=d.degf())),
    "deff of mean income": lambda d: stat(estimate.mean(d, ["income", "age"])),
    "deff with replacement": lambda d: stat(estimate.mean(d, ["income", "age"], deff="replace")),
    "logit interval": lambda d: share(d, "logit"),
    "beta interval": lambda d: share(d, "beta"),
    "xlogit interval": lambda d: share(d, "xlogit"),
    "asin interval": lambda d: share(d, "asin"),
    "wald interval": lambda d: share(d, "wald"),
    "quantiles of income": lambda d: quantiles(d, "income", TENTHS),
    "quantiles of visits": lambda d: quantiles(d, "visits", [0.25, 0.5, 0.9]),
    "quantiles by hf7": lambda d: quantiles(d, "income", TENTHS, qrule="hf7"),
    "quantiles by school, beta": lambda d: quantiles(d, "income", TENTHS, qrule="school", interval="beta"),
    "quantiles by hf8, xlogit": lambda d: quantiles(d, "income", TENTHS, qrule="hf8", interval="xlogit"),
    "variance of income": lambda d: stat(estimate.variance(d, "income")),
    "table of area and sex": lambda d: {"est": estimate.table(d, ["area", "sex"])["estimate"]},
    "linear model": lambda d: fitted(d, "income ~ age * sex + spent"),
    "count model": lambda d: fitted(d, "visits ~ age + area", "poisson"),
    "Wald test of area": wald,
    "F test of safe and sex": lambda d: htest(compare.rao_scott(d, "safe", "sex")),
    "chi2 test of area and sex": lambda d: htest(compare.rao_scott(d, "area", "sex", "chi2")),
    "Wald test of area and sex": lambda d: htest(compare.rao_scott(d, "area", "sex", "wald")),
    "adjusted Wald test of area and sex": lambda d: htest(compare.rao_scott(d, "area", "sex", "adj_wald")),
    "t-test of income by sex": lambda d: ttest(compare.ttest(d, "income", "sex")),
    "t-test of income": lambda d: ttest(compare.ttest(d, "left")),
    "Wilcoxon test": lambda d: ttest(compare.rank_test(d, "income", "sex", "wilcoxon")),
    "van der Waerden test": lambda d: ttest(compare.rank_test(d, "income", "sex", "vanDerWaerden")),
    "median test": lambda d: ttest(compare.rank_test(d, "income", "sex", "median")),
    "Kruskal-Wallis test": lambda d: htest(compare.rank_test(d, "income", "area", "KruskalWallis")),
    "difference of means": lambda d: stat(compare.contrast(both(d), {"income": 1, "spent": -1}, df=d.degf())),
    "difference of groups": lambda d: stat(
        compare.contrast(estimate.mean(d, "income", "sex"), {"woman": 1, "man": -1}, df=d.degf())
    ),
    "log ratio of means": lambda d: stat(compare.contrast(both(d), "log(spent / income)", df=d.degf())),
}
