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

type Array = np.ndarray
SPLITS = 20  # random halves behind the point
RESAMPLES = 1000
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
    Raises ``ValueError`` for fewer than 20 networks, fewer than 4 items or unequal networks.

    >>> rng = np.random.default_rng(0)
    >>> skill = rng.normal(size=(400, 1))
    >>> left, right = (rng.normal(size=(400, 50)) < skill for _ in range(2))
    >>> found = corrected_rank_correlation(left, right, seed=0, num_resamples=200)
    >>> found.raw < 0.98, 0.98 < found.value < 1.02
    (True, True)
    """
    left, right = np.asarray(left, np.float32), np.asarray(right, np.float32)
    if len(left) != len(right) or len(left) < FEWEST:
        raise ValueError(f"{FEWEST} networks or more are needed in both, got {len(left)} and {len(right)}")
    if min(left.shape[1], right.shape[1]) < 4:
        raise ValueError(f"4 items or more are needed, got {left.shape[1]} and {right.shape[1]}")
    rng = np.random.default_rng([seed, len(left)])
    found = np.array([_of_halves(_halved(left, right, rng)) for _ in range(SPLITS)])
    across, left_half, right_half = found.mean(axis=0)
    drawn = []
    for _ in range(num_resamples):
        halves = _halved(left, right, rng, resampled=True)
        rows = rng.integers(len(left), size=len(left))
        drawn.append(_corrected(*_of_halves([half[rows] for half in halves])))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return CorrectedCorrelation(
        _as_rank(_corrected(across, left_half, right_half)),
        _as_rank(float(low)),
        _as_rank(float(high)),
        _spearman(left.mean(axis=1), right.mean(axis=1)),
        _as_rank(left_half),
        _as_rank(right_half),
        len(left),
    )


def _halved(left: Array, right: Array, rng: np.random.Generator, *, resampled: bool = False) -> list[Array]:
    """Mean scores ``(network,)`` on two halves of the items: left A, left B, right A, right B."""
    means = []
    order = rng.permutation(left.shape[1])
    for scores in (left, right):
        if scores.shape[1] != len(order):
            order = rng.permutation(scores.shape[1])
        for half in np.array_split(order, 2):
            items = rng.choice(half, len(half)) if resampled else half
            weights = np.bincount(items, minlength=scores.shape[1]).astype(np.float32)
            means.append(scores @ weights / len(half))
    return means


def _of_halves(means: list[Array]) -> tuple[float, float, float]:
    """Copula correlations: across halves, and the two reliabilities."""
    left_a, left_b, right_a, right_b = means
    across = (_copula(left_a, right_b) + _copula(left_b, right_a)) / 2
    return across, _copula(left_a, left_b), _copula(right_a, right_b)


def _corrected(across: float, left: float, right: float) -> float:
    if min(left, right) < LEAST:
        return np.inf if across > 0 else -np.inf
    return float(across / np.sqrt(left * right))


def _copula(left: Array, right: Array) -> float:
    return 2 * np.sin(np.pi / 6 * _spearman(left, right))


def _as_rank(g: float) -> float:
    """Spearman's correlation of a Gaussian copula; beyond plus or minus one as it is."""
    return float(6 / np.pi * np.arcsin(g / 2)) if abs(g) <= 1 else g


def _spearman(left: Array, right: Array) -> float:
    a, b = (rankdata(values) for values in (left, right))
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0
