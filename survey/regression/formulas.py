"""Reads a model formula against a design's frame with patsy, the formula engine statsmodels 0.15 uses by default."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import patsy
from numpy.typing import ArrayLike

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.groups import coded, refuse_infinite, text
from survey.sampling.linearized import Bools, Floats, Ints, first_of, sum_by

FUNCTIONS = {"np": np, "log": np.log, "exp": np.exp, "sqrt": np.sqrt, "abs": np.abs}


@dataclass(frozen=True)
class Terms:
    """The right side of a formula, able to build its matrix for other data.

    names: columns of the model matrix; info: patsy's DesignInfo; kept: columns kept (zero ones of levels that do not
    occur are dropped); variables: frame columns the terms use; cases: the rows used, or their distinct ones; case: row
    used → case, where several rows share one.
    """

    names: list[str]
    info: Any
    kept: Bools
    variables: list[str]
    cases: pd.DataFrame
    outcome: str
    case: Ints | None = None

    @cached_property
    def data(self) -> pd.DataFrame:
        """The rows used."""
        return self.cases if self.case is None else self.cases.iloc[self.case]

    def sums(self, weights: Floats) -> Floats:
        """Weights of the rows used (n,) or (n, R) added up by case."""
        if self.case is None:
            return weights
        return sum_by(self.case, weights.reshape(len(weights), -1), len(self.cases)).reshape(-1, *weights.shape[1:])

    def matrix(self, data: pd.DataFrame) -> Floats:
        """Model matrix of other data with the same columns."""
        return _built(self.info, data)[:, self.kept]

    def changed(self, base: Floats, data: pd.DataFrame, variable: str) -> Floats:
        """The model matrix `base` after one variable changed to `data`'s: only its own terms are built again."""
        word = re.compile(rf"\b{re.escape(variable)}\b")
        own = [term for term in self.info.terms if any(word.search(factor.name()) for factor in term.factors)]
        part = self.info.subset(own)
        built = _built(part, data)
        whole = np.zeros((len(base), len(self.kept)))
        whole[:, self.kept] = base
        for term in own:
            whole[:, self.info.term_slices[term]] = built[:, part.term_slices[term]]
        return whole[:, self.kept]

    def categorical(self, variable: str) -> bool:
        """Whether a formula treats a variable as levels."""
        word = re.compile(rf"\b{re.escape(variable)}\b")
        return any(info.type == "categorical" and word.search(factor.name())
                   for factor, info in self.info.factor_infos.items())  # fmt: skip

    def absent(self, frame: pd.DataFrame) -> dict[str, list[str]]:
        """Categorical variable → levels in the frame (or its categories) that no row used is at."""
        found: dict[str, list[str]] = {}
        for name in self.variables:
            if self.categorical(name):
                present = {text(value) for value in self.cases[name].unique()}
                found[name] = [level for level in coded(frame[name])[1] if level not in present]
        return {name: levels for name, levels in found.items() if levels}

    def columns_of(self, term: str) -> list[int]:
        """Positions of a term's columns in the model matrix."""
        place = np.cumsum(self.kept) - 1
        found = list(range(*self.info.term_name_slices[term].indices(len(self.kept))))
        return [int(place[i]) for i in found if self.kept[i]]


def _built(info: Any, data: pd.DataFrame) -> Floats:
    """A design's matrix for data.   Raises: EstimationError: values that a term does not know, as beyond a spline."""
    try:
        return np.asarray(patsy.dmatrix(info, data, NA_action="raise", return_type="matrix"), dtype=float)
    except patsy.PatsyError as error:
        raise EstimationError("A term cannot be taken at these values", got="{error}",
                              error=str(error).splitlines()[0]) from None  # fmt: skip


