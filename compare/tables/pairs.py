r"""Mean kernels between pairs of networks, across two samples and within each.

.. math::

    a = \operatorname{mean}_{ij} k(d(x_i, y_j)), \qquad
    w_x = \operatorname{mean}_{i \ne j} k(d(x_i, x_j)), \qquad
    d(x, y)^2 = \tfrac1m \textstyle\sum_{p, c} (x_{pc} - y_{pc})^2.

Pairs of a network with itself are left out, so all three are unbiased. A table of all pairs
grows with the square of the networks: of ``10^5`` against ``10^5`` it would take 40 GB, and
20 GFLOP a resample. A sample of more than ``most`` networks is therefore dealt at random,
once by the seed, into groups, and only pairs of a group of one sample with a group of the
other, and within a group, are met: an incomplete U-statistic (Blom 1976), unbiased all the
same. Every network takes part; tables are made a group at a time, on all cores, and thrown
away. Against all pairs the noise of equal laws grows by the square root of the number of
groups, and that of different laws hardly at all; groups are as small as leaves the noise no
larger than that of ``most`` networks in all pairs, but of 1,024 at least.
"""

import math
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .sample import Sample, shares

type Array = np.ndarray

MAX_PAIRED = 4096
MIN_GROUP = 1024
ROWS = 128  # of a table of distances, made at a time
KINDS = ("left", "right"), ("left", "left"), ("right", "right")  # across, within left, within right
NUM_FOR_SCALE = 1000  # networks of the reference whose pairs give the median distance


class Kernel(NamedTuple):
    """A function of distances between networks and of the median distance in the reference.

    It must leave its argument as it is.
    """

    of: Callable[[Array, float], Array]


class Pairs:
    """Kernels between networks of named samples.

    ``groups`` are the positions of those that meet, ``some`` those of at most ``most`` networks
    of each sample, all or random ones, for what needs one table of all pairs.
    """

    def __init__(
        self, samples: Mapping[str, Sample], *, reference: str, seed: int, most: int = MAX_PAIRED
    ) -> None:
        self.samples = dict(samples)
        dealt = {name: _groups(name, len(s.chain), seed, most) for name, s in samples.items()}
        self.groups = {name: [np.sort(group) for group in groups] for name, groups in dealt.items()}
        self.some = {name: np.sort(np.concatenate(groups)[:most]) for name, groups in dealt.items()}
        self._networks = dict(
            zip(samples, distinct([s.probabilities for s in samples.values()]), strict=True)
        )
        self._blocks: dict[tuple[str, str], Array] = {}
        self._reference = reference
        self._scale: float | None = None

    @property
    def scale(self) -> float:
        """Median distance between networks of the reference."""
        if self._scale is None:
            within = self.block(self._reference, self._reference)[:NUM_FOR_SCALE, :NUM_FOR_SCALE]
            self._scale = float(np.median(within[np.triu_indices(len(within), 1)]))
        return self._scale

    def block(self, left: str, right: str) -> Array:
        """Distances between ``some`` networks of two samples; of a network from itself zero. Kept."""
        if (right, left) in self._blocks:
            return self._blocks[right, left].T
        if (left, right) not in self._blocks:
            self._blocks[left, right] = self._made(left, self.some[left], right, self.some[right])
        return self._blocks[left, right]

    def seen(
        self, sees: Sequence[Kernel], left: str, of_left: Array, right: str, of_right: Array
    ) -> list[list[Array]]:
        """For each kernel its means across, within left and within right, ``(resample,)`` each.

        Groups go to all cores: inside :func:`one_thread` their algebra stays out of each other's way.
        """
        names = {"left": left, "right": right}
        of = {"left": self._shares(left, of_left), "right": self._shares(right, of_right)}
        scale = self.scale if sees else 0.0

        # A kernel need not vanish where the distance does.
        ends = np.array([[1.0], *([float(kernel.of(np.zeros(1), scale)[0])] for kernel in sees)])

        def met(block: tuple[str, int, str, int], sides: Sequence[tuple[str, str]]) -> list[Array]:
            """Sums over the pairs of two groups, of one (shares of pairs) and of every kernel."""
            table = self._block(*block)
            tables = [kernel.of(table, scale) for kernel in sees]
            found = []
            for one, other in sides:
                a, b = of[one][block[1]], of[other][block[3]]
                pairs = a.sum(-1, dtype=float) * b.sum(-1, dtype=float)
                sums = np.stack([pairs, *(_quadratic(a, seen, b) for seen in tables)])
                found.append(sums - ends * np.sum(a**2, axis=-1, dtype=float) if one == other else sums)
            return found

        num = {side: len(self.groups[name]) for side, name in names.items()}
        # Of one sample against itself a table serves all three: it is made once.
        meetings: dict[tuple[str, int, str, int], list[tuple[str, str]]] = {}
        for one, other in KINDS:
            for g in range(max(num[one], num[other])):
                block = names[one], g % num[one], names[other], g % num[other]
                meetings.setdefault(block, []).append((one, other))
        totals = dict.fromkeys(KINDS, np.zeros(()))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for sides, sums in zip(
                meetings.values(), pool.map(met, meetings.keys(), meetings.values()), strict=True
            ):
                for kind, of_kind in zip(sides, sums, strict=True):
                    totals[kind] = totals[kind] + of_kind
        return [[total[1 + k] / total[0] for total in totals.values()] for k in range(len(sees))]

    def _shares(self, name: str, chosen: Array) -> list[Array]:
        """Shares of the units of each group, ``(resample, unit)``; the rows of all together sum to one."""
        groups = self.groups[name]
        size = len(self.samples[name].chain)
        if len(groups) == 1:
            return [shares(chosen, size)]
        place = np.empty(size, np.int32)  # counted in the order of the groups, each is a slice
        place[np.concatenate(groups)] = np.arange(size)
        found = shares(place[chosen], size)
        return np.split(found, np.cumsum([len(group) for group in groups])[:-1], axis=1)

    def _block(self, left: str, i: int, right: str, j: int) -> Array:
        """Kept where both samples are one group."""
        if len(self.groups[left]) == len(self.groups[right]) == 1:
            return self.block(left, right)
        return self._made(left, self.groups[left][i], right, self.groups[right][j])

    def _made(self, left: str, of_left: Array, right: str, of_right: Array) -> Array:
        found = pairwise_distances(self._networks[left][of_left], self._networks[right][of_right])
        if left == right and of_left is of_right:
            np.fill_diagonal(found, 0)
        return found


