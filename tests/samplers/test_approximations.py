"""Laplace, SWAG, mean field, deep ensemble: each has on a quadratic the law that its page states.

Checks of moments have a false-alarm rate of at most 1e-5 each.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from models import Batch, bayesian_model, categorical, gaussian_prior, laplace_prior, mlp
from samplers import (
    Outputs,
    Sampler,
    Target,
    deep_ensemble,
    laplace,
    logdensity,
    mean_field,
    posterior,
    swag,
)
from samplers.curvature import gauss_newton, hessian
from thermalize.certify.check import Law, check_moments, law_moments
from thermalize.certify.laws import STEP_SIZE
from thermalize.certify.linear import descent, stationary_covariance
from thermalize.certify.measure import run_chains
from thermalize.certify.quadratic import Quadratic, flat, location, regression

NETWORK = mlp([2, 3, 3])
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), categorical())


def outputs(params: object, data: Batch) -> jax.Array:
    assert NETWORK.apply_columns is not None
    return NETWORK.apply_columns(params, data.inputs.T)


TWO_STAGES = Outputs(outputs, lambda out, data: categorical().log_prob(out, data.targets))
NETWORK_LAPLACE = laplace(1500, learning_rate=0.03, outputs=TWO_STAGES)
curvature = jax.jit(gauss_newton, static_argnames=("outputs", "diagonal"))


@partial(jax.jit, static_argnames="sampler")
def fit(sampler: Sampler, target: Target, seed: int) -> Any:
    """Where warm-up ends and what it found, from the network's start of this seed."""
    return sampler.warmup(jax.random.key(0), target, MODEL.init(jax.random.key(seed)))


@pytest.fixture(scope="module")
def net() -> Target:
    key_inputs, key_targets = jax.random.split(jax.random.key(0))
    data = Batch(jax.random.normal(key_inputs, (21, 2)), jax.random.randint(key_targets, (21,), 0, 3))
    return posterior(MODEL, data, num_data=30, beta=0.8)


def judged(sampler: Sampler, problem: Quadratic, law: Law, num_chains: int, num_draws: int) -> None:
    draws, _ = run_chains(sampler, problem.target, jax.random.key(5), num_chains, 0, num_draws)
    check = check_moments("approximation", "its own", law_moments(draws, law))
    assert check.passed, check
    assert check.detectable < 0.1, check


def test_laplace_is_exact_for_a_gaussian_posterior() -> None:
    problem = regression()
    law = Law(problem.mean, np.linalg.inv(problem.hessian), np.zeros((3, 3)))
    judged(laplace(1500, learning_rate=0.02), problem, law, 512, 100)


def test_mean_field_keeps_the_precisions_and_loses_the_correlations() -> None:
    problem = location()
    law = Law(problem.mean, np.diag(1 / np.diag(problem.hessian)), np.zeros((3, 3)))
    judged(mean_field(2000, 0.01, num_samples=8, mode_steps=500), problem, law, 128, 400)


def test_swag_has_the_moments_of_its_snapshots() -> None:
    """Snapshots 40 steps apart are independent to 1e-3; all factors of the page and of T and K count."""
    problem, num_snapshots, rank = regression(), 10, 5
    rate = STEP_SIZE * float(problem.target.beta * problem.target.num_data)
    iterates = stationary_covariance(descent(problem, rate, 4))
    of_mean = iterates / num_snapshots
    diagonal = np.diag(np.diag(iterates)) * (1 - 1 / num_snapshots)
    kept = sum(1 - 1 / t for t in range(num_snapshots - rank + 1, num_snapshots + 1))
    given_fit = diagonal / 2 + iterates * kept / (2 * (rank - 1))
    sampler = swag(rate, 4, 150, num_snapshots, 40, rank, momentum=0.0)
    judged(sampler, problem, Law(problem.mean, of_mean + given_fit, of_mean), 4096, 40)


def test_members_of_an_ensemble_meet_where_the_potential_is_convex() -> None:
    problem, sampler = location(), deep_ensemble(0.02, batch_size=None)

    @jax.jit
    @jax.vmap
    def member(key: jax.Array) -> jax.Array:
        kernel = sampler.kernel(problem.target, ())
        start = kernel.init(key, problem.target.sample_prior(key))
        return flat(kernel.position(jax.lax.fori_loop(0, 1500, lambda t, s: kernel.step(key, s)[0], start)))

    members = member(jax.random.split(jax.random.key(0), 5))
    np.testing.assert_allclose(members, np.tile(problem.mean, (5, 1)), atol=2e-3)