class Poly:
    """Orthonormal polynomials of x without the constant, as R's poly, kept from the rows they were made of (R predict).

    p_{j+1} = (x − a_j)p_j − n_j/n_{j−1} p_{j−1} with a_j = Σ x p_j²/n_j, n_j = Σ p_j² (Kennedy & Gentle 1980).

    >>> poly(np.array([1.0, 2, 3]), 1).round(4).ravel().tolist()
    [-0.7071, 0.0, 0.7071]
    """

    def __init__(self) -> None:
        self.seen: list[Floats] = []
        self.degree, self.centre = 1, 0.0
        self.middles: list[float] = []
        self.norms: list[float] = [1.0]

    def memorize_chunk(self, x: Any, degree: int = 1) -> None:
        """Takes rows that the polynomials are to be orthonormal over."""
        self.seen.append(np.asarray(x, dtype=float).ravel())
        self.degree = degree

    def memorize_finish(self) -> None:
        """Finds the recurrence.   Raises: EstimationError: as many degrees as distinct values."""
        x = np.concatenate(self.seen)
        if len(np.unique(x)) <= self.degree:
            raise EstimationError("A polynomial needs more distinct values than its degree", got="{count}, degree "
                                  "{degree}", count=len(np.unique(x)), degree=self.degree)  # fmt: skip
        self.centre, self.seen = float(x.mean()), []
        self._basis(x - self.centre, learn=True)

    def transform(self, x: Any, degree: int = 1) -> Floats:  # noqa: ARG002 (patsy passes it)
        """The polynomials (n, degree) at other values."""
        basis = self._basis(np.asarray(x, dtype=float).ravel() - self.centre)
        return np.column_stack(basis[1:]) / np.sqrt(self.norms[2:])

    def _basis(self, x: Floats, learn: bool = False) -> list[Floats]:
        before, now = np.zeros(len(x)), np.ones(len(x))
        basis = [now]
        for j in range(self.degree + 1):
            if learn:
                self.norms.append(float(now @ now))
                self.middles.append(float(x @ now**2) / self.norms[-1])
            if j < self.degree:
                before, now = now, (x - self.middles[j]) * now - self.norms[j + 1] / self.norms[j] * before
                basis.append(now)
        return basis


poly = patsy.stateful_transform(Poly)


def without_aliases(
    terms: Terms, X: Floats, w: Floats, constant: bool = False
) -> tuple[Terms, Floats, list[str]]:  # fmt: skip
    """Terms and matrix without columns that are linear combinations of earlier ones, and the names of those.

    Args: constant: the model has a constant that is no column (thresholds).
    """
    scaled = X * np.sqrt(np.abs(w))[:, None]
    size = np.sqrt((scaled**2).sum(axis=0))
    keep: list[int] = []
    basis = np.zeros((len(X), 0))
    if constant and "Intercept" not in terms.names:
        basis = np.sqrt(np.abs(w) / np.abs(w).sum())[:, None]
    for k in range(X.shape[1]):
        rest = scaled[:, k] - basis @ (basis.T @ scaled[:, k])
        rest = rest - basis @ (basis.T @ rest)
        if np.linalg.norm(rest) > 1e-9 * size[k]:
            keep.append(k)
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    if len(keep) == X.shape[1]:
        return terms, X, []
    kept = terms.kept.copy()
    kept[np.flatnonzero(kept)[[k for k in range(X.shape[1]) if k not in keep]]] = False
    aliased = [name for k, name in enumerate(terms.names) if k not in keep]
    return replace(terms, names=[terms.names[k] for k in keep], kept=kept), X[:, keep], aliased


def started(start: ArrayLike | None, names: list[str]) -> Floats | None:
    """Coefficients to start from.   Raises: EstimationError: not a finite number for each coefficient."""
    if start is None:
        return None
    first = np.asarray(start, dtype=float)
    if first.shape != (len(names),) or not np.isfinite(first).all():
        raise EstimationError("The start does not fit the model", expected="{count} numbers, for {names}",
                              got="{size}", count=len(names), names=", ".join(names), size=first.size)  # fmt: skip
    return first


def split_offset(right: str) -> tuple[str, list[str]]:
    """Terms without their offset(…) parts, and those parts.

    >>> split_offset("x + offset(log(time)) + z")
    ('x + z', ['log(time)'])
    """
    parts: list[str] = []
    while (start := re.search(r"\boffset\(", right)) is not None:
        depth, end = 1, start.end()
        while depth and end < len(right):
            depth += {"(": 1, ")": -1}.get(right[end], 0)
            end += 1
        parts.append(right[start.end() : end - 1])
        right = right[: start.start()].rstrip().rstrip("+") + " " + right[end:]
    terms = re.sub(r"\s+", " ", right).strip().strip("+").strip()
    return terms or "1", parts


class Read(NamedTuple):
    """A formula's terms with outcome, model matrix and offset of every case; the rows used (n,); why others are not."""

    terms: Terms
    y: Floats
    X: Floats
    offset: Floats
    used: Bools
    dropped: dict[str, int]


