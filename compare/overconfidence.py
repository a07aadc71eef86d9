r"""How often a network is sure and wrong, and how far it is from knowing nothing.

.. math::

    \text{confidently wrong} &= \tfrac1m \textstyle\sum_x
        [\arg\max_c p_c(x) \ne y(x)]\,[\max_c p_c(x) > t] \\
    \mathrm{KL}(u \,\|\, p) &= -\tfrac1m \textstyle\sum_x \tfrac1C \sum_c \log (C\,p_c(x))
        && \text{nats per datum}

The second is what the test cross-entropy exceeds ``ln C`` by, on average over test labels
drawn uniformly at random: no prediction does better than the uniform one there, and every
bit of certainty costs.

Source: Guo et al. 2017, section 2 (confidence and accuracy); Cover and Thomas 2006, section 2.6.
"""

import numpy as np

from .options import check_classes, check_probabilities

type Array = np.ndarray


def confidently_wrong(probabilities: Array, targets: Array, threshold: float = 0.9) -> Array:
    """Share of probes whose label is wrong at a top probability above ``threshold``, ``(...)``.

    ``probabilities`` are ``(..., probe, class)``. Raises ``ValueError`` for a threshold that is not
    from 0 to 1, for targets that are no class, or not one a probe, and for what is no probability.

    >>> p = np.array([[0.95, 0.05], [0.95, 0.05], [0.2, 0.8]])
    >>> round(float(confidently_wrong(p, np.array([0, 1, 0]))), 4)
    0.3333
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be a probability from 0 to 1, got {threshold}")
    check_probabilities(probabilities)
    check_classes(probabilities, targets)
    wrong = np.argmax(probabilities, axis=-1) != np.asarray(targets)
    found: Array = np.mean(wrong & (np.max(probabilities, axis=-1) > threshold), axis=-1)
    return found


def divergence_from_uniform(probabilities: Array) -> Array:
    """Mean divergence of the uniform law from the predictions, nats per datum, ``(...)``; 0 or more.

    Probabilities below the smallest normal number of their type count as that number: the
    divergence stays finite and is then a lower bound. Raises ``ValueError`` for what is no probability.

    >>> round(float(divergence_from_uniform(np.array([[0.9, 0.1]]))), 4)
    0.5108
    """
    check_probabilities(probabilities)
    num_classes = probabilities.shape[-1]
    logs = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))
    found: Array = -np.mean(logs, axis=(-2, -1)) - np.log(num_classes)
    return found
