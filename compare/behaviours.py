r"""What a network does on the probe inputs, from its predicted probabilities.

All functions take probabilities ``(..., probe, class)`` and keep the leading axes, so
one draw, a chain or a whole arm go through the same code.

.. math::

    \text{accuracy} &= \tfrac1m \textstyle\sum_x [\arg\max_c p_c(x) = y(x)] \\
    \text{log score} &= \tfrac1m \textstyle\sum_x \log p_{y(x)}(x)
        && \text{nats per datum} \\
    \text{confidence} &= \tfrac1m \textstyle\sum_x \max_c p_c(x) \\
    \text{entropy} &= -\tfrac1m \textstyle\sum_x \sum_c p_c(x) \log p_c(x)
        && \text{nats per datum}

A regression is brought into the same form by :func:`binned_predictive`.
"""

import numpy as np
from scipy.special import ndtr, xlogy

from .options import check_classes, check_probabilities

type Array = np.ndarray


def labels(probabilities: Array) -> Array:
    """Most probable class, ``(..., probe)``; ties go to the first."""
    return np.argmax(probabilities, axis=-1)


def accuracy(probabilities: Array, targets: Array) -> Array:
    """Share of probes labelled right, ``(...)``.

    Raises ``ValueError`` for targets that are no class, or not one a probe.

    >>> p = np.array([[0.9, 0.1], [0.4, 0.6]])
    >>> float(accuracy(p, np.array([0, 0])))
    0.5
    """
    check_classes(probabilities, targets)
    return np.mean(labels(probabilities) == targets, axis=-1)


def log_score(probabilities: Array, targets: Array) -> Array:
    """Mean log probability of the true class, nats per datum, ``(...)``.

    Probabilities below the smallest normal number of their type count as that
    number: the score stays finite and is then an upper bound. Raises ``ValueError`` for
    targets that are no class, or not one a probe, and for what is no probability.
    """
    check_probabilities(probabilities)
    check_classes(probabilities, targets)
    true = np.take_along_axis(
        probabilities, np.broadcast_to(targets[:, None], (*probabilities.shape[:-1], 1)), -1
    )
    return np.mean(np.log(np.maximum(true[..., 0], np.finfo(probabilities.dtype).tiny)), axis=-1)


def confidence(probabilities: Array) -> Array:
    """Mean top probability over probes, ``(...)``. Raises ``ValueError`` for what is no probability."""
    check_probabilities(probabilities)
    return np.mean(np.max(probabilities, axis=-1), axis=-1)


def entropy(probabilities: Array) -> Array:
    """Mean entropy of the predicted law over probes, nats per datum, ``(...)``.

    Raises ``ValueError`` for what is no probability.

    >>> round(float(entropy(np.full((3, 4), 0.25))), 4)
    1.3863
    """
    check_probabilities(probabilities)
    return np.mean(-np.sum(xlogy(probabilities, probabilities), axis=-1), axis=-1)


def scalars(probabilities: Array, targets: Array) -> dict[str, Array]:
    """The scalar behaviours of each draw, name by name, each of shape ``(...)``."""
    return {
        "accuracy": accuracy(probabilities, targets),
        "log score": log_score(probabilities, targets),
        "confidence": confidence(probabilities),
        "entropy": entropy(probabilities),
    }


def binned_predictive(mean: Array, noise_scale: float, edges: Array) -> Array:
    r"""The Gaussian predictive law of a regression as probabilities of response bins.

    ``mean`` is ``(..., probe)``, ``edges`` ``(bins - 1,)`` increasing; the outermost bins
    are unbounded, so the ``bins`` probabilities sum to one. Distances between laws of
    the response then need no code of their own. Raises ``ValueError`` for a noise that is not
    positive and finite, and for edges that do not increase.

    >>> binned_predictive(np.zeros(1), 1.0, np.array([0.0])).tolist()
    [[0.5, 0.5]]
    """
    if not 0 < noise_scale < np.inf:
        raise ValueError(
            f"noise_scale must be positive and finite, got {noise_scale}: it is the standard deviation of "
            "the response about its mean"
        )
    if np.ndim(edges) != 1 or not len(edges) or not (np.diff(edges) > 0).all() or np.isnan(edges).any():
        raise ValueError(f"edges must be (bins - 1,) numbers that increase, got {np.asarray(edges).tolist()}")
    cumulative = ndtr((edges - mean[..., None]) / noise_scale)
    ends = np.zeros((*mean.shape, 1)), np.ones((*mean.shape, 1))
    return np.diff(np.concatenate([ends[0], cumulative, ends[1]], axis=-1), axis=-1)
