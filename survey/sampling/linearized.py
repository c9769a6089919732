"""Taylor linearized variance of a multistage stratified sample, from totals of its sampling units.

The stages are compiled once into index arrays. A statistic arrives as a table of unit totals (units × statistics) and
leaves as a matrix S with SᵀS = its covariance, so one code serves variances, covariances and designs of any depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from survey.errors import DesignError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
LonelyPsu = Literal["fail", "remove", "adjust", "average", "certainty"]
FULLY_SAMPLED = 1e-7


def codes_of(*keys: NDArray[Any] | Ints) -> Ints:
    """Numbers 0…k−1 for the distinct combinations of equally long key columns, in sorted order.

    >>> codes_of(np.array(["b", "a", "b"]), np.array([1, 1, 2])).tolist()
    [1, 0, 2]
    """
    code, size = np.zeros(0, dtype=np.intp), 0
    for key in keys:
        inner, values = pd.factorize(key, sort=True)  # by hash: np.unique would sort all rows
        if size:
            inner, values = pd.factorize(code * len(values) + inner, sort=True)
        code, size = inner.astype(np.intp, copy=False), len(values)
    return code


def distinct_by(code: Ints, codes: int, group: Ints, groups: int) -> Ints:
    """Number of distinct codes 0…codes−1 in each group 0…groups−1.

    >>> distinct_by(np.array([0, 0, 1, 2]), 3, np.array([0, 0, 0, 1]), 2).tolist()
    [2, 1]
    """
    pair = code * groups + group
    if codes * groups > 16 * max(len(code), 1000):
        return np.bincount(np.unique(pair) % groups, minlength=groups)
    there = np.zeros(codes * groups, dtype=bool)
    there[pair] = True
    return np.asarray(there.reshape(codes, groups).sum(axis=0))


def first_of(code: NDArray[Any], size: int) -> Ints:
    """Position of the first row of each code 0…size−1."""
    first = np.zeros(size, dtype=np.intp)
    first[code[::-1]] = np.arange(len(code) - 1, -1, -1)
    return first


@dataclass(frozen=True)
class Stage:
    """One sampling stage over the table's units.

    cluster: unit → cluster (U,); stratum: cluster → stratum (C,); size: clusters drawn in each stratum (H,);
    parent: stratum → cluster of the stage above (H,); open: 1 − sampling fraction (C,); carry: product of the sampling
    fractions above (H,); label: stratum → what the user calls it; together: what joins the rows of clusters that are
    one unit in several waves (…, C), as `survey.sampling.stacked`.
    """

    cluster: Ints
    stratum: Ints
    size: Floats
    parent: Ints
    open: Floats
    carry: Floats
    label: list[str]
    number: int
    together: sparse.csr_matrix | None = None

    def totals(self, table: Floats) -> Floats:
        """Cluster totals (C, p) of a unit table (U, p)."""
        if len(self.cluster) == len(self.stratum) and np.array_equal(self.cluster, np.arange(len(self.cluster))):
            return table
        return sum_by(self.cluster, table, len(self.stratum))

    def root(self, table: Floats, present: Bools, policy: LonelyPsu, adjust_domain: bool) -> Floats:
        """Rows S with SᵀS = this stage's share of the covariance (Särndal et al. 1992, eq. 4.3.21, recursive).

        Clusters without a respondent in the domain take part with totals of zero; `present` (U,) only says where strata
        with one unit are to be looked for.
        """
        strata = len(self.size)
        in_cluster = weighted_counts(self.cluster, present, len(self.stratum)) > 0
        seen = weighted_counts(self.stratum, in_cluster, strata)
        lonely = np.asarray(self.size == 1)
        uncentred, lost = self._lonely(lonely, seen, policy, adjust_domain)
        z = self.totals(table)
        mean = sum_by(self.stratum, z, strata) / self.size[:, None]
        if uncentred.any():
            mean[uncentred] = self._grand_mean(z, seen)[self.parent[uncentred]]
        weight = self.carry * np.where(lonely, 1.0, self.size / np.maximum(self.size - 1, 1)) * self._kept(lost, seen)
        rows = np.sqrt(weight[self.stratum] * self.open)[:, None] * (z - mean[self.stratum])
        return np.asarray(rows if self.together is None else self.together @ rows)

    def _grand_mean(self, z: Floats, seen: Floats) -> Floats:
        """Mean cluster total under each parent, over the strata with a respondent in the domain (parents, p)."""
        parents = int(self.parent.max()) + 1
        there = seen > 0
        drawn = weighted_counts(self.parent, np.where(there, self.size, 0.0), parents)
        inside = np.where(there[self.stratum][:, None], z, 0.0)
        return np.asarray(sum_by(self.parent[self.stratum], inside, parents) / np.maximum(drawn, 1.0)[:, None])

    def _lonely(self, lonely: Bools, seen: Floats, policy: LonelyPsu, adjust_domain: bool) -> tuple[Bools, Bools]:
        """Which strata are centred at the grand mean and which give no variance of their own."""
        drawn = weighted_counts(self.stratum, self.open, len(self.size)) > FULLY_SAMPLED
        alone = lonely & (seen > 0) & drawn
        if policy == "fail" and alone.any():
            raise DesignError(
                "A stratum has only one sampling unit, so its variance cannot be estimated",
                where="stratum {stratum}, stage {stage}",
                expected="two or more sampling units in every stratum",
                got="{count} strata with one",
                hint="join the stratum to a similar one, or choose lonely_psu adjust, average, remove or certainty",
                stratum=self.label[int(np.flatnonzero(alone)[0])],
                stage=self.number,
                count=int(alone.sum()),
            )
        in_domain = (seen == 1) & ~lonely & drawn & adjust_domain
        uncentred = (alone | in_domain) if policy == "adjust" else np.zeros(len(seen), dtype=bool)
        lost = (alone | in_domain) if policy == "average" else np.zeros(len(seen), dtype=bool)
        return uncentred, lost

    def _kept(self, lost: Bools, seen: Floats) -> Floats:
        """Policy "average": a stratum without variance counts as the mean of the others under the same parent."""
        if not lost.any():
            return np.ones(len(lost))
        there = seen > 0
        parents = int(self.parent.max()) + 1
        all_strata = np.bincount(self.parent, weights=there, minlength=parents)
        fine = np.bincount(self.parent, weights=there & ~lost, minlength=parents)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(all_strata > 0, all_strata / fine, 1.0)  # nobody of the domain there: nothing to add
        return np.where(lost, np.where(np.isfinite(ratio[self.parent]), 0.0, np.nan), ratio[self.parent])


def weighted_counts(code: Ints, weights: NDArray[Any], size: int) -> Floats:
    """Σ of weights by code 0…size−1.

    >>> weighted_counts(np.array([0, 2, 0]), np.array([1.0, 5.0, 2.0]), 3).tolist()
    [3.0, 0.0, 5.0]
    """
    return np.bincount(code, weights=weights, minlength=size).astype(float)


def sum_by(code: Ints, table: Floats, size: int) -> Floats:
    """Column sums of the table's rows by code: (rows, p) → (size, p).

    >>> sum_by(np.array([0, 1, 0]), np.array([[1.0], [2.0], [3.0]]), 2).tolist()
    [[4.0], [2.0]]
    """
    columns = table.shape[1]
    if columns == 1:
        return weighted_counts(code, table[:, 0], size)[:, None]
    if len(code) > 1 and np.all(code[1:] >= code[:-1]) and len(np.unique(code)) == size:
        starts = np.concatenate([[0], np.flatnonzero(np.diff(code)) + 1])
        return np.asarray(np.add.reduceat(table, starts, axis=0))
    pick = sparse.csr_matrix((np.ones(len(code)), (code, np.arange(len(code)))), shape=(size, len(code)))
    return np.asarray(pick @ table)


@dataclass(frozen=True)
class Linearized:
    """The compiled design: row → unit (n,), and the stages over units.

    row_psu and row_stratum are first-stage codes for degrees of freedom.
    """

    unit: Ints
    units: int
    stages: tuple[Stage, ...]
    row_psu: Ints
    row_stratum: Ints

    @cached_property
    def any_lonely(self) -> bool:
        """Whether a stratum of any stage has only one unit."""
        return any(bool((stage.size == 1).any()) for stage in self.stages)

    def root(self, table: Floats, present: Bools, policy: LonelyPsu, adjust_domain: bool = False) -> Floats:
        """S with SᵀS = covariance of statistics whose influences, summed by unit, are the table's columns (U, p)."""
        return np.vstack([stage.root(table, present, policy, adjust_domain) for stage in self.stages])


