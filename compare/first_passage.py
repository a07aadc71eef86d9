r"""When something was first seen, in runs of which some ended before they saw it.

A run that has not seen it by its end says only that it takes longer: it is censored, and
to leave it out would make all look quick. The share of runs that have not seen it yet is
estimated by the product over the times at which some did (Kaplan and Meier 1958),

.. math:: \hat S(t) = \prod_{t_i \le t} \Bigl(1 - \frac{d_i}{n_i}\Bigr),

``d_i`` of the ``n_i`` runs still going having seen it at ``t_i``. The median is the first
time at which ``S`` is a half or less; its interval holds the times at which the interval of
``S`` (Greenwood's variance, on the scale of ``log(-log S)``) holds a half (Brookmeyer and
Crowley 1982). Without a time at which ``S`` has come so low there is no median.

Runs are looked at now and then, so a time is known up to the step between two looks: the
passage lies after the look ``before`` and not after ``steps``.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import CensoredData, ecdf, logrank

from .options import check_count, check_level

type Array = np.ndarray


class Passages(NamedTuple):
    """First passages of independent runs, ``(run,)`` each."""

    steps: Array  # the look at which it was first seen; the end of the run where it was not
    before: Array  # the last look that had not seen it; minus one where the first look did
    seen: Array  # whether it was seen


class Median(NamedTuple):
    """A median with its interval; ``None`` where too few runs have seen it to bound it."""

    value: float | None
    low: float | None
    high: float | None


def first_passages(seen: Array, looks: Array) -> Passages:
    """First passages from what every look saw, ``(run, look)`` booleans.

    ``looks`` are the steps of the looks, rising along the last axis, ``(look,)`` or
    ``(run, look)`` where runs ended early: repeated steps then say that no more was done.
    Raises ``ValueError`` for steps that fall or shapes that do not fit.

    >>> seen = np.array([[False, True, False], [False, False, False]])
    >>> found = first_passages(seen, np.array([10, 20, 40]))
    >>> found.steps.tolist(), found.before.tolist(), found.seen.tolist()
    ([20, 40], [10, 40], [True, False])
    """
    if seen.ndim != 2 or 0 in seen.shape or looks.shape not in (seen.shape, seen.shape[1:]):
        raise ValueError(
            f"seen must be (run, look) and looks (look,) or (run, look), got {seen.shape} and {looks.shape}"
        )
    looks = np.broadcast_to(looks, seen.shape)
    if (np.diff(looks, axis=1) < 0).any():
        raise ValueError("looks must rise from one to the next, got steps that fall: sort them")
    some, first = seen.any(axis=1), seen.argmax(axis=1)
    at = np.where(some, first, seen.shape[1] - 1)
    rows = np.arange(len(seen))
    before = np.where(first > 0, looks[rows, first - 1], -1)
    return Passages(looks[rows, at], np.where(some, before, looks[:, -1]), some)


def median_passage(passages: Passages, level: float = 0.95) -> Median:
    """The Kaplan-Meier median of the steps, and its interval of confidence ``level``.

    Raises ``ValueError`` for no runs at all, or a level outside (0, 1).

    >>> steps = np.array([10, 20, 30, 40, 50])
    >>> median_passage(Passages(steps, steps - 1, np.array([True, True, True, False, False]))).value
    30.0
    >>> median_passage(Passages(steps, steps - 1, np.zeros(5, bool)))
    Median(value=None, low=None, high=None)
    """
    check_level(level)
    survival = ecdf(_censored(passages)).sf
    with warnings.catch_warnings():  # where nobody or everybody has seen it there is no variance
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = survival.confidence_interval(level, method="log-log")
    times = survival.quantiles

    def first(shares: Array) -> float | None:
        known = np.where(np.isfinite(shares), shares, survival.probabilities)
        low_enough = known <= 0.5 + 1e-12  # products of fractions round
        return float(times[low_enough.argmax()]) if low_enough.any() else None

    return Median(
        first(survival.probabilities),
        first(interval.low.probabilities),
        first(interval.high.probabilities),
    )


def not_seen_yet(passages: Passages, at: Array) -> Array:
    """The Kaplan-Meier share of runs that have not seen it by the steps ``at``.

    >>> steps = np.array([10, 20, 30, 40])
    >>> not_seen_yet(Passages(steps, steps - 1, np.array([True, False, True, True])), np.array([5, 10, 30]))
    array([1.   , 0.75 , 0.375])
    """
    return np.asarray(ecdf(_censored(passages)).sf.evaluate(at))


def log_rank(left: Passages, right: Passages) -> float:
    """Probability of a difference as large if both saw it equally fast (Mantel 1966), two-sided.

    1 where no run of either has seen it: there is then nothing to compare.
    """
    if not (left.seen.any() or right.seen.any()):
        return 1.0
    return float(logrank(_censored(left), _censored(right)).pvalue)


def median_ratio(
    later: Passages,
    earlier: Passages,
    rng: np.random.Generator,
    level: float = 0.95,
    num_resamples: int = 2000,
) -> Median:
    """How many times longer the median run takes to see the later thing; the same runs, resampled.

    The value is the ratio of the Kaplan-Meier medians, with the look *before* the later
    passage: no look can make a delay look longer than it was. A resample without a median
    of the later thing counts as endless, one without a median of the earlier as none.
    ``high`` is ``None`` where the upper end is endless, all are where ``earlier`` has no median.
    Raises ``ValueError`` for other runs, no resamples, or a level outside (0, 1).

    >>> steps = np.full(8, 100)
    >>> slow, quick = (Passages(n * steps, n * steps, np.ones(8, bool)) for n in (30, 2))
    >>> median_ratio(slow, quick, np.random.default_rng(0))
    Median(value=15.0, low=15.0, high=15.0)
    """
    if len(later.steps) != len(earlier.steps):
        raise ValueError(f"the same runs are needed, got {len(later.steps)} and {len(earlier.steps)}")
    check_count(num_resamples=num_resamples)
    check_level(level)
    timed = later._replace(steps=np.where(later.seen, np.maximum(later.before, 0), later.steps))
    rows = rng.integers(0, len(later.steps), (num_resamples, len(later.steps)))
    slow, quick = _medians(timed, rows), _medians(earlier, rows)
    every = np.arange(len(later.steps))[None]
    whole = _medians(timed, every)[0], _medians(earlier, every)[0]
    if not np.isfinite(whole[1]):
        return Median(None, None, None)
    ratios = np.where(np.isfinite(quick), slow / np.maximum(np.where(np.isfinite(quick), quick, 1), 1), 0.0)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return Median(*(_finite(float(one)) for one in (whole[0] / max(whole[1], 1), low, high)))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _censored(passages: Passages) -> CensoredData:
    if not len(passages.steps):
        raise ValueError("passages of no runs: there is nothing to estimate")
    return CensoredData.right_censored(passages.steps.astype(float), ~passages.seen)


def _medians(passages: Passages, rows: Array) -> Array:
    """Kaplan-Meier medians of resampled runs, ``(resample,)``; infinite where there is none."""
    # At one step passages come before the ends of runs: who ends there was still going.
    order = np.lexsort((~passages.seen, passages.steps))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    ranked = order[np.sort(place[rows], axis=1)]
    going = np.arange(rows.shape[1], 0, -1)[None]
    left = np.cumprod(np.where(passages.seen[ranked], 1 - 1 / going, 1.0), axis=1)
    reached = left <= 0.5 + 1e-12
    steps = passages.steps[ranked][np.arange(len(rows)), reached.argmax(axis=1)]
    return np.where(reached.any(axis=1), steps.astype(float), np.inf)
