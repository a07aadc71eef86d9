r"""Rank correlation of two numbers where a third is held fixed, by strata of equal third.

.. math::

    a_i = \frac{R_s(x_i)}{n_s + 1} - \frac12, \quad b_i \text{ likewise of } y, \qquad
    \rho = \frac{\sum_i a_i b_i}{\sqrt{\sum_i a_i^2 \sum_i b_i^2}}

``R_s`` is the rank within the stratum ``s`` of item ``i``, ``n_s`` its size: nothing that
differs between strata can make a correlation. The interval is Fisher's, with Bonett and
Wright's error and one degree of freedom lost for every stratum.

Sources: Kendall and Gibbons 1990, chapter 8 (partial rank correlation); Bonett and Wright
2000 (error).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, rankdata

from .options import check_level

type Array = np.ndarray
SMALLEST = 3  # items of a stratum that says anything
FEWEST = 10  # items altogether


class StratifiedCorrelation(NamedTuple):
    """A rank correlation within strata; all ``None`` where there are too few items or all are tied."""

    value: float | None
    low: float | None
    high: float | None
    num_items: int  # in strata large enough
    num_strata: int


def stratified_rank_correlation(
    left: Array, right: Array, strata: Array, *, level: float = 0.99
) -> StratifiedCorrelation:
    """The rank correlation of ``left`` and ``right``, ``(item,)`` each, among items of equal ``strata``.

    Raises ``ValueError`` for arrays of different lengths and a level outside 0 to 1.

    >>> x, s = np.tile(np.arange(10.0), 2), np.repeat([0, 1], 10)
    >>> found = stratified_rank_correlation(x, 100 * s - x, s)
    >>> round(found.value, 6), found.num_items, found.num_strata
    (-1.0, 20, 2)
    """
    check_level(level)
    if not len(left) == len(right) == len(strata):
        raise ValueError(
            f"one value an item is needed, got {len(left)}, {len(right)} and {len(strata)} values"
        )
    places, sizes = np.unique(strata, return_inverse=True, return_counts=True)[1:]
    groups = [np.flatnonzero(places == group) for group in np.flatnonzero(sizes >= SMALLEST)]
    num_items = sum(map(len, groups))
    nothing = StratifiedCorrelation(None, None, None, num_items, len(groups))
    if num_items < FEWEST:
        return nothing
    a, b = (np.concatenate([_centred(values[group]) for group in groups]) for values in (left, right))
    norms = float(a @ a) * float(b @ b)
    if norms == 0:
        return nothing
    value = float(np.clip(a @ b / np.sqrt(norms), -1, 1))
    reach = float(norm.ppf((1 + level) / 2)) * np.sqrt(
        (1 + value**2 / 2) / max(num_items - len(groups) - 2, 1)
    )
    z = np.arctanh(np.clip(value, -1 + 1e-15, 1 - 1e-15))
    return StratifiedCorrelation(
        value, float(np.tanh(z - reach)), float(np.tanh(z + reach)), num_items, len(groups)
    )


def _centred(values: Array) -> Array:
    return rankdata(values) / (len(values) + 1) - 0.5