def read_terms(d: SurveyDesign, formula: str, offset: str = "", binary: bool = False, distinct: bool = False) -> Read:
    """The formula read against the rows that have all values; with `distinct`, rows that are alike become one case."""
    left, right, extra = sides(formula)
    parts = [*extra, *([offset] if offset else [])]
    inside = d.mask & (d.full_weights != 0)
    data, variables = named_columns(d.frame, " ".join([left, right, *parts]))
    rows = data if inside.all() else data[inside]
    case = _alike(rows) if distinct and row_by_row(" ".join([left, right, *parts])) else None
    cases = rows if case is None else rows.iloc[first_of(case, int(case.max()) + 1)]
    known = cases.notna().all(axis=1).to_numpy()
    outcome = _outcome(cases, known, left, binary)
    off = sum((_evaluate(part, cases) for part in parts), np.zeros(len(cases)))
    refuse_infinite(outcome, left)
    refuse_infinite(off, "offset")
    known = known & np.isfinite(outcome) & np.isfinite(off)
    used = inside.copy()
    used[inside] = known if case is None else known[case]
    dropped = {
        "outside the domain or without weight": int((~inside).sum()),
        "missing values": int(inside.sum() - used.sum()),
    }
    if not known.any():
        raise EstimationError("No row has all values the model needs", where="{formula}", formula=formula)
    if case is not None:
        case = (np.cumsum(known) - 1)[case if known.all() else case[known[case]]]
    # functions of a whole column, as poly, see the rows that lack only the outcome too (as in R)
    seen = known if row_by_row(right) else _answered(cases, right)
    terms, X = _matrix(_used_levels(cases[seen], right, d.frame), right, variables, left)
    if seen is not known:
        inner = known[seen]
        kept = (X[inner] != 0).any(axis=0)
        names = [name for name, keep in zip(terms.names, kept, strict=True) if keep]
        whole = terms.kept.copy()
        whole[terms.kept] = kept
        terms, X = (
            replace(terms, names=names, kept=whole, cases=_used_levels(cases[known], right, d.frame)),
            X[inner][:, kept],
        )
    if np.isinf(X).any():
        for name, column in zip(terms.names, X.T, strict=True):
            refuse_infinite(column, name)
    return Read(replace(terms, case=case), outcome[known], X, off[known], used, dropped)


def _answered(cases: pd.DataFrame, right: str) -> Bools:
    """Rows without gaps in the variables of the right side."""
    own = [name for name in cases if re.search(rf"\b{re.escape(str(name))}\b", right)]
    return np.asarray(cases[own].notna().all(axis=1))