def compile_stages(
    strata: list[NDArray[Any]], clusters: list[NDArray[Any]], populations: list[Floats | None], pps: bool = False
) -> Linearized:
    """Index arrays of the design from one column of strata, clusters and population sizes (or None) a stage.

    A stage below one without a population size adds nothing (sampling with replacement above it), so it is dropped.
    """
    cluster_codes, stratum_codes = _nested(strata, clusters)
    depth = 1
    while depth < len(clusters) and populations[depth - 1] is not None and np.isfinite(populations[depth - 1]).any():  # type: ignore[arg-type]
        depth += 1
    unit = cluster_codes[depth - 1]
    units = int(unit.max()) + 1
    row = first_of(unit, units)
    carry = np.ones(len(unit))
    stages: list[Stage] = []
    for k in range(depth):
        drawn = clusters_drawn(stratum_codes[k], cluster_codes[k])
        population = populations[k] if populations[k] is not None else np.full(len(unit), np.inf)
        assert population is not None
        above = cluster_codes[k - 1] if k else np.zeros(len(unit), dtype=np.intp)
        stages.append(
            _stage(k + 1, row, stratum_codes[k], cluster_codes[k], above, drawn, population, carry, strata[0])
        )
        carry = carry * drawn / population
    return Linearized(unit, units, tuple(stages), cluster_codes[0], stratum_codes[0])


