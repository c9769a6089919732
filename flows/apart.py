"""Work in a thread of its own, away from whatever event loop runs in the present one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Result = TypeVar("Result")


def apart(work: Callable[[], Result]) -> Result:
    """The result of some work; in a thread where an event loop runs, Prefect only hands back a promise.

    >>> apart(lambda: 2)
    2
    """
    with ThreadPoolExecutor(max_workers=1) as own:
        return own.submit(copy_context().run, work).result()
