"""What the number of ones alone makes of a function: the class-frequency baseline, and tests of it."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from compare import unpack_labels

type Array = np.ndarray


class Excess(NamedTuple):
    """Mean complexity of functions less that of their shuffles, bits."""

    mean: float
    error: float  # standard

    def interval(self, level: float) -> tuple[float, float]:
        reach = float(norm.ppf((1 + level) / 2)) * self.error
        return self.mean - reach, self.mean + reach


def excess_of(left: Array, right: Array) -> Excess:
    """Mean of paired differences and its standard error."""
    difference = left - right
    return Excess(float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference))))


def shuffled(packed: Array, num_inputs: int, rng: np.random.Generator) -> Array:
    """Each function with its labels dealt out anew: the class frequencies stay, all else is chance."""
    return np.packbits(rng.permuted(unpack_labels(packed, num_inputs), axis=-1), axis=-1)


def shuffled_within(values: Array, strata: Array, rng: np.random.Generator) -> Array:
    mixed = values.copy()
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        mixed[rows] = values[rng.permutation(rows)]
    return mixed
