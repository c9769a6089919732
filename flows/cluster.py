"""Dask: a cluster to work on, and rows in parts that lie in Parquet files and are worked on there.

What is sent to a scheduler is the names of files and columns, and functions; what fails on a worker comes back as a
value without answers, since Dask prints and passes on the exceptions of tasks. Tables go from worker to worker and to
the caller, not through the scheduler.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flows.private import folder, hidden
from flows.run import unexpected
from survey.errors import AnxinError, DataError, UsageError
from survey.partitioned.parts import tree

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client

T = TypeVar("T")

QUIET: dict[str, Any] = {
    "distributed.comm.timeouts.connect": "60s",
    "distributed.scheduler.http.routes": [],  # pages that tell of tasks and machines, with or without a dashboard
    "distributed.worker.http.routes": [],
    "distributed.admin.large-graph-warning-threshold": "100 MiB",
}
"""Settings of Dask for this project."""
SECRET = "ANXIN_KEY"
PATIENCE = 30
"""Seconds to wait for a scheduler to answer."""


@contextmanager
def cluster(
    scheduler: str | None = None, work: Path | None = None, workers: int | None = None, memory: str | int = "auto"
) -> Iterator[Client]:
    """A client of a scheduler; without an address, of processes on this machine that end with it.

    These speak on the loopback interface only, under TLS with a certificate made for the occasion, show no dashboard,
    and spill to `data/work/dask`.

    Args:
        scheduler: address, as tcp://… or tls://….
        work: private folder; data/work if left out.
        workers: processes, one a core if left out.
        memory: of each; near it a worker spills, past it is started again.
    Raises: UsageError: no scheduler answers there, or dask is not installed.
    """
    dask, distributed = _installed()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # Prefect would print its lines otherwise
    with dask.config.set(QUIET), hidden("ANXIN_NOTIFY"):
        if scheduler is not None:
            with _connected(distributed, scheduler) as client:
                yield client
            return
        place = folder((work or Path("data") / "work") / "dask")
        kept = {SECRET: os.environ[SECRET]} if os.environ.get(SECRET) else {}
        options: dict[str, Any] = {
            "n_workers": workers or os.cpu_count() or 1, "threads_per_worker": 1, "processes": True, "security": True,
            "host": "127.0.0.1", "dashboard_address": None, "memory_limit": memory, "local_directory": str(place),
            "silence_logs": logging.CRITICAL, "env": kept,
            "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},  # any port: 8787 may be another cluster's
        }  # fmt: skip
        with distributed.LocalCluster(**options) as local, distributed.Client(local) as client:
            yield client


def _installed() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError:
        raise UsageError("dask is not installed", hint="pip install 'anxin[dask]'") from None
    return dask, distributed


def _connected(distributed: Any, scheduler: str) -> Any:
    try:
        return distributed.Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError):
        pass
    raise UsageError(
        "No scheduler answers at this address", where="{address}", expected="a running `dask scheduler`",
        hint="start one with `dask scheduler`, and workers with `dask worker ADDRESS`", address=scheduler,
    )  # fmt: skip


# -- work on a worker --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stopped:
    """What a worker hands back in place of a result: a fault that may be told."""

    fault: AnxinError


def discreetly(work: Callable[..., T], *values: Any) -> T | Stopped:
    """What work makes of values, or why it could not; no exception leaves, since Dask would tell its text."""
    for value in values:
        if isinstance(value, Stopped):
            return value
    try:
        return work(*values)
    except AnxinError as error:
        return Stopped(error.with_traceback(None))
    except Exception as error:
        return Stopped(unexpected(error))


def result_of(client: Any, future: Any) -> Any:
    """The result of a future.   Raises: AnxinError: what stopped it, or its workers died again and again."""
    from distributed import KilledWorker

    killed = False
    try:
        found = client.gather(future, direct=True)
    except KilledWorker:
        killed = True
    if killed:
        raise AnxinError(
            "Workers died again and again over the same part of the work", expected="workers that live",
            hint="give them more memory, or write the data in smaller parts",
        )  # fmt: skip
    if isinstance(found, Stopped):
        raise found.fault
    return found


# -- rows in parts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """Some row groups of a Parquet file."""

    path: str
    groups: tuple[int, ...]

    def read(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows, with some columns."""
        import pyarrow.parquet as pq

        table = pq.ParquetFile(self.path).read_row_groups(list(self.groups), columns=names and list(names))
        frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
        return frame if names is None else frame[list(names)]


