"""Geometry: axes hold what they are given, bars fill their width, lines break where a wave is missing."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts import Axis, axis, stacked, tones, trend, whisker

shares = st.floats(0, 1, allow_nan=False)


@given(st.lists(shares, min_size=1, max_size=12), st.sampled_from([0.0, 0.1, 0.2]))
def test_an_axis_holds_its_values_and_has_few_round_ticks(values: list[float], span: float) -> None:
    scale = axis(values, span=span)
    assert scale.low <= min(values) + 1e-9
    assert max(values) - 1e-9 <= scale.high
    assert 0 <= scale.low < scale.high <= 1 + 1e-9
    assert 2 <= len(scale.ticks) <= 7
    assert scale.high - scale.low >= span - 1e-9


def test_an_axis_without_numbers_is_the_whole() -> None:
    assert (axis([]).low, axis([math.nan]).high) == (0.0, 1.0)


@given(st.lists(shares, min_size=1, max_size=7))
def test_segments_never_leave_the_bar(parts: list[float]) -> None:
    total = sum(parts) or 1.0
    segments = stacked([part / total for part in parts], tones([str(i) for i in range(len(parts))], ()))
    ends = [float(part.x) + float(part.width) for part in segments]
    assert all(end <= 100.2 for end in ends)
    assert all(float(part.width) >= 0 for part in segments)


def test_a_narrow_segment_goes_without_its_number() -> None:
    assert [part.label for part in stacked([0.96, 0.04], ("p1", "m1"))] == ["96", ""]


@pytest.mark.parametrize(
    ("levels", "positive", "expected"),
    [
        ("1234", "12", ("p1", "p2", "m2", "m1")),
        ("12345", "12", ("p1", "p2", "n", "m2", "m1")),
        ("12345", "45", ("m1", "m2", "n", "p2", "p1")),
        ("123", "12", ("p1", "p2", "m1")),
        ("12", "1", ("p1", "m1")),
        ("123", "", ("s1", "s2", "s3")),
    ],
)
def test_tones_follow_the_good_answers(levels: str, positive: str, expected: tuple[str, ...]) -> None:
    assert tones(levels, positive) == expected


def test_a_whisker_is_placed_in_per_cent_and_clipped_to_its_axis() -> None:
    placed = whisker(Axis(0.5, 1.0, (0.5, 1.0)), 0.75, 0.4, 0.8, 0.9)
    assert (placed.low, placed.width, placed.dot, placed.reference) == ("0", "60", "50", "80")


def test_a_line_breaks_where_a_wave_has_no_figure() -> None:
    scale = Axis(0.0, 1.0, (0.0, 1.0))
    shape = trend([(0.5, 0.4, 0.6), None, (0.5, 0.4, 0.6), (1.0, 0.9, 1.0)], [0, 1, 2, 4], scale, 100, pad=0)
    assert shape.lines == ("0,50", "50,50 100,0")
    assert shape.bands[1] == "50,60 100,10 100,0 50,40"
    assert [dot.x for dot in shape.dots] == ["0", "50", "100"]


def test_one_wave_stands_in_the_middle() -> None:
    assert trend([(0.5, 0.4, 0.6)], [7], Axis(0.0, 1.0, (0.0, 1.0)), 100).dots[0].x == "50"


@given(st.lists(st.tuples(shares, st.floats(0, 0.3), st.floats(0, 0.3)), min_size=2, max_size=9))
def test_a_figure_at_the_end_of_a_line_hides_nothing_of_its_interval_where_there_is_room(
    waves: list[tuple[float, float, float]],
) -> None:
    points = [(middle, max(0.0, middle - down), min(1.0, middle + up)) for middle, down, up in waves]
    shape = trend(points, range(len(points)), Axis(0.0, 1.0, (0.0, 1.0)), 120)
    xs = np.linspace(0, 100, len(points))
    for end, at in zip(shape.ends, (0, 100), strict=True):
        highest, lowest = _band(points, xs, at, reach=17)  # a figure takes 46 of the 270 pixels of a phone's drawing
        highest_near, lowest_near = _band(points, xs, at, reach=19)
        base = float(end.y)
        assert float(end.x) == at
        assert 11 <= base <= 120
        if highest_near > 18 or lowest_near < 102:
            assert base < highest or base - 11 > lowest


def _band(points: list[tuple[float, float, float]], xs: npt.NDArray[np.float64], at: int, reach: int) -> list[float]:
    """The highest and the lowest pixel of a band beside an end."""
    beside = np.linspace(max(0, at - reach), min(100, at + reach), 400)
    highs, lows = (np.interp(beside, xs, [110 - 100 * point[side] for point in points]) for side in (2, 1))
    return [float(highs.min()), float(lows.max())]


@pytest.mark.parametrize(
    ("means", "sides"),
    [((0.4, 0.41, 0.4), "above above"), ((0.3, 0.5, 0.7), "below above"), ((0.7, 0.5, 0.3), "above below")],
)
def test_figures_stand_above_a_line_but_where_it_leaves_that_way(means: tuple[float, ...], sides: str) -> None:
    shape = trend([(mean, mean - 0.06, mean + 0.06) for mean in means], [0, 1, 2], Axis(0.0, 1.0, (0.0, 1.0)), 120)
    dots = (shape.dots[0], shape.dots[-1])
    told = ["above" if float(end.y) < float(dot.y) else "below" for end, dot in zip(shape.ends, dots, strict=True)]
    assert " ".join(told) == sides
