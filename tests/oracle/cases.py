"""One adapter a family: a case becomes a call of the programming interface, its answer (name, got, expected) pairs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from survey import compare, estimate
from survey.design import SurveyDesign
from survey.errors import AnxinError
from survey.estimation.covariance import vcov
from tests.oracle.designs import Unsupported, build
from tests.oracle.rdata import condition, numbers, plain, variable

Pairs = Iterator[tuple[str, Any, Any]]
Case = dict[str, Any]
FAMILIES: dict[str, Callable[[Case], Pairs]] = {}


def family(*names: str) -> Callable[[Callable[[Case], Pairs]], Callable[[Case], Pairs]]:
    """Registers the adapter of one or several families."""

    def register(adapter: Callable[[Case], Pairs]) -> Callable[[Case], Pairs]:
        FAMILIES.update(dict.fromkeys(names, adapter))
        return adapter

    return register


def design_of(case: Case) -> SurveyDesign:
    """The case's design under its options for lonely units, and its domain."""
    options = case.get("options") or {}
    args = case["args"]
    if "adjust_domain" in args:
        options = {"survey.adjust.domain.lonely": args["adjust_domain"], **options}
    lonely = options.get("survey.lonely.psu", args.get("lonely", "fail"))
    d = build(case["design"], lonely, bool(options.get("survey.adjust.domain.lonely", False)))
    if "where" in args:
        d = d.domain(condition(d.frame, args["where"]))
    return d


def with_variables(d: SurveyDesign, texts: str | list[str]) -> tuple[SurveyDesign, list[str]]:
    """The design with R's terms as columns, and their names; R makes factors of what is left in a domain."""
    names, frame = [], d.frame
    for text in [texts] if isinstance(texts, str) else texts:
        name, frame = variable(frame, text, d.mask if not d.calibrations else None)
        names.append(name)
    new = {c: frame[c] for c in frame.columns if c not in d.frame.columns}
    return (d.assign(**new) if new else d), names


def indicators(d: SurveyDesign, names: list[str]) -> tuple[SurveyDesign, list[str]]:
    """Categorical items as one 0/1 column a level, as R's model matrix, so that several have one covariance."""
    new: dict[str, Any] = {}
    items: list[str] = []
    for name in names:
        column = d.frame[name]
        if not isinstance(column.dtype, pd.CategoricalDtype):
            items.append(name)
            continue
        for level in column.cat.categories:
            new[f"{name}={level}"] = (column == level).astype(float).where(column.notna())
            items.append(f"{name}={level}")
    return (d.assign(**new) if new else d), items


def logical(d: SurveyDesign, name: str) -> SurveyDesign:
    """A 0/1 column as R's logical, which has one figure a level."""
    if not set(d.frame[name].dropna()) <= {0.0, 1.0}:
        return d
    levels = ["FALSE", "TRUE"]
    return d.assign(**{name: pd.Categorical(d.frame[name].map({0.0: "FALSE", 1.0: "TRUE"}), categories=levels)})


def statistic(case: Case, d: SurveyDesign, names: list[str], fn: str, **options: Any) -> pd.DataFrame:
    """Means or totals of the items; a single categorical item by shares or counts of its levels."""
    missing = "listwise" if case["args"].get("na_rm") else "item"
    freedom = float(case["expect"].get("degf", d.degf()))
    single = len(names) == 1 and isinstance(d.frame[names[0]].dtype, pd.CategoricalDtype)
    if single and fn == "mean":
        return estimate.proportion(d, names, ci="wald", df=freedom, **options)
    if single:
        return estimate.total(d, names, df=freedom, **options)
    d, items = indicators(d, names)
    return {"mean": estimate.mean, "total": estimate.total}[fn](d, items, missing=missing, df=freedom, **options)


def missing_without_rm(case: Case, d: SurveyDesign, names: list[str]) -> bool:
    """Whether R answers NA because a missing value is not removed."""
    return not case["args"].get("na_rm") and bool(d.frame.loc[d.mask, names].isna().any(axis=None))