def clusters_drawn(stratum: Ints, cluster: Ints) -> Floats:
    """Number of distinct clusters in each row's stratum (n,).

    >>> clusters_drawn(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])).tolist()
    [2.0, 2.0, 2.0, 1.0]
    """
    _, first = np.unique(cluster, return_index=True)
    return np.bincount(stratum[first], minlength=int(stratum.max()) + 1).astype(float)[stratum]


def _nested(strata: list[NDArray[Any]], clusters: list[NDArray[Any]]) -> tuple[list[Ints], list[Ints]]:
    """Cluster codes nested in the clusters above, stratum codes nested in the cluster above."""
    cluster_codes = [codes_of(clusters[0])]
    stratum_codes = [codes_of(strata[0])]
    for k in range(1, len(clusters)):
        stratum_codes.append(codes_of(cluster_codes[k - 1], *strata[k : k + 1]))
        cluster_codes.append(codes_of(cluster_codes[k - 1], clusters[k]))
    return cluster_codes, stratum_codes


def _stage(
    number: int, row: Ints, stratum: Ints, cluster: Ints, above: Ints, drawn: Floats, population: Floats, carry: Floats,
    names: NDArray[Any],
) -> Stage:  # fmt: skip
    """One stage over the units whose first rows are `row`."""
    clusters, strata = int(cluster.max()) + 1, int(stratum.max()) + 1
    of_cluster, of_stratum = first_of(cluster, clusters), first_of(stratum, strata)
    return Stage(
        cluster=cluster[row],
        stratum=stratum[of_cluster],
        size=drawn[of_stratum],
        parent=above[of_stratum],
        open=np.clip(1.0 - drawn[of_cluster] / population[of_cluster], 0.0, 1.0),
        carry=carry[of_stratum],
        label=[str(name) for name in names[of_stratum]],
        number=number,
    )