def test_gauss_newton_by_hand(net: Target) -> None:
    """Jacobians by forward differentiation, ``diag(p) - p p'`` for the softmax, added up row by row."""
    params = MODEL.init(jax.random.key(3))
    theta, unravel = ravel_pytree(params)

    @jax.jit
    def pieces(t: jax.Array) -> tuple[jax.Array, jax.Array]:
        jacobian = jax.jacfwd(lambda t: jax.vmap(NETWORK.apply, (None, 0))(unravel(t), net.data.inputs))
        outputs = jax.vmap(NETWORK.apply, (None, 0))(unravel(t), net.data.inputs)
        return jacobian(t), jax.nn.softmax(outputs)

    jacobians, shares = (np.asarray(piece, np.float64) for piece in pieces(theta))
    expected = np.diag(1.0 / np.asarray(ravel_pytree(net.prior_scale)[0], np.float64) ** 2)
    for jacobian, p in zip(jacobians, shares, strict=True):
        expected += 0.8 * 30 / 21 * jacobian.T @ (np.diag(p) - np.outer(p, p)) @ jacobian
    dense = curvature(net, params, outputs=TWO_STAGES, diagonal=False)
    np.testing.assert_allclose(dense, expected, rtol=1e-3, atol=2e-4)
    diagonal = curvature(net, params, outputs=TWO_STAGES, diagonal=True)
    np.testing.assert_allclose(diagonal, np.diag(expected), rtol=1e-3, atol=2e-4)


def test_gauss_newton_is_the_hessian_of_a_linear_model() -> None:
    network = mlp([2, 3])
    model = bayesian_model(network, gaussian_prior(network), categorical())
    data = Batch(jax.random.normal(jax.random.key(0), (9, 2)), jnp.arange(9) % 3)
    target = posterior(model, data, num_data=9)

    def apply(params: object, data: Batch) -> jax.Array:
        assert network.apply_columns is not None
        return network.apply_columns(params, data.inputs.T)

    params = model.init(jax.random.key(1))
    linear = Outputs(apply, TWO_STAGES.log_prob)
    np.testing.assert_allclose(
        curvature(target, params, outputs=linear, diagonal=False),
        jax.jit(hessian)(target, params),
        rtol=1e-3,
        atol=1e-3,
    )


def test_laplace_of_a_network_draws_from_the_inverse_curvature(net: Target) -> None:
    """Covariance of 4,000 draws of one fit, whitened by the curvature at its mode."""
    mode, fitted = fit(NETWORK_LAPLACE, net, 0)
    kernel = NETWORK_LAPLACE.kernel(net, fitted)

    @jax.jit
    @jax.vmap
    def draw(key: jax.Array) -> jax.Array:
        return flat(kernel.position(kernel.step(key, kernel.init(key, mode))[0]))

    theta = flat(mode)
    precision = np.asarray(curvature(net, mode, outputs=TWO_STAGES, diagonal=False), np.float64)
    assert np.linalg.eigvalsh(precision).min() > 0.99  # the prior's bounds it: damping does nothing here
    draws = draw(jax.random.split(jax.random.key(7), 4000))
    z = np.asarray(draws - theta[None]) @ np.linalg.cholesky(precision)
    np.testing.assert_allclose(z.T @ z / len(z), np.eye(len(theta)), atol=6 * np.sqrt(2 / len(z)))
    gradient = jax.jit(jax.grad(partial(logdensity, net)))(mode)
    assert float(optax.tree.norm(gradient)) < 0.1


def test_diagonal_beyond_max_dense(net: Target) -> None:
    _, fitted = fit(laplace(1, outputs=TWO_STAGES, max_dense=20), net, 1)
    diagonal = curvature(net, fitted.centre, outputs=TWO_STAGES, diagonal=True)
    np.testing.assert_allclose(fitted.root, 1 / np.sqrt(np.maximum(diagonal, 1.0)), rtol=1e-5)


def test_damping_bounds_directions_without_curvature() -> None:
    """A Laplace prior has no curvature of its own: one over its mean variance stands in."""
    prior = laplace_prior(NETWORK, 2.0, 2.0, fan_in=False)
    model = bayesian_model(NETWORK, prior, categorical())
    data = Batch(jnp.zeros((2, 2)), jnp.zeros(2, int))
    target = posterior(model, data, num_data=2, beta=0.0)
    _, fitted = fit(laplace(1, damping=3.0), target, 1)
    covariance = fitted.root @ fitted.root.T
    np.testing.assert_allclose(covariance, 4 / 3 * np.eye(len(covariance)), atol=0.2)


def test_each_chain_has_its_own_fit(net: Target) -> None:
    fits = [fit(NETWORK_LAPLACE, net, seed)[0] for seed in (0, 1)]
    assert float(optax.tree.norm(optax.tree.sub(*fits))) > 0.5


def test_refusals(net: Target) -> None:
    with pytest.raises(ValueError, match="Hessian of 21 parameters is larger than max_dense = 20"):
        fit(laplace(max_dense=20), net, 0)
    with pytest.raises(ValueError, match=r"damping .* got 0"):
        laplace(damping=0.0)
    with pytest.raises(ValueError, match=r"rank must be at least 2 .* got 1"):
        swag(0.1, rank=1)
    with pytest.raises(ValueError, match="num_snapshots = 10, got 11"):
        swag(0.1, num_snapshots=10, rank=11)
    with pytest.raises(ValueError, match=r"momentum .* got 1"):
        swag(0.1, momentum=1.0)
    with pytest.raises(ValueError, match=r"learning_rate .* got -1"):
        mean_field(learning_rate=-1.0)
    with pytest.raises(ValueError, match=r"learning_rate .* got 0"):
        deep_ensemble(0.0)
    with pytest.raises(ValueError, match=r"batch_size .* got 22"):
        fit(swag(0.1, batch_size=22), net, 0)
