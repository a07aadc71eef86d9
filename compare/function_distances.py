r"""How far apart two laws over functions are, from counts of draws.

.. math::

    \mathrm{TV}(p, q) &= \tfrac12 \textstyle\sum_f |p_f - q_f| && \in [0, 1] \\
    \mathrm{JS}(p, q) &= H((p + q) / 2) - \tfrac12 H(p) - \tfrac12 H(q) && \in [0, 1]\ \text{bits}

Two histograms of the *same* law differ too. For ``K`` nearly equally probable
functions, ``K`` well below both sample sizes, their total variation is about

.. math:: \sqrt{\frac{K}{2 \pi} \left(\frac1N + \frac1M\right)},

and it tends to one where functions outnumber draws. So no distance is given without its
**floor** at the same sizes: under equal laws all draws are exchangeable, so the floor
deals the pooled draws out again at random, which is exact however many functions were
never seen. The expected distance is never below the true one (Jensen), and exceeds it
by no more than the distances of both histograms from their own laws: where functions are
few against draws the excess over the floor is close to the truth, elsewhere the truth lies
between excess and distance.

Sources: Lin 1991 (Jensen-Shannon); Paninski 2003 (bias of plug-in estimates); Good 2005,
chapter 3 (permutation null); Bonett and Wright 2000 (error of the rank correlation).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy
from scipy.stats import norm, spearmanr

from .comparison import Band, band
from .functions import FunctionCounts, counts_of, merge_counts
from .options import check_count, check_law, check_laws, check_level

type Array = np.ndarray
type Measure = Callable[[Array, Array], float]  # of two probability vectors (function,)


class FunctionComparison(NamedTuple):
    """One distance between two function histograms, with what chance alone would show."""

    distance: Band
    floor: Band  # the same distance between equal laws at the same sizes
    excess: Band  # distance minus the floor's mean
    p_value: float  # of equal laws, by permutation
    num_left: int
    num_right: int


class RankCorrelation(NamedTuple):
    """Spearman correlation of log probabilities over the functions that both samples saw.

    All ``None`` where fewer than four functions were seen by both, or all equally often.
    """

    value: float | None
    low: float | None
    high: float | None
    num_functions: int  # seen by both
    mass_left: float  # share of the draws of each sample that these functions make up
    mass_right: float


def total_variation(left: Array, right: Array) -> float:
    """Total variation between two probability vectors.

    Raises ``ValueError`` for vectors of different lengths and for what is no probability.

    >>> total_variation(np.array([0.5, 0.5]), np.array([0.9, 0.1]))
    0.4
    """
    check_laws(left, right)
    return float(np.abs(left - right).sum() / 2)


def jensen_shannon(left: Array, right: Array) -> float:
    """Jensen-Shannon divergence, bits, between two probability vectors as of :func:`total_variation`.

    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    check_laws(left, right)
    middle = (left + right) / 2
    entropies = [-float(xlogy(p, p).sum()) for p in (middle, left, right)]
    return max(0.0, entropies[0] - (entropies[1] + entropies[2]) / 2) / float(np.log(2))


def approximate_floor(num_functions: int, num_left: int, num_right: int) -> float:
    """Expected total variation of equal uniform laws, for few functions against draws.

    >>> round(approximate_floor(256, 8192, 8192), 3)
    0.1
    """
    return float(np.sqrt(num_functions / (2 * np.pi) * (1 / num_left + 1 / num_right)))


def compare_functions(
    left: FunctionCounts,
    right: FunctionCounts,
    measure: Measure = total_variation,
    *,
    seed: int,
    num_resamples: int = 1000,
    level: float = 0.95,
) -> FunctionComparison:
    """The distance between two function histograms with its floor and interval.

    The interval is the bootstrap spread about its own mean, added to the point, for a
    resampled histogram is further off than the sample it comes from. Raises ``ValueError`` for
    samples without draws or of different functions, no resamples, or a level outside 0 to 1.

    >>> same = FunctionCounts(np.array([[0], [1]], np.uint8), np.array([60, 40]))
    >>> result = compare_functions(same, same, seed=0, num_resamples=200)
    >>> result.distance.mean, result.p_value
    (0.0, 1.0)
    """
    check_level(level)
    check_count(num_resamples=num_resamples)
    rng = np.random.default_rng(seed)
    a, b = aligned(left, right)
    p, q = a / left.total, b / right.total
    point = measure(p, q)
    dealt = _dealt(rng, a + b, left.total, right.total, measure, num_resamples)
    spread = np.array(
        [_between_draws(rng, p, q, left.total, right.total, measure) for _ in range(num_resamples)]
    )
    low, high = point + np.quantile(spread - spread.mean(), [(1 - level) / 2, (1 + level) / 2])
    distance, floor = Band(point, float(low), float(high)), band(dealt, level)
    return FunctionComparison(
        distance,
        floor,
        Band(*(value - floor.mean for value in distance)),
        float((1 + np.sum(dealt >= point - 1e-12)) / (1 + num_resamples)),
        left.total,
        right.total,
    )


