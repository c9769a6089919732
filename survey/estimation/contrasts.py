"""Smooth functions of estimates by the delta method: an expression is evaluated with its exact gradient."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from survey.errors import EstimationError
from survey.sampling.linearized import Floats


@dataclass(frozen=True)
class Dual:
    """A number with its gradient; +, −, ·, /, ** and log, exp, sqrt follow the chain rule."""

    value: float
    slope: Floats

    def map(self, f: Callable[[float], float], derivative: Callable[[float], float]) -> Dual:
        """f of the number, by the chain rule."""
        return Dual(f(self.value), derivative(self.value) * self.slope)


FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "log": (np.log, lambda x: 1 / x), "exp": (np.exp, np.exp), "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
}  # fmt: skip


def evaluate(expression: str, values: Mapping[str, float]) -> tuple[float, Floats]:
    """Value of an arithmetic expression of named estimates, and its gradient in their order.

    Raises: EstimationError: a name is not among the estimates, or something else than arithmetic is asked.

    >>> evaluate("log(a / b)", {"a": 2.0, "b": 1.0})[1].tolist()
    [0.5, -1.0]
    """
    names = list(values)
    if not names:
        raise _refused(expression, "it names no row of the result")
    duals = {name: Dual(float(values[name]), np.eye(len(names))[k]) for k, name in enumerate(names)}
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        raise _refused(expression, "it is not an expression") from None
    try:
        with np.errstate(all="ignore"):
            result = _walk(tree, duals, expression, len(names))
        known = bool(np.isfinite(result.value) and np.isfinite(result.slope).all())
    except (ZeroDivisionError, OverflowError, TypeError):
        known = False
    if not known and np.isfinite(list(values.values())).all():
        raise _refused(expression, "it has no value or no slope at these estimates")
    if not known:
        return float("nan"), np.full(len(names), np.nan)
    return result.value, result.slope


def _walk(node: ast.expr, duals: Mapping[str, Dual], expression: str, size: int) -> Dual:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return Dual(float(node.value), np.zeros(size))
    if isinstance(node, ast.Name):
        if node.id not in duals:
            raise _refused(expression, f"{node.id} is not among {', '.join(duals)}")
        return duals[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _walk(node.operand, duals, expression, size).map(lambda x: -x, lambda x: -1.0)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in FUNCTIONS
        and len(node.args) == 1
    ):
        return _walk(node.args[0], duals, expression, size).map(*FUNCTIONS[node.func.id])
    if isinstance(node, ast.BinOp):
        a, b = (_walk(side, duals, expression, size) for side in (node.left, node.right))
        return _binary(node.op, a, b, expression)
    raise _refused(expression, "only + - * / ** and log, exp, sqrt are known")


def _binary(op: ast.operator, a: Dual, b: Dual, expression: str) -> Dual:
    if isinstance(op, ast.Add):
        return Dual(a.value + b.value, a.slope + b.slope)
    if isinstance(op, ast.Sub):
        return Dual(a.value - b.value, a.slope - b.slope)
    if isinstance(op, ast.Mult):
        return Dual(a.value * b.value, a.value * b.slope + b.value * a.slope)
    if isinstance(op, ast.Div):
        return Dual(a.value / b.value, a.slope / b.value - a.value / b.value**2 * b.slope)
    if isinstance(op, ast.Pow):
        value = a.value**b.value
        if isinstance(value, complex):
            raise _refused(expression, "it has no value or no slope at these estimates")
        slope = b.value * a.value ** (b.value - 1) * a.slope
        return Dual(value, slope + (value * np.log(a.value) * b.slope if b.slope.any() else 0.0))
    raise _refused(expression, "only + - * / ** and log, exp, sqrt are known")


def _refused(expression: str, why: str) -> EstimationError:
    return EstimationError("The expression cannot be evaluated", where="{text}", got="{why}", text=expression, why=why)
