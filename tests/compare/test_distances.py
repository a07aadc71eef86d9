"""Distances against closed forms, brute force and their own symmetries."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from compare import averaged_disagreement, averaged_total_variation, chance_agreement, energy
from compare.distances import Distance, pairwise_distances

DISTANCES = [energy(), averaged_total_variation(), averaged_disagreement()]


def _evaluate(distance: Distance, left: np.ndarray, right: np.ndarray) -> float:
    pooled = jnp.asarray(np.concatenate([left, right]), jnp.float32)
    weights = np.zeros((2, len(pooled)), np.float32)
    weights[0, : len(left)], weights[1, len(left) :] = 1 / len(left), 1 / len(right)
    return float(distance.between(distance.prepare(pooled), *map(jnp.asarray, weights)))


def _networks(seed: int, num: int, sharpness: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(3) / sharpness, size=(num, 6))


def test_energy_equals_the_closed_form_between_gaussians() -> None:
    """X ~ N(0,1), Y ~ N(1,1): E|X-Y| is a folded normal mean, E|X-X'| = 2/sqrt(pi).

    With 4,000 draws a side the standard error of the coefficient is 0.003 (measured by
    repetition); six of them give a false-alarm rate below 1e-8.
    """
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 1, 1)), rng.normal(1.0, 1.0, size=(4000, 1, 1))
    across = 2 * norm.pdf(1 / np.sqrt(2)) * np.sqrt(2) + (1 - 2 * norm.cdf(-1 / np.sqrt(2)))
    exact = (2 * across - 4 / np.sqrt(np.pi)) / (2 * across)
    assert _evaluate(energy(), x, y) == pytest.approx(exact, abs=0.018)


def test_energy_equals_a_double_loop() -> None:
    left, right = _networks(0, 5), _networks(1, 7, 3.0)

    def mean_distance(a: np.ndarray, b: np.ndarray, same: bool) -> float:
        pairs = itertools.permutations(range(len(a)), 2) if same else np.ndindex(len(a), len(b))
        return float(np.mean([np.sqrt(np.sum((a[i] - b[j]) ** 2) / 6) for i, j in pairs]))

    across = mean_distance(left, right, same=False)
    within = mean_distance(left, left, same=True) + mean_distance(right, right, same=True)
    assert _evaluate(energy(), left, right) == pytest.approx((2 * across - within) / (2 * across), abs=1e-5)


def test_energy_is_unbiased_under_equal_laws() -> None:
    """Mean of 200 repetitions within 4.5 standard errors of zero: false alarm below 1e-5."""
    values = [_evaluate(energy(), _networks(2 * r, 12), _networks(2 * r + 1, 12)) for r in range(200)]
    assert abs(np.mean(values)) < 4.5 * np.std(values) / np.sqrt(200)
    assert min(values) < 0 < max(values)


def test_total_variation_of_one_hot_against_uniform_is_the_published_floor() -> None:
    one_hot = np.broadcast_to(np.eye(10)[:1], (3, 4, 10))
    assert _evaluate(averaged_total_variation(), one_hot, np.full((3, 4, 10), 0.1)) == pytest.approx(0.9)


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: d.name)
def test_distances_are_symmetric_and_blind_to_order(distance: Distance) -> None:
    left, right = _networks(0, 8), _networks(1, 9, 4.0)
    value = _evaluate(distance, left, right)
    assert value == pytest.approx(_evaluate(distance, right, left), abs=1e-6)
    order = np.random.default_rng(0).permutation(8)
    assert value == pytest.approx(_evaluate(distance, left[order], right), abs=1e-6)


@pytest.mark.parametrize("distance", DISTANCES[1:], ids=lambda d: d.name)
def test_distances_of_averages_vanish_on_identical_samples(distance: Distance) -> None:
    same = _networks(0, 8)
    assert _evaluate(distance, same, same) == pytest.approx(0, abs=1e-6)


def test_chance_agreement_is_what_independent_predictors_show() -> None:
    """100,000 probes: standard error below 0.0016, tolerance 4.5 of them."""
    rng = np.random.default_rng(0)

    def predict(accuracy: float) -> np.ndarray:
        wrong = rng.integers(1, 10, 100_000)
        return np.where(rng.random(100_000) < accuracy, 0, wrong)

    agreement = np.mean(predict(0.8) == predict(0.6))
    assert agreement == pytest.approx(chance_agreement(0.8, 0.6, 10), abs=0.0072)


def test_pairwise_distances_keep_precision_far_from_the_origin() -> None:
    far = 1000 + np.array([[[0.0]], [[1.0]], [[3.0]]])
    found = np.asarray(pairwise_distances(jnp.asarray(far, jnp.float32)))
    assert np.allclose(found, [[0, 1, 3], [1, 0, 2], [3, 2, 0]], atol=1e-4)
