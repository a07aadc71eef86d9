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
HELD = 2**17  # shares of units held at a time by each thread: they stay in its cache


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
        pooled = np.concatenate([self._values[left], self._values[right]])
        order = np.argsort(pooled, axis=0, kind="stable")
        gaps = np.diff(np.take_along_axis(pooled, order, axis=0), axis=0).astype(np.float32)
        sizes = len(self._values[left]), len(self._values[right])
        num_rows = max(HELD // len(pooled), 1)

        def areas(first: int) -> Array:
            """Of some resamples along every line: their shares are counted once, and put in each order."""
            rows = slice(first, first + num_rows)
            of_units = [shares(of[rows], size) for of, size in zip((of_left, of_right), sizes, strict=True)]
            between = np.concatenate([of_units[0], -of_units[1]], axis=1)
            lines = zip(order.T, gaps.T, strict=True)
            return np.stack([_area(np.take(between, one, axis=1), gap) for one, gap in lines], axis=-1)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = np.concatenate(list(pool.map(areas, range(0, len(of_left), num_rows))))
        return [[found, self._scale]]


def _area(between: Array, gaps: Array) -> Array:
    """Area between two distribution functions, from differences of shares in the pooled order; in place."""
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