def stat_pairs(case: Case, out: pd.DataFrame, extra: tuple[str, ...] = ()) -> Pairs:
    """Pairs of an expectation of kind "stat"."""
    expect = case["expect"]
    yield "est", out["estimate"], expect["est"]
    yield "se", out["se"], expect["se"]
    if "vcov" in expect and len(out) == len(expect["vcov"]):
        yield "vcov", vcov(out), expect["vcov"]
    if "ci95_t" in expect:
        yield "ci", out[["ci_low", "ci_high"]].to_numpy(), expect["ci95_t"]
    if "cv" in expect:
        yield "cv", out["cv"] * np.sign(out["estimate"]), expect["cv"]
    for name in extra:
        yield name, out[name], expect[name]


@family("mean", "total", "deff")
def mean_or_total(case: Case) -> Pairs:
    args = case["args"]
    d, names = with_variables(design_of(case), args["y"])
    fn = args.get("fn", case["family"])
    deff = "replace" if args.get("deff") == "replace" else "wor"
    if "by" in args:
        yield from by_pairs({**case, "args": {**args, "fn": fn}})
        return
    if missing_without_rm(case, d, names) and np.isnan(numbers(case["expect"]["est"])).all():
        try:
            estimate.mean(d, names, missing="fail")
        except AnxinError:
            return
    if len(numbers(case["expect"]["est"])) == 2 * len(names):
        d = logical(d, names[0])
    if not d.frame.loc[d.mask, names].notna().any(axis=None) and fn == "mean":
        raise Unsupported("the mean of no answers is a labelled NaN here, 0 in R")
    out = statistic(case, d, names, fn, deff=deff)
    yield from stat_pairs(case, out, ("deff",) if "deff" in case["expect"] and "deff" in args else ())


@family("by")
def by_pairs(case: Case) -> Pairs:
    args, expect = case["args"], case["expect"]
    d = design_of(case)
    by = [plain(b) for b in ([args["by"]] if isinstance(args["by"], str) else args["by"])]
    if expect["kind"] == "frame":
        out = estimate.proportion(d, plain(args["y"]), by, ci=args["method"]).set_index("group")
        rows = [str(g) for g in expect["columns"][args["by"]]]
        yield "est", out.loc[rows, "estimate"], expect["columns"][args["y"]]
        yield "low", out.loc[rows, "ci_low"], expect["columns"]["ci_l"]
        yield "high", out.loc[rows, "ci_high"], expect["columns"]["ci_u"]
        return
    out = by_result(case, d, by)
    groups = [":".join(str(g) for g in group) for group in expect["groups"]]
    index = {(g, k): row for row, (g, k) in enumerate(zip(out["group"], out.groupby("group").cumcount(), strict=True))}
    width = len(expect["est"]) // len(groups)
    rows = [index[g, k] for k in range(width) for g in groups]
    out = out.iloc[rows]
    yield "est", out["estimate"], expect["est"]
    yield "se", out["se"], expect["se"]
    if args["fn"] != "quantile":
        yield "ci", out[["ci_low", "ci_high"]].to_numpy(), expect["ci95_t"]
    if "deff" in args and "deff" in expect:
        yield "deff", out["deff"], expect["deff"]


def by_result(case: Case, d: SurveyDesign, by: list[str]) -> pd.DataFrame:
    """The grouped estimates, levels of categorical items as R orders them."""
    args = case["args"]
    freedom = float(d.degf())
    fn = args["fn"] if args["fn"] in ("mean", "total", "ratio", "quantile") else "mean"
    if fn == "ratio":
        top, bottom = (plain(part) for part in args["y"].split("/"))
        return estimate.ratio(d, top, bottom, by, df=freedom)
    d, names = with_variables(d, args["y"])
    if len(numbers(case["expect"]["est"])) == 2 * len(case["expect"]["groups"]) and len(names) == 1:
        d = logical(d, names[0])
    if fn == "quantile":
        return estimate.quantile(d, names[0], [args["p"]], by)
    d, items = indicators(d, names)
    missing = "listwise" if args.get("na_rm") else "item"
    deff = "replace" if args.get("deff") == "replace" else "wor"
    return {"mean": estimate.mean, "total": estimate.total}[fn](d, items, by, df=freedom, missing=missing, deff=deff)


