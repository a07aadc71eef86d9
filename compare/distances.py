r"""Distances between two sets of networks, in function space.

.. math::

    E &= \frac{2 a - w_x - w_y}{2 a} && \text{normalised energy distance} \\
    M &= w_x + w_y - 2 a, \quad k(d) = e^{-d^2 / 2 \sigma^2}
        && \text{squared maximum mean discrepancy} \\
    V &= \tfrac1m \textstyle\sum_x \tfrac12 \sum_c |\bar p_c(x) - \bar q_c(x)|
        && \text{total variation of averaged predictions} \\
    G &= \tfrac1m \textstyle\sum_x [\arg\max \bar p(x) \ne \arg\max \bar q(x)]
        && \text{disagreement of averaged predictions}

``a`` is the mean of ``k`` over pairs of networks across the two sets, ``w`` the mean within
a set; for the energy distance ``k`` is the distance itself. Pairs of a network with itself
are left out, which makes ``M`` and the numerator of ``E`` unbiased: under equal laws they
scatter about zero and may be negative. ``E`` lies in ``[0, 1]`` in the limit and is 0 only
for equal laws (Szekely and Rizzo 2013, section 2), ``M`` in ``[0, 2]`` (Gretton et al. 2012,
lemma 6). The width ``sigma`` is the median distance within the reference: it does not
depend on the arm, so that arms are measured by the same rule. Bars are means over the
networks of a set. Distances along lines stand in :mod:`compare.wasserstein`.

Each is a function of what :mod:`compare.tables` makes of many resamples at once.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Literal, NamedTuple

import numpy as np

from .tables import Feature, Kernel, Numbers

type Array = np.ndarray


class Distance(NamedTuple):
    """A distance and the margin that counts as equal.

    What it ``sees`` of two samples is what ``between`` is given, for many resamples at once:

    - a function of the probabilities ``(unit, probe, class)`` that gives something of each
      network, ``(unit, ...)``: its means over both samples, ``(resample, ...)`` each;
    - a :class:`Kernel`: its means over pairs of networks, across, within left and within
      right, ``(resample,)`` each;
    - :class:`Numbers`: Wasserstein-1 distances ``(resample, line)`` and the reference's
      standard deviations ``(line,)``.

    ``between`` returns ``(resample,)``. A ``relative`` margin is a share of the way from
    floor to ceiling. No interval reaches beyond ``largest``, the largest value that there
    is.
    """

    name: str
    description: str
    sees: Feature | Kernel | Numbers
    between: Callable[..., Array]
    margin: float
    margin_kind: Literal["absolute", "relative"]
    largest: float = math.inf


def itself(distances: Array, _: float) -> Array:
    """The kernel of the energy distance."""
    return distances


def gaussian(distances: Array, width: float) -> Array:
    """The kernel ``exp(-d^2 / 2 width^2)``; where all networks of the reference are alike, equality."""
    scaled = distances * np.float32(math.sqrt(0.5) / max(width, 1e-12))
    np.multiply(scaled, scaled, out=scaled)
    np.negative(scaled, out=scaled)
    found: Array = np.exp(scaled, out=scaled)
    return found


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
        Kernel(itself),
        between,
        margin=0.05,
        margin_kind="relative",
        largest=1.0,
    )


@cache
def maximum_mean_discrepancy() -> Distance:
    """Squared maximum mean discrepancy between laws of the probe probabilities, Gaussian kernel.

    >>> across, within_left, within_right = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    >>> maximum_mean_discrepancy().between(across, within_left, within_right).tolist()
    [2.0, 0.0]
    """

    def between(across: Array, within_left: Array, within_right: Array) -> Array:
        return within_left + within_right - 2 * across

    return Distance(
        "squared maximum mean discrepancy",
        "how far apart the two laws of probe probabilities are, on the scale of the posterior's own spread",
        Kernel(gaussian),
        between,
        margin=0.05,
        margin_kind="relative",
        largest=2.0,
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

    Two predictors that err independently and uniformly over the wrong labels. Raises ``ValueError``
    for fewer than two classes and for accuracies outside 0 to 1.

    >>> round(chance_agreement(0.9, 0.9, 10), 4)
    0.8111
    """
    a, b = accuracy_left, accuracy_right
    if num_classes < 2 or not (0 <= a <= 1 and 0 <= b <= 1):
        raise ValueError(
            f"needs two classes or more and accuracies between 0 and 1, got {num_classes}, {a} and {b}"
        )
    return a * b + (1 - a) * (1 - b) / (num_classes - 1)
