r"""Finite-step laws of the samplers without Metropolis test, and the mutants that miss them.

The laws themselves are judged by the certification suite (``test_certificate.py``); here
are the instruments: maps, noises and the check's own rates.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from samplers import sample
from samplers.sgld import sgld
from thermalize.certify.check import Check, Law, Moment, check_moments, critical_value, law_moments
from thermalize.certify.laws import STEP_SIZE, sgld_case
from thermalize.certify.linear import Map, baoab, compose, overdamped, stationary_covariance, trajectory
from thermalize.certify.measure import run_chains
from thermalize.certify.quadratic import flat, isotropic, location, regression


def test_the_posterior_is_not_the_law_of_sgld_at_this_step() -> None:
    case = sgld_case()
    draws, _ = run_chains(case.sampler, case.problem.target, jax.random.key(1), 8192, 78, 80)
    posterior = np.linalg.inv(case.problem.hessian)
    lagged = case.steps[0].matrix @ posterior
    check = check_moments("sgld", "posterior", law_moments(draws, Law(case.problem.mean, posterior, lagged)))
    assert not check.passed
    assert check.error > 0.2


@pytest.mark.certify
def test_measured_chains_are_those_of_the_driver() -> None:
    """The certificate's short program draws what users get from ``sample``, to rounding."""
    problem = regression()
    sampler = sgld(STEP_SIZE, 4, num_warmup=3, num_steps_per_draw=2)
    key = jax.random.key(3)
    ours, stats = run_chains(sampler, problem.target, key, 4, 0, 3)
    drawn = sample(
        key, sampler, problem.target, lambda params, _: {"theta": flat(params)}, (), num_chains=4, num_draws=3
    )
    np.testing.assert_allclose(ours, drawn.observed["theta"], rtol=1e-4, atol=1e-5)
    for name in ("grad_norm", "step_size"):
        np.testing.assert_allclose(stats[name], drawn.stats[name], rtol=1e-3, atol=1e-4)
    # The driver's temperature is that of all data, at the draw itself.
    gradients = (drawn.observed["theta"] - problem.mean) @ problem.hessian
    expected = (drawn.observed["theta"] * gradients).mean(axis=-1)
    np.testing.assert_allclose(drawn.stats["configurational_temperature"], expected, rtol=1e-3, atol=1e-3)


def scalar(hessian: float, step_size: float, noise_variance: float) -> float:
    """The variance that the maps give for ``U = h theta^2 / 2`` and gradient noise."""
    matrix = np.array([[1 - step_size * hessian]])
    noise = np.array([[2 * step_size + step_size**2 * noise_variance]])
    return stationary_covariance(Map(matrix, lambda covariance: noise)).item()


@pytest.mark.parametrize(("h", "e", "s2"), [(1.0, 0.1, 0.0), (3.0, 0.5, 0.0), (2.0, 0.3, 5.0)])
def test_scalar_formulas(h: float, e: float, s2: float) -> None:
    assert scalar(h, e, 0.0) == pytest.approx(1 / (h * (1 - e * h / 2)), rel=1e-12)
    assert scalar(h, e, s2) == pytest.approx((2 * e + e**2 * s2) / (2 * e * h - e**2 * h**2), rel=1e-12)


def test_sgld_map_in_one_dimension_is_the_scalar_formula() -> None:
    problem = isotropic(1, 6.0)
    h, e, s2 = problem.hessian.item(), 0.01, 36 / 4
    variance = stationary_covariance(overdamped(problem, e, 4)).item()
    assert variance == pytest.approx((2 * e + e**2 * s2) / (2 * e * h - e**2 * h**2), rel=1e-12)


@pytest.mark.parametrize(
    "make", [partial(overdamped, step_size=0.007), partial(baoab, step_size=0.12, rate=5.0)]
)
def test_stationary_covariance_solves_the_lyapunov_equation(make: partial[Map]) -> None:
    step = make(location(), batch_size=4)
    size = len(step.matrix)
    expected = solve_discrete_lyapunov(step.matrix, step.noise(np.zeros((size, size))))
    np.testing.assert_allclose(stationary_covariance(step), expected, rtol=1e-9, atol=1e-14)