@family("ratio")
def ratio_pairs(case: Case) -> Pairs:
    args, expect = case["args"], case["expect"]
    d = design_of(case)
    top = [plain(n) for n in ([args["num"]] if isinstance(args["num"], str) else args["num"])]
    if args.get("separate"):
        strata = d.strata if d.replicates is None else []
        out = estimate.ratio(d, top, plain(args["den"]), by=strata or None)
        out = out.set_index("group").loc[[str(s) for s in expect["strata"]]] if strata else out
        yield "est", out["estimate"], expect["est"]
        yield "se", out["se"], expect["se"]
        return
    out = estimate.ratio(
        d, top, plain(args["den"]), df=float(d.degf()), missing="listwise" if args.get("na_rm") else "item"
    )
    yield "est", out["estimate"], expect["est"]
    yield "se", out["se"], expect["se"]
    yield "ci", out[["ci_low", "ci_high"]].to_numpy(), expect["ci95_t"]


@family("ciprop")
def ciprop_pairs(case: Case) -> Pairs:
    args, expect = case["args"], case["expect"]
    d, names = with_variables(design_of(case), args["y"])
    out = estimate.proportion(d, names[0], ci=args["method"], level=args.get("level", 0.95), df=float(d.degf())).iloc[0]
    yield "est", out["estimate"], expect["est"]
    yield "se", out["se"], expect["se"]
    yield "ci", [out["ci_low"], out["ci_high"]], expect["ci95"]


@family("degf")
def degf_pairs(case: Case) -> Pairs:
    yield "degf", design_of(case).degf(), case["expect"]["values"]


@family("lonely", "edge", "pps")
def dispatched(case: Case) -> Pairs:
    """Families that hold cases of other families."""
    args = case["args"]
    fn = args.get("fn", "mean")
    if case["expect"]["kind"] == "error":
        d = design_of(case)
        estimate.mean(d, "q1" if "q1" in d.frame else "meals")
        raise Unsupported("no error where R has one")
    if fn in ("mean", "total"):
        yield from mean_or_total(
            {**case, "args": {**args, "fn": fn, "na_rm": args.get("na_rm", case["family"] == "lonely")}}
        )
    elif fn == "by":
        yield from by_pairs({**case, "args": {**args, "fn": "mean", "na_rm": True}})
    elif fn == "ratio":
        yield from ratio_pairs(case)
    elif fn in ("logistic", "glm"):
        link = {"family": "quasibinomial", "link": "logit"} if fn == "logistic" else {"family": "gaussian"}
        yield from FAMILIES["glm_gaussian"]({**case, "args": {**args, **link}})
    elif fn in FAMILIES:
        yield from FAMILIES[fn]({"statistic": "F", **case, "args": {"statistic": "F", **args}})
    else:
        raise Unsupported(fn)


@family("contrast")
def contrast_pairs(case: Case) -> Pairs:
    args = case["args"]
    d = design_of(case)
    inner = re.search(r"(?:svy(mean|total)\(~([^,)]*)|svyby (\w+) (\w+))", args["of"])
    assert inner
    freedom = float(d.degf())
    if inner[3]:
        base = estimate.mean(d, inner[3], inner[4], df=freedom)
        high, low = args["expr"].split("-")
        out = compare.contrast(base, {high: 1, low: -1}, df=freedom)
    else:
        d, names = with_variables(d, inner[2].split("+"))
        base = statistic({**case, "args": {**args, "na_rm": True}}, d, names, inner[1])
        if args["expr"] == "several":
            out = compare.contrast(base, {"a": {"E": 1, "H": -1}, "b": {"E": 0.5, "H": 0.5, "M": -1}}, df=freedom)
        else:
            out = compare.contrast(base, plain(args["expr"]).replace("^", "**"), df=freedom)
    yield from stat_pairs(case, out)


@family("ttest")
def ttest_pairs(case: Case) -> Pairs:
    args = case["args"]
    if case["expect"]["statistic"] == {"t": "NA"}:
        raise Unsupported("R answers NA where an answer is missing; here such rows are left out")
    d, names = with_variables(design_of(case), args["y"])
    out = compare.ttest(d, names[0], plain(args["group"]) if "group" in args else None)
    yield from htest_pairs(case, out)


def htest_pairs(case: Case, out: pd.DataFrame, expect: dict[str, Any] | None = None) -> Pairs:
    """Pairs of an expectation of kind "htest" whose statistic is a t."""
    expect = expect or case["expect"]
    row = out.iloc[0]
    yield "t", row["estimate"] / row["se"], list(expect["statistic"].values())
    yield "df", row["df"], expect["parameter"]["df"]
    yield "p", row["p"], expect["p_value"]
    yield "estimate", row["estimate"], list(expect["estimate"].values())
    if "ci95" in expect and np.isfinite(numbers(expect["ci95"])).all():
        yield "ci", [row["ci_low"], row["ci_high"]], expect["ci95"]


