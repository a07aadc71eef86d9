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

from .sample import Sample

type Array = np.ndarray

MAX_ORDERED = 2**19  # values, units times lines


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
        self._values = {name: np.asarray(numbers.of(s), float).T for name, s in self.samples.items()}
        self._numbers = numbers
        self._scale = self._values[reference].std(axis=1)

    def seen(
        self, sees: Sequence[Numbers], left: str, of_left: Array, right: str, of_right: Array
    ) -> list[list[Array]]:
        """Distances ``(resample, line)``, and the reference's standard deviation ``(line,)``."""
        if list(sees) != [self._numbers]:
            raise ValueError("a table of ordered numbers shows those it was made of")
        one, other = self._values[left], self._values[right]
        pooled = np.concatenate([one, other], axis=1)
        orders = np.argsort(pooled, axis=1)
        gaps = np.diff(np.take_along_axis(pooled, orders, axis=1))

        def of_resample(chosen_left: Array, chosen_right: Array) -> list[float]:
            sizes = one.shape[1], other.shape[1]
            left_shares, right_shares = (
                np.bincount(chosen, minlength=size) / len(chosen)
                for chosen, size in zip((chosen_left, chosen_right), sizes, strict=True)
            )
            steps = np.concatenate([left_shares, -right_shares])
            return [_area(steps[order], gap) for order, gap in zip(orders, gaps, strict=True)]

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = np.array(list(pool.map(of_resample, of_left, of_right)))
        return [[found, self._scale]]


def _area(between: Array, gaps: Array) -> float:
    """Area between two distribution functions, given the steps of their difference; overwrites them."""
    np.cumsum(between, out=between)
    np.abs(between, out=between)
    return float(between[:-1] @ gaps)


def _subset(name: str, sample: Sample, seed: int, most: int) -> Sample:
    size = len(sample.chain)
    if size <= most:
        return sample
    rng = np.random.default_rng([seed, most, zlib.crc32(name.encode())])
    return _some(sample, np.sort(rng.choice(size, most, replace=False)))


def _some(sample: Sample, kept: Array) -> Sample:
    scalars = {name: values[kept] for name, values in sample.scalars.items()}
    return Sample(sample.probabilities[kept], sample.chain[kept], scalars)
