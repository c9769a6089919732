"""Builds the designs of designs.json with the programming interface."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pandas as pd
import patsy

from survey import calibrate
from survey.design import SurveyDesign
from tests.oracle.rdata import ORACLE, as_factor, condition, interaction, load, plain


class Unsupported(Exception):
    """The interface has nothing to ask this of."""


@functools.cache
def specifications() -> dict[str, Any]:
    return dict(json.loads((ORACLE / "designs.json").read_text()))


@functools.cache
def build(name: str, lonely: str = "fail", adjust_domain: bool = False, data: str = "") -> SurveyDesign:
    """The design called `name`; `lonely` and `adjust_domain` as in R's options, `data` another data set for it."""
    spec = specifications()[name]
    kind = spec["type"]
    if kind == "taylor" or kind == "mi":
        return _taylor(load(data or spec["data"]), spec, lonely, adjust_domain)
    if kind == "subset":
        base = build(spec["base"], lonely, adjust_domain)
        return base.domain(condition(base.frame, spec["where"]))
    if kind == "replicate":
        return _replicate(spec)
    if kind == "calibrated":
        return _calibrated(spec, build(spec["base"], lonely, adjust_domain))
    if kind == "pps":
        return _pps(spec)
    raise Unsupported(f"design of type {kind}")


def _taylor(frame: pd.DataFrame, spec: dict[str, Any], lonely: str, adjust_domain: bool) -> SurveyDesign:
    names = {key: [plain(c) for c in spec[key]] or None for key in ("ids", "strata", "fpc")}
    weights = plain(spec["weights"]) if spec["weights"] else None
    return SurveyDesign(
        frame, weights=weights, strata=names["strata"], psu=names["ids"], fpc=names["fpc"], nest=spec["nest"],
        lonely_psu=lonely, adjust_domain_lonely=adjust_domain,  # type: ignore[arg-type]
    )  # fmt: skip


def _replicate(spec: dict[str, Any]) -> SurveyDesign:
    if "repweights" not in spec:
        base = build(spec["base"])
        return base.domain(condition(base.frame, spec["where"]))
    matrix = pd.read_csv(ORACLE / spec["repweights"]).to_numpy(dtype=float)
    methods = {"successive-difference": "SDR", "subbootstrap": "bootstrap", "mrbbootstrap": "bootstrap"}
    explicit = 33 if "degf=33" in spec["how"] else None
    return SurveyDesign(
        load(spec["data"]), weights=np.array(spec["base_weights"], dtype=float), replicates=matrix,
        method=methods.get(spec["method"], spec["method"]), fay=spec.get("fay_rho"), scale=spec["scale"],
        rscales=spec["rscales"], mse=spec["mse"], df=explicit,
    )  # fmt: skip


def _cells(
    frame: pd.DataFrame, names: list[str], table: list[dict[str, Any]] | dict[str, float]
) -> tuple[Any, np.ndarray]:
    """Cell codes and counts of a margin given as level → count, or as rows with Freq."""
    if isinstance(table, dict):
        levels, text = list(table), frame[names[0]].map(_text)
        return pd.Categorical(text, categories=levels).codes, np.array([table[level] for level in levels])
    keys = [".".join(str(row[n]) for n in table[0] if n != "Freq") for row in table]
    text = frame[[plain(n) for n in table[0] if n != "Freq"]].map(_text).agg(".".join, axis=1)
    return pd.Categorical(text, categories=keys).codes, np.array([row["Freq"] for row in table])


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _calibrated(spec: dict[str, Any], base: SurveyDesign) -> SurveyDesign:
    how = spec["how"]
    frame = base.frame
    if how["fn"] == "postStratify":
        strata = [plain(s) for s in ([how["strata"]] if isinstance(how["strata"], str) else how["strata"])]
        return calibrate.poststratified(base, *_cells(frame, strata, how["population"]))
    if how["fn"] == "rake":
        margins = [_cells(frame, [plain(n) for n in name.split("+")], table) for name, table in how["margins"].items()]
        tolerance = 1.0 if isinstance(how["epsilon"], str) else how["epsilon"]
        return calibrate.raked(base, margins, tolerance=tolerance)
    if how["fn"] == "calibrate":
        return _greg(how, base)
    if how["fn"] == "trimWeights":
        return calibrate.trimmed(base, how["upper"], how["lower"], how["strict"])
    if how["fn"] == "svystandardize":
        return _standardized(how, base)
    raise Unsupported(how["fn"])


def _greg(how: dict[str, Any], base: SurveyDesign) -> SurveyDesign:
    frame = base.frame
    right = plain(how["formula"].lstrip("~"))
    matrix = patsy.dmatrix(right, frame, return_type="matrix", NA_action="raise")
    totals = how["population"]
    model = np.asarray(matrix)
    names = [
        c.replace("Intercept", "(Intercept)").replace("[T.", "").replace("]", "")
        for c in matrix.design_info.column_names
    ]
    assert names == [plain(n) for n in totals], (names, list(totals))
    bounds = tuple(how["bounds"]) if "bounds" in how else None
    cluster = base.linearized.row_psu if "aggregate.stage" in how and base.linearized else None
    variance = model @ np.array([float(how["variance"])]) if "variance" in how else None
    return calibrate.calibrated(
        base, model, list(totals.values()), how.get("calfun", "linear"), bounds, variance, by_cluster=cluster
    )


def _standardized(how: dict[str, Any], base: SurveyDesign) -> SurveyDesign:
    """Shares of `by` made equal in every cell of `over`."""
    frame = base.frame
    if "excluding_missing" in how:
        base = base.domain(frame[plain(how["excluding_missing"])].notna())
    by = as_factor(frame[plain(how["by"])])
    over = interaction(frame, [plain(n) for n in how["over"].split("+")])
    return calibrate.standardized(base, by.codes, over.codes, how["population"])


def _pps(spec: dict[str, Any]) -> SurveyDesign:
    from survey.sampling import pps

    frame = load(spec["data"])
    how = spec["how"]
    if "weights=~wt" in how:
        return SurveyDesign(frame, weights="wt")
    p = frame["p"].to_numpy()
    if "brewer" in how:
        return SurveyDesign(frame, fpc="p", pps="brewer")
    if "overton" in how:
        return SurveyDesign(frame, weights=1 / p, pps=pps.overton(p))
    if "ppsmat" in how:
        joint = np.loadtxt(ORACLE / "data" / "election_jointprob.csv", delimiter=",", skiprows=1)
        return SurveyDesign(frame, weights=1 / p, pps=pps.from_joint(joint, "YG" if "YG" in how else "HT"))
    mean_square = _mean_square(p) if "sum(election$p^2)" in how else None
    return SurveyDesign(frame, weights=1 / p, pps=pps.hartley_rao(p, mean_square))


def _mean_square(p: np.ndarray) -> float:
    """Σ p²/n over the population, which is not among the data, from the joint probabilities made with it.

    Hartley and Rao have π_ij = p_i p_j (n − 1)/(n − p_i − p_j + Σ p²/n).
    """
    joint = np.loadtxt(ORACLE / "data" / "election_jointHR.csv", delimiter=",", skiprows=1)
    pairs = np.triu_indices(len(p), 1)
    both = np.outer(p, p)[pairs] / joint[pairs]
    return float((both * (len(p) - 1) - len(p) + np.add.outer(p, p)[pairs]).mean())
