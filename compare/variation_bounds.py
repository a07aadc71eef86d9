r"""Bounds on the true total variation between two laws over functions, valid at any sample size.

The plug-in distance of two histograms is too large on average, by up to its floor; its
excess over the floor is too small wherever the laws differ. Neither is a bound. These are:

**From above.** The expected plug-in distance is never below the true one (Jensen), and one
draw exchanged changes it by at most ``1 / n`` or ``1 / m``, so with probability ``1 - a``

.. math::

    \mathrm{TV}(p, q) \le \mathrm{TV}(\hat p, \hat q)
        + \sqrt{\tfrac12 \left(\tfrac1n + \tfrac1m\right) \log \tfrac1a}.

**From below.** ``TV = max_A p(A) - q(A)``. A set ``A`` of functions is chosen on one half of both
samples and tried on the other: whatever ``A`` is, ``p(A) - q(A)`` is at most the total
variation, and two binomial intervals bound it. This is a classifier two-sample test. The
classifier calls a function left where

.. math:: \sum_g w^{d(f, g)} \left(\hat p_1(g) - \hat q_1(g)\right) > 0,

``d`` the number of inputs on which ``f`` and ``g`` differ: ``w = 0`` compares histograms, larger ``w``
lets functions that were never seen learn from their neighbours. ``w`` is chosen within the first half.
The work is the product of both numbers of functions; of larger samples a random part takes part here.

Sources: McDiarmid 1989 (bounded differences); Clopper and Pearson 1934; Lopez-Paz and Oquab 2017,
section 3 (classifier two-sample tests).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .binomial import clopper_pearson
from .function_distances import aligned, total_variation
from .functions import FunctionCounts, counts_of, merge_counts, subsample
from .options import check_level

type Array = np.ndarray

WEIGHTS = (0.0, 0.1, 0.3, 0.6)
AT_ONCE = 1024  # functions scored together
FEWEST = 8  # draws in each sample
MOST = 1 << 15  # draws of each law for the bound from below


class VariationBounds(NamedTuple):
    """The true total variation lies between ``low`` and ``high`` with the level asked for."""

    held_out: float  # p(A) - q(A) on draws that did not choose A: on average not above the truth
    low: float
    high: float
    distance: float  # plug-in
    weight: float  # of the classifier, chosen on the draws that choose A


def variation_bounds(
    left: FunctionCounts, right: FunctionCounts, *, seed: int, level: float = 0.95
) -> VariationBounds:
    """Bounds from independent draws of both laws.

    Each bound fails with probability at most ``(1 - level) / 2``. Raises ``ValueError`` for
    fewer than eight draws of either law, functions of different numbers of inputs, or a level
    outside 0 to 1.

    >>> one, other = (FunctionCounts(np.array([[1], [2]], np.uint8), np.array(c)) for c in
    ...               ([900, 100], [500, 500]))
    >>> found = variation_bounds(one, other, seed=0)
    >>> found.low < 0.4 < found.high, found.distance
    (True, 0.4)
    """
    check_level(level)
    num_left, num_right = left.total, right.total
    if min(num_left, num_right) < FEWEST:
        raise ValueError(
            f"bounds need at least {FEWEST} draws of each law, got {num_left} and {num_right}: "
            "half of them choose a set of functions, the others try it"
        )
    a, b = aligned(left, right)
    distance = total_variation(a / num_left, b / num_right)
    tail = (1 - level) / 2
    reach = np.sqrt((1 / num_left + 1 / num_right) * np.log(1 / tail) / 2)

    rng = np.random.default_rng(seed)
    (learn_left, try_left), (learn_right, try_right) = (
        halves(subsample(law, MOST, rng), rng) for law in (left, right)
    )
    weight = _best_weight(learn_left, learn_right, rng)
    hits_left, hits_right = (
        int(_called_left(learn_left, learn_right, tried, (weight,))[0]) for tried in (try_left, try_right)
    )
    lowest, _ = clopper_pearson(hits_left, try_left.total, level=1 - tail)
    _, highest = clopper_pearson(hits_right, try_right.total, level=1 - tail)
    return VariationBounds(
        hits_left / try_left.total - hits_right / try_right.total,
        max(0.0, float(lowest - highest)),
        min(1.0, float(distance + reach)),
        distance,
        weight,
    )


def halves(counts: FunctionCounts, rng: np.random.Generator) -> tuple[FunctionCounts, FunctionCounts]:
    """The draws dealt at random into two halves, the second larger by one where their number is odd.

    >>> counts = FunctionCounts(np.array([[1], [2]], np.uint8), np.array([5, 4]))
    >>> [half.total for half in halves(counts, np.random.default_rng(0))]
    [4, 5]
    """
    first = rng.multivariate_hypergeometric(counts.counts, counts.total // 2, method="marginals")
    return _seen(counts, first), _seen(counts, counts.counts - first)


def _seen(counts: FunctionCounts, number: Array) -> FunctionCounts:
    return FunctionCounts(counts.packed[number > 0], number[number > 0])


def _best_weight(left: FunctionCounts, right: FunctionCounts, rng: np.random.Generator) -> float:
    """The weight whose classifier, learnt on half of these draws, tells the others apart best."""
    (learn_left, try_left), (learn_right, try_right) = halves(left, rng), halves(right, rng)

    shares = [
        _called_left(learn_left, learn_right, tried, WEIGHTS) / tried.total for tried in (try_left, try_right)
    ]
    return WEIGHTS[int(np.argmax(shares[0] - shares[1]))]


def _called_left(
    left: FunctionCounts, right: FunctionCounts, tried: FunctionCounts, weights: Sequence[float]
) -> Array:
    """How many of the tried draws the classifier of each weight calls left, ``(weight,)``."""
    known = merge_counts([left, right])
    mass = counts_of(left, known.packed) / left.total - counts_of(right, known.packed) / right.total
    called = np.array([0 if weight else _called_as_seen(known, mass, tried) for weight in weights])
    smooth = {place: np.float32(np.log(weight)) for place, weight in enumerate(weights) if weight}
    if not smooth:
        return called
    signs, single = _signs(known.packed), mass.astype(np.float32)
    for first in range(0, len(tried.packed), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        further = _signs(tried.packed[some]) @ signs.T
        # The distance beyond that of the nearest: the sign is the same and nothing underflows.
        np.subtract(further.max(axis=1, keepdims=True), further, out=further)
        further /= 2
        for place, slope in smooth.items():
            scores = np.exp(slope * further) @ single
            called[place] += int(tried.counts[some][scores > 0].sum())
    return called


def _called_as_seen(known: FunctionCounts, mass: Array, tried: FunctionCounts) -> int:
    """How many of the tried draws are of functions seen more often on the left: the weight zero."""
    likelier = FunctionCounts(known.packed[mass > 0], known.counts[mass > 0])
    if not len(likelier.packed):
        return 0
    return int(tried.counts[counts_of(likelier, tried.packed) > 0].sum())


def _signs(packed: Array) -> Array:
    return 2 * np.unpackbits(packed, axis=-1).astype(np.float32) - 1
