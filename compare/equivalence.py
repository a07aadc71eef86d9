r"""Equal, different, or not known: two one-sided tests, corrected for how many are read.

Equal laws can only be shown with a margin. With ``e`` the excess of a distance over its
floor and ``m`` the margin, two hypotheses are tested, each one-sided,

.. math:: H_{\ge}: e \ge m \ (\text{rejected: EQUIVALENT}), \qquad
    H_{\le}: e \le m \ (\text{rejected: DIFFERENT}),

and if neither falls the answer is INCONCLUSIVE (Schuirmann 1987). The p-values are shares of
the bootstrap's law of the excess beyond the margin: the one-sided tests that its quantile
intervals are the inversion of. Of ``k`` distances read together Holm's step-down (1979)
keeps the chance of any wrong rejection among them below 2.5 % each way, 5 % in all, whatever
their dependence. The intervals shown hold all at once too, by the plain factor ``k``, so
they are a little wider than the tests: an interval may just reach over a margin that its
test has decided.

**Power**, from what equal laws show: distances ``f`` between halves of the reference (the
floor), with standard deviation ``s`` about their mean, and the reach ``q`` of an interval (quantile of a
bootstrap of reference against reference). Equal laws come out EQUIVALENT as often as the floor itself
would: the share of its values whose excess ``f - \bar f`` and reach together stay within ``m``.

Different laws show a larger spread than equal ones. Of a distance that obeys the triangle
inequality the noise is at most the distance of both samples from their own laws, and a
difference in one direction turns the folded noise of the floor into an unfolded one, whose
one-sided quantiles are two-sided ones of the floor. A squared distance ``e`` (energy, maximum mean
discrepancy) has the variance ``4 <w, C w>``, with ``w`` its witness of squared norm ``e``, at most
``4 e lambda`` with ``lambda`` the largest eigenvalue of the noise's covariance ``C``; under equal laws the
variance is ``s^2 = 2 tr C^2``, at least ``2 lambda^2`` (Gretton et al. 2012, section 5); the reach of an
interval grows by the same law. So the smallest excess that comes out DIFFERENT with probability
0.99 is, with ``z`` normal quantiles,

.. math::

    e_{\min} &= m + f_{1 - 2 \alpha} + f_{0.98} && \text{(averages, Wasserstein)} \\
    e_{\min} &= m + (z_{1 - \alpha} + z_{0.99}) \sqrt{s^2 + 2 \sqrt2\, s\, e_{\min}} && \text{(squares)}

Both are approximations on the cautious side: a half of the reference is noisier than all of it.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

type Array = np.ndarray

LEVEL = 0.95  # of all comparisons of one arm together
POWER = 0.99  # at the smallest detectable excess


class Outcome(StrEnum):
    """Whether two laws are equal as far as one distance can tell."""

    EQUIVALENT = "EQUIVALENT"
    DIFFERENT = "DIFFERENT"
    INCONCLUSIVE = "INCONCLUSIVE"


class OneSided(NamedTuple):
    """P-values of the two tests; nan: not tested, and not counted among those read together."""

    equivalent: float  # of an excess of at least the margin
    different: float  # of an excess of at most the margin


class Power(NamedTuple):
    """What the comparison could have shown, from the spread under equal laws."""

    equivalent: float  # probability that equal laws come out EQUIVALENT
    detectable: float  # smallest excess that comes out DIFFERENT with probability 0.99; nan: none


def judge(low: float, high: float, margin: float) -> Outcome:
    """Equivalent if the whole interval of the excess is within the margin, different if
    all of it is beyond, else inconclusive (two one-sided tests).

    Raises ``ValueError`` for an interval whose ends are exchanged, and for a negative margin.

    >>> judge(-0.01, 0.015, margin=0.02).value, judge(0.03, 0.05, margin=0.02).value
    ('EQUIVALENT', 'DIFFERENT')
    """
    if low > high:
        raise ValueError(f"an interval goes from low to high, got {low} to {high}: were the ends exchanged?")
    if margin < 0:
        raise ValueError(
            f"margin must not be negative, got {margin}: it is the largest excess that counts as equal"
        )
    if not (np.isfinite(low) and np.isfinite(high) and np.isfinite(margin)):
        return Outcome.INCONCLUSIVE
    if high <= margin:
        return Outcome.EQUIVALENT
    return Outcome.DIFFERENT if low > margin else Outcome.INCONCLUSIVE


def one_sided(excess: Array, margin: float) -> OneSided:
    """The two p-values of an excess with a bootstrap law ``(resample,)``.

    >>> one_sided(np.linspace(0, 0.9, 99), margin=1.0)
    OneSided(equivalent=0.01, different=1.0)
    """
    if not (np.isfinite(margin) and np.isfinite(excess).all()):
        return OneSided(np.nan, np.nan)
    beyond, within = np.sum(excess > margin), np.sum(excess <= margin)
    return OneSided(*(float((1 + count) / (1 + len(excess))) for count in (beyond, within)))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for being read together (Holm 1979); nan stays, and does not count.

    Raises ``ValueError`` for values outside 0 to 1.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03, float("nan")])]
    [0.03, 0.06, 0.06, nan]
    """
    p = np.asarray(p_values, float)
    if np.any((p < 0) | (p > 1)):
        raise ValueError(f"p-values lie between 0 and 1, got {np.nanmin(p)} to {np.nanmax(p)}")
    order = np.argsort(p)[: np.sum(np.isfinite(p))]  # nan sorts last
    steps = np.minimum(1, p[order] * np.arange(len(order), 0, -1))
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.maximum.accumulate(steps)
    return [float(value) for value in adjusted]


