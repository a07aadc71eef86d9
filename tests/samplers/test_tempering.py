"""Parallel tempering: swaps, invariance of all replicas, two basins, refusals.

False-alarm rate of every statistical check: at most 1e-5. Detectable errors are asserted.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import Target, elliptical_slice, hmc, parallel_tempering, sample
from samplers import tempering as tempering_module
from samplers.tempering import Replica, geometric_ladder, swap_sources

from .checks import check_gaussian, check_means
from .linear_gaussian import exact, exact_draws, flat, linear_target
from .tiny_boolean import bayes_posterior, boolean_target, outputs

NUM_CHAINS = 50_000


class Swapped(NamedTuple):
    """Laws of the hot and the cold replica after one swap, worst deviation; mean rate."""

    deviation: float
    rate: float


def swap_exact_pairs() -> Swapped:
    """Pairs of exact draws, two numbers each, energy |x|^2 / 2 at beta 0.5 and 2."""
    betas = jnp.array([0.5, 2.0])
    noise = np.random.default_rng(0).normal(size=(NUM_CHAINS, 2, 2)).astype(np.float32)
    pairs = noise / np.sqrt(np.asarray(betas))[None, :, None]

    @jax.jit
    def swap(key: jax.Array, pair: jax.Array) -> tuple[jax.Array, jax.Array]:
        rates = tempering_module.swap_probabilities(betas, -jnp.sum(pair**2, axis=-1) / 2)
        return pair[swap_sources(key, rates, jnp.asarray(0))], rates[0]

    swapped, rates = jax.vmap(swap)(jax.random.split(jax.random.key(1), NUM_CHAINS), pairs)
    laws = [
        check_gaussian(np.asarray(swapped[:, r], float), np.zeros(2), np.eye(2) / float(betas[r]))
        for r in (0, 1)
    ]
    return Swapped(max(law.deviation for law in laws), float(np.mean(rates)))


def test_swaps_leave_both_temperatures_invariant() -> None:
    """The mean rate is 2 P(cold energy > hot energy) = 2 * 0.5 / (0.5 + 2) for exponential energies."""
    swapped = swap_exact_pairs()
    assert swapped.deviation < 1
    assert abs(swapped.rate - 0.4) < 5 * 0.5 / np.sqrt(NUM_CHAINS)


def test_a_swap_of_the_wrong_sign_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = tempering_module.swap_probabilities
    monkeypatch.setattr(tempering_module, "swap_probabilities", lambda betas, value: right(betas, -value))
    assert swap_exact_pairs().deviation > 5


def test_even_and_odd_pairs_take_turns() -> None:
    sure = jnp.ones(4)
    assert swap_sources(jax.random.key(0), sure, jnp.asarray(0)).tolist() == [1, 0, 3, 2, 4]
    assert swap_sources(jax.random.key(0), sure, jnp.asarray(1)).tolist() == [0, 2, 1, 4, 3]
    assert swap_sources(jax.random.key(0), 0 * sure, jnp.asarray(1)).tolist() == [0, 1, 2, 3, 4]


def test_leaves_every_replica_invariant() -> None:
    """Exact draws at every temperature, two steps, so that both kinds of pair swap."""
    shares = (0.0, 0.2, 1.0)
    sampler = parallel_tempering(elliptical_slice(1, 1), ladder=shares)
    replicas = [exact_draws(r, share, NUM_CHAINS) for r, share in enumerate(shares)]
    start = jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *replicas)

    @jax.jit
    def advance(target: Target, start: Any, keys: jax.Array) -> Any:
        def one(positions: Any, key: jax.Array) -> Any:
            kernel = sampler.kernel(target, Replica(jnp.zeros((2, 0)), positions))
            state = kernel.init(key, jax.tree.map(lambda leaf: leaf[-1], positions))
            infos = []
            for t in range(2):
                state, info = kernel.step(jax.random.fold_in(key, t), state)
                infos.append(info)
            return state.positions, infos

        return jax.vmap(one)(start, keys)

    moved, infos = advance(linear_target(), start, jax.random.split(jax.random.key(1), NUM_CHAINS))
    theta = np.asarray(flat(moved), float)
    for r, share in enumerate(shares):
        law = exact(share)
        check = check_gaussian(theta[:, r], law.mean, law.covariance)
        assert check.deviation < 1
        assert check.detectable < 0.04
    assert np.all(np.any(theta != flat(start), axis=-1))
    rates = [np.mean(info[f"swap_rate_{pair}"]) for info in infos for pair in (0, 1)]
    assert 0.02 < min(rates) < max(rates) < 0.9
    # A prior draw needs one step of each parity to reach the target.
    assert np.all(infos[0]["restarts"] == 0)
    assert 0 < np.mean(infos[1]["restarts"]) < rates[0]


@pytest.mark.certify
def test_samples_a_network_as_rejection_does() -> None:
    """64 chains from the prior, 100 steps dropped: mean probabilities of class 1 at all points."""
    sampler = parallel_tempering(elliptical_slice(1, 2), num_temperatures=4, hottest=0.1)

    @jax.jit
    def chain_means(target: Target, keys: jax.Array) -> jax.Array:
        def one(key: jax.Array) -> jax.Array:
            key_start, key_run = jax.random.split(key)
            positions = jax.vmap(target.sample_prior)(jax.random.split(key_start, 4))
            kernel = sampler.kernel(target, Replica(jnp.zeros((3, 0)), positions))

            def step(state: Any, t: jax.Array) -> tuple[Any, jax.Array]:
                state, _ = kernel.step(jax.random.fold_in(key_run, t), state)
                return state, jax.nn.sigmoid(outputs(kernel.position(state)))

            start = kernel.init(key_start, jax.tree.map(lambda leaf: leaf[-1], positions))
            return jnp.mean(jax.lax.scan(step, start, jnp.arange(250))[1][100:], axis=0)

        return jax.vmap(one)(keys)

    truth = 1 / (1 + np.exp(-bayes_posterior().log_odds))
    units = np.asarray(chain_means(boolean_target(), jax.random.split(jax.random.key(2), 64)), float)
    error = np.std(truth, axis=0) / np.sqrt(len(truth))
    check = check_means(units, np.mean(truth, axis=0), error)
    assert check.deviation < 1
    assert check.detectable < 0.1


CENTRES, WIDTH, SHARE_LEFT = 2.0, 0.1, 0.75


def two_basins() -> Target:
    """Two numbers, standard normal prior, likelihood of two far narrow bumps.

    Both bumps are as far from the origin, so the posterior's weights are the likelihood's.
    """

    def log_likelihood(params: jax.Array, data: jax.Array) -> jax.Array:
        left, right = (-jnp.sum((params - c) ** 2) / (2 * WIDTH**2) for c in (-CENTRES, CENTRES))
        return jnp.logaddexp(left + jnp.log(SHARE_LEFT), right + jnp.log(1 - SHARE_LEFT))[None] + 0 * data

    return Target(
        log_prior=lambda params: -jnp.sum(params**2) / 2,
        log_likelihood=log_likelihood,
        errors=None,
        sample_prior=lambda key: jax.random.normal(key, (2,)),
        data=jnp.zeros(1),
        num_data=jnp.ones(()),
        beta=jnp.ones(()),
        prior_scale=jnp.ones(2),
    )


def is_left(params: jax.Array, inputs: Any) -> dict[str, jax.Array]:
    return {"left": params[0] < 0}


def from_the_right(key: jax.Array) -> jax.Array:
    return jnp.full(2, CENTRES) + WIDTH * jax.random.normal(key, (2,))


@pytest.mark.certify
def test_crosses_between_basins_where_hmc_does_not() -> None:
    """All chains start on the right, where a quarter of the posterior is."""
    target = two_basins()
    tuning = {"step_size": jnp.asarray(0.05), "inverse_mass_matrix": jnp.ones(2)}
    alone = hmc(num_integration_steps=8).kernel(target, tuning)

    def step(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        state, _ = alone.step(key, state)
        return state, alone.position(state)[0] < 0

    key_start, key_run = jax.random.split(jax.random.key(3))
    stuck = jax.jit(lambda state, keys: jax.lax.scan(step, state, keys)[1])
    state = alone.init(key_start, from_the_right(key_start))
    assert not np.any(stuck(state, jax.random.split(key_run, 10_000)))

    draws = sample(
        jax.random.key(3),
        parallel_tempering(hmc(8, num_warmup=60), num_temperatures=8, hottest=3e-3, num_warmup=100),
        target,
        is_left,
        (),
        start=from_the_right,
        num_chains=64,
        num_draws=600,
        chunk=600,
        block=32,
    )
    assert draws.status == ["ok"] * 64
    check = check_means(np.mean(draws.observed["left"], axis=1, keepdims=True), np.array([SHARE_LEFT]))
    assert check.deviation < 1
    assert check.detectable < 0.12
    rates = [np.mean(draws.stats[f"swap_rate_{r}"]) for r in range(7)]
    assert min(rates) > 0.1
    assert np.isclose(np.mean(draws.stats["swap_rate"]), np.mean(rates), rtol=1e-4)
    assert np.mean(draws.stats["restarts"]) > 0.01
    assert {"acceptance_rate", "step_size", "n_steps", "diverging"} <= draws.stats.keys()


@pytest.mark.parametrize("ladder", [(0.0,), (0.1, 1.0), (0.0, 0.5), (0.0, 0.5, 0.5, 1.0)])
def test_refuses_a_ladder_that_does_not_rise_from_prior_to_target(ladder: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rise from 0 to 1"):
        parallel_tempering(ladder=ladder)


def test_ladders() -> None:
    assert geometric_ladder(2, 0.5) == (0.0, 1.0)
    assert np.allclose(geometric_ladder(5, 1e-3), [0, 1e-3, 1e-2, 1e-1, 1])
    with pytest.raises(ValueError, match=r"hottest must lie strictly between 0 and 1, got 1\.5"):
        geometric_ladder(5, 1.5)
    with pytest.raises(ValueError, match="num_temperatures must be at least 2"):
        geometric_ladder(1, 0.1)
