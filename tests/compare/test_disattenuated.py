"""The correction of rank correlations: planted correlations come back, whatever the probe."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from compare import corrected_rank_correlation

type Array = np.ndarray


def answers(
    correlation: float, num_networks: int, num_items: int, seed: int, spread: float = 0.05
) -> tuple[Array, Array]:
    """Right or wrong answers on the same items in two worlds: true accuracies of a known correlation.

    Noise is shared: an item that is hard in one world is hard in the other, for each network.
    """
    rng = np.random.default_rng(seed)
    covariance = np.array([[1, correlation], [correlation, 1]])
    skill = 0.8 + spread * rng.multivariate_normal(np.zeros(2), covariance, size=num_networks)
    chance = rng.random((num_networks, num_items))
    left, right = (chance < skill[:, column, None] for column in (0, 1))
    return left, right


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_a_planted_correlation_comes_back_where_the_raw_one_is_wrong(correlation: float) -> None:
    """Tolerances of 4 standard errors over 8 independent data sets: false alarms below 1e-4 each."""
    true_rank = 6 / np.pi * np.arcsin(correlation / 2)
    found = [
        corrected_rank_correlation(*answers(correlation, 400, 200, seed), seed=seed, num_resamples=2)
        for seed in range(8)
    ]
    values = np.array([each.value for each in found])
    error = max(values.std(ddof=1) / np.sqrt(8), 0.005)
    assert abs(values.mean() - true_rank) < 4 * error
    raw = np.array([each.raw for each in found])
    shift = abs(raw.mean() - true_rank)
    assert shift > 4 * raw.std(ddof=1) / np.sqrt(8)  # shared noise makes it too high


def test_raw_is_spearman_and_reliability_is_that_of_halves() -> None:
    left, right = answers(0.8, 300, 400, 1)
    found = corrected_rank_correlation(left, right, seed=0, num_resamples=2)
    assert found.raw == pytest.approx(spearmanr(left.mean(1), right.mean(1)).statistic)
    # True variance 0.0025, noise of 200 items 0.16 / 200 about: Pearson reliability 0.757.
    assert found.left_reliability == pytest.approx(6 / np.pi * np.arcsin(0.757 / 2), abs=0.07)


def test_other_items_of_one_world_correlate_fully_and_shuffled_networks_not_at_all() -> None:
    left, _ = answers(0.0, 300, 600, 2)
    same = corrected_rank_correlation(left[:, :300], left[:, 301:], seed=0, level=0.999, num_resamples=300)
    assert same.low <= 1 <= same.high
    mixed = left[np.random.default_rng(0).permutation(300)]
    none = corrected_rank_correlation(left, mixed, seed=0, level=0.999, num_resamples=300)
    assert none.low <= 0 <= none.high


def test_networks_that_differ_by_noise_alone_have_no_interval() -> None:
    found = corrected_rank_correlation(*answers(0.5, 200, 100, 3, spread=0.0), seed=0, num_resamples=200)
    assert (found.low, found.high) == (-np.inf, np.inf)


@pytest.mark.certify
def test_the_interval_covers() -> None:
    """Nominal 95 % covers in at least 87 of 100 data sets; at exactly 95 % it fails with probability 5e-4."""
    true_rank = 6 / np.pi * np.arcsin(0.8 / 2)
    hits = 0
    for seed in range(100):
        found = corrected_rank_correlation(*answers(0.8, 128, 300, seed), seed=seed, num_resamples=200)
        hits += found.low <= true_rank <= found.high
    assert hits >= 87


def test_bad_shapes_are_refused() -> None:
    left = np.zeros((30, 10))
    with pytest.raises(ValueError, match="20 networks or more are needed in both, got 30 and 29"):
        corrected_rank_correlation(left, left[1:], seed=0)
    with pytest.raises(ValueError, match="4 items or more are needed, got 10 and 3"):
        corrected_rank_correlation(left, left[:, :3], seed=0)