@family("chisq")
def chisq_pairs(case: Case) -> Pairs:
    args, expect = case["args"], case["expect"]
    d = design_of(case)
    # R had no CompQuadForm, so its "lincom" fell back to the saddlepoint approximation; ours would be exact
    names = {"Chisq": "chi2", "Wald": "wald", "adjWald": "adj_wald", "lincom": "saddlepoint"}
    statistic = args["statistic"]
    if "NaN" in case["expect"]["statistic"].values():
        raise Unsupported("R has no X² where a level is empty; here levels without answers are left out")
    test = compare.rao_scott(d, *[plain(v) for v in args["vars"]], statistic=names.get(statistic, statistic)).attrs[
        "test"
    ]
    value = expect["statistic"]
    if "F" in value:
        yield "F", test["value"], value["F"]
        yield "ndf", test["ndf"], expect["parameter"]["ndf"]
        yield "ddf", test["ddf"], expect["parameter"]["ddf"]
    elif not d.frame.loc[d.mask, [plain(v) for v in args["vars"]]].isna().any(
        axis=None
    ) and "r_quirk_x2_counts_missing_rows" not in case.get("flags", []):
        yield "x2", test["x2"], list(value.values())
    if statistic != "Chisq" or "r_quirk_x2_counts_missing_rows" not in case.get("flags", []):
        yield "p", test["p"], expect["p_value"]


@family("table")
def table_pairs(case: Case) -> Pairs:
    args, expect = case["args"], case["expect"]
    d = design_of(case)
    out = estimate.table(d, [plain(v) for v in args["vars"]], total=args.get("Ntotal"))
    value = np.array(out["estimate"]).reshape([len(levels) for levels in expect["dimnames"].values()])
    scale = 1.0
    if "r_quirk_table_rescaled_to_full_total" in case.get("flags", []):
        scale = float(np.sum(expect["values"]) / value.sum())
    yield "table", value.ravel(order="F") * scale, expect["values"]


@family("quantile")
def quantile_pairs(case: Case) -> Pairs:
    args, expect = case["args"], case["expect"]
    d = design_of(case)
    rows = next(iter(expect["values"].values()))
    probabilities = [float(p) for p in rows["p"]]
    for text, wanted in expect["values"].items():
        e, names = with_variables(d, text)
        out = estimate.quantile(
            e, names[0], probabilities, qrule=args.get("qrule", "math"), interval=args.get("interval", "mean"),
        )  # fmt: skip
        for k, name in enumerate(("estimate", "ci_low", "ci_high", "se")):
            yield name, out[name], [row[k] for row in wanted["rows"]]


@family("cdf")
def cdf_pairs(case: Case) -> Pairs:
    rows = numbers(case["expect"]["rows"])
    yield "F", estimate.cdf(design_of(case), plain(case["args"]["y"]), rows[:, 0])["estimate"], rows[:, 1].tolist()


@family("var")
def var_pairs(case: Case) -> Pairs:
    expect = case["expect"]
    d, names = with_variables(design_of(case), case["args"]["y"])
    out = estimate.variance(d, names, df=float(expect["degf"]))
    yield "est", out["estimate"], expect["est"]
    yield "se", out["se"], expect["se"]
    if "ci95_t" in expect:
        yield "ci", out[["ci_low", "ci_high"]].to_numpy(), expect["ci95_t"]


@family("corr")
def corr_pairs(case: Case) -> Pairs:
    d, names = with_variables(design_of(case), case["args"]["items"])
    yield "r", estimate.correlation(d, names)["estimate"], np.array(case["expect"]["rows"]).ravel().tolist()


@family("cralpha")
def alpha_pairs(case: Case) -> Pairs:
    """R takes each item's variance over its own pairwise rows of the formula: all items answered."""
    d, names = with_variables(design_of(case), case["args"]["items"])
    yield "alpha", estimate.alpha(d, names)["estimate"], case["expect"]["values"]