def distinct(samples: Sequence[Array]) -> list[Array]:
    """Of two classes the first, times the root of two: equal distances from half the numbers. Of more, all.

    ``samples`` are probabilities ``(unit, probe, class)`` each.

    >>> distinct([np.array([[[0.0, 1.0]], [[1.0, 0.0]]])])[0].round(3).tolist()
    [[[0.0]], [[1.414]]]
    """
    for probabilities in samples:
        if probabilities.shape[-1] != 2 or not np.allclose(probabilities.sum(-1), 1, rtol=0, atol=1e-5):
            return list(samples)
    return [probabilities[..., :1] * math.sqrt(2) for probabilities in samples]


def pairwise_distances(left: Array, right: Array) -> Array:
    """Root mean square over probes of the Euclidean distance, ``(left, right)``, single precision.

    >>> pairwise_distances(np.array([[[0.0, 0.0]]]), np.array([[[3.0, 4.0]], [[0.0, 0.0]]])).tolist()
    [[5.0, 0.0]]
    """
    # Centring spares the sum of squares cancellation; distances do not change by it.
    centre = np.mean(right, axis=0, keepdims=True, dtype=float).astype(right.dtype)
    scale = 1 / math.sqrt(left.shape[1])  # not a number of numpy, which would make doubles of all
    a, b = (np.asarray((x - centre) * scale, np.float32).reshape(len(x), -1) for x in (left, right))
    of_left, of_right = (np.sum(x**2, axis=-1) for x in (a, b))
    a *= -2
    found = np.empty((len(a), len(b)), np.float32)
    for first in range(0, len(a), ROWS):  # rows that stay in the cache from product to root
        rows = found[first : first + ROWS]
        np.matmul(a[first : first + ROWS], b.T, out=rows)
        rows += of_left[first : first + ROWS, None]
        rows += of_right
        np.maximum(rows, 0, out=rows)
        np.sqrt(rows, out=rows)
    return found


def _groups(name: str, size: int, seed: int, most: int) -> list[Array]:
    """Positions of all units, or dealt at random into groups.

    >>> [len(group) for group in _groups("name", 5000, seed=0, most=4096)]
    [2500, 2500]
    >>> len(_groups("name", 100_000, seed=0, most=4096))
    98
    """
    if size <= most:
        return [np.arange(size)]
    rng = np.random.default_rng([seed, most, zlib.crc32(name.encode())])
    largest = max(min(MIN_GROUP, most), most**2 // size)
    return np.array_split(rng.permutation(size), -(-size // largest))


def _quadratic(left: Array, table: Array, right: Array) -> Array:
    products = left @ table
    products *= right
    found: Array = np.sum(products, axis=-1, dtype=float)
    return found