def test_multiplicative_noise_by_summing_over_all_batches() -> None:
    """The regression target's noise against every minibatch of one row, gradient by gradient."""
    problem = regression()
    covariance = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]]) / 50
    target = problem.target
    rows = len(target.data[1])
    above = problem.mean + np.linalg.cholesky(covariance).T * np.sqrt(3)
    points = np.concatenate([above, 2 * problem.mean - above])  # mean and covariance are exact

    def gradient(theta: jax.Array, row: jax.Array) -> jax.Array:
        one = jax.tree.map(lambda leaf: leaf[row][None], target.data)
        params = {"a": theta[:2], "b": theta[2:].reshape(1, 1)}
        return flat(
            jax.grad(lambda p: target.beta * target.num_data * target.log_likelihood(p, one)[0])(params)
        )

    over_both = jax.vmap(jax.vmap(gradient, (None, 0)), (0, None))
    each = np.asarray(over_both(jnp.asarray(points), jnp.arange(rows)), np.float64)
    deviation = (each - each.mean(axis=1, keepdims=True)).reshape(-1, 3)
    measured = deviation.T @ deviation / len(deviation)
    np.testing.assert_allclose(problem.noise(covariance, 1, False), measured, rtol=1e-4, atol=1e-2)


def test_baoab_is_exact_in_the_positions_of_a_quadratic() -> None:
    problem = location()
    for step_size in (0.01, 0.12, 0.24):
        covariance = stationary_covariance(baoab(problem, step_size, 3.0, None))[:3, :3]
        np.testing.assert_allclose(covariance @ problem.hessian, np.eye(3), atol=1e-9)


def test_sghmc_redraws_cost_its_law_the_square_of_the_step() -> None:
    problem = location()

    def excess(step_size: float) -> float:
        covariance = stationary_covariance(trajectory(problem, step_size, 2.0, 4, None))[:3, :3]
        return float(np.abs(covariance @ problem.hessian - np.eye(3)).max())

    assert excess(0.0025) / excess(0.00125) == pytest.approx(4.0, rel=0.01)


def test_an_unstable_step_has_no_law() -> None:
    with pytest.raises(ValueError, match="not stable"):
        stationary_covariance(overdamped(location(), 0.1, None))


def test_composition_adds_noise_in_order() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2, 2)) / 2
    noise = np.array([[1.0, 0.2], [0.2, 0.5]])
    grows = Map(second, lambda covariance: covariance / 10)
    both = compose(Map(first, lambda covariance: noise), grows)
    start = np.eye(2)
    middle = first @ start @ first.T + noise
    expected = second @ middle @ second.T + middle / 10
    np.testing.assert_allclose(both.matrix @ start @ both.matrix.T + both.noise(start), expected)


def planted(key: int, scale: float, num_chains: int = 4096, num_draws: int = 4) -> Check:
    """Draws of N(0, scale^2) judged against N(0, 1)."""
    draws = np.random.default_rng(key).normal(0.0, scale, (num_chains, num_draws, 1))
    law = Law(np.zeros(1), np.eye(1), np.zeros((1, 1)))
    return check_moments("planted", "N(0, 1)", law_moments(draws, law))


def test_power_is_what_the_check_says() -> None:
    """A variance off by ``detectable`` is found in at least 0.96 of 400 trials (0.99 less 6 sigma)."""
    detectable = planted(0, 1.0).detectable
    found = sum(not planted(seed, np.sqrt(1 + detectable)).passed for seed in range(400))
    assert found >= 0.96 * 400


def test_false_alarms_are_as_rare_as_the_check_says() -> None:
    """At a rate of 0.1, spread over three moments of chi-square draws: 12 to 2 of 1,000 sums."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(400):
        z = rng.normal(size=(3, 4096))
        moments = [Moment(str(i), values**2, 1.0) for i, values in enumerate(z)]
        alarms += not check_moments("null", "chi-square", moments, false_alarm=0.5).passed
    assert alarms <= 0.1 * 400  # the skewness allowance makes 0.05 of the 0.5; 6 sigma above


def test_a_frozen_statistic_fails_unless_it_is_right() -> None:
    assert not check_moments("a", "b", [Moment("x", np.full(10, 1.0), 1.1)]).passed
    assert check_moments("a", "b", [Moment("x", np.full(10, 1.0), 1.0)]).passed
    assert not check_moments("a", "b", [Moment("x", np.array([1.0, np.nan]), 1.0)]).passed
    with pytest.raises(ValueError, match="two chains"):
        check_moments("a", "b", [Moment("x", np.ones(1), 1.0)])


def test_more_moments_need_a_higher_bar() -> None:
    assert critical_value(100, 1e-5, 8192) > critical_value(1, 1e-5, 8192) > 4.8