def outcomes(tests: Sequence[OneSided], level: float = LEVEL) -> list[Outcome]:
    """The outcome of each of several comparisons that are read together.

    >>> [o.value for o in outcomes([OneSided(0.001, 1.0), OneSided(0.02, 0.99)])]
    ['EQUIVALENT', 'EQUIVALENT']
    """
    alpha = (1 - level) / 2
    adjusted = zip(holm([t.equivalent for t in tests]), holm([t.different for t in tests]), strict=True)

    def outcome(equivalent: float, different: float) -> Outcome:
        if equivalent <= alpha:
            return Outcome.EQUIVALENT
        return Outcome.DIFFERENT if different <= alpha else Outcome.INCONCLUSIVE

    return [outcome(*pair) for pair in adjusted]


def power(floor: Array, spread: Array, margin: float, level: float, *, squared: bool) -> Power:
    """What can be shown at this margin and level, of a distance or of a squared one.

    ``floor`` are distances under equal laws, ``spread`` those of a bootstrap under equal laws,
    each ``(resample,)``.

    >>> folded = np.abs(norm.ppf((np.arange(2000) + 0.5) / 2000))
    >>> found = power(folded, folded, margin=1.0, level=0.95, squared=False)
    >>> round(found.detectable - 1.0, 1), round(float(norm.ppf(0.975) + norm.ppf(0.99)), 1)
    (4.3, 4.3)
    """
    reach = np.quantile(spread, (1 + level) / 2) - np.mean(spread)
    deviation = max(float(np.std(floor)), np.finfo(float).tiny)
    excess = floor - np.mean(floor)
    if squared:
        reach = reach * np.sqrt(1 + 2 * math.sqrt(2) * np.maximum(excess, 0) / deviation)
    equivalent = float(np.sum(excess + reach <= margin) / (1 + len(floor)))
    if not squared:
        quantiles = np.quantile(np.abs(floor), [level, 2 * POWER - 1])
        return Power(equivalent, margin + float(quantiles.sum()))
    quantile = float(norm.ppf((1 + level) / 2) + norm.ppf(POWER))
    middle = margin + math.sqrt(2) * quantile**2 * deviation
    reached = math.sqrt(max(middle**2 - margin**2 + (quantile * deviation) ** 2, 0.0))
    return Power(equivalent, middle + reached)
