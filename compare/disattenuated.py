r"""Rank correlation of two accuracies of many networks, freed of the noise of a finite probe.

A network's accuracy on ``m`` items is its true accuracy and binomial noise, which ranks
networks at random: two worlds in which networks rank alike correlate below one, and two
measured on the same items correlate by their noise. The items are therefore cut into random
halves ``A`` and ``B``, and only accuracies on *different* halves are correlated. With ``g`` the
correlation of normal scores' Gaussian copula, ``g = 2 sin(pi r / 6)`` of Spearman's ``r``,

.. math:: g = \frac{\tfrac12 \bigl(g(x_A, y_B) + g(x_B, y_A)\bigr)}{\sqrt{g(x_A, x_B)\, g(y_A, y_B)}},
    \qquad r = \tfrac6\pi \arcsin \tfrac g2

The denominators are the split-half reliabilities: where they are near zero the networks do
not differ by more than noise, and there is nothing to rank. Exact for jointly Gaussian
accuracies; the correction of ranks relies on that shape, the uncorrected number does not.
The interval is a bootstrap over networks and, within each half, over items: it holds for other
networks and other items.

Sources: Spearman 1904 (correction); Kendall and Gibbons 1990, chapter 9 (copula).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from .options import check_count, check_level

type Array = np.ndarray
SPLITS = 20  # random halves behind the point
RESAMPLES = 1000
AT_ONCE = 100  # resamples
FEWEST = 20  # networks
LEAST = 0.01  # reliability: below, a resample says that anything is possible


class CorrectedCorrelation(NamedTuple):
    """The correlation of true accuracies; ``value`` may pass one, by noise."""

    value: float
    low: float
    high: float
    raw: float  # of the accuracies on all items as they are
    left_reliability: float  # split-half correlation, as ranks of half the items
    right_reliability: float
    num_units: int


def corrected_rank_correlation(
    left: Array, right: Array, *, seed: int, level: float = 0.95, num_resamples: int = RESAMPLES
) -> CorrectedCorrelation:
    """The rank correlation of the mean ``left`` with the mean ``right`` scores of networks.

    Both are ``(network, item)``: right or wrong, or shares of several answers. If they have equally
    many items, these are the same in the same order, and noise in common counts for nothing.
    Where a resample's reliability is below 0.01 its correlation counts as unbounded, so that an interval
    of minus to plus infinity says that the networks do not differ by more than noise.
    Raises ``ValueError`` for fewer than 20 networks, fewer than 4 items, unequal networks, no
    resamples, or a level outside 0 to 1.

    >>> rng = np.random.default_rng(0)
    >>> skill = rng.normal(size=(400, 1))
    >>> left, right = (rng.normal(size=(400, 50)) < skill for _ in range(2))
    >>> found = corrected_rank_correlation(left, right, seed=0, num_resamples=200)
    >>> found.raw < 0.98, 0.98 < found.value < 1.02
    (True, True)
    """
    check_level(level)
    check_count(num_resamples=num_resamples)
    left, right = np.asarray(left, np.float32), np.asarray(right, np.float32)
    if left.ndim != 2 or right.ndim != 2:
        raise ValueError(f"scores must be (network, item), got shapes {left.shape} and {right.shape}")
    if len(left) != len(right) or len(left) < FEWEST:
        raise ValueError(f"{FEWEST} networks or more are needed in both, got {len(left)} and {len(right)}")
    if min(left.shape[1], right.shape[1]) < 4:
        raise ValueError(f"4 items or more are needed, got {left.shape[1]} and {right.shape[1]}")
    rng = np.random.default_rng([seed, len(left)])
    across, left_half, right_half = (x.mean() for x in _of_halves(_halved(left, right, rng, SPLITS)))
    drawn = []
    for first in range(0, num_resamples, AT_ONCE):
        num = min(AT_ONCE, num_resamples - first)
        halves = _halved(left, right, rng, num, resampled=True)
        rows = rng.integers(len(left), size=(num, len(left)))
        drawn.append(_corrected(*_of_halves([np.take_along_axis(half, rows, axis=1) for half in halves])))
    ends = np.quantile(np.concatenate(drawn), [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    point = _corrected(*(np.array([x]) for x in (across, left_half, right_half)))
    value, low, high, left_reliability, right_reliability = _as_rank(
        np.array([*point, *ends, left_half, right_half])
    ).tolist()
    a, b = (_centred_ranks(scores.mean(axis=1)[None]) for scores in (left, right))
    raw = float(_correlation(a, b)[0])
    return CorrectedCorrelation(value, low, high, raw, left_reliability, right_reliability, len(left))


def _halved(
    left: Array, right: Array, rng: np.random.Generator, num: int, *, resampled: bool = False
) -> list[Array]:
    """Mean scores ``(resample, network)`` on two halves of the items: left A, left B, right A, right B."""
    means: list[Array] = []
    halves: list[Array] = []
    for scores in (left, right):
        num_items = scores.shape[1]
        if sum(half.shape[1] for half in halves) != num_items:  # the same items are halved alike
            order = rng.permuted(np.tile(np.arange(num_items), (num, 1)), axis=1)
            halves = [order[:, : num_items // 2], order[:, num_items // 2 :]]
            if resampled:
                places = [rng.integers(half.shape[1], size=half.shape) for half in halves]
                halves = [np.take_along_axis(*pair, axis=1) for pair in zip(halves, places, strict=True)]
        for half in halves:
            cells = half + num_items * np.arange(num)[:, None]
            times = np.bincount(cells.ravel(), minlength=num * num_items).reshape(num, num_items)
            means.append(times.astype(np.float32) @ scores.T / half.shape[1])
    return means


def _of_halves(means: list[Array]) -> tuple[Array, Array, Array]:
    """Copula correlations ``(resample,)``: across halves, and the two reliabilities."""
    left_a, left_b, right_a, right_b = (_centred_ranks(mean) for mean in means)
    across = (_copula(left_a, right_b) + _copula(left_b, right_a)) / 2
    return across, _copula(left_a, left_b), _copula(right_a, right_b)


def _corrected(across: Array, left: Array, right: Array) -> Array:
    known = np.minimum(left, right) >= LEAST
    product = np.where(known, left * right, 1.0)
    return np.where(known, across / np.sqrt(product), np.copysign(np.inf, across))


def _copula(left: Array, right: Array) -> Array:
    return 2 * np.sin(np.pi / 6 * _correlation(left, right))


def _as_rank(g: Array) -> Array:
    """Spearman's correlation of a Gaussian copula; beyond plus or minus one as it is."""
    within = np.abs(g) <= 1
    return np.where(within, 6 / np.pi * np.arcsin(np.where(within, g, 0.0) / 2), g)


def _centred_ranks(values: Array) -> Array:
    # Sums of equal numbers in another order differ in the last bits: rounded, ties stay ties.
    return rankdata(np.round(values, 6), axis=-1) - (values.shape[-1] + 1) / 2


def _correlation(left: Array, right: Array) -> Array:
    """Correlation along the last axis of ``(resample, network)``; zero where one is constant."""
    norms = np.sqrt((left**2).sum(axis=-1) * (right**2).sum(axis=-1))
    products = (left * right).sum(axis=-1)
    return np.where(norms > 0, products / np.where(norms > 0, norms, 1.0), 0.0)
