r"""Distances between two sets of networks, in function space.

.. math::

    E &= \frac{2 a - w_x - w_y}{2 a} && \text{normalised energy distance} \\
    V &= \tfrac1m \textstyle\sum_x \tfrac12 \sum_c |\bar p_c(x) - \bar q_c(x)|
        && \text{total variation of averaged predictions} \\
    G &= \tfrac1m \textstyle\sum_x [\arg\max \bar p(x) \ne \arg\max \bar q(x)]
        && \text{disagreement of averaged predictions}

``a`` is the mean Euclidean distance between probability vectors across the two sets,
``w`` the mean within a set. Pairs of a network with itself are left out, which makes the
numerator of ``E`` unbiased: under equal laws it scatters about zero and may be negative.
``E`` lies in ``[0, 1]`` in the limit and is 0 only for equal laws (Szekely and Rizzo
2013, section 2). Bars are means over the networks of a set.

Each is a function of what :mod:`compare.tables` makes of many resamples at once.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Literal, NamedTuple

import numpy as np

type Array = np.ndarray


class Distance(NamedTuple):
    """A distance and the margin that counts as equal.

    With ``feature``, a function of the probabilities ``(unit, probe, class)`` that gives
    something of each network, ``(unit, ...)``, ``between`` gets its means over both
    samples, ``(resample, ...)`` each. With ``None``, ``between`` gets mean Euclidean
    distances of pairs of networks, across, within left and within right, ``(resample,)``
    each. It returns ``(resample,)``. A ``relative`` margin is a share of the way from
    floor to ceiling. No interval reaches beyond ``largest``, the largest value that there
    is.
    """

    name: str
    description: str
    feature: Callable[[Array], Array] | None
    between: Callable[..., Array]
    margin: float
    margin_kind: Literal["absolute", "relative"]
    largest: float = math.inf


@cache
def energy() -> Distance:
    """Normalised energy distance between laws of the probe probabilities.

    >>> across, within_left, within_right = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.5]])
    >>> energy().between(across, within_left, within_right).tolist()
    [1.0, 0.25]
    """

    def between(across: Array, within_left: Array, within_right: Array) -> Array:
        return (2 * across - within_left - within_right) / (2 * across)

    return Distance(
        "energy distance",
        "how far apart the two laws of probe probabilities are, network by network",
        None,
        between,
        margin=0.05,
        margin_kind="relative",
        largest=1.0,
    )


def predictions(probabilities: Array) -> Array:
    """The feature whose mean is the averaged prediction: the probabilities themselves."""
    return probabilities


@cache
def averaged_total_variation() -> Distance:
    """Total variation between averaged predictions, mean over probes, in [0, 1].

    >>> p, q = np.array([[[1.0, 0.0]]]), np.array([[[0.5, 0.5]]])
    >>> averaged_total_variation().between(p, q).tolist()
    [0.5]
    """

    def between(left: Array, right: Array) -> Array:
        found: Array = np.mean(np.sum(np.abs(left - right), axis=-1), axis=-1, dtype=float) / 2
        return found

    return Distance(
        "total variation of averages",
        "how far apart the averaged predictions are, as probability mass to move per probe",
        predictions,
        between,
        margin=0.02,
        margin_kind="absolute",
        largest=1.0,
    )


@cache
def averaged_disagreement() -> Distance:
    """Share of probes on which the averaged predictions choose different labels.

    >>> p, q = np.array([[[0.9, 0.1]]]), np.array([[[0.4, 0.6]]])
    >>> averaged_disagreement().between(p, q).tolist()
    [1.0]
    """

    def between(left: Array, right: Array) -> Array:
        found: Array = np.mean(np.argmax(left, axis=-1) != np.argmax(right, axis=-1), axis=-1)
        return found

    return Distance(
        "disagreement of averages",
        "share of probes on which the two averaged predictions choose different labels",
        predictions,
        between,
        margin=0.02,
        margin_kind="absolute",
        largest=1.0,
    )


def chance_agreement(accuracy_left: float, accuracy_right: float, num_classes: int) -> float:
    r"""Agreement that accuracy alone implies, :math:`ab + (1-a)(1-b)/(C-1)`.

    Two predictors that err independently and uniformly over the wrong labels.

    >>> round(chance_agreement(0.9, 0.9, 10), 4)
    0.8111
    """
    a, b = accuracy_left, accuracy_right
    return a * b + (1 - a) * (1 - b) / (num_classes - 1)
