"""A short form of `make faults`: some kills, two runs at once, damaged work, a full disk."""

from __future__ import annotations

import pytest

from tests import faults
from tests.faults import PLAIN, Case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("moment", [0.35, 0.6, 0.8, 0.9, 0.97])
def test_a_killed_run_leaves_a_whole_report_and_the_next_gives_the_same_bytes(case: Case, moment: float) -> None:
    assert faults.killed(case, PLAIN, moment * case.seconds)


def test_two_runs_at_once_end_in_one_report(case: Case) -> None:
    assert faults.two_at_once(case)


def test_a_full_disk_is_told_and_the_old_report_stays(case: Case) -> None:
    if not faults.can_mount():
        pytest.skip("this user may not mount a small disk; `make faults` as root tries it")
    assert faults.no_room(case, faults.room(case))
