"""One-dimensional root finding that ends where R's uniroot ends, also on step functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def zeroin(f: Callable[[float], float], a: float, b: float, tolerance: float, steps: int = 1000) -> float:
    """Root of f between a and b by Brent's method (1973) in its classic form, which ends on a definite side of a jump.

    >>> round(zeroin(lambda x: x * x - 2, 0.0, 2.0, 1e-12), 6)
    1.414214
    """
    fa, fb = f(a), f(b)
    c, fc = a, fa
    for _ in range(steps):
        before = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        enough = 2 * np.finfo(float).eps * abs(b) + tolerance / 2
        half = (c - b) / 2
        if abs(half) <= enough or fb == 0.0:
            return b
        step = half
        if abs(before) >= enough and abs(fa) > abs(fb):
            gap, s = c - b, fb / fa
            if a == c:
                top, bottom = gap * s, 1.0 - s
            else:
                q, r = fa / fc, fb / fc
                top = s * (gap * q * (q - r) - (b - a) * (r - 1.0))
                bottom = (q - 1.0) * (r - 1.0) * (s - 1.0)
            bottom, top = (-bottom, top) if top > 0 else (bottom, -top)
            if top < 0.75 * gap * bottom - abs(enough * bottom) / 2 and top < abs(before * bottom / 2):
                step = top / bottom
        if abs(step) < enough:
            step = enough if step > 0 else -enough
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0) == (fc > 0):
            c, fc = a, fa
    return b
