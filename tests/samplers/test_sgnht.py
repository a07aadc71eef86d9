"""SGNHT: it absorbs minibatch noise as its theory says; a thermostat that does not move fails."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import sgnht
from samplers.sgnht import ThermostatTuning, _noise_scale
from thermalize.certify.biases import heating, resting_friction, thermostat_check
from thermalize.certify.quadratic import location, overdispersed_start


@pytest.mark.certify
def test_minibatch_noise_is_absorbed() -> None:
    check = thermostat_check(jax.random.key(0))
    assert check.passed, check
    assert check.detectable < 0.05, check


@pytest.mark.certify
def test_a_thermostat_at_rest_is_caught() -> None:
    check = thermostat_check(jax.random.key(0), thermostat_mass=1e8)
    assert not check.passed
    assert check.error > 0.3


def test_theory_of_the_resting_friction() -> None:
    """To first order in the step the noise adds ``h s^2 / 2`` to the friction: 1 + 0.04 * 25 / 2."""
    assert resting_friction() == pytest.approx(1.5, rel=0.01)
    without, with_thermostat = heating()
    assert without > 1.5
    assert with_thermostat == pytest.approx(1.0, abs=0.001)


def test_noise_scale_is_smooth_through_zero() -> None:
    friction, step_size = 1.3, 0.05
    xi = np.array([-20.0, -1.0, -2e-3, -1e-4, 1e-4, 9e-4, 1.1e-3, 0.5, 30.0])
    expected = np.sqrt(friction * -np.expm1(-2 * xi * step_size) / xi)
    measured = jax.vmap(lambda x: _noise_scale(x, friction, step_size))(jnp.asarray(xi))
    np.testing.assert_allclose(measured, expected, rtol=2e-6)
    zero = _noise_scale(jnp.zeros(()), friction, step_size)
    assert float(zero) == pytest.approx(np.sqrt(2 * friction * step_size))
    assert bool(jnp.isfinite(jax.grad(lambda x: _noise_scale(x, friction, step_size))(0.0)))


def test_one_step_by_hand() -> None:
    """Every substep written out with numpy, all data, from a known state and the kernel's own noise."""
    problem, h, added, mass = location(), 0.1, 2.0, 0.7
    kernel = sgnht(h, added, mass, None).kernel(problem.target, ThermostatTuning(None, jnp.asarray(3.0)))
    start = overdispersed_start(jax.random.key(0))
    state = kernel.init(jax.random.key(1), start)
    after, info = kernel.step(jax.random.key(2), state)

    def vector(params: dict[str, jax.Array]) -> np.ndarray:
        return np.concatenate([np.asarray(params["a"]), np.asarray(params["b"]).ravel()]).astype(float)

    theta, p, xi = vector(state.position), vector(state.momentum), 3.0
    p = p - h * problem.hessian @ (theta - problem.mean)
    theta = theta + h / 2 * p
    first = p @ p / 3
    xi = xi + h / (2 * mass) * (first - 1)
    keep, spread = np.exp(-xi * h), np.sqrt(added * (1 - np.exp(-2 * xi * h)) / xi)
    noise = (vector(after.momentum) - keep * p) / spread  # any noise: what follows must agree with it
    assert np.abs(noise).max() < 6
    p = keep * p + spread * noise
    second = p @ p / 3
    xi = xi + h / (2 * mass) * (second - 1)
    np.testing.assert_allclose(vector(after.position), theta + h / 2 * p, rtol=1e-4)
    assert float(after.friction) == pytest.approx(xi, rel=1e-4)
    assert float(info["kinetic_temperature"]) == pytest.approx((first + second) / 2, rel=1e-4)
    expected = {"configurational_temperature", "grad_norm", "step_size", "diverging"}
    assert set(info) == expected | {"thermostat_friction", "kinetic_temperature"}


@pytest.mark.parametrize("option", ["step_size", "friction", "thermostat_mass"])
def test_refusals(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} .* got nan"):
        sgnht(**({"step_size": 0.1} | {option: float("nan")}))
