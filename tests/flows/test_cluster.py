"""Rows in Parquet files on two workers of this machine: the figures of one frame, also when a worker is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pandas as pd
import pytest

from flows.cluster import OnDask, cluster, parquet
from survey import model
from survey.errors import AnxinError, DataError, EstimationError, UsageError
from survey.partitioned import Ask, Raked, Sample, cut, figures, fit, rake, with_weights
from survey.partitioned.tables import merged, sufficient
from survey.weighting import raking
from tests.partitions import ASKS, EXACT, MODEL, SAMPLE, design, distance, in_memory, rows


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Categories as words: Parquet keeps those, and takes categories that are numbers for numbers."""
    made = rows(200_000)
    for name in made.columns[made.dtypes == "category"]:
        made[name] = made[name].cat.rename_categories(str)
    return made


@pytest.fixture(scope="module")
def place(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files of several row groups."""
    folder = tmp_path_factory.mktemp("parts")
    for k, part in enumerate(cut(frame, 4).values):
        part.to_parquet(folder / f"part-{k}.parquet", row_group_size=20_000)
    return folder


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with cluster(work=tmp_path_factory.mktemp("work"), workers=2, memory="2GiB") as client:
        yield client


@pytest.fixture
def parts(client: Any, place: Path) -> OnDask:
    return parquet(client, place, 30_000)


def test_parts_are_whole_row_groups_in_the_order_of_the_files(parts: OnDask) -> None:
    assert [value.groups for value in parts.values] == [(0,), (1, 2)] * 4
    assert [Path(value.path).name for value in parts.values[::2]] == [f"part-{k}.parquet" for k in range(4)]


def test_figures_are_those_of_one_frame(parts: OnDask, frame: pd.DataFrame) -> None:
    assert distance(figures(parts, SAMPLE, ASKS), pd.concat(in_memory(design(frame)))) <= EXACT


def test_bytes_do_not_depend_on_who_works(parts: OnDask, frame: pd.DataFrame, place: Path) -> None:
    """The cluster merges in the shape of the tree, so its figures are those of the same parts in this process."""
    here = cut(frame, 1)
    here = type(here)([value.read() for value in parts.values])
    pd.testing.assert_frame_equal(figures(parts, SAMPLE, ASKS), figures(here, SAMPLE, ASKS), check_exact=True)


def test_raking_and_models_are_those_of_one_frame(parts: OnDask, frame: pd.DataFrame) -> None:
    margins = {"g3": {str(k): 66_000.0 + k for k in (1, 2, 3)}, "g2": {"1": 99_003.0, "2": 99_003.0}}
    found = rake(parts, "w", margins)
    assert isinstance(found, Raked)
    wanted, _ = raking.rake(frame, frame["w"].to_numpy(), margins)
    assert (with_weights(frame, found, "raked")["raked"] / wanted - 1).abs().max() <= EXACT
    got, one = fit(parts, SAMPLE, MODEL), model.fit(design(frame), MODEL, "binomial")
    assert (got.params / one.params - 1).abs().max() <= EXACT
    assert (got.se / one.se - 1).abs().max() <= EXACT
    assert got.df == one.df


def dying(part: pd.DataFrame, marker: str, sample: Sample, asks: list[Ask]) -> Any:
    """`sufficient`, in a process that is killed the first time."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return sufficient(part, sample, asks)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("killed")


def test_a_killed_worker_changes_nothing(parts: OnDask, tmp_path: Path) -> None:
    marker = tmp_path / "killed"
    whole = parts.reduce(partial(dying, marker=str(marker), sample=SAMPLE, asks=ASKS), merged)
    assert marker.exists()
    again = parts.reduce(partial(sufficient, sample=SAMPLE, asks=ASKS), merged)
    for key, answers in again.answers.items():
        assert all((one == two).all() for one, two in zip(answers, whole.answers[key], strict=True))


def always_dying(_: pd.DataFrame) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_always_die_are_told_of(parts: OnDask) -> None:
    with pytest.raises(AnxinError, match="Workers died again and again"):
        parts.reduce(always_dying, max)


SECRET = "张三 13800138000"


def leaking(_: pd.DataFrame) -> None:
    raise ValueError(SECRET)


def test_a_fault_on_a_worker_comes_without_values(
    parts: OnDask, client: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EstimationError, match="not in the data"):
        figures(parts, SAMPLE, [Ask("mean", "nowhere")])
    with pytest.raises(AnxinError) as fault:
        parts.reduce(leaking, max)
    told = f"{fault.value}{fault.value.__context__}{fault.value.__cause__}"
    assert "ValueError" in told
    logs = str(client.get_worker_logs()) + str(client.get_scheduler_logs())
    output = "".join(capfd.readouterr())
    assert all("13800138000" not in text for text in (told, logs, output))


def test_files_that_cannot_be(client: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no Parquet file"):
        parquet(client, tmp_path)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "1.parquet")
    pd.DataFrame({"b": [1]}).to_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataError, match="different columns"):
        parquet(client, tmp_path)


def test_the_cluster_is_reached_on_this_machine_only(client: Any) -> None:
    info = client.scheduler_info()
    addresses = [info["address"], *info["workers"]]
    assert all(address.startswith("tls://127.0.0.1:") for address in addresses)
    for page in ("", "info/main/workers.html", "json/counts.json", "metrics", "sysmon"):
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{info['services']['dashboard']}/{page}", timeout=10)


def test_no_scheduler_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.cluster.PATIENCE", 1)
    with pytest.raises(UsageError, match="No scheduler answers"), cluster("tcp://127.0.0.1:9"):
        pass
