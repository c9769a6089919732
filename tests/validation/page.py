"""docs/validation.md from the summaries: tables, then what in them departs from what was promised, and why."""

from __future__ import annotations

import textwrap

import pandas as pd

from tests.validation import figures, hypotheses
from tests.validation.summary import LEVEL, error

HEAD = """\
# Validation

Made by `make validate`; the numbers follow from the seeds. {count} independent samples are drawn from the simulated
city (214,641 adults whose every answer is known): 168 of 600 communities with probability proportional to size in 19
strata, 41 addresses each, one adult a household, about half of whom take part, depending on age, sex, area and mode.
Each sample goes through the pipeline's own stages: base weights, raking to sex × age band and district × area,
trimming, the design with its calibration. Truths are counted over all residents with numpy, never by the engine;
hypotheses tested hold in the population to the last resident, for groups that are clustered in communities.

A rate over {count} samples has a Monte Carlo standard error of {coverage_error} points at {level} % and at {alpha} %.
An asterisk marks what departs by more than two of them. Earlier waves are drawn in the same communities.

## Intervals

Coverage of nominal 95 % intervals; below and above: samples whose interval lies wholly below or above the truth; SE/SD:
mean standard error over the standard deviation of the estimates, ± its Monte Carlo standard error; bias in units of
that standard deviation.
"""
TESTS = """
## Tests

How often p is below 5 % where the hypothesis is true. For equivalence (two one-sided tests, margin ± {margin} points,
change of the share that feels safe) the true change lies exactly at the margin, then in its middle; the power expected
there follows from the spread of the estimates.

| test | rejected | expected | |
| --- | ---: | ---: | --- |
"""


def page(count: int, covered: pd.DataFrame, rejected: pd.DataFrame) -> str:
    """The whole page."""
    head = HEAD.format(
        count=f"{count:,}", level=95, alpha=5, coverage_error=f"{100 * error(LEVEL, count):.1f}",
    )  # fmt: skip
    tests = TESTS.format(margin=f"{100 * hypotheses.MARGIN:.0f}")
    rows = [_test_row(str(label), row, count) for label, row in rejected.iterrows()]
    return head + _coverage_tables(covered, count) + tests + "\n".join(rows) + "\n" + _reading(covered, rejected, count)


