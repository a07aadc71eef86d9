r"""How far mass must be moved along a line: Wasserstein-1 of numbers, for many resamples.

On a line the Wasserstein-1 distance is the area between two distribution functions,

.. math:: W_1(F, G) = \int |F(t) - G(t)|\,dt
    = \textstyle\sum_i |F(z_i) - G(z_i)|\,(z_{i+1} - z_i)

over the pooled sorted values ``z`` (Villani 2003, remark 2.19). The values are sorted once
for all resamples, which differ in the shares of the units only. One line costs little
however many units there are; of several lines at once (projections) a sample of more than
``MAX_ORDERED`` values takes part with a random subset, drawn once by the seed.
"""

import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .sample import Sample, shares

type Array = np.ndarray

MAX_ORDERED = 2**19  # values, units times lines
BATCH = 50  # resamples whose distribution functions are held at a time


class Numbers(NamedTuple):
    """Numbers of every unit of a sample, one for each line: ``(unit, line)``."""

    of: Callable[[Sample], Array]


class Orders:
    """Wasserstein-1 distances between resamples of named samples, along the lines of ``numbers``.

    ``samples`` are what takes part.
    """

    def __init__(
        self,
        samples: Mapping[str, Sample],
        numbers: Numbers,
        *,
        reference: str,
        seed: int,
        most: int = MAX_ORDERED,
    ) -> None:
        num_lines = numbers.of(_some(samples[reference], np.arange(1))).shape[1]
        self.samples = {
            name: _subset(name, sample, seed, max(most // num_lines, 2)) for name, sample in samples.items()
        }
        self._values = {name: np.asarray(numbers.of(s), float) for name, s in self.samples.items()}
        self._numbers = numbers
        self._scale = self._values[reference].std(axis=0)

    def seen(
        self, sees: Sequence[Numbers], left: str, of_left: Array, right: str, of_right: Array
    ) -> list[list[Array]]:
        """Distances ``(resample, line)``, and the reference's standard deviation ``(line,)``."""
        if list(sees) != [self._numbers]:
            raise ValueError("a table of ordered numbers shows those it was made of")
        one, other = self._values[left], self._values[right]

        def along(line: int) -> Array:
            pooled = np.concatenate([one[:, line], other[:, line]])
            order = np.argsort(pooled, kind="stable")
            place = np.empty(len(order), np.int32)
            place[order] = np.arange(len(order))
            gaps = np.diff(pooled[order]).astype(np.float32)
            places = place[: len(one)], place[len(one) :]
            batches = (slice(first, first + BATCH) for first in range(0, len(of_left), BATCH))
            return np.concatenate(
                [_areas(places[0][of_left[b]], places[1][of_right[b]], gaps) for b in batches]
            )

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = np.stack(list(pool.map(along, range(one.shape[1]))), axis=-1)
        return [[found, self._scale]]


def _areas(left: Array, right: Array, gaps: Array) -> Array:
    """Area between the distribution functions of resamples, given as places in the pooled order."""
    between = shares(left, len(gaps) + 1)
    between -= shares(right, len(gaps) + 1)
    np.cumsum(between, axis=1, out=between)
    np.abs(between, out=between)
    found: Array = between[:, :-1] @ gaps
    return found


def _subset(name: str, sample: Sample, seed: int, most: int) -> Sample:
    size = len(sample.chain)
    if size <= most:
        return sample
    rng = np.random.default_rng([seed, most, zlib.crc32(name.encode())])
    return _some(sample, np.sort(rng.choice(size, most, replace=False)))


def _some(sample: Sample, kept: Array) -> Sample:
    scalars = {name: values[kept] for name, values in sample.scalars.items()}
    return Sample(sample.probabilities[kept], sample.chain[kept], scalars)
