"""Underdamped Langevin and SGHMC: the page's matrices, the integrator, the gradients, the refusals."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import logdensity, sghmc, underdamped
from samplers.gradients import Anchor, estimated_gradient, find_anchor
from samplers.langevin import LangevinState, baoab
from thermalize.certify.linear import baoab as baoab_map
from thermalize.certify.quadratic import flat, location, overdispersed_start, regression


def test_the_documented_matrices_are_the_composition() -> None:
    problem, h, rate = location(), 0.12, 5.0
    c, eye = np.exp(-rate * h), np.eye(3)
    a = h / 2 * (1 + c)
    matrix = np.block([[eye - h * a * problem.hessian, a * eye], [-c * h * problem.hessian, c * eye]])
    from_gradient, from_friction = np.vstack([a * eye, c * eye]), np.vstack([h / 2 * eye, eye])
    spread = problem.noise(eye, 4, False)
    noise = h**2 * from_gradient @ spread @ from_gradient.T + (1 - c**2) * from_friction @ from_friction.T
    step = baoab_map(problem, h, rate, 4)
    np.testing.assert_allclose(step.matrix, matrix, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(step.noise(np.zeros((6, 6))), noise, rtol=1e-12, atol=1e-14)


def test_without_friction_energy_is_kept_to_second_order() -> None:
    """Energies half a kick apart from the state; the error falls fourfold."""
    problem = location()
    target = problem.target
    state = LangevinState(overdispersed_start(jax.random.key(0)), overdispersed_start(jax.random.key(1)))

    def energy(state: LangevinState, step_size: float) -> jax.Array:
        gradient = flat(jax.grad(partial(logdensity, target))(state.position))
        momentum = flat(state.momentum) + step_size / 2 * gradient
        return -logdensity(target, state.position) + 0.5 * momentum @ momentum

    @partial(jax.jit, static_argnums=0)
    def worst(step_size: float) -> jax.Array:
        gradient = jax.grad(partial(logdensity, target))(state.position)
        back = jax.tree.map(lambda p, g: p - step_size / 2 * g, state.momentum, gradient)
        first = LangevinState(state.position, back)

        def step(now: LangevinState, key: jax.Array) -> tuple[LangevinState, jax.Array]:
            now, _ = baoab(key, target, now, step_size, 1e-12, 1.0, None, None)
            return now, energy(now, step_size)

        _, energies = jax.lax.scan(step, first, jax.random.split(jax.random.key(2), round(4 / step_size)))
        return jnp.abs(energies - energy(first, step_size)).max()

    assert float(worst(0.04) / worst(0.02)) == pytest.approx(4.0, rel=0.1)


def test_control_variates_are_unbiased_and_exact_at_the_anchor() -> None:
    """Means of 20,000 batches within 6 standard errors: a false alarm in 1e8 runs."""
    problem = regression()
    target = problem.target
    anchor = jax.jit(find_anchor, static_argnums=2)(target, overdispersed_start(jax.random.key(0)), 1500)
    assert anchor is not None
    np.testing.assert_allclose(flat(anchor.params), problem.mean, atol=2e-3)
    elsewhere = jax.tree.map(lambda leaf: leaf + 0.2, anchor.params)
    exact = flat(jax.jit(jax.grad(partial(logdensity, target)))(elsewhere))
    keys = jax.random.split(jax.random.key(1), 20_000)

    @jax.jit
    @partial(jax.vmap, in_axes=(0, None, None))
    def estimate(key: jax.Array, params: Any, anchor: Anchor | None) -> jax.Array:
        return flat(estimated_gradient(key, target, params, 2, anchor))

    for chosen in (anchor, None):
        estimates = estimate(keys, elsewhere, chosen)
        error = estimates.std(axis=0) / np.sqrt(len(keys))
        assert bool(jnp.all(jnp.abs(estimates.mean(axis=0) - exact) < 6 * error))
    at_anchor = estimate(keys, anchor.params, anchor)
    np.testing.assert_allclose(at_anchor, np.tile(flat(anchor.gradient), (len(keys), 1)), atol=1e-3)


@pytest.mark.parametrize("make", [underdamped, sghmc])
def test_statistics(make: type) -> None:
    problem = location()

    @jax.jit
    def statistics() -> Any:
        kernel = make(0.1, batch_size=4).kernel(problem.target, None)
        state = kernel.init(jax.random.key(0), overdispersed_start(jax.random.key(1)))
        return kernel.step(jax.random.key(2), state)[1]

    info = statistics()
    assert set(info) == {"configurational_temperature", "grad_norm", "step_size", "diverging"}
    assert float(info["step_size"]) == pytest.approx(0.1)
    assert not bool(info["diverging"])


@pytest.mark.parametrize("make", [underdamped, sghmc])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_size": -0.1}, "step_size .* got -0.1"),
        ({"step_size": 0.1, "friction": 0.0}, "friction .* got 0"),
        ({"step_size": 0.1, "batch_size": 0}, "batch_size .* got 0"),
        ({"step_size": 0.1, "batch_size": 4, "anchor_steps": -1}, "anchor_steps .* got -1"),
        ({"step_size": 0.1, "batch_size": None, "anchor_steps": 10}, "no noise to remove"),
    ],
)
def test_refusals(make: type, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_a_batch_larger_than_the_data_is_refused() -> None:
    sampler, target = underdamped(0.1, batch_size=11), location().target
    with pytest.raises(ValueError, match=r"batch_size must be at most .* got 11"):
        sampler.warmup(jax.random.key(0), target, overdispersed_start(jax.random.key(1)))
