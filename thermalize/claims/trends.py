"""How a measure moves as label noise grows, and what the claim's rule makes of that.

Units are draws of the data. A unit is measured at every noise, with the same inputs, so
that steps from one noise to the next are differences within units; their intervals hold
together for all steps.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from scipy import stats

from compare import Verdict

from .claim import Number

type Array = np.ndarray

LEVEL = 0.95
FEWEST_UNITS = 3
FEWEST_SHARE = 0.75  # of the units must have the measure at every noise


class Way(StrEnum):
    """Which way a measure goes with noise, beside the way that the claim says."""

    EVERY_STEP = "as claimed at every step"
    ENDS = "as claimed from no noise to most"
    OPEN = "open"
    AGAINST = "against the claim"
    MISSING = "not measured"


class Trend(NamedTuple):
    """Means at every noise, the steps between neighbours and the whole way, with their intervals."""

    name: str
    way: Way
    levels: list[Number]
    steps: list[Number]
    whole: Number
    reason: str


def trend(name: str, values: Array, rising: int, unit: str = "") -> Trend:
    """The trend of ``values`` ``(unit, noise)``, missing ones NaN; ``rising`` is 1 or -1, as claimed.

    >>> values = np.array([[0.0, 1.0, 2.0], [0.1, 1.0, 2.2], [0.0, 1.1, 2.1]])
    >>> [trend("a", sign * values, 1).way.value for sign in (1, -1)]
    ['as claimed at every step', 'against the claim']
    """
    complete = values[np.isfinite(values).all(axis=1)]
    levels = [Number(name, *_mean(column[np.isfinite(column)], LEVEL), unit) for column in values.T]
    num_steps = values.shape[1] - 1
    if len(complete) < max(FEWEST_UNITS, math.ceil(FEWEST_SHARE * len(values))):
        nothing = Number(name, None, None, None, unit)
        reason = f"{len(complete)} of {len(values)} draws of the data have it at every noise"
        return Trend(name, Way.MISSING, levels, [nothing] * num_steps, nothing, reason)
    steps = [
        Number(name, *_mean(step, 1 - (1 - LEVEL) / num_steps), unit) for step in np.diff(complete, axis=1).T
    ]
    whole = Number(name, *_mean(complete[:, -1] - complete[:, 0], LEVEL), unit)
    signs = [_sign(step) * rising for step in steps]
    if all(sign > 0 for sign in signs):
        way = Way.EVERY_STEP
    elif _sign(whole) * rising > 0 and all(sign >= 0 for sign in signs):
        way = Way.ENDS
    else:
        way = Way.AGAINST if _sign(whole) * rising < 0 else Way.OPEN
    return Trend(name, way, levels, steps, whole, way.value)


def judge(evidences: Sequence[Trend], others: Sequence[Trend]) -> tuple[Verdict, str]:
    """What the rule makes of two estimators of the evidence and of the other measures.

    >>> rises = trend("a", np.array([[0.0, 1.0], [0.1, 1.0], [0.0, 1.1]]), 1)
    >>> [judge([rises, rises], [rises, one])[0].value for one in (rises, rises._replace(way=Way.OPEN))]
    ['SUPPORTED', 'PARTLY']
    """
    ways = [t.way for t in (*evidences, *others)]
    said = "; ".join(f"{t.name} {t.reason}" for t in (*evidences, *others))
    if Way.MISSING in ways[: len(evidences)]:
        return Verdict.INCONCLUSIVE, f"too little remains of the two estimators of evidence: {said}"
    if not agree(evidences):
        return Verdict.INCONCLUSIVE, f"the two estimators of evidence differ in sign or order: {said}"
    falls = all(way in (Way.EVERY_STEP, Way.ENDS) for way in ways[: len(evidences)])
    if all(way == Way.EVERY_STEP for way in ways):
        return Verdict.SUPPORTED, said
    if all(way == Way.AGAINST for way in ways[: len(evidences)]) or all(
        way == Way.AGAINST for way in ways[len(evidences) :]
    ):
        return Verdict.REFUTED, said
    return (Verdict.PARTLY if falls else Verdict.INCONCLUSIVE), said


def agree(trends: Sequence[Trend]) -> bool:
    """Whether all put the noises in the same order and go the same whole way."""
    orders = {tuple(_means(t).argsort().tolist()) for t in trends}
    return len(orders) == 1 and len({_sign(t.whole) for t in trends}) == 1


def rank_correlation(left: Array, right: Array, rng: np.random.Generator) -> Number:
    """Spearman's correlation over entries of ``(unit, noise)`` arrays, with an interval from resampled units.

    Pairs of which one is missing are left out. No number where fewer than ``FEWEST_UNITS`` units have a
    pair, or where one side is constant.

    >>> values = np.arange(12.0).reshape(4, 3)
    >>> rank_correlation(values, np.exp(values), np.random.default_rng(0)).value
    1.0
    """
    name = "rank correlation of log evidence and test accuracy"
    known = np.isfinite(left) & np.isfinite(right)

    def of(rows: Array) -> float:
        kept = known[rows].ravel()
        a, b = left[rows].ravel()[kept], right[rows].ravel()[kept]
        if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
            return math.nan
        return float(stats.spearmanr(a, b).statistic)

    found = of(np.arange(len(left)))
    if known.any(axis=1).sum() < FEWEST_UNITS or not math.isfinite(found):
        return Number(name, None, None, None)
    resampled = [of(rng.integers(len(left), size=len(left))) for _ in range(1000)]
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Number(name, found, float(low), float(high))


def table_of(measured: Sequence[Sequence[Mapping[str, float | None]]], name: str) -> Array:
    """One measure as ``(unit, noise)``, missing values NaN."""
    rows = [[one.get(name) for one in unit] for unit in measured]
    return np.array([[math.nan if value is None else value for value in row] for row in rows], float)


def _mean(values: Array, level: float) -> tuple[float | None, float | None, float | None]:
    """The mean with Student's interval."""
    if len(values) == 0:
        return None, None, None
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None, None
    half = float(
        stats.t.ppf((1 + level) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    )
    return mean, mean - half, mean + half


def _means(found: Trend) -> Array:
    return np.array([math.nan if level.value is None else level.value for level in found.levels])


def _sign(number: Number) -> int:
    """1 or -1 where the interval lies on one side of zero, else 0."""
    if number.low is None or number.high is None:
        return 0
    return int(number.low > 0) - int(number.high < 0)
