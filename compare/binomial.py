"""Exact intervals of a binomial probability.

Source: Clopper and Pearson 1934.
"""

import numpy as np
from scipy.stats import beta

from .options import check_level

type Array = np.ndarray


def clopper_pearson(successes: Array | int, trials: int, level: float = 0.95) -> tuple[Array, Array]:
    """Exact two-sided interval of a binomial probability.

    It covers the truth with probability at least ``level`` whatever that truth is.

    Raises ``ValueError`` for more successes than trials or fewer than none, and a level outside 0 to 1.

    >>> low, high = clopper_pearson(0, 1000)
    >>> float(low), round(float(high), 6)
    (0.0, 0.003682)
    """
    check_level(level)
    if np.any(np.asarray(successes) < 0) or np.any(np.asarray(successes) > trials):
        raise ValueError(
            f"successes must lie between 0 and the {trials} trials, got {np.min(successes)} to "
            f"{np.max(successes)}: were the two exchanged?"
        )
    c, tail = np.asarray(successes, float), (1 - level) / 2
    with np.errstate(invalid="ignore"):  # the two ends have no beta law: they are 0 and 1
        low = np.where(c > 0, beta.ppf(tail, c, trials - c + 1), 0.0)
        high = np.where(c < trials, beta.ppf(1 - tail, c + 1, trials - c), 1.0)
    return low, high