def floor_of_draws(
    draws: FunctionCounts,
    num_left: int,
    num_right: int,
    measure: Measure = total_variation,
    *,
    seed: int,
    num_resamples: int = 1000,
    level: float = 0.95,
) -> Band:
    """The distance between two disjoint random parts of one sample, mean and interval.

    Raises ``ValueError`` if the sample is smaller than the two parts, for a part without draws,
    no resamples, or a level outside 0 to 1.

    >>> draws = FunctionCounts(np.arange(4, dtype=np.uint8)[:, None], np.array([50, 50, 50, 50]))
    >>> 0.05 < floor_of_draws(draws, 100, 100, seed=0).mean < 0.15
    True
    """
    check_level(level)
    check_count(num_left=num_left, num_right=num_right, num_resamples=num_resamples)
    if num_left + num_right > draws.total:
        raise ValueError(
            f"a floor at sizes {num_left} and {num_right} needs as many draws together, got {draws.total}: "
            "draw more from the reference, or compare fewer"
        )
    rng = np.random.default_rng(seed)
    return band(_dealt(rng, draws.counts, num_left, num_right, measure, num_resamples), level)


def floor_of_law(
    probabilities: Array,
    num_left: int,
    num_right: int,
    measure: Measure = total_variation,
    *,
    seed: int,
    num_resamples: int = 1000,
    level: float = 0.95,
) -> Band:
    """The distance between two samples of a law that is known, mean and interval.

    Raises ``ValueError`` for what is no law, and as :func:`floor_of_draws`.

    >>> round(floor_of_law(np.full(256, 1 / 256), 8192, 8192, seed=0, num_resamples=100).mean, 2)
    0.1
    """
    check_level(level)
    check_count(num_left=num_left, num_right=num_right, num_resamples=num_resamples)
    check_law(probabilities)
    rng = np.random.default_rng(seed)
    p = np.asarray(probabilities, float)
    values = [_between_draws(rng, p, p, num_left, num_right, measure) for _ in range(num_resamples)]
    return band(np.array(values), level)


def rank_correlation(left: FunctionCounts, right: FunctionCounts, level: float = 0.95) -> RankCorrelation:
    """Rank correlation of log probabilities, with the mass that it speaks of.

    A function that one sample never saw has no log probability there and is left out;
    ``mass_left`` and ``mass_right`` say how much that leaves. The interval is Fisher's,
    with Bonett and Wright's error. Noise in rare functions lowers the value. Raises ``ValueError``
    as :func:`compare_functions`.

    >>> counts = FunctionCounts(np.arange(5, dtype=np.uint8)[:, None], np.array([50, 30, 10, 9, 1]))
    >>> round(rank_correlation(counts, counts).value, 6)
    1.0
    """
    check_level(level)
    a, b = aligned(left, right)
    both = (a > 0) & (b > 0)
    num, masses = int(both.sum()), (a[both].sum() / left.total, b[both].sum() / right.total)
    if num < 4 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return RankCorrelation(None, None, None, num, *masses)
    value = float(np.clip(spearmanr(a[both], b[both]).statistic, -1, 1))
    error = np.sqrt((1 + value**2 / 2) / (num - 3))
    reach = float(norm.ppf((1 + level) / 2)) * error
    z = np.arctanh(np.clip(value, -1 + 1e-15, 1 - 1e-15))
    return RankCorrelation(value, float(np.tanh(z - reach)), float(np.tanh(z + reach)), num, *masses)


def aligned(left: FunctionCounts, right: FunctionCounts) -> tuple[Array, Array]:
    """Counts of both samples over the functions that either saw, ``(function,)`` each.

    Raises ``ValueError`` if the functions have different numbers of inputs, and without draws.
    """
    check_count(num_left=left.total, num_right=right.total)
    seen = merge_counts([left, right]).packed
    return counts_of(left, seen), counts_of(right, seen)


def _dealt(
    rng: np.random.Generator, pooled: Array, num_left: int, num_right: int, measure: Measure, repeats: int
) -> Array:
    """Distances between two random disjoint parts of the pooled draws."""

    def once() -> float:
        a = rng.multivariate_hypergeometric(pooled, num_left, method="marginals")
        rest = pooled - a
        same = num_left + num_right == pooled.sum()
        b = rest if same else rng.multivariate_hypergeometric(rest, num_right, method="marginals")
        return measure(a / num_left, b / num_right)

    return np.array([once() for _ in range(repeats)])


def _between_draws(
    rng: np.random.Generator, p: Array, q: Array, num_left: int, num_right: int, measure: Measure
) -> float:
    return measure(rng.multinomial(num_left, p) / num_left, rng.multinomial(num_right, q) / num_right)
