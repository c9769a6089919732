"""Reads the oracle: its data with types and levels, and R's small expressions in terms of pandas."""

from __future__ import annotations

import functools
import json
import os
import re
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[2]
ORACLE = (REPOSITORY / os.environ.get("ANXIN_ORACLE", "../shared/oracle")).resolve()
CASES = Path(os.environ["ANXIN_ORACLE_CASES"]).resolve() if "ANXIN_ORACLE_CASES" in os.environ else ORACLE / "open"


@functools.cache
def columns() -> dict[str, Any]:
    return dict(json.loads((ORACLE / "data" / "columns.json").read_text()))


@functools.cache
def load(name: str) -> pd.DataFrame:
    """A data set; dots in names become underscores, factors categoricals in R's order of levels."""
    types = columns()[name]
    factors = [c for c, t in types.items() if t["type"] in ("factor", "character", "ordered")]
    frame = pd.read_csv(
        ORACLE / "data" / f"{name}.csv", dtype=dict.fromkeys(factors, str), na_values=[""], keep_default_na=False
    )
    for c in factors:
        if types[c].get("levels"):
            frame[c] = pd.Categorical(frame[c], categories=types[c]["levels"], ordered=types[c].get("ordered", False))
    for c, t in types.items():
        if t["type"] == "logical":
            frame[c] = frame[c].map({"TRUE": True, "FALSE": False, True: True, False: False})
    return frame.rename(columns=plain)


def plain(name: str) -> str:
    """A column's name without dots."""
    return name.replace(".", "_")


def expression(text: str) -> str:
    """An R expression as pandas' eval reads it."""
    text = re.sub(r"!is\.na\((\w+)\)", r"(\1 == \1)", text)
    text = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z0-9])", "_", text)
    text = re.sub(r"(\d+):(\d+)", lambda m: "[" + ",".join(map(str, range(int(m[1]), int(m[2]) + 1))) + "]", text)
    text = re.sub(r"%in%\s*c\(([^)]*)\)", r" in [\1]", text).replace("%in%", " in ")
    return re.sub(r"\bI\(", "(", text).replace("^", "**")


def condition(frame: pd.DataFrame, text: str) -> np.ndarray:
    """Rows where an R condition holds; missing is false."""
    value = frame.eval(expression(text), engine="python")
    return np.asarray(pd.Series(value).astype("boolean").fillna(False), dtype=bool)


def variable(frame: pd.DataFrame, text: str, mask: np.ndarray | None = None) -> tuple[str, pd.DataFrame]:
    """Name of a column holding an R term, added to the frame where needed; factors are those of the mask's rows."""
    name = plain(text)
    if name in frame.columns:
        return name, frame
    if made := re.fullmatch(r"factor\((.+)\)", text):
        inner, frame = variable(frame, made[1])
        return name, frame.assign(**{name: as_factor(_within(frame[inner], mask))})
    if made := re.fullmatch(r"interaction\((.+)\)", text):
        parts = [variable(frame, part.strip())[0] for part in made[1].split(",")]
        numeric = {p: as_factor(_within(frame[p], mask)) for p in parts if not hasattr(frame[p], "cat")}
        return name, frame.assign(**{name: interaction(frame.assign(**numeric), parts)})
    value = pd.Series(frame.eval(expression(text), engine="python"), index=frame.index)
    if value.dtype == bool:
        used = [c for c in frame.columns if re.search(rf"\b{re.escape(c)}\b", expression(text))]
        value = value.astype(float).where(frame[used].notna().all(axis=1))
    return name, frame.assign(**{name: value})


def _within(column: pd.Series, mask: np.ndarray | None) -> pd.Series:
    return column if mask is None else column.where(mask)


def as_factor(column: pd.Series) -> pd.Categorical:
    """R's factor(): levels that occur, sorted (of a factor: in its own order)."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Categorical(column.cat.remove_unused_categories())
    codes = column.map(lambda v: f"{v:.15g}" if isinstance(v, Number) and v == v else v)
    order = [f"{v:.15g}" if isinstance(v, Number) else v for v in sorted(column.dropna().unique())]
    return pd.Categorical(codes.where(column.notna()), categories=order)


def interaction(frame: pd.DataFrame, names: list[str]) -> pd.Categorical:
    """R's interaction(): the first factor's levels vary fastest, joined by dots."""
    factors = [
        pd.Categorical(frame[n]) if not isinstance(frame[n].dtype, pd.CategoricalDtype) else frame[n].array
        for n in names
    ]
    levels = [""]
    for k, factor in enumerate(factors):
        own = [str(c) for c in factor.categories]
        levels = own if k == 0 else [f"{a}.{b}" for b in own for a in levels]
    text = pd.Series(factors[0]).astype(str)
    missing = pd.isna(pd.Series(factors[0]))
    for factor in factors[1:]:
        text = text + "." + pd.Series(factor).astype(str)
        missing = missing | pd.isna(pd.Series(factor))
    return pd.Categorical(text.where(~missing), categories=levels)


def number(value: Any) -> float:
    """A JSON number, or R's NaN, NA, Inf and -Inf as text."""
    if isinstance(value, str):
        return {"NaN": np.nan, "NA": np.nan, "Inf": np.inf, "-Inf": -np.inf}[value]
    return np.nan if value is None else float(value)


def numbers(value: Any) -> np.ndarray:
    """An array of numbers of any shape."""
    if isinstance(value, list):
        return np.array([numbers(v) if isinstance(v, list) else number(v) for v in value], dtype=float)
    return np.array([number(value)])
