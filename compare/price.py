r"""The Price equation: how the mean of a trait changes by selection, and how by change of its bearers.

Of individuals ``k`` with shares ``p_k`` of the population before and ``q_k`` after, and trait ``z_k``
before and ``y_k`` after,

.. math:: \underbrace{\textstyle\sum_k q_k y_k - \sum_k p_k z_k}_{\text{change}}
    = \underbrace{\textstyle\sum_k (q_k - p_k)\, z_k}_{\text{selection}}
    + \underbrace{\textstyle\sum_k q_k (y_k - z_k)}_{\text{transmission}}

With fitness ``w_k = q_k / p_k`` selection is ``Cov_p(w, z)``, as the mean of ``w`` is one. An
identity, whatever the numbers: it says how much, not why. Why is asked by the *selection slope*,
the regression coefficient of the share after on the trait before at equal share before, in standard
deviations: chance changes of shares have a slope of zero, though large shares tend to shrink.

Sources: Price 1970; Frank 2012, equation 1; Lande and Arnold 1983 (slopes).
"""

from typing import NamedTuple

import numpy as np

type Array = np.ndarray
LEAST = 1e-9  # of the trait's variance that may be left once the share is known


class Price(NamedTuple):
    """The change of a mean trait, and its two parts, ``()`` or ``(...)`` each."""

    change: Array
    selection: Array
    transmission: Array


def price_split(before: Array, after: Array, trait_before: Array, trait_after: Array) -> Price:
    """Split the change of the mean trait; all arguments are ``(..., individual)``.

    ``before`` and ``after`` are sizes, not negative, whose shares are taken along the last axis. Raises
    ``ValueError`` for sizes that are negative or sum to nothing, and for unequal numbers of individuals.

    >>> found = price_split(np.array([1, 1]), np.array([3, 1]), np.array([2.0, 0.0]), np.array([2.0, 1.0]))
    >>> float(found.change), float(found.selection), float(found.transmission)
    (0.75, 0.5, 0.25)
    """
    p, q = _shares(before, "before"), _shares(after, "after")
    z, y = np.asarray(trait_before, float), np.asarray(trait_after, float)
    if len({np.shape(values)[-1:] for values in (p, q, z, y)}) > 1:
        raise ValueError(
            f"sizes and traits of the same individuals are needed, got shapes {p.shape}, {q.shape}, "
            f"{z.shape} and {y.shape}: give one of each an individual, zero for one that is gone"
        )
    return Price((q * y).sum(-1) - (p * z).sum(-1), ((q - p) * z).sum(-1), (q * (y - z)).sum(-1))


def selection_slope(before: Array, after: Array, trait: Array) -> Array:
    """Slope of the size after on the trait before, at equal size before; ``(..., individual)`` to ``(...)``.

    In standard deviations of each: the change of size that one deviation of the trait brings, in
    deviations of size. Nan where the trait does not vary beyond what the size before says.

    >>> rng = np.random.default_rng(0)
    >>> before, trait = rng.normal(size=(2, 1000))
    >>> round(float(selection_slope(before, before + 0.75 * trait, trait)), 1)
    0.6
    """
    x, y, z = (_standard(np.asarray(values, float)) for values in (before, after, trait))
    alone = z - (x * z).mean(-1, keepdims=True) * x
    variance = (alone**2).mean(-1)
    known = variance > LEAST
    return np.where(known, (y * alone).mean(-1) / np.where(known, variance, 1.0), np.nan)


def _standard(values: Array) -> Array:
    centred = values - values.mean(-1, keepdims=True)
    scale = centred.std(-1, keepdims=True)
    return centred / np.where(scale > 0, scale, 1.0)


def _shares(sizes: Array, when: str) -> Array:
    sizes = np.asarray(sizes, float)
    total = sizes.sum(-1, keepdims=True)
    if not ((sizes >= 0).all() and (total > 0).all()):
        raise ValueError(
            f"sizes {when} must not be negative and must sum to more than nothing, got a least size of "
            f"{sizes.min()} and a least sum of {total.min()}: give counts or squared weights"
        )
    return sizes / total