@family("kappa")
def kappa_pairs(case: Case) -> Pairs:
    d, names = with_variables(design_of(case), case["args"]["vars"])
    yield from stat_pairs(case, estimate.kappa(d, *names, df=float(case["expect"]["degf"])))


@family("weights")
def weights_pairs(case: Case) -> Pairs:
    d = design_of(case)
    yield "weights", d.weights[d.mask], case["expect"]["values"]


@family("weight_diag")
def diagnostics_pairs(case: Case) -> Pairs:
    from survey.calibrate import weight_diagnostics

    found = weight_diagnostics(design_of(case).weights)
    yield "values", [found[name] for name in case["expect"]["names"]], case["expect"]["values"]


@family("ranktest")
def rank_pairs(case: Case) -> Pairs:
    """Against the order-invariant answer, as the oracle asks."""
    args, expect = case["args"], case.get("expect_midrank") or case["expect"]
    out = compare.rank_test(design_of(case), plain(args["y"]), plain(args["group"]), args["test"])
    if "t" in expect["statistic"]:
        yield from htest_pairs(case, out, expect)
        return
    test = out.attrs["test"]
    yield "p", test["p"], expect["p_value"]
    known = {"df": test["ndf"], "Chisq": test["chi2"], "ddf": test["ddf"]}
    for part in ("statistic", "parameter"):
        for name, value in expect.get(part, {}).items():
            yield name, known[name], value


# -- models -----------------------------------------------------------------------------------------------------------

KINDS = {"gaussian": "gaussian", "quasibinomial": "binomial", "quasipoisson": "poisson", "Gamma": "gamma",
         "inverse.gaussian": "inverse_gaussian", "binomial": "binomial"}  # fmt: skip


def formula_of(d: SurveyDesign, text: str) -> tuple[SurveyDesign, str]:
    """R's formula as patsy's, with what patsy cannot say as columns."""
    left, _, right = text.partition("~")
    if not left.strip().isidentifier() and "factor(" not in left:
        d, names = with_variables(d, left) if "log(" not in left else (d, [plain(left)])
        left = names[0] if "log(" in left else "_y"
        if left == "_y":
            d = d.assign(_y=d.frame[names[0]])
    if re.fullmatch(r"factor\((\w+)\)", left):
        d, names = with_variables(d, left)
        left = "_y"
        d = d.assign(_y=d.frame[names[0]])
    right = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z0-9])", "_", right).replace("^", "**").replace("factor(", "C(")
    for name in ("safe_day", "victim", "sw"):
        if name in d.frame.columns and d.frame[name].dtype == bool:
            d = d.assign(**{name: d.frame[name].astype(float)})
    return d, f"{plain(left) if left != '_y' else left} ~ {right}"


def fitted(case: Case, d: SurveyDesign | None = None) -> Any:
    """The model of a case."""
    from survey import model

    args = case["args"]
    d, formula = formula_of(design_of(case) if d is None else d, args["formula"])
    name = re.sub(r"[^A-Za-z.]", "", args.get("family", "gaussian"))
    given = re.search(r"start=c\(([^)]*)\)", case.get("r", ""))
    start = [float(value) for value in given[1].split(",")] if given else None
    link = {"1/mu^2": "inverse_squared"}.get(args.get("link", ""), args.get("link", ""))
    return model.fit(d, formula, KINDS[name], link=link, offset=args.get("offset", ""), start=start)


def r_name(name: str) -> str:
    """A patsy coefficient's name as R writes it, without blanks and dots."""
    name = re.sub(r"\[(?:T\.)?([^\]]*)\]", r"\1", name).replace("C(", "factor(").replace("Intercept", "(Intercept)")
    name = re.sub(r"(poly\([^)]*\))(\d)", lambda m: f"{m[1]}{int(m[2]) + 1}", name)
    name = name.replace("**", "^").replace("True", "TRUE").replace("False", "FALSE")
    return re.sub(r"[ ._]", "", name)


def in_r_order(names: list[str], wanted: list[str]) -> list[int]:
    """Positions of R's coefficients among ours."""
    ours = {tuple(sorted(r_name(n).split(":"))): k for k, n in enumerate(names)}
    return [ours[tuple(sorted(re.sub(r"[ ._]", "", w).split(":")))] for w in wanted]


@family("glm_gaussian", "glm_binomial", "glm_count", "glm_other")
def glm_pairs(case: Case) -> Pairs:
    expect = case["expect"]
    m = fitted(case)
    place = in_r_order(m.names, expect["names"])
    out = m.tidy().iloc[place]
    yield "est", out["estimate"], expect["est"]
    yield "se", out["se"], expect["se"]
    yield "vcov", m.vcov.to_numpy()[np.ix_(place, place)], expect["vcov"]
    yield "df", m.df, expect["df_residual"]
    yield "t", out["estimate"] / out["se"], expect["stat"]
    p = numbers(expect["p_value"])
    if np.isfinite(p).all():
        yield "p", out["p"][p > 1e-300], p[p > 1e-300].tolist()
    if np.isfinite(numbers(expect["ci95"])).all():
        yield "ci", out[["ci_low", "ci_high"]].to_numpy(), expect["ci95"]
    if (d_weights := m.design.full_weights)[m.design.mask].all() or len(d_weights) == m.n:
        yield "n", m.n, expect["n"]  # R also counts rows whose weight is 0
    yield "deviance ratio", m.glm.deviance / m.glm.null_deviance, expect["deviance"] / expect["null_deviance"]
    if "fitted_head" in expect and m.design.full_weights.all():
        yield "fitted", m.glm.mu[: len(expect["fitted_head"])], expect["fitted_head"]


def r_terms(terms: str | list[str]) -> list[str]:
    spelled = [
        re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z0-9])", "_", t) for t in ([terms] if isinstance(terms, str) else terms)
    ]
    return [t.replace("factor(", "C(").replace("^", "**") for t in spelled]


