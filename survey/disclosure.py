"""The release boundary: nothing leaves here that may identify anyone by inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Releasable:
    """What may be published: tidy results with their flags, and facts about how the survey was done.

    results: the schema of survey.tidy; a suppressed row has no number but its flag and reason.
    facts: counts and diagnostics by section (sample, weighting, quality, privacy, disclosure, provenance), JSON-able.
    """

    results: pd.DataFrame
    facts: dict[str, Any]
