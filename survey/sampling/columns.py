"""Reads the design's columns from a frame: weights, keys, population sizes; says precisely what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from survey.errors import DesignError
from survey.sampling.linearized import Bools, Floats, clusters_drawn, codes_of, first_of


def refuse(title: str, expected: str = "", got: object = "", where: str = "", hint: str = "") -> NoReturn:
    """Raise a DesignError whose parts are plain sentences."""
    raise _plain(title, where, expected, str(got), hint)


def _plain(title: str, where: str, expected: str, got: str, hint: str) -> DesignError:
    parts = {"where": where, "expected": expected, "got": got, "hint": hint}
    return DesignError(title, **{name: text.replace("{", "{{").replace("}", "}}") for name, text in parts.items()})


def names(given: str | Sequence[str] | None) -> list[str]:
    """A list of column names from none, one or several."""
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def column(frame: pd.DataFrame, name: str, role: str) -> pd.Series:
    """A column of the frame.   Raises: DesignError: it is not there."""
    if name not in frame.columns:
        refuse(f"The {role} column is not in the data", f"a column {name}", f"{len(frame.columns)} other columns", name)
    found = frame[name]
    if isinstance(found, pd.DataFrame):
        refuse(
            f"The {role} column is there more than once", f"one column {name}", f"{found.shape[1]} of that name", name
        )
    return found


def _places(bad: Bools) -> str:
    rows = np.flatnonzero(bad)
    shown = ", ".join(str(int(row) + 1) for row in rows[:5])
    return f"data rows {shown}" + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")


def weights(frame: pd.DataFrame, given: str | ArrayLike | None, implied: Floats | None) -> Floats:
    """Weights (n,) from a column, a vector (a Series by its labels), the FPC, or all 1.

    Raises: DesignError: a weight is missing, infinite or negative, or none is positive.
    """
    label = f"column {given}" if isinstance(given, str) else "weights"
    if given is None:
        return np.ones(len(frame)) if implied is None else implied
    if isinstance(given, pd.Series):
        given = aligned(frame, given, "weights vector")
    raw = column(frame, given, "weights") if isinstance(given, str) else pd.Series(np.asarray(given))
    if len(raw) != len(frame):
        refuse("The weights have another length than the data", f"{len(frame)} weights", len(raw), label)
    values: Floats = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing = ~np.isfinite(values)
    if missing.any():
        refuse(
            "Some weights are missing or not a number",
            "a weight for every row",
            f"{int(missing.sum())} without one",
            f"{label}, {_places(missing)}",
            "give the row a weight of 0 if it is not to count, or leave it out",
        )
    if (values < 0).any():
        refuse("Some weights are negative", "weights of 0 or more", f"{int((values < 0).sum())} below 0",
               f"{label}, {_places(values < 0)}",
               "mend the weighting; a bounded calibration gives no negative weight")  # fmt: skip
    if not (values > 0).any():
        refuse("All weights are zero", "one or more positive weights", f"{len(values)} zeros", label)
    return values


def key(frame: pd.DataFrame, name: str, role: str) -> NDArray[Any]:
    """A strata or unit column as integer codes (n,).   Raises: DesignError: some rows have no value."""
    found = column(frame, name, role)
    missing = found.isna().to_numpy()
    if missing.any():
        refuse(f"Some rows have no value of the {role} column", "a value in every row",
               f"{int(missing.sum())} without one", f"column {name}, {_places(missing)}")  # fmt: skip
    return _labels(found)


def _labels(found: pd.Series) -> NDArray[Any]:
    if isinstance(found.dtype, pd.CategoricalDtype):
        found = found.astype(found.cat.categories.dtype)
    return np.asarray(found.to_numpy() if found.dtype.kind in "iufb" else found.astype(str).to_numpy(dtype=object))


def populations(
    frame: pd.DataFrame, fpc: list[str], strata: list[NDArray[Any]], clusters: list[NDArray[Any]],
    varying: bool = False,
) -> list[Floats | None]:  # fmt: skip
    """Population size of each row's stratum at each stage, from counts or sampling fractions; None where not given.

    Args: varying: values may differ within a stratum (inclusion probabilities).
    Raises: DesignError: a value is missing, not positive or not that of its stratum, counts and fractions are mixed, or
    N < n.
    """
    if len(fpc) > len(clusters):
        refuse("There are more fpc columns than sampling stages", f"at most {len(clusters)}", len(fpc), ", ".join(fpc))
    values = [
        pd.to_numeric(column(frame, name, "fpc"), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        for name in fpc
    ]
    for name, value in zip(fpc, values, strict=True):
        bad = ~(value > 0)
        if bad.any():
            refuse("Some population sizes are missing or not positive", "counts ≥ 1 or fractions ≤ 1",
                   f"{int(bad.sum())} such rows", f"column {name}, {_places(bad)}")  # fmt: skip
    sizes: list[Floats | None] = [None] * len(clusters)
    if not values:
        return sizes
    every = np.concatenate(values)
    fractions = bool((every <= 1).all())
    if not fractions and (every < 1).any():
        refuse("The fpc columns mix counts and fractions", "all ≥ 1 (counts) or all ≤ 1 (fractions)",
               f"{int((every < 1).sum())} below 1 and {int((every > 1).sum())} above", ", ".join(fpc))  # fmt: skip
    above: list[NDArray[Any]] = []
    for k, value in enumerate(values):
        code = codes_of(*above, strata[k])
        drawn = clusters_drawn(code, codes_of(*above, clusters[k]))
        sizes[k] = drawn / value if fractions else value
        too_few = sizes[k] < drawn * (1 - 1e-9)  # type: ignore[operator]
        if too_few.any():
            refuse("A population is smaller than its sample", "fpc ≥ units drawn", f"{int(too_few.sum())} rows",
                   f"column {fpc[k]}, {_places(too_few)}")  # fmt: skip
        wrong = np.abs(value - value[first_of(code, int(code.max()) + 1)][code]) > 1e-9 * value
        if wrong.any() and not varying:
            refuse("The population size differs within a stratum", "one value in each stratum of a stage",
                   f"{int(wrong.sum())} rows with another", f"column {fpc[k]}, {_places(wrong)}")  # fmt: skip
        above = [*above, clusters[k]]
    return sizes


def implied(sizes: list[Floats | None], strata: list[NDArray[Any]], clusters: list[NDArray[Any]]) -> Floats | None:
    """Weights N/n that follow from the FPC, multiplied over the stages; None without one."""
    if sizes[0] is None:
        return None
    product = np.ones(len(strata[0]))
    above: list[NDArray[Any]] = []
    for k, size in enumerate(sizes):
        if size is None:
            break
        product = product * size / clusters_drawn(codes_of(*above, strata[k]), codes_of(*above, clusters[k]))
        above = [*above, clusters[k]]
    return product


def as_mask(frame: pd.DataFrame, condition: Any) -> Bools:
    """A boolean vector (n,) from a vector, an expression or a function; missing is False."""
    value = (
        condition(frame) if callable(condition) else frame.eval(condition) if isinstance(condition, str) else condition
    )
    if isinstance(value, pd.Series):
        value = aligned(frame, value, "domain")
    series = pd.Series(np.asarray(value) if not isinstance(value, pd.Series) else value.array)
    if len(series) != len(frame):
        refuse("The domain has another length than the data", f"{len(frame)} values", len(series))
    return np.asarray(series.astype("boolean").fillna(False).to_numpy(dtype=bool))


def aligned(frame: pd.DataFrame, values: pd.Series, role: str) -> pd.Series:
    """Values in the order of the frame's rows, found by their labels.

    Raises: DesignError: the labels are others than the frame's, or out of order and not unique.
    """
    if values.index.equals(frame.index):
        return values
    hint = "give a plain array (Series.to_numpy()) if the values are in the order of the rows"
    if len(values) != len(frame):
        refuse(f"The {role} has another length than the data", f"{len(frame)} values", len(values), hint=hint)
    if not (values.index.is_unique and frame.index.is_unique):
        refuse(f"The labels of the {role} are in another order than the data's, and some stand there twice",
               "the data's index, or unique labels", "labels that name no single row", hint=hint)  # fmt: skip
    place = values.index.get_indexer(frame.index)
    if (place < 0).any():
        refuse(f"The {role} has no value for some rows", "the labels of the data's index",
               f"{int((place < 0).sum())} labels missing", _places(place < 0), hint)  # fmt: skip
    return values.iloc[place]
