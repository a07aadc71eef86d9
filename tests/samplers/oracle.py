"""The judge of samplers: moments against closed forms, with a known rate of false alarm.

Chains are independent, so their means are independent, nearly normal (each averages
hundreds of effective draws) and their spread measures the effective sample size:
``t = (mean over chains - truth) / (spread / sqrt(chains))`` has Student's law. The
limit is Bonferroni's for all moments together: one false alarm in 100,000 tests.
"""

import numpy as np
from scipy import stats

FALSE_ALARM_RATE = 1e-5


def check_mean(per_chain: np.ndarray, truth: np.ndarray, allowance: np.ndarray | float = 0.0) -> np.ndarray:
    """Fails unless the mean of ``(chain, k)`` agrees with ``truth`` ``(k,)``.

    ``allowance`` is a known bias, in the units of the truth. Returns the smallest
    errors that would have been seen, ``(k,)``.
    """
    num_chains, num_statistics = per_chain.shape
    assert np.isfinite(per_chain).all(), "statistics are not finite"
    limit = stats.t.isf(FALSE_ALARM_RATE / (2 * num_statistics), num_chains - 1)
    resolution = limit * per_chain.std(axis=0, ddof=1) / np.sqrt(num_chains)
    error = per_chain.mean(axis=0) - truth
    beyond = np.abs(error) > resolution + allowance
    assert not beyond.any(), f"error {error[beyond]} beyond {(resolution + allowance)[beyond]}"
    return resolution


def check_moments(
    draws: np.ndarray, mean: np.ndarray, covariance: np.ndarray, *, allowance: float = 0.0, sees: float = 0.15
) -> None:
    """Fails unless draws ``(chain, draw, k)`` have this mean and covariance.

    ``allowance`` is a known relative bias of the variances. Fails too where the draws
    are too few to see a relative error of ``sees`` in every variance.
    """
    centred = np.asarray(draws, float) - mean
    rows, columns = np.triu_indices(len(mean))
    products = (centred[..., rows] * centred[..., columns]).mean(axis=1)
    scale = np.sqrt(np.diag(covariance))
    check_mean(centred.mean(axis=1) / scale, np.zeros(len(mean)), allowance)
    resolution = check_mean(
        products / (scale[rows] * scale[columns]),
        covariance[rows, columns] / (scale[rows] * scale[columns]),
        allowance,
    )
    assert resolution[rows == columns].max() < sees, f"too few draws: sees only {resolution}"