@family("termtest")
def term_pairs(case: Case) -> Pairs:
    from survey.regression.termtests import term_test

    args, expect = case["args"], case["expect"]
    d = design_of(case)
    m = fitted(case, d)
    df = np.inf if args.get("df") == "Inf" else None
    test = term_test(m, r_terms(args["term"]), args["method"], df).attrs["test"]
    yield "df", test["ndf"], expect["df"]
    if "F" in expect:
        yield "F", test["value"], expect["F"]
        yield "ddf", test["ddf"], expect["ddf"]
    elif "chisq" in expect:
        yield "chisq", test["value"], expect["chisq"]
    yield "p", test["p"], expect["p_value"]


@family("anova")
def anova_pairs(case: Case) -> Pairs:
    from survey.regression.termtests import anova

    args, expect = case["args"], case["expect"]
    both = [fitted({**case, "args": {**args, "formula": args[key]}}) for key in ("formula1", "formula2")]
    test = anova(*both, method=args.get("method", "LRT")).attrs["test"]
    yield "values", [test["value"], test["ndf"], test["ddf"], test["p"]], expect["values"]


@family("aic")
def aic_pairs(case: Case) -> Pairs:
    from survey.regression.termtests import aic

    found = aic(fitted(case))
    yield "values", [found[name] for name in case["expect"]["names"]], case["expect"]["values"]


@family("psrsq")
def r2_pairs(case: Case) -> Pairs:
    from survey.regression.termtests import pseudo_r2

    found = pseudo_r2(fitted(case))
    yield "values", [found[name] for name in case["expect"]["names"]], case["expect"]["values"]


@family("predict")
def predict_pairs(case: Case) -> Pairs:
    from survey.regression.prediction import predict

    m = fitted(case)
    out = predict(m, m.design.frame[m.design.mask].head(12), case["args"]["type"])
    yield "rows", out[["estimate", "se"]].to_numpy(), case["expect"]["rows"]


@family("predmeans")
def adjusted_pairs(case: Case) -> Pairs:
    from survey.model import adjusted_means

    args = case["args"]
    m = fitted({**case, "args": {**args, "formula": args["adjustmodel"]}})
    out = adjusted_means(m, plain(args["factor"].lstrip("~")))
    place = [out["level"].tolist().index(name) for name in case["expect"]["names"]]
    yield "est", out["estimate"].iloc[place], case["expect"]["est"]
    yield "se", out["se"].iloc[place], case["expect"]["se"]
    yield "vcov", np.array(out.attrs["vcov"])[np.ix_(place, place)], case["expect"]["vcov"]