def _used_levels(cases: pd.DataFrame, right: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A copy whose categoricals have only levels that occur, those with a coding of their own all of the frame's."""
    cases = cases.copy()
    for name in cases:
        if re.search(rf"C\(\s*{re.escape(str(name))}\s*,", right):  # its coding may name a level that nobody is at
            column = frame[name]
            levels = column.cat.categories if hasattr(column, "cat") else sorted(column.dropna().unique())
            cases[name] = pd.Categorical(cases[name], categories=levels)
        elif isinstance(cases[name].dtype, pd.CategoricalDtype):
            cases[name] = cases[name].cat.remove_unused_categories()
    return cases


def row_by_row(text: str) -> bool:
    """Whether a formula's functions look at one row at a time; poly, center or splines look at all of them."""
    return set(re.findall(r"([\w.]+)\s*\(", text)) <= {"C", "I", "Q", "log", "exp", "sqrt", "abs"}


def _alike(rows: pd.DataFrame) -> Ints | None:
    """Number 0…k−1 of the distinct row that each row is; None where they are more than a quarter of all."""
    code, size = np.zeros(len(rows), dtype=np.intp), 1
    for name in rows:
        column = rows[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            inner, levels = column.cat.codes.to_numpy(), len(column.cat.categories) + 1
        else:
            inner, values = pd.factorize(column)
            levels = len(values) + 1
        size *= levels
        if 4 * size > len(rows):
            return None
        code *= levels
        code += inner
        code += 1
    present = np.bincount(code, minlength=size) > 0
    return np.asarray((np.cumsum(present) - 1)[code])


def sides(formula: str) -> tuple[str, str, list[str]]:
    """Outcome, terms and offsets of a formula.   Raises: EstimationError: it has no ~."""
    left, tilde, right = formula.partition("~")
    if not tilde:
        raise EstimationError("The formula has no ~", expected="outcome ~ terms", got="{formula}", formula=formula)
    terms, parts = split_offset(right)
    return left.strip(), terms, parts


def named_columns(frame: pd.DataFrame, text: str) -> tuple[pd.DataFrame, list[str]]:
    """The frame's columns that a formula names, text columns as objects (patsy knows no pandas strings)."""
    quoted = re.findall(r"Q\(['\"](.+?)['\"]\)", text)
    words = set(re.findall(r"[^\W\d]\w*", re.sub(r"Q\(['\"].+?['\"]\)", " ", text))) | set(quoted)
    names = [name for name in frame.columns if name in words]
    for word in quoted:
        if word not in frame.columns:
            raise EstimationError("A variable of the formula is not in the data", where="{name}", name=word)
    data = frame[names].copy()
    for name in names:
        if isinstance(data[name].dtype, pd.StringDtype):
            data[name] = data[name].astype(object)
        elif pd.api.types.is_extension_array_dtype(data[name].dtype) and data[name].dtype.kind in "iufb":
            data[name] = data[name].astype(float)
    return data, names


def _evaluate(text: str, data: pd.DataFrame) -> Floats:
    """A numeric expression of columns, one value a row.   Raises: EstimationError: it cannot be evaluated."""
    names = {**FUNCTIONS, "I": lambda x: x, "Q": lambda name: data[name], **{str(c): data[c] for c in data.columns}}
    try:
        with np.errstate(all="ignore"):
            value = eval(compile(text, "formula", "eval"), {"__builtins__": {}}, names)
    except NameError as error:
        raise EstimationError("A variable of the formula is not in the data", where="{text}", got="{error}",
                              text=text, error=str(error)) from None  # fmt: skip
    if isinstance(value, pd.Series) and isinstance(value.dtype, pd.CategoricalDtype):
        return np.where(value.isna(), np.nan, value.cat.codes.to_numpy().astype(float))
    series = pd.Series(value, index=data.index)
    if series.dtype.kind not in "biuf":
        codes, _ = pd.factorize(series, sort=True)
        return np.where(codes < 0, np.nan, codes.astype(float))
    return np.asarray(series.to_numpy(dtype=float, na_value=np.nan))


def _outcome(data: pd.DataFrame, known: Bools, left: str, binary: bool) -> Floats:
    """The left side as numbers, two levels as 0 and 1.   Raises: EstimationError: words without order, or not 0/1."""
    value = _evaluate(left, data)
    if not binary:
        if _words(data.get(left)) and len(np.unique(value[np.isfinite(value)])) > 2:
            raise EstimationError("The outcome has words for levels", where="{left}", expected="numbers", left=left,
                                  hint='use family="multinomial", or "ordinal" for ordered levels')  # fmt: skip
        return value
    levels = np.unique(value[known & np.isfinite(value)])
    if len(levels) < 2:
        raise EstimationError("The outcome is the same in every row used", where="{left}", left=left,
                              hint="check the domain: there is nothing to explain")  # fmt: skip
    if len(levels) == 2 and not np.array_equal(levels, [0, 1]) and left in data:
        return np.where(np.isfinite(value), (value == levels[1]).astype(float), np.nan)
    if levels.min() < 0 or levels.max() > 1:
        raise EstimationError("A binomial outcome has two levels", where="{left}", expected="0 and 1",
                              got="{count} values", left=left, count=len(levels))  # fmt: skip
    return value


def _words(column: pd.Series | None) -> bool:
    """Whether a column holds words that have no order."""
    if column is None or not isinstance(column.dtype, pd.CategoricalDtype):
        return column is not None and column.dtype.kind not in "biuf"
    return not column.cat.ordered and bool(
        pd.to_numeric(pd.Series(column.cat.categories), errors="coerce").isna().any()
    )


def _whole(name: str) -> str:
    """A column's name with whole levels as whole numbers: a column with gaps holds them as floats.

    >>> _whole("C(q)[T.2.0]:x")
    'C(q)[T.2]:x'
    """
    return re.sub(r"\[(T\.)?(-?\d+)\.0\]", r"[\1\2]", name)


def _matrix(rows: pd.DataFrame, right: str, variables: list[str], left: str) -> tuple[Terms, Floats]:
    """The model matrix, without columns that are zero throughout.   Raises: EstimationError: a term is unknown."""
    environment = patsy.EvalEnvironment([{**FUNCTIONS, "poly": poly}])
    try:
        built = patsy.dmatrix(right, rows, eval_env=environment, NA_action="raise", return_type="matrix")
    except (patsy.PatsyError, NameError) as error:
        raise EstimationError("The formula cannot be read", where="{right}", got="{error}", right=right,
                              error=str(error).splitlines()[0]) from None  # fmt: skip
    X = np.asarray(built, dtype=float)
    kept = (X != 0).any(axis=0)
    names = [_whole(name) for name, keep in zip(built.design_info.column_names, kept, strict=True) if keep]
    used = [name for name in variables if name != left]
    return Terms(names, built.design_info, kept, used, rows, left), X[:, kept]
