"""Moves of a population leave the law of a stage invariant, at a fixed step size.

False-alarm rate of every statistical check: at most 1e-5. Shifts of a mean by 0.04
standard deviations are detected with power 0.99.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import bayesian_model, bernoulli, laplace_prior
from samplers import (
    Target,
    crank_nicolson_moves,
    elliptical_moves,
    hmc_moves,
    level_smc,
    posterior,
    random_walk_moves,
    smc,
)
from samplers.moves import Moves, Tuning, move_particles, spread
from samplers.population import tempered_log_likelihood
from samplers.sweep import elliptical_sweep

from .checks import check_gaussian
from .linear_gaussian import exact, exact_draws, flat, linear_target
from .tiny_boolean import NETWORK, boolean_data

BETA = 0.5
ALL_MOVES = [hmc_moves(1, 5), elliptical_moves(1), random_walk_moves(1), crank_nicolson_moves(1)]


@pytest.mark.parametrize("moves", ALL_MOVES, ids=lambda moves: moves.name)
def test_moves_leave_the_posterior_invariant(moves: Moves) -> None:
    law, start = exact(BETA), exact_draws(0, BETA, 50_000)
    target = linear_target(BETA)

    @jax.jit
    def advance(target: Target, start: Any, tuning: Tuning, key: jax.Array) -> tuple[Any, jax.Array]:
        def one(key: jax.Array, position: Any) -> tuple[Any, jax.Array]:
            kernel = moves.kernel(target, lambda params: tempered_log_likelihood(target, params), tuning)
            state = kernel.init(key, position)
            rates = []
            for t in range(2):
                state, info = kernel.step(jax.random.fold_in(key, t), state)
                rates.append(info["acceptance_rate"])
            return kernel.position(state), jnp.stack(rates)

        return jax.vmap(one)(jax.random.split(key, 50_000), start)

    # Step sizes so long that many steps are refused: a wrong acceptance then shows.
    step_size = {"hmc": 1.2, "random_walk": 1.0, "crank_nicolson": 0.3}.get(moves.name, 1.0)
    tuning = Tuning(jnp.asarray(step_size), spread(start))
    params, rates = advance(target, start, tuning, jax.random.key(1))
    check = check_gaussian(np.asarray(flat(params), float), law.mean, law.covariance)
    assert check.deviation < 1
    assert check.detectable < 0.04
    assert 0.05 < np.mean(rates) < 0.9
    assert np.mean(np.any(np.asarray(flat(params) != flat(start)), axis=1)) > 0.1


@pytest.mark.parametrize("num_moves", [1, pytest.param(20, marks=pytest.mark.certify)])
def test_a_sweep_leaves_the_posterior_invariant(num_moves: int) -> None:
    """Also where it is more than one, and where the last block is not full."""
    law, start, target = exact(BETA), exact_draws(0, BETA, 50_001), linear_target(BETA)

    @jax.jit
    def advance(target: Target, key: jax.Array, start: Any) -> Any:
        log_factor = partial(tempered_log_likelihood, target)
        return elliptical_sweep(key, target, log_factor, start, num_moves)

    params, rate = advance(target, jax.random.key(1), start)
    check = check_gaussian(np.asarray(flat(params), float), law.mean, law.covariance)
    assert check.deviation < 1
    assert check.detectable < 0.04
    assert 0.2 < float(rate) < 0.9
    assert np.all(np.any(np.asarray(flat(params) != flat(start)), axis=1))


def test_a_sweep_makes_every_move_of_every_particle() -> None:
    """Under the prior no angle is refused, in neither of the two sweeps that 17 moves are made in."""
    target = linear_target(0.0)
    start = exact_draws(0, BETA, 70)
    _, rate = elliptical_sweep(jax.random.key(2), target, lambda params: jnp.zeros(()), start, 17)
    assert float(rate) == pytest.approx(1.0)


def test_step_sizes_reach_the_wanted_acceptance() -> None:
    moves, target = random_walk_moves(40), linear_target(BETA)
    start = exact_draws(0, BETA, 500)
    tuning = Tuning(jnp.asarray(0.01), spread(start))

    @jax.jit
    def move(key: jax.Array, tuning: Tuning, particles: Any) -> Any:
        return move_particles(
            key, moves, target, lambda params: tempered_log_likelihood(target, params), tuning, particles
        )

    for stage in range(2):
        start, tuning, rate = move(jax.random.key(stage), tuning, start)
    # 40 steps of 500 particles: the mean rate has a standard error below 0.005.
    assert abs(float(rate) - 0.234) < 0.025


@pytest.mark.parametrize("block", [7, 10, 30], ids=["a remainder", "whole blocks", "one block"])
def test_particles_move_alike_in_blocks_and_together(block: int) -> None:
    target, start = linear_target(BETA), exact_draws(0, BETA, 30)
    tuning = Tuning(jnp.asarray(0.3), spread(start))

    def moved(moves: Moves) -> Any:
        return move_particles(
            jax.random.key(3),
            moves,
            target,
            lambda params: tempered_log_likelihood(target, params),
            tuning,
            start,
        )

    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        moved(hmc_moves(2, 3, block=block)),
        moved(hmc_moves(2, 3)),
    )


@pytest.mark.parametrize("make", [smc, level_smc])
@pytest.mark.parametrize("moves", [elliptical_moves(), crank_nicolson_moves()], ids=lambda moves: moves.name)
def test_rotations_refuse_a_prior_that_is_not_gaussian(make: Any, moves: Moves) -> None:
    model = bayesian_model(NETWORK, laplace_prior(NETWORK), bernoulli())
    with pytest.raises(ValueError, match=r"prior_scale None.*hmc_moves"):
        make(moves).check(posterior(model, boolean_data(), num_data=6))


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="num_steps must be a whole number of at least 1, got 0"):
        elliptical_moves(0)
    with pytest.raises(ValueError, match="target_acceptance_rate must lie strictly between 0 and 1, got 80"):
        hmc_moves(target_acceptance_rate=80)
    with pytest.raises(ValueError, match="block must be a whole number of at least 1, got -1"):
        hmc_moves(block=-1)
