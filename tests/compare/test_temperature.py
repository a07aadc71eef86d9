"""The nearest temperature on a conjugate Gaussian posterior, whose law at every beta is known."""

import numpy as np
import pytest
from scipy.stats import binom

from compare import NearestTemperature, nearest_temperature

BETAS = np.exp(np.linspace(-0.9, 0.9, 7))
# Posterior of a mean with a flat prior, at beta: N(0, 1 / beta) along each of three axes.


def rungs(rng: np.random.Generator, num: int) -> np.ndarray:
    return rng.normal(size=(len(BETAS), num, 3)) / np.sqrt(BETAS)[:, None, None]


def fitted(seed: int, beta: float, num: int = 200, repeats: int = 100) -> NearestTemperature:
    rng = np.random.default_rng(seed)
    draws, ends = rungs(rng, num), rng.normal(size=(num, 3)) / np.sqrt(beta)
    return nearest_temperature(draws, np.zeros((7, num)), BETAS, ends, seed=seed, num_resamples=repeats)


def test_the_region_covers_the_true_temperature() -> None:
    """20 repetitions at 95 %, with a ladder of steps of 1.35; false alarm 1e-5."""
    for beta in (1.2,):
        found = [fitted(seed, beta) for seed in range(20)]
        covered = sum(f.beta.low <= beta <= f.beta.high for f in found)
        assert covered >= binom.ppf(1e-5, 20, 0.95)
        errors = np.log([f.beta.mean / beta for f in found])
        assert abs(errors.mean()) < 4.5 * errors.std() / np.sqrt(20) + 0.02
        assert errors.std() < 0.2
        assert not any(f.at_edge for f in found)


def test_what_remains_of_equal_laws_is_within_the_floor_and_of_others_is_not() -> None:
    """Equal laws stay below the upper end of the floor, its 97.5 % quantile, in at least 6 of 12 cases.

    Endpoints in two clumps have no temperature: what remains is far above, every time.
    """
    equal = [fitted(seed, 1.0) for seed in range(12)]
    assert sum(f.remaining.mean <= f.floor.high for f in equal) >= 6
    for seed in range(2):
        rng = np.random.default_rng(seed)
        ends = rng.choice([-1.0, 1.0], size=(300, 1)) + 0.1 * rng.normal(size=(300, 3))
        found = nearest_temperature(rungs(rng, 300), np.zeros((7, 300)), BETAS, ends, seed=seed)
        assert found.remaining.low > 3 * found.floor.high


def test_weighted_draws_stand_for_their_law() -> None:
    """One sample at the hottest rung, weighted to the others, fits the same temperature."""
    rng = np.random.default_rng(0)
    hot = rng.normal(size=(1000, 1)) / np.sqrt(BETAS[0])
    log_weights = -(BETAS - BETAS[0])[:, None] * hot[:, 0] ** 2 / 2 + rng.normal(size=(7, 1))
    draws = np.broadcast_to(hot, (7, 1000, 1))
    ends = rng.normal(size=(1000, 1))
    found = nearest_temperature(draws, log_weights, BETAS, ends, seed=0, num_resamples=50)
    assert found.beta.low < 1 < found.beta.high
    assert found.beta.high / found.beta.low < 2.0
    plain = nearest_temperature(draws, 0 * log_weights, BETAS, ends, seed=0, num_resamples=50)
    assert np.ptp(plain.distances) < 1e-6  # without the weights all rungs are one


def test_distances_equal_a_double_loop() -> None:
    rng = np.random.default_rng(1)
    draws, ends, log_weights = rng.normal(size=(3, 12, 2)), rng.normal(size=(5, 2)), rng.normal(size=(3, 12))
    log_weights *= 0.2
    found = nearest_temperature(draws, log_weights, BETAS[:3], ends, seed=0, num_resamples=10)
    gap = lambda x, y: np.sqrt(np.mean((x - y) ** 2))  # noqa: E731
    for k in range(3):
        w = np.exp(log_weights[k]) / np.exp(log_weights[k]).sum()
        across = np.mean([sum(w[j] * gap(x, draws[k, j]) for j in range(12)) for x in ends])
        within = np.mean([gap(ends[i], ends[j]) for i in range(5) for j in range(5) if i != j])
        pairs = [(i, j) for i in range(12) for j in range(12) if i != j]
        weighted = sum(w[i] * w[j] * gap(draws[k, i], draws[k, j]) for i, j in pairs)
        weighted /= sum(w[i] * w[j] for i, j in pairs)
        assert found.distances[k] == pytest.approx(2 * across - within - weighted, abs=1e-5)


def test_an_end_of_the_ladder_is_said() -> None:
    assert fitted(0, 6.0).at_edge


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"betas": BETAS[::-1]}, "must be positive and increase"),
        ({"betas": BETAS[:3]}, "log weights, betas and endpoints of shapes"),
        ({"endpoints": np.full((20, 3), np.nan)}, "not finite"),
        ({"log_weights": -50.0 * np.arange(350.0).reshape(7, 50)}, "has 1.0 effective draws, fewer than ten"),
    ],
)
def test_bad_input_is_refused(change: dict[str, np.ndarray], message: str) -> None:
    rng = np.random.default_rng(0)
    given = {"draws": rungs(rng, 50), "log_weights": np.zeros((7, 50)), "betas": BETAS}
    given |= {"endpoints": rng.normal(size=(20, 3))}
    given |= change
    with pytest.raises(ValueError, match=message):
        nearest_temperature(given["draws"], given["log_weights"], given["betas"], given["endpoints"], seed=0)
