"""The tests of the command line read English, whatever the machine they run on speaks, and leave no setting behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _settings_of_prefect() -> Iterator[None]:
    """The Prefect driver sets where Prefect lives for its own process, which here runs the next tests as well."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")}
    yield
    for name in [name for name in os.environ if name.startswith("PREFECT_") and name not in kept]:
        del os.environ[name]
    os.environ.update(kept)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANXIN_LANG", "en")
