r"""Is a network as often right as it says? Calibration error and Brier score.

Probes are put in order of the network's confidence ``c`` (its top probability) and cut into
``B`` bins of equal mass, as nearly as their number allows. With ``r`` 1 where the top class is
the true one,

.. math::

    \mathrm{ECE} &= \tfrac1m \textstyle\sum_b \bigl| \sum_{x \in b} (c_x - r_x) \bigr|
        && \text{expected calibration error, in } [0, 1] \\
    \mathrm{BS} &= \tfrac1m \textstyle\sum_x \sum_c (p_c(x) - [y(x) = c])^2
        && \text{Brier score, in } [0, 2]

**Bias.** A sum of differences that are zero on average is not zero: a perfectly calibrated
network has an error of about

.. math:: \tfrac1m \textstyle\sum_b \sqrt{\tfrac2\pi \sum_{x \in b} c_x (1 - c_x)},

of the order ``sqrt(B / m)``: 0.1 with 10 bins of 10 probes. It is the same for two arms that are
equally confident on the same probes, so differences between arms mean more than the error
itself; :func:`calibration_floor` gives it. Bins hide what cancels within them.

Sources: Brier 1950; Naeini et al. 2015, section 2 (error); Nixon et al. 2019 (equal mass).
"""

import numpy as np

from .options import check_classes, check_count, check_probabilities

type Array = np.ndarray

NUM_BINS = 10


def brier_score(probabilities: Array, targets: Array) -> Array:
    """Mean squared distance from the true class, in [0, 2], of ``(..., probe, class)``: ``(...)``.

    Raises ``ValueError`` for targets that are no class, or not one a probe, and for what is no probability.

    >>> float(brier_score(np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([0, 1])).round(3))
    0.29
    """
    check_probabilities(probabilities)
    check_classes(probabilities, targets)
    truth = np.arange(probabilities.shape[-1]) == np.asarray(targets)[:, None]
    return np.mean(np.sum((probabilities - truth) ** 2, axis=-1), axis=-1)


def calibration_error(probabilities: Array, targets: Array, num_bins: int = NUM_BINS) -> Array:
    """Expected calibration error with bins of equal mass, in [0, 1], ``(...)``; biased upwards.

    Equally confident probes are put in order of their number. Raises ``ValueError`` for more
    bins than probes, and as :func:`brier_score`.

    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.5, 0.5]])
    >>> float(calibration_error(p, np.array([0, 1, 0, 0]), num_bins=2).round(3))
    0.4
    """
    check_probabilities(probabilities)
    check_classes(probabilities, targets)
    confident = np.max(probabilities, axis=-1)
    right = np.argmax(probabilities, axis=-1) == np.asarray(targets)
    order = np.argsort(confident, axis=-1, kind="stable")
    gaps = np.take_along_axis(np.asarray(confident - right, float), order, axis=-1)
    sums = np.add.reduceat(gaps, _starts(gaps.shape[-1], num_bins), axis=-1)
    found: Array = np.sum(np.abs(sums), axis=-1) / gaps.shape[-1]
    return found


def calibration_floor(probabilities: Array, num_bins: int = NUM_BINS) -> Array:
    """The calibration error to expect of a network with these confidences that is perfectly calibrated.

    Raises ``ValueError`` for more bins than probes, and for what is no probability.

    >>> float(calibration_floor(np.full((100, 2), 0.5)).round(3))
    0.126
    """
    check_probabilities(probabilities)
    confident = np.sort(np.max(probabilities, axis=-1).astype(float), axis=-1)
    num_probes = confident.shape[-1]
    variances = np.add.reduceat(confident * (1 - confident), _starts(num_probes, num_bins), axis=-1)
    found: Array = np.sum(np.sqrt(2 / np.pi * variances), axis=-1) / num_probes
    return found


def _starts(num_probes: int, num_bins: int) -> Array:
    check_count(num_bins=num_bins)
    if num_bins > num_probes:
        raise ValueError(f"{num_bins} bins of equal mass need as many probes, got {num_probes}")
    return np.arange(num_bins) * num_probes // num_bins