def _coverage_tables(covered: pd.DataFrame, count: int) -> str:
    lines = []
    for title, labels in sections(covered).items():
        lines += ["", f"### {title}", "", "| figure | truth | coverage | | below | above | SE/SD | bias | df |",
                  "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
        lines += [_coverage_row(label, covered.loc[label], count) for label in labels]
    return "\n".join(lines) + "\n"


def sections(covered: pd.DataFrame) -> dict[str, list[str]]:
    """Labels by part, in the order of the run."""
    part = pd.Series(covered["part"], index=covered.index)
    return {title: [str(label) for label in part.index[part == title]] for title in figures.PARTS}


def _coverage_row(label: str, row: pd.Series, count: int) -> str:
    mark = "*" if departs(row["coverage"], LEVEL, count) else ""
    cells = [label, number(row["truth"]), percent(row["coverage"]), mark, percent(row["below"]), percent(row["above"]),
             f"{row['ratio']:.3f} ± {row['ratio_error']:.3f}", f"{row['bias']:+.2f}", f"{row['df']:.0f}"]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _test_row(label: str, row: pd.Series, count: int) -> str:
    mark = "*" if departs(row["rate"], row["expected"], count) else ""
    return f"| {label} | {percent(row['rate'])} | {percent(row['expected'])} | {mark} |"


def departs(rate: float, expected: float, count: int) -> bool:
    """Whether a rate lies more than two Monte Carlo standard errors from what it should be."""
    return bool(abs(rate - expected) > 2 * error(expected, count))


def _reading(covered: pd.DataFrame, rejected: pd.DataFrame, count: int) -> str:
    honest = covered[~covered["part"].isin(figures.CONTRAST)]
    off = honest[[departs(rate, LEVEL, count) for rate in honest["coverage"]]]
    wrong = rejected[[departs(*pair, count) for pair in zip(rejected["rate"], rejected["expected"], strict=True)]]
    lines = ["", "## Reading", ""]
    total, chance = len(honest) + len(rejected), 0.045 * (len(honest) + len(rejected))
    lines.append(f"{len(off) + len(wrong)} of {total} rates depart by more than two Monte Carlo standard errors;\n"
                 f"chance alone gives about {chance:.0f}, more at once where rows share an estimate.\n")  # fmt: skip
    lines += [_point(f"{label}: {percent(row['coverage'])} %. {reason(row, count)}") for label, row in off.iterrows()]
    lines += [_point(f"{label}: {percent(row['rate'])} % instead of {percent(row['expected'])} %. {verdict(row)}")
              for label, row in wrong.iterrows()]  # fmt: skip
    return "\n".join(lines) + "\n" + GENERAL.format(
        high=f"{honest['ratio'].median():.2f}",
        naive=", ".join(f"{percent(value)} %" for value in covered["coverage"][covered["part"] == figures.CONTRAST[0]]),
        wide=f"{honest['ratio'].max():.2f}",
        bias=f"{honest['bias'].abs().max():.2f}", worst=honest["bias"].abs().idxmax(),
    )  # fmt: skip


def _point(text: str) -> str:
    return textwrap.fill("- " + text, 120, subsequent_indent="  ", break_on_hyphens=False)


def reason(row: pd.Series, count: int) -> str:
    """Why a coverage departs, as far as the columns beside it show beyond their own Monte Carlo errors."""
    off, shift = (row["ratio"] - 1) / row["ratio_error"], abs(row["bias"])
    below, above = row["below"] * count, row["above"] * count
    said = []
    if off > 2 and row["coverage"] > LEVEL:
        said.append(WIDE)
    elif off < -2:
        said.append("The standard error is too small")
    if shift > 0.15 and shift > 3 / count**0.5:
        said.append("The estimate is biased: raking does not repair all of the nonresponse")
    if abs(below - above) > 2 * (below + above) ** 0.5:
        side = "below" if below > above else "above"
        said.append(f"The misses lie mostly {side} the truth: the estimate is skewed")
    if row["df"] < 30:
        said.append(f"There are only {row['df']:.0f} degrees of freedom")
    return ". ".join(said or ["Nothing beside it says why; it may be chance"]) + "."


WIDE = "The standard error is too large: the variance takes the communities as drawn with replacement"


def verdict(row: pd.Series) -> str:
    """Which way a test errs."""
    return "It claims too much." if row["rate"] > row["expected"] else "It errs on the side of caution."


GENERAL = """
What holds throughout:

- Standard errors are {high} times the spread in the median row. The design declares no finite population correction,
  though 28 % of the communities are in the sample; where an answer differs between communities more than within them
  (rent, the extreme), intervals are therefore too wide: {wide} times the spread, and √(1/(1 − 0.28)) = 1.18 at most.
- The number of victims has a symmetric interval though its distribution is skewed; the share's logit and Korn–Graubard
  intervals on the same answers keep to 95 %.
- Districts against the rest miss on one side: a share near 1 lets the estimate and its error shrink together, and the
  interval of a difference is symmetric. The two sides together keep to 95 %.
- Weights repair nonresponse by age, sex, district and area, not by mode; the largest bias is {bias} of a standard
  deviation ({worst}).
- Ignoring the sampling units would leave {naive} of the intervals for mean income, mean
  rent and the share that feels safe around the truth: that is how far an error in the variance shows here.
"""


def percent(rate: float) -> str:
    """A rate in per cent with one decimal, the sign left to the header.

    >>> percent(0.9512)
    '95.1'
    """
    return f"{100 * rate:.1f}"


def number(value: float) -> str:
    """Four significant digits, thousands separated.

    >>> number(3629.76), number(0.01963), number(779095407.0)
    ('3,630', '0.01963', '779,100,000')
    """
    return f"{float(f'{value:.4g}'):,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
