"""SGLD's preconditioner, schedules and anchor. Their finite-step laws are in test_finite_step.py."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import Sampler, sgld
from samplers.schedule import cyclical
from thermalize.certify.biases import PSGLD_OFFSET, adaptive_preconditioner_check, adaptive_variances
from thermalize.certify.laws import BATCH_SIZE, STEP_SIZE
from thermalize.certify.linear import overdamped, stationary_covariance
from thermalize.certify.quadratic import NUM_DATA, flat, isotropic, location, overdispersed_start


def test_adaptive_preconditioning_has_the_bias_of_its_theory() -> None:
    """Exact at this step; false-alarm rate 1e-5. The posterior's variance is less than half of it."""
    check = adaptive_preconditioner_check(jax.random.key(0))
    assert check.passed, check
    assert check.detectable < 0.06, check
    assert adaptive_variances(5e-4)[0] > 1.8 / isotropic(1, 10.0).hessian.item()


def test_adaptive_law_tends_to_the_documented_one() -> None:
    """``exp(-U) / G`` by quadrature; the distance falls in proportion to the step."""
    hessian = isotropic(1, 10.0).hessian.item()
    grid = np.linspace(-1.6, 1.6, 20_001)
    weight = np.exp(-0.5 * hessian * grid**2) * (PSGLD_OFFSET + hessian * np.abs(grid) / NUM_DATA)
    limit = (weight * grid**2).sum() / weight.sum()
    excess = [adaptive_variances(step)[0] - limit for step in (4e-4, 2e-4)]
    assert excess[0] / excess[1] == pytest.approx(2.0, rel=0.1)
    assert excess[1] < 0.05 * limit


def test_frozen_second_moment_is_that_of_the_gradients() -> None:
    """With an offset that swamps it the chain is plain SGLD, whose gradients have ``H S H + C``.

    1,500 chains with a memory of ten steps: relative error 2 %, bound at 5 sigma and more.
    """
    problem, offset = location(), 1e3
    sampler = sgld(
        offset * STEP_SIZE,
        BATCH_SIZE,
        num_warmup=150,
        preconditioning="frozen",
        preconditioner_decay=0.9,
        preconditioner_offset=offset,
    )

    def second_moment(key: jax.Array) -> jax.Array:
        key_start, key_warmup = jax.random.split(key)
        tuning = sampler.warmup(key_warmup, problem.target, overdispersed_start(key_start))[1]
        return flat(tuning.second_moment)

    measured = jax.jit(jax.vmap(second_moment))(jax.random.split(jax.random.key(0), 1500)).mean(axis=0)
    covariance = stationary_covariance(overdamped(problem, STEP_SIZE, BATCH_SIZE))
    spread = problem.hessian @ covariance @ problem.hessian + problem.noise(covariance, BATCH_SIZE, False)
    np.testing.assert_allclose(measured, np.diag(spread) / NUM_DATA**2, rtol=0.1)


def test_a_frozen_preconditioner_does_not_move_and_an_adaptive_one_does() -> None:
    target = location().target
    for preconditioning, moves in (("frozen", False), ("adaptive", True)):
        sampler = sgld(0.1, 4, 5, preconditioning=preconditioning)

        @jax.jit
        def second_moments(sampler: Sampler = sampler) -> tuple[jax.Array, jax.Array]:
            start = overdispersed_start(jax.random.key(1))
            position, tuning = sampler.warmup(jax.random.key(0), target, start)
            kernel = sampler.kernel(target, tuning)
            state = kernel.init(jax.random.key(2), position)
            after, _ = kernel.step(jax.random.key(3), state)
            return flat(state.second_moment), flat(after.second_moment)

        assert np.array_equal(*second_moments()) is not moves


def test_a_preconditioned_step_by_hand() -> None:
    """Two chains with the same keys differ by ``e G`` times the difference of their gradients."""
    problem = location()
    sampler = sgld(0.01, None, 5, preconditioning="frozen", preconditioner_offset=0.5)
    second_moment = {"a": jnp.array([0.25, 1.0]), "b": jnp.array([[4.0]])}

    @jax.jit
    @jax.vmap
    def starts_and_ends(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        start = overdispersed_start(key)
        tuning = sampler.warmup(jax.random.key(0), problem.target, start)[1]
        kernel = sampler.kernel(problem.target, tuning._replace(second_moment=second_moment))
        state, _ = kernel.step(jax.random.key(4), kernel.init(jax.random.key(3), start))
        return flat(start), flat(kernel.position(state))

    starts, ends = starts_and_ends(jnp.stack([jax.random.key(0), jax.random.key(1)]))
    scale = np.array([1.0, 1 / 1.5, 0.4])
    matrix = np.eye(3) - 0.01 * scale[:, None] * problem.hessian
    np.testing.assert_allclose(ends[0] - ends[1], matrix @ np.asarray(starts[0] - starts[1]), atol=1e-5)


def test_cyclical_schedule() -> None:
    steps = jnp.arange(60)
    epsilon, temperature = cyclical(steps, 0.3, 20, 0.25)
    share = (np.arange(60) % 20) / 20
    np.testing.assert_allclose(epsilon, 0.15 * (np.cos(np.pi * share) + 1), rtol=1e-5)
    np.testing.assert_array_equal(temperature, share >= 0.25)


def test_exploration_has_no_noise() -> None:
    """On all data the first steps of a cycle are gradient descent, whatever the key."""
    problem = location()
    sampler = sgld(0.01, None, 1, num_steps_per_draw=8, cycle_steps=8, exploration=0.5)

    @jax.jit
    @jax.vmap
    def path(keys: jax.Array) -> jax.Array:
        start = overdispersed_start(jax.random.key(0))
        kernel = sampler.kernel(problem.target, sampler.warmup(jax.random.key(1), problem.target, start)[1])

        def step(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            state, _ = kernel.step(key, state)
            return state, flat(kernel.position(state))

        return jax.lax.scan(step, kernel.init(jax.random.key(1), start), keys)[1]

    one, two = path(jax.random.split(jax.random.key(2), (2, 5)))
    assert [np.array_equal(one[t], two[t]) for t in range(5)] == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preconditioning": "full"}, "preconditioning must be .* got 'full'"),
        ({"preconditioner_decay": 1.0}, "preconditioner_decay .* got 1"),
        ({"preconditioner_offset": 0.0}, "preconditioner_offset .* got 0"),
        ({"anchor_steps": 5}, "no noise to remove"),
        ({"cycle_steps": -1}, "cycle_steps .* got -1"),
        ({"cycle_steps": 30}, "multiple of cycle_steps = 30"),
        ({"cycle_steps": 50, "decay_power": 0.6}, "exclude each other"),
        ({"cycle_steps": 50, "exploration": 1.0}, "exploration .* got 1"),
    ],
)
def test_refusals(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sgld(0.1, **options)
