r"""Exact p-values of equal laws by exchanging units: seeds, or whole chains.

Under equal laws the labels "left" and "right" of exchangeable units may be dealt out again at
random. With ``B`` deals besides the true one,

.. math:: p = \frac{1 + \#\{b: d_b \ge d\}}{1 + B}

has ``P(p <= k / (1 + B)) <= k / (1 + B)`` exactly, at any sample size, with equality where
ties do not occur (Hemerik and Goeman 2018, theorem 1; Good 2005, chapter 3). The unit is the
``chain`` of a sample: an endpoint, an independent draw, or a whole chain, whose draws may depend
on one another as they like. Units of different sizes are not exchangeable, whatever their laws, and
are refused: give one draw a chain, or draws thinned to their effective number as units
of their own, which is then exact as far as thinning made them independent.

Pairs within a unit are left out. Of more than ``most`` units the labels are dealt within random
groups of units that hold left and right in the same proportion, and only pairs within a group
count: exact again, for the groups do not depend on what the networks do.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from .distances import Distance
from .options import check_count
from .tables import Kernel, Sample, check_samples, distinct, one_thread, pairwise_distances

type Array = np.ndarray

MAX_UNITS = 8192  # units of both samples in one table
ROWS = 1024  # units whose rows of a table are held at a time


class PermutationTest(NamedTuple):
    """One test of equal laws."""

    statistic: float
    p_value: float
    num_permutations: int
    num_left: int  # units, not draws
    num_right: int


def permutation_test(
    left: Sample,
    right: Sample,
    distance: Distance,
    *,
    seed: int,
    num_permutations: int = 999,
    most: int = MAX_UNITS,
) -> PermutationTest:
    """Exact p-value of equal laws by a distance between pairs of networks.

    ``distance`` is :func:`compare.energy`, :func:`compare.maximum_mean_discrepancy` or another that sees a
    :class:`Kernel`; its width is the median over *both* samples, which no exchange of labels
    changes. Raises ``ValueError`` for another kind of distance, for samples on different probes, with
    values that are not finite, with fewer than two units, or with units of different sizes, and for
    counts below one.

    >>> rng = np.random.default_rng(0)
    >>> same, other = (Sample(rng.beta(a, 2, size=(40, 5, 1)), np.arange(40)) for a in (2.0, 8.0))
    >>> from compare import energy
    >>> permutation_test(same, other, energy(), seed=0).p_value
    0.001
    """
    kernel = distance.sees
    if not isinstance(kernel, Kernel):
        raise ValueError(
            f"{distance.name!r} does not compare networks in pairs: use energy() or "
            "maximum_mean_discrepancy()"
        )
    check_count(num_permutations=num_permutations, most=most)
    check_samples(left, right)
    rng = np.random.default_rng(seed)
    of_left, of_right = _units(left), _units(right)
    if of_left.shape[1] != of_right.shape[1]:
        raise ValueError(
            f"units of {of_left.shape[1]} and of {of_right.shape[1]} draws are not exchangeable: give one "
            "draw of each chain, or thinned draws as units of their own"
        )
    num_groups = -(-(len(of_left) + len(of_right)) // most)
    if min(len(of_left), len(of_right)) < 2 * num_groups:
        num_groups = max(1, min(len(of_left), len(of_right)) // 2)
    groups = list(_dealt(rng, len(of_left), len(of_right), num_groups))
    networks = distinct([left.probabilities, right.probabilities])
    with one_thread():
        width = _width(np.random.default_rng([seed, 1]), networks)
        seeds = rng.integers(2**63, size=num_groups)

        def sums(group: int) -> Array:
            a, b = groups[group]
            units = np.concatenate([networks[0][of_left[a]], networks[1][of_right[b]]])
            table = partial(_table, kernel, width)
            return _sums(np.random.default_rng(seeds[group]), table, units, len(a), num_permutations)

        if num_groups == 1:
            found = sums(0)
        else:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                found = np.sum(list(pool.map(sums, range(num_groups))), axis=0)
    across, within_left, within_right = (found[i, 0] / found[i, 1] for i in range(3))
    values = np.asarray(distance.between(across, within_left, within_right), float)
    # Equal statistics that differ by rounding count as equal.
    reached = np.sum(values[1:] >= values[0] - 1e-9 * max(abs(values[0]), 1e-3))
    return PermutationTest(
        float(values[0]),
        float((1 + reached) / (1 + num_permutations)),
        num_permutations,
        len(of_left),
        len(of_right),
    )


def _units(sample: Sample) -> Array:
    """Positions of the draws of each unit, ``(unit, draw)``."""
    order = np.argsort(sample.chain, kind="stable")
    _, counts = np.unique(sample.chain, return_counts=True)
    if len(counts) < 2 or len(set(counts.tolist())) > 1:
        raise ValueError(
            f"units of {counts.min()} to {counts.max()} draws, {len(counts)} of them, are not exchangeable: "
            "give at least two units with as many draws each"
        )
    return order.reshape(len(counts), -1)


def _dealt(
    rng: np.random.Generator, num_left: int, num_right: int, num_groups: int
) -> Iterator[tuple[Array, Array]]:
    parts = (np.array_split(rng.permutation(num), num_groups) for num in (num_left, num_right))
    yield from zip(*parts, strict=True)


def _width(rng: np.random.Generator, networks: Sequence[Array]) -> float:
    """Median distance between at most a thousand networks of both samples."""
    size = sum(map(len, networks))
    some = np.sort(rng.choice(size, min(size, 1000), replace=False))
    num = len(networks[0])
    chosen = np.concatenate([networks[0][some[some < num]], networks[1][some[some >= num] - num]])
    return float(np.median(pairwise_distances(chosen, chosen)[np.triu_indices(len(chosen), 1)]))


def _table(kernel: Kernel, width: float, left: Array, right: Array) -> Array:
    """Mean kernel between units ``(unit, draw, probe, class)``."""
    draws = left.shape[1]
    one, other = (units.reshape(-1, *units.shape[2:]) for units in (left, right))
    found = kernel.of(pairwise_distances(one, other), width)
    if draws > 1:
        found = found.reshape(len(left), draws, len(right), draws).mean(axis=(1, 3))
    return np.asarray(found, np.float32)


def _sums(
    rng: np.random.Generator,
    table: Callable[[Array, Array], Array],
    units: Array,
    num_left: int,
    num_permutations: int,
) -> Array:
    """Sums and numbers of pairs ``(across | within left | within right, 2, deal)``, the true deal first."""
    num = len(units)
    is_left = np.zeros((1 + num_permutations, num), np.float32)
    is_left[:, :num_left] = 1
    is_left[1:] = rng.permuted(is_left[1:], axis=1)
    rows, within_left = np.zeros(num), np.zeros(1 + num_permutations)
    for first in range(0, num, ROWS):  # each pair once: the table above its diagonal
        here, on = slice(first, first + ROWS), slice(first, None)
        above = table(units[here], units[on])
        size = len(above)
        above[:, :size] = np.triu(above[:, :size], 1)
        rows[here] += above.sum(axis=1, dtype=float)
        rows[on] += above.sum(axis=0, dtype=float)
        products = is_left[:, here] @ above
        products *= is_left[:, on]
        within_left += 2 * np.sum(products, axis=1, dtype=float)
    # All three follow from one product: the sums of rows of the left are across and within it.
    of_left = is_left @ rows
    across = of_left - within_left
    within_right = rows.sum() - of_left - across
    num_right = num - num_left
    pairs = num_left * num_right, num_left * (num_left - 1), num_right * (num_right - 1)
    totals = (across, within_left, within_right)
    return np.array([[total, np.full(len(total), float(n))] for total, n in zip(totals, pairs, strict=True)])
