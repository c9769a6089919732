"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser import arguments, find_chromium
from tests.shipped import Shipped, publish

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(autouse=True, scope="session")
def _no_prefect_of_the_machine() -> Iterator[None]:
    """Whoever runs the tests may have a Prefect of their own, which no test is about."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One real Chromium for the tests of a file; without one they fail with the command that mends it.

    Playwright keeps an event loop running in the thread, in which Prefect's calls hand back mere promises: it ends
    before another file's tests begin.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=arguments())
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The shipped city as the real pipeline publishes it."""
    return publish(tmp_path_factory.mktemp("shipped"))
