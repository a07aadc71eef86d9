"""One distance with everything that it needs to be read: nulls, interval, margin, outcome, power."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .equivalence import OneSided, Outcome, Power, outcomes

type Array = np.ndarray


class Band(NamedTuple):
    """A mean and the central interval about it."""

    mean: float
    low: float
    high: float


class Comparison(NamedTuple):
    """One distance with its floor, ceiling, interval, outcome and power."""

    name: str
    description: str
    distance: Band
    floor: Band
    ceiling: Band  # nan without a ceiling sample
    excess: Band  # distance minus the floor's mean
    closeness: Band
    margin: float  # excess that still counts as equal, in the unit of the distance; nan: not known
    outcome: Outcome
    num_left: int  # networks of each resample
    num_right: int
    among_left: int  # networks that they were drawn out of
    among_right: int
    tests: OneSided  # p-values before they are read together
    power: Power


NOT_KNOWN = Band(np.nan, np.nan, np.nan)


def read_together(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons, their outcomes corrected for their number."""
    decided = outcomes([comparison.tests for comparison in comparisons])
    return [c._replace(outcome=outcome) for c, outcome in zip(comparisons, decided, strict=True)]


def closeness(distance: Band, floor: Band, ceiling: Band) -> Band:
    """Where the distance lies between ceiling (0) and floor (1); nan if the two coincide."""
    reach = ceiling.mean - floor.mean
    if not reach > 0:
        return NOT_KNOWN
    return Band(*((ceiling.mean - value) / reach for value in (distance.mean, distance.high, distance.low)))


def band(values: Array, level: float) -> Band:
    """Mean and central interval of simulated values."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Band(float(np.mean(values)), float(low), float(high))