@dataclass(frozen=True)
class OnDask:
    """`survey.partitioned.Parts` whose work a Dask cluster does.

    values: of each part, a piece of a file or what was kept of it on a worker.
    """

    client: Client
    values: tuple[Any, ...]
    names: list[str]
    chosen: tuple[str, ...] | None = None

    def columns(self, names: Sequence[str]) -> OnDask:
        """As `Parts.columns`."""
        return replace(self, names=list(names), chosen=tuple(names))

    def keep(self, work: Callable[[Any], Any]) -> OnDask:
        """As `Parts.keep`."""
        client: Any = self.client
        return replace(self, values=tuple(client.persist(self._worked(work))), chosen=None)

    def reduce(self, work: Callable[[Any], T], merge: Callable[[T, T], T]) -> T:
        """As `Parts.reduce`."""
        from dask.delayed import delayed

        join = partial(discreetly, merge)
        whole = tree(self._worked(work), lambda a, b: delayed(join, name="merge", pure=False)(a, b))
        client: Any = self.client
        found: T = result_of(client, client.compute(whole))
        return found

    def _worked(self, work: Callable[[Any], Any]) -> list[Any]:
        from dask.delayed import delayed

        done = []
        for value in self.values:
            read = partial(discreetly, partial(_read_and, work, self.chosen))
            done.append(delayed(read, name="part", pure=False)(value))
        return done


def _read_and(work: Callable[[Any], Any], names: Sequence[str] | None, value: Any) -> Any:
    return work(value.read(names) if isinstance(value, Piece) else value)


def parquet(client: Client, place: Path | str, rows: int = 1_000_000) -> OnDask:
    """The rows of a Parquet file, or of all those in a folder by name, in parts of whole row groups.

    The workers must see the files under the same path. Parts decide how sums are rounded (below 1e-12): the same files
    and `rows` give the same bytes on any number of workers.

    Args: rows: of a part, at the most, unless a row group has more.
    Raises: DataError: no file is there, or their columns differ.
    """
    import pyarrow.parquet as pq

    given = Path(place).resolve()
    files = sorted(given.glob("*.parquet")) if given.is_dir() else [given] if given.is_file() else []
    if not files:
        raise DataError(
            "There is no Parquet file", where="{place}", expected="a file, or a folder of *.parquet", place=place
        )
    pieces: list[Piece] = []
    names: list[str] | None = None
    for file in files:
        meta = pq.ParquetFile(file)
        found = [name for name in meta.schema_arrow.names if not name.startswith("__index_level_")]
        if names is not None and names != found:
            raise DataError("The parts of the data have different columns", where="{file}", file=file.name,
                            expected="{count} columns, the same in every file", count=len(names))  # fmt: skip
        names = found
        sizes = [meta.metadata.row_group(k).num_rows for k in range(meta.metadata.num_row_groups)]
        pieces += [Piece(str(file), groups) for groups in _together(sizes, rows)]
    return OnDask(client, tuple(pieces), names or [])


def _together(sizes: Sequence[int], most: int) -> Iterator[tuple[int, ...]]:
    """Neighbouring row groups of no more rows than asked for.

    >>> list(_together([5, 5, 5, 20], 10))
    [(0, 1), (2,), (3,)]
    """
    groups: list[int] = []
    for k, size in enumerate(sizes):
        if groups and sum(sizes[j] for j in groups) + size > most:
            yield tuple(groups)
            groups = []
        groups.append(k)
    if groups:
        yield tuple(groups)
