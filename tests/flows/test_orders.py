"""Orders to end that Prefect or the machine gives a run: it ends, is seen as ended, holds no lock."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.lock import is_held, only_one
from flows.private import folder
from tests.flows.test_prefect_guard import api, home, open_directly, post
from tests.small_survey import YAML, frame, write
from tests.watch import serving

assert api, "a fixture"
assert home, "a fixture"
ONCE_A_YEAR = YAML + 'schedule: {cron: "0 0 1 1 *"}\n'
SECONDS = 240.0


def until(holds: Callable[[], Any], log: Path) -> Any:
    """What a question answers as soon as it answers something."""
    late = time.monotonic() + SECONDS
    while time.monotonic() < late:
        found = holds()
        if found:
            return found
        time.sleep(0.3)
    pytest.fail(log.read_text()[-3000:])


@pytest.fixture(scope="module")
def served(api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A workspace that is served, and the address of its deployment."""
    root = tmp_path_factory.mktemp("served")
    rows = pd.concat([frame(n=20_000, seed=seed) for seed in range(40)], ignore_index=True)
    # Long enough to be ordered to end: Prefect's runner asks every ten seconds whether somebody cancelled it.
    write(root, ONCE_A_YEAR, rows.assign(person=rows.index.astype(str)))
    folder(root / "data" / "work")
    with serving(root, api):
        asked = {"deployments": {"name": {"any_": ["small-town"]}}}
        (found,) = until(lambda: post(f"{api}/deployments/filter", asked)[1], root / "serve.log")
        yield root, f"{api}/deployments/{found['id']}"


def state(api: str, run: str) -> str:
    """Name of the state of a run."""
    with open_directly(f"{api}/flow_runs/{run}", timeout=60) as answer:
        return str(json.load(answer)["state_name"])


def ended(api: str, run: str) -> str:
    """Name of the state a run came to its end in, nothing while it goes on."""
    now = state(api, run)
    return now if now in ("Cancelled", "Crashed", "Completed", "Failed") else ""


def cancel(api: str, run: str, work: Path) -> None:
    """What the button in Prefect's interface does."""
    assert is_held(work)
    post(f"{api}/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})


def terminate(api: str, run: str, work: Path) -> None:
    """What a machine does that shuts down, to the process that holds the lock."""
    assert state(api, run) == "Running"
    os.kill(json.loads((work / "lock").read_text())["process"], signal.SIGTERM)


@pytest.mark.parametrize(("order", "ends"), [(cancel, "Cancelled"), (terminate, "Crashed")])
def test_a_run_that_has_to_end_in_the_middle_ends_and_holds_nothing(
    api: str, served: tuple[Path, str], order: Callable[[str, str, Path], None], ends: str
) -> None:
    root, deployment = served
    work, log = root / "data" / "work", root / "serve.log"
    _, run = post(f"{deployment}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    until(lambda: state(api, run["id"]) == "Running" and is_held(work), log)
    order(api, run["id"], work)
    assert until(lambda: ended(api, run["id"]), log) == ends
    until(lambda: not is_held(work), log)
    assert not (root / "public").exists()


def test_a_run_that_waits_for_another_can_be_cancelled(api: str, served: tuple[Path, str]) -> None:
    root, deployment = served
    work, log = root / "data" / "work", root / "serve.log"
    with only_one(work):
        _, run = post(f"{deployment}/create_flow_run", {"state": {"type": "SCHEDULED"}})
        until(lambda: state(api, run["id"]) == "Running", log)
        cancel(api, run["id"], work)
        assert until(lambda: ended(api, run["id"]), log) == "Cancelled"
    assert not is_held(work)