@family("resid")
def residual_pairs(case: Case) -> Pairs:
    from survey.regression.prediction import residuals

    m = fitted(case)
    rows = numbers(case["expect"]["rows"])
    # R divides prior weights of mean 1 over all rows by weights of mean 1 over the rows used
    ratio = np.sqrt(m.design.weights[m.used].mean() / m.design.likelihood_scale)
    for k, (kind, scale) in enumerate((("pearson", ratio), ("deviance", 1.0), ("response", 1.0))):
        yield kind, residuals(m, kind)[: len(rows)] * scale, rows[:, k].tolist()


@family("olr")
def ordinal_pairs(case: Case) -> Pairs:
    m, place = ordinal(case)
    expect = case["expect"]
    yield "est", m.estimates[place], expect["est"]
    yield "se", m.se.to_numpy()[place], expect["se"]
    yield "vcov", m.vcov.to_numpy()[np.ix_(place, place)], expect["vcov"]


def ordinal(case: Case) -> tuple[Any, list[int]]:
    from survey import model

    d, formula = formula_of(design_of(case), case["args"]["formula"])
    link = {"logistic": "logit"}.get(case["args"].get("link", "logistic"), case["args"].get("link", ""))
    m = model.fit(d, formula, "ordinal", link=link, hessian="numeric", optimizer="bfgs")  # as R's
    names = case["expect"].get("names") or []
    return m, in_r_order(m.names, names)


@family("olr_test")
def ordinal_test_pairs(case: Case) -> Pairs:
    from survey.regression.termtests import term_test

    m, _ = ordinal(case)
    test = term_test(m, r_terms(case["args"]["term"])).attrs["test"]
    expect = case["expect"]
    yield (
        "values",
        [test["ndf"], test["ddf"], test["p"], test["value"]],
        [expect[k] for k in ("df", "ddf", "p_value", "F")],
    )


@family("mi")
def imputation_pairs(case: Case) -> Pairs:
    from survey.imputation import combine
    from tests.oracle.designs import specifications

    args, expect = case["args"], case["expect"]
    designs = [build(case["design"], data=name) for name in specifications()[case["design"]]["data"]]
    parts = []
    for d in designs:
        if args["fn"] in ("glm", "logistic"):
            kind = "quasibinomial" if args["fn"] == "logistic" else "gaussian"
            m = fitted({**case, "args": {**args, "family": kind}}, d)
            parts.append(m.tidy())
            place = in_r_order(m.names, expect["names"])
        elif args["fn"] == "by":
            parts.append(estimate.mean(d, plain(args["y"]), plain(args["by"])))
            place = list(range(len(expect["names"])))
        else:
            e, names = with_variables(d, args["y"])
            parts.append(statistic({**case, "expect": {}}, e, names, args["fn"]))
            place = list(range(len(parts[-1])))
    out = combine(parts, df_complete=float(args.get("df_complete", np.inf)), rule="mitools")
    information = np.array(out.attrs["missing_information"])[place]
    out = out.iloc[place]
    yield "est", out["estimate"], expect["est"]
    yield "se", out["se"], expect["se"]
    yield "df", out["df"], expect["df"]
    yield "ci", out[["ci_low", "ci_high"]].to_numpy(), expect["ci95"]
    if "missInfo" in expect:
        yield "missing information", information, expect["missInfo"]


@family("gof")
def goodness_pairs(case: Case) -> Pairs:
    args, expect = case["args"], case["expect"]
    test = compare.goodness_of_fit(design_of(case), plain(args["y"]), args["p"]).attrs["test"]
    yield "x2", test["value"], list(expect["statistic"].values())
    yield "scale and df", [test["scale"], test["ndf"]], [expect["parameter"]["scale"], expect["parameter"]["df"]]
    yield "p", test["p"], expect["p_value"]


@family("glm_bm")
def bell_mccaffrey_pairs(case: Case) -> Pairs:
    from survey.regression.smallsample import bell_mccaffrey

    args, expect = case["args"], case["expect"]
    m = fitted(case)
    out = bell_mccaffrey(m, working="exchangeable" if args["std_errors"].endswith("2") else "independent")
    place = in_r_order(m.names, expect["names"])
    yield "est", out["estimate"].iloc[place], expect["est"]
    yield "se", out["se"].iloc[place], expect["se"]
    if args["degf"]:  # R keeps only the intercept's degrees of freedom, and uses them for every coefficient
        yield "df", out["df"].iloc[place[0]], expect["df_residual"]
