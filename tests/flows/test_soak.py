"""A short form of `make soak`: some runs in a row and at once against PostgreSQL, two with the embedded server."""

from __future__ import annotations

from pathlib import Path

from tests.soak import Tally, embedded, with_a_server


def test_none_of_many_runs_is_lost_with_a_server_on_postgresql(tmp_path: Path) -> None:
    assert [(what, tally.faults) for what, tally in with_a_server(tmp_path, runs=3, together=3)] == [
        ("in a row, PostgreSQL", []),
        ("at once, a workspace each", []),
        ("at once, one workspace", []),
    ]


def test_the_embedded_server_does_it_again_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ((_, tally),) = embedded(tmp_path, runs=2)
    assert tally.faults == []


def test_memory_that_grows_from_run_to_run_is_noticed() -> None:
    assert Tally(memory=[300.0 + 2 * number for number in range(50)]).grown()
    assert not Tally(memory=[300.0 + number % 7 for number in range(50)]).grown()
