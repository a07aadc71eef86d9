"""All Boolean functions of three bits, by rejection from the prior of a 3-4-1 network.

Rejection is exact for any network: of many prior draws keep those that fit (zero-one
posterior), or each with the probability that it gives to the labels (Bayes posterior,
whose likelihood is at most one).
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import Batch, bayesian_model, bernoulli, gaussian_prior, mlp
from samplers import Target, posterior
from samplers.population import tempered_log_likelihood

POINTS = jnp.array([[2.0 * (i >> b & 1) - 1 for b in range(3)] for i in range(8)])  # all inputs, (8, 3)
MAJORITY = 0b11101000  # bit i is the value at point i
TRAINING = (0, 1, 2, 3, 5, 6)  # two points are left to differ
NUM_PRIOR_DRAWS = 2**20
NETWORK = mlp([3, 4, 1])
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), bernoulli())


def boolean_data(function: int = MAJORITY, rows: tuple[int, ...] = TRAINING) -> Batch:
    labels = jnp.array([function >> i & 1 for i in range(8)])
    return Batch(POINTS[jnp.array(rows)], labels[jnp.array(rows)])


def boolean_target(data: Batch | None = None, beta: float = 1.0) -> Target:
    data = boolean_data() if data is None else data
    return posterior(MODEL, data, num_data=len(data.targets), beta=beta)


def outputs(params: Any) -> jax.Array:
    """Log odds of class 1 at all eight points, ``(8,)``."""
    return jax.vmap(MODEL.apply, (None, 0))(params, POINTS)[:, 0]


def identity[A: (jax.Array, np.ndarray)](log_odds: A) -> A:
    """The function computed, as a number from 0 to 255, from log odds ``(..., 8)``."""
    return (log_odds > 0) @ 2 ** np.arange(8)


def observe_outputs(params: Any, inputs: Any) -> dict[str, jax.Array]:
    return {"log_odds": outputs(params)}


@cache
def prior_histogram() -> np.ndarray:
    """How many of ``NUM_PRIOR_DRAWS`` prior draws compute each function, ``(256,)``."""

    @jax.jit
    def counts(key: jax.Array) -> jax.Array:
        def block(total: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
            params = jax.vmap(MODEL.sample_prior)(jax.random.split(key, 4096))
            return total + jnp.bincount(identity(jax.vmap(outputs)(params)), length=256), None

        return jax.lax.scan(block, jnp.zeros(256, int), jax.random.split(key, NUM_PRIOR_DRAWS // 4096))[0]

    return np.asarray(counts(jax.random.key(103)))


def fitting_counts(data: Batch, rows: tuple[int, ...] = TRAINING) -> np.ndarray:
    """``prior_histogram`` where the function fits the data, else zero."""
    labels = sum(int(y) << i for i, y in zip(rows, data.targets, strict=True))
    mask = sum(1 << i for i in rows)
    return np.where((np.arange(256) & mask) == labels, prior_histogram(), 0)


class Accepted(NamedTuple):
    """Exact posterior draws."""

    params: Any  # (draw, ...)
    log_odds: np.ndarray  # (draw, 8)


@cache
def bayes_posterior(beta: float = 1.0, num_draws: int = 2**19) -> Accepted:
    """Draws of the posterior at ``beta``, by rejection from ``num_draws`` prior draws."""

    @jax.jit
    def attempt(key: jax.Array) -> tuple[Any, jax.Array, jax.Array]:
        key_prior, key_accept = jax.random.split(key)
        params = jax.vmap(MODEL.sample_prior)(jax.random.split(key_prior, num_draws))
        log_likelihood = jax.vmap(lambda p: tempered_log_likelihood(target, p))(params)
        accepted = -jax.random.exponential(key_accept, (num_draws,)) < log_likelihood
        return params, jax.vmap(outputs)(params), accepted

    target = boolean_target(beta=beta)
    params, log_odds, accepted = attempt(jax.random.key(104))
    keep = np.flatnonzero(np.asarray(accepted))
    return Accepted(jax.tree.map(lambda leaf: leaf[keep], params), np.asarray(log_odds)[keep])
