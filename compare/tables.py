r"""What distances see of two samples of networks, for many resamples at once.

Each resample is a list of networks out of a sample. Of a *linear* distance only the mean
of a feature over the list counts; of one between *pairs* the mean distances

.. math::

    a = \operatorname{mean}_{ij} d(x_i, y_j), \qquad
    w_x = \operatorname{mean}_{i \ne j} d(x_i, x_j), \qquad
    d(x, y)^2 = \tfrac1m \textstyle\sum_{p, c} (x_{pc} - y_{pc})^2.

Means cost one row of a matrix product a resample, so they draw out of all networks,
however many. Distances between pairs grow with the square of their number: a sample of
more than ``MAX_PAIRED`` networks takes part with a random subset of that size, drawn
once by the seed.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

type Array = np.ndarray
type Feature = Callable[[Array], Array]

MAX_PAIRED = 4096
BATCH = 50  # resamples whose weights are held at a time


class Sample(NamedTuple):
    """Units of one arm: independent networks, or chain draws thinned to be nearly so."""

    probabilities: Array  # (unit, probe, class)
    chain: Array  # (unit,) the chain or seed each unit comes from


class Means:
    """Means of features; every network takes part."""

    def __init__(self, samples: Mapping[str, Sample], features: tuple[Feature, ...]) -> None:
        self.samples = dict(samples)
        self._tables: dict[tuple[str, Feature | None], Array] = {
            (name, feature): feature(sample.probabilities)
            for name, sample in samples.items()
            for feature in features
        }

    def seen(
        self, feature: Feature | None, left: str, of_left: Array, right: str, of_right: Array
    ) -> list[Array]:
        """Mean features of both samples, each ``(resample, ...)``."""
        return [
            np.concatenate(
                [_mean(weights, self._tables[name, feature]) for weights in _weights(chosen, size)]
            )
            for name, chosen, size in (
                (left, of_left, len(self.samples[left].chain)),
                (right, of_right, len(self.samples[right].chain)),
            )
        ]


class Pairs:
    """Distances between networks, each pair of samples once, when first needed.

    ``samples`` are what takes part: samples of more than ``most`` networks cut down to a
    random subset, in the order they had.
    """

    def __init__(self, samples: Mapping[str, Sample], *, seed: int, most: int = MAX_PAIRED) -> None:
        self.samples = {name: _subset(name, sample, seed, most) for name, sample in samples.items()}
        self._blocks: dict[tuple[str, str], Array] = {}

    def block(self, left: str, right: str) -> Array:
        """Distances ``(left, right)``; of a network from itself zero."""
        if (right, left) in self._blocks:
            return self._blocks[right, left].T
        if (left, right) not in self._blocks:
            found = pairwise_distances(self.samples[left].probabilities, self.samples[right].probabilities)
            if left == right:
                np.fill_diagonal(found, 0)
            self._blocks[left, right] = found
        return self._blocks[left, right]

    def seen(
        self, feature: Feature | None, left: str, of_left: Array, right: str, of_right: Array
    ) -> list[Array]:
        """Mean distances across, within left and within right, each ``(resample,)``."""
        across: list[Array] = []
        within: tuple[list[Array], list[Array]] = [], []
        num = len(self.samples[left].chain), len(self.samples[right].chain)
        for one, other in zip(_weights(of_left, num[0]), _weights(of_right, num[1]), strict=True):
            across.append(_quadratic(one, self.block(left, right), other))
            for weights, name, found in ((one, left, within[0]), (other, right, within[1])):
                itself = np.sum(weights**2, axis=-1, dtype=float)
                found.append(_quadratic(weights, self.block(name, name), weights) / (1 - itself))
        return [np.concatenate(found) for found in (across, *within)]


def check_samples(reference: Sample, *others: Sample) -> None:
    """Raise ``ValueError`` for samples that cannot be compared, saying why."""
    samples = reference, *others
    for sample in samples:
        if len(sample.chain) < 2:
            raise ValueError(f"a sample needs at least two networks to be compared, got {len(sample.chain)}")
        if sample.probabilities.shape[1:] != reference.probabilities.shape[1:]:
            raise ValueError(
                "samples have different probes or classes: "
                f"{reference.probabilities.shape[1:]} and {sample.probabilities.shape[1:]}"
            )
        if not np.isfinite(sample.probabilities).all():
            raise ValueError("a sample holds probabilities that are not finite: drop failed networks first")
    if len(np.unique(reference.chain)) < 2:
        raise ValueError("the reference needs at least two chains: its floor is chain against chain")


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra of numpy and scipy on one thread.

    Their threads spin while they wait for one another: on cores that other work keeps busy
    a small factorisation took 50 times as long with two threads as with one.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


def pairwise_distances(left: Array, right: Array) -> Array:
    """Root mean square over probes of the Euclidean distance, ``(left, right)``, single precision.

    >>> pairwise_distances(np.array([[[0.0, 0.0]]]), np.array([[[3.0, 4.0]], [[0.0, 0.0]]])).tolist()
    [[5.0, 0.0]]
    """
    # Centring spares the sum of squares cancellation; distances do not change by it.
    centre = np.mean(right, axis=0, keepdims=True, dtype=float).astype(right.dtype)
    scale = 1 / np.sqrt(left.shape[1])
    a, b = (np.asarray((x - centre) * scale, np.float32).reshape(len(x), -1) for x in (left, right))
    squared = a @ b.T
    squared *= -2
    squared += np.sum(a**2, axis=-1)[:, None]
    squared += np.sum(b**2, axis=-1)[None]
    np.maximum(squared, 0, out=squared)
    found: Array = np.sqrt(squared, out=squared)
    return found


def _subset(name: str, sample: Sample, seed: int, most: int) -> Sample:
    if len(sample.chain) <= most:
        return sample
    rng = np.random.default_rng([seed, most, zlib.crc32(name.encode())])
    kept = np.sort(rng.choice(len(sample.chain), most, replace=False))
    return Sample(sample.probabilities[kept], sample.chain[kept])


def _weights(chosen: Array, size: int) -> Iterator[Array]:
    """Shares of every network in each resample ``(resample, drawn)``, a batch at a time."""
    for first in range(0, len(chosen), BATCH):
        some = chosen[first : first + BATCH]
        counts = np.stack([np.bincount(row, minlength=size) for row in some])
        yield (counts / chosen.shape[1]).astype(np.float32)


def _mean(weights: Array, table: Array) -> Array:
    flat = table.reshape(len(table), -1)
    found: Array = (weights @ flat).reshape(len(weights), *table.shape[1:])
    return found


def _quadratic(left: Array, table: Array, right: Array) -> Array:
    found: Array = np.sum((left @ table) * right, axis=-1, dtype=float)
    return found
