r"""Linear regression with Gaussian prior and noise: everything in closed form, at any beta.

With design ``A`` (a column of ones, then the inputs), prior variances ``v``, noise ``s``:

    precision = diag(1/v) + beta A'A / s^2,   mean = precision^-1 beta A'y / s^2,
    log Z = -(n beta / 2) log(2 pi s^2) - 1/2 log det(diag(v) precision)
            - beta y'y / (2 s^2) + 1/2 mean' precision mean.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
from samplers import Target, posterior

NUM_DATA, NUM_INPUTS, NOISE = 20, 3, 0.5
NETWORK = mlp([NUM_INPUTS, 1])
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), gaussian(NOISE))
INPUTS = jax.random.normal(jax.random.key(101), (NUM_DATA, NUM_INPUTS))
TARGETS = (
    0.7 + INPUTS @ jnp.array([0.3, -0.5, 0.8]) + NOISE * jax.random.normal(jax.random.key(102), (NUM_DATA,))
)


class Exact(NamedTuple):
    """The posterior's mean ``(d,)``, covariance ``(d, d)`` and log evidence, nats."""

    mean: np.ndarray
    covariance: np.ndarray
    log_evidence: float
    information: float  # KL divergence of the posterior from the prior at beta = 1, nats


def linear_target(beta: float = 1.0) -> Target:
    return posterior(MODEL, Batch(INPUTS, TARGETS), num_data=NUM_DATA, beta=beta)


def flat(params: Any) -> Any:
    """Bias, then weights, ``(..., d)``."""
    return jnp.concatenate([params[0]["b"], params[0]["w"][..., 0]], axis=-1)


def observe_flat(params: Any, inputs: Any) -> dict[str, jax.Array]:
    return {"theta": flat(params)}


def exact(beta: float) -> Exact:
    design = np.concatenate([np.ones((NUM_DATA, 1)), np.asarray(INPUTS, float)], axis=1)
    targets = np.asarray(TARGETS, float)
    variances = np.array([1.0] + [1 / NUM_INPUTS] * NUM_INPUTS)
    precision = np.diag(1 / variances) + beta * design.T @ design / NOISE**2
    covariance = np.linalg.inv(precision)
    mean = covariance @ design.T @ targets * beta / NOISE**2
    log_det = np.linalg.slogdet(variances[:, None] * precision)[1]
    log_evidence = (
        -beta * NUM_DATA / 2 * np.log(2 * np.pi * NOISE**2)
        - log_det / 2
        - beta * targets @ targets / (2 * NOISE**2)
        + mean @ precision @ mean / 2
    )
    trace = np.sum(np.diag(covariance) / variances)
    information = (trace + np.sum(mean**2 / variances) - len(mean) + log_det) / 2
    return Exact(mean, covariance, float(log_evidence), float(information))


def exact_draws(seed: int, beta: float, num_draws: int) -> Any:
    """Independent draws of the posterior as parameters ``(draw, ...)``."""
    law = exact(beta)
    noise = np.random.default_rng(seed).normal(size=(num_draws, NUM_INPUTS + 1))
    theta = (law.mean + noise @ np.linalg.cholesky(law.covariance).T).astype(np.float32)
    return [{"b": theta[:, :1], "w": theta[:, 1:, None]}]
