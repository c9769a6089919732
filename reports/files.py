"""Names of those files of a publication that programs read; they stand apart so that this costs no import."""

from __future__ import annotations

ABOUT = "about.json"
ALERTS = "alerts.json"
RESULTS = "results.json"
