"""Weighting: base weight → nonresponse → known totals → trimming → normalising, each step's diagnostics kept."""

from survey.weighting.calibration import calibrate, poststratify
from survey.weighting.diagnostics import diagnostics
from survey.weighting.margins import Margin, Margins, Totals, crossing, read_margins
from survey.weighting.raking import rake
from survey.weighting.steps import FINAL, before_totals, weigh
from survey.weighting.trimming import cut, trim, trim_and_rake

__all__ = [
    "FINAL", "Margin", "Margins", "Totals", "before_totals", "calibrate", "crossing", "cut", "diagnostics",
    "poststratify", "rake", "read_margins", "trim", "trim_and_rake", "weigh",
]  # fmt: skip
