"""Rejection of the Gibbs law against quadrature of one weight and the linear-Gaussian closed form."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from models import Batch, Network, bayesian_model, bernoulli, gaussian, gaussian_prior, mlp
from samplers import Rejection, Target, posterior, reject

KEY = jax.random.key(0)


def slope(params: Any, x: jax.Array) -> jax.Array:
    return jnp.tanh(params["w"][0] * x) * 3


LINE = Network(lambda key: {"w": jax.random.normal(key, (1, 1))}, slope)
LINE_DATA = Batch(jnp.array([[0.5], [1.0], [-2.0], [1.5], [-0.3]]), jnp.array([1, 1, 0, 1, 1]))


@cache
def line_target(beta: float) -> Target:
    model = bayesian_model(LINE, gaussian_prior(LINE, fan_in=False), bernoulli())
    return posterior(model, LINE_DATA, num_data=5, beta=beta)


def line_quadrature(beta: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Grid, posterior distribution function and log evidence of the one weight, to 1e-8."""
    w = np.linspace(-9, 9, 200_001)
    outputs = 3 * np.tanh(w[:, None] * np.asarray(LINE_DATA.inputs, float)[:, 0])
    log_likelihood = -np.logaddexp(0, np.where(np.asarray(LINE_DATA.targets) == 1, -outputs, outputs)).sum(1)
    density = norm.pdf(w) * np.exp(beta * log_likelihood)
    steps = np.r_[0, np.cumsum((density[1:] + density[:-1]) / 2)] * (w[1] - w[0])
    return w, steps / steps[-1], float(np.log(steps[-1]))


def record_weight(params: Any, inputs: None) -> dict[str, jax.Array]:
    return {"w": params["w"][0, 0]}


@cache
def line_run(beta: float) -> tuple[np.ndarray, Rejection]:
    draws, record = reject(
        KEY, line_target(beta), record_weight, None, law="gibbs", num_proposals=1 << 17, block=4096
    )
    return draws.observed["w"][0], record


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0])
def test_gibbs_equals_quadrature(beta: float) -> None:
    """DKWM bound at 1e-6 for the whole distribution function."""
    weights, record = line_run(beta)
    grid, cumulative, _ = line_quadrature(beta)
    order, n = np.sort(weights), len(weights)
    assert n == record.accepted > 1400
    gap = np.abs(np.interp(order, grid, cumulative) - (np.arange(n) + 0.5) / n).max()
    assert gap < np.sqrt(np.log(2 / 1e-6) / (2 * n))


@pytest.mark.parametrize(("beta", "wrong"), [(1.0, 0.0), (2.0, 1.0)])
def test_another_beta_would_be_seen(beta: float, wrong: float) -> None:
    """Power of the test above: the laws of two temperatures differ by more than twice its bound."""
    _, cumulative, _ = line_quadrature(beta)
    _, other, _ = line_quadrature(wrong)
    bound = np.sqrt(np.log(2 / 1e-6) / (2 * len(line_run(wrong)[0])))
    assert np.abs(cumulative - other).max() > 2 * bound


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_evidence_equals_quadrature(beta: float) -> None:
    """Within 5 standard errors, false alarm 6e-7; the error is below 2.7 %, so a fifth too much is seen."""
    _, record = line_run(beta)
    assert record.log_evidence is not None
    assert record.standard_error is not None
    assert record.standard_error < 0.027
    assert abs(record.log_evidence - line_quadrature(beta)[2]) < 5 * record.standard_error


def test_a_density_needs_and_uses_its_lowest_loss() -> None:
    """Linear-Gaussian regression: evidence in closed form, 5 standard errors; posterior mean likewise."""
    network, noise = mlp([1, 1]), 0.2
    model = bayesian_model(network, gaussian_prior(network), gaussian(noise))
    x, y = np.array([[-1.0], [0.5], [1.0]]), np.array([-0.5, 0.3, 0.6])
    target = posterior(model, Batch(jnp.asarray(x), jnp.asarray(y)), num_data=3)

    def record_slope(params: Any, inputs: None) -> dict[str, jax.Array]:
        return {"w": params[0]["w"][0, 0]}

    with pytest.raises(ValueError, match=r"below lowest_loss = 0\.0: .* lowest_loss = log\(s\)"):
        reject(KEY, target, record_slope, None, law="gibbs", num_proposals=1 << 16)
    lowest = float(np.log(noise) + np.log(2 * np.pi) / 2)
    draws, record = reject(
        KEY, target, record_slope, None, law="gibbs", num_proposals=1 << 17, lowest_loss=lowest
    )
    design = np.c_[x, np.ones(3)]
    covariance = noise**2 * np.eye(3) + design @ design.T
    assert record.log_evidence is not None
    assert record.standard_error is not None
    exact = multivariate_normal(np.zeros(3), covariance).logpdf(y)
    assert abs(record.log_evidence - exact) < 5 * record.standard_error
    precision = design.T @ design / noise**2 + np.eye(2)
    mean, spread = np.linalg.solve(precision, design.T @ y / noise**2), np.linalg.inv(precision)
    error = np.sqrt(spread[0, 0] / record.accepted)
    assert abs(draws.observed["w"].mean() - mean[0]) < 5 * error
