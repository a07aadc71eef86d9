"""Statistical checks with a stated false-alarm rate and the smallest error they detect.

Every check gives the worst deviation divided by the critical value: above one means
"rejected", which happens to a correct sampler with probability at most ``FALSE_ALARM``.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

FALSE_ALARM = 1e-6
POWER = 0.99


class Check(NamedTuple):
    """``deviation`` above 1 is a rejection; errors of ``detectable`` are seen with power 0.99."""

    deviation: float
    detectable: float


def check_means(units: np.ndarray, truth: np.ndarray, truth_error: np.ndarray | float = 0.0) -> Check:
    """Means over independent units ``(K, p)`` against ``(p,)``, Student's t with Bonferroni.

    ``truth_error`` is the standard error of a truth that was itself simulated.
    """
    num_units, num_means = units.shape
    error = np.sqrt(np.var(units, axis=0, ddof=1) / num_units + np.square(truth_error))
    assert np.all(error > 0)
    critical = stats.t.ppf(1 - FALSE_ALARM / (2 * num_means), num_units - 1)
    gap = np.abs(np.mean(units, axis=0) - truth)
    return Check(
        float(np.max(gap / error) / critical), float(np.max(error) * (critical + stats.norm.ppf(POWER)))
    )


def check_gaussian(draws: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> Check:
    """Independent draws ``(n, d)`` against a Gaussian: moments to the fourth and marginals.

    In whitened coordinates; ``detectable`` is the shift of a mean, in standard deviations.
    Marginal distribution functions are held to the bound of Dvoretzky, Kiefer, Wolfowitz
    and Massart.
    """
    num_draws, dimension = draws.shape
    white = np.linalg.solve(np.linalg.cholesky(covariance), (draws - mean).T).T
    pairs = np.einsum("ni,nj->ij", white, white) / num_draws - np.eye(dimension)
    num_checks = dimension * (dimension + 7) / 2  # means, pairs, fourth moments, marginals
    critical = stats.norm.ppf(1 - FALSE_ALARM / (2 * num_checks)) / np.sqrt(num_draws)
    bound = np.sqrt(np.log(2 * num_checks / FALSE_ALARM) / (2 * num_draws))
    ordered = stats.norm.cdf(np.sort(white, axis=0))
    steps = np.arange(num_draws + 1)[:, None] / num_draws
    gap = np.maximum(np.abs(ordered - steps[1:]), np.abs(ordered - steps[:-1]))
    deviation = max(
        np.max(np.abs(np.mean(white, axis=0))) / critical,
        np.max(np.abs(pairs) / (1 + (np.sqrt(2) - 1) * np.eye(dimension))) / critical,
        np.max(np.abs(np.mean(white**4, axis=0) - 3)) / np.sqrt(96) / critical,
        np.max(gap) / bound,
    )
    return Check(float(deviation), float(critical + stats.norm.ppf(POWER) / np.sqrt(num_draws)))
