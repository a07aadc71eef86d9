"""Tempered SMC against closed forms with all moves at several beta; mutants; refusals.

False-alarm rate of every statistical check: at most 1e-5. Populations are the units.
"""

import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from blackjax.smc.ess import ess
from scipy import stats

from models import Batch
from samplers import (
    crank_nicolson_moves,
    elliptical_moves,
    hmc_moves,
    populations,
    posterior,
    random_walk_moves,
    smc,
)
from samplers.moves import Moves
from samplers.smc import next_step

from .checks import FALSE_ALARM, check_means
from .linear_gaussian import exact, flat, linear_target, observe_flat
from .tiny_boolean import MODEL, boolean_data

smc_module = importlib.import_module("samplers.smc")
NUM_POPULATIONS = 16
CRITICAL = stats.t.ppf(1 - FALSE_ALARM / 2, NUM_POPULATIONS - 1)
MOVES = [hmc_moves(3, 6), elliptical_moves(5), random_walk_moves(20), crank_nicolson_moves(20)]


# Every kind of move is judged every time by its invariance, and one here; the others in certify.
LONG = [pytest.param(moves, marks=pytest.mark.certify) for moves in MOVES[1:]]


@pytest.mark.parametrize("moves", [MOVES[0], *LONG], ids=lambda moves: moves.name)
def test_linear_regression_in_closed_form(moves: Moves) -> None:
    """Evidence and mean at three beta within errors; variances to a fifth; exactly 0 at beta 0."""
    sampler = smc(moves, num_particles=200)
    for beta in (0.1, 1.0, 4.0):
        draws, evidence = populations(
            jax.random.key(1), sampler, linear_target(beta), observe_flat, (), num_chains=NUM_POPULATIONS
        )
        law = exact(beta)
        assert evidence.reason == "ok"
        assert evidence.log_evidence is not None
        assert evidence.standard_error is not None
        assert abs(evidence.log_evidence - law.log_evidence) < CRITICAL * evidence.standard_error
        assert (CRITICAL + stats.norm.ppf(0.99)) * evidence.standard_error < 1.0  # detectable, nats
        theta = draws.observed["theta"].astype(float)
        check = check_means(
            np.mean(theta, axis=1) / np.sqrt(np.diag(law.covariance)),
            law.mean / np.sqrt(np.diag(law.covariance)),
        )
        assert check.deviation < 1
        assert check.detectable < 0.7  # standard deviations
        spread = np.mean((theta - law.mean) ** 2, axis=1) / np.diag(law.covariance)
        assert check_means(spread, np.ones(4)).deviation < 1
        assert np.all(draws.stats["smallest_ess"] > 99)
    draws, evidence = populations(
        jax.random.key(1), sampler, linear_target(0.0), observe_flat, (), num_chains=NUM_POPULATIONS
    )
    assert evidence.populations == [0.0] * NUM_POPULATIONS
    assert np.all(draws.stats["num_stages"] == 1)
    assert np.all(draws.stats["num_ancestors"] == 200)


type Run = Callable[[int], tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def run_mutant() -> Run:
    """Populations of SMC with a mutation chosen at run time, so that all share one compilation.

    0: none; 1: resampling ignores the weights; 2: every evidence increment is dropped but
    the last. Gives log evidence ``(K,)`` and particles ``(K, particle, d)``.
    """
    sampler = smc(random_walk_moves(2), num_particles=200)
    systematic, log_mean = smc_module.systematic, smc_module.log_mean

    @jax.jit
    def run(keys: jax.Array, mutation: jax.Array) -> Any:
        def ignoring(key: jax.Array, weights: jax.Array, count: int) -> jax.Array:
            return jnp.where(mutation == 1, jnp.arange(count), systematic(key, weights, count))

        def dropping(log_weights: jax.Array) -> jax.Array:
            last = ess(log_weights) > 1.01 * 100  # only the last stage keeps more than the target
            return jnp.where((mutation == 2) & ~last, 0.0, log_mean(log_weights))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(smc_module, "systematic", ignoring)
            patch.setattr(smc_module, "log_mean", dropping)
            population = jax.lax.map(lambda key: sampler.run(key, linear_target()), keys)
        return population.log_evidence, flat(population.params)

    def of(mutation: int) -> tuple[np.ndarray, np.ndarray]:
        results = run(jax.random.split(jax.random.key(2), NUM_POPULATIONS), jnp.asarray(mutation))
        return tuple(np.asarray(leaf, float) for leaf in results)  # type: ignore[return-value]

    return of


def evidence_deviation(log_evidence: np.ndarray) -> float:
    return check_means(log_evidence[:, None], np.array([exact(1.0).log_evidence])).deviation


def mean_deviation(particles: np.ndarray) -> float:
    return check_means(np.mean(particles, axis=1), exact(1.0).mean).deviation


@pytest.mark.certify
def test_short_moves_are_enough_where_weights_are_used(run_mutant: Run) -> None:
    log_evidence, particles = run_mutant(0)
    assert evidence_deviation(log_evidence) < 1
    assert mean_deviation(particles) < 1


@pytest.mark.certify
def test_ignored_weights_are_caught(run_mutant: Run) -> None:
    log_evidence, particles = run_mutant(1)
    assert mean_deviation(particles) > 1.5
    assert evidence_deviation(log_evidence) > 1.5


def test_dropped_increments_are_caught(run_mutant: Run) -> None:
    log_evidence, particles = run_mutant(2)
    assert evidence_deviation(log_evidence) > 1.5
    assert mean_deviation(particles) < 1


def test_steps_keep_the_wanted_effective_sample_size() -> None:
    log_likelihood = -(jax.random.normal(jax.random.key(3), (500,)) ** 2) * 40
    step = next_step(log_likelihood, 0.3, jnp.asarray(1.0))
    assert abs(float(ess(step * log_likelihood)) - 150) < 1
    assert float(next_step(log_likelihood, 0.3, jnp.asarray(1e-4))) == np.float32(1e-4)


def zero_one(params: Any, batch: Batch) -> jax.Array:
    assert MODEL.errors is not None
    return jnp.where(MODEL.errors(params, batch), -jnp.inf, 0.0)


def counting(params: Any, batch: Batch) -> jax.Array:
    assert MODEL.errors is not None
    return -3.0 * MODEL.errors(params, batch)


def test_refuses_what_tempering_cannot_serve() -> None:
    cut = posterior(MODEL._replace(log_likelihood=zero_one), boolean_data(), num_data=6)
    with pytest.raises(ValueError, match=r"not finite at \d+ of 64 prior draws.*use level_smc"):
        smc(elliptical_moves()).check(cut)
    steps = posterior(MODEL._replace(log_likelihood=counting), boolean_data(), num_data=6)
    with pytest.raises(ValueError, match=r"hmc moves follow the gradient.*zero at all 64.*elliptical_moves"):
        smc().check(steps)
    smc(elliptical_moves()).check(steps)


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match=r"target_ess must lie strictly between 0 and 1, got 1\.5"):
        smc(target_ess=1.5)
    with pytest.raises(ValueError, match="num_particles must be a whole number of at least 1, got 0"):
        smc(num_particles=0)
