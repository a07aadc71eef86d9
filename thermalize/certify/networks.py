r"""Posteriors that are known exactly, each with functionals to judge a sampler by.

- A linear regression: everything in closed form, the log evidence too.
- ``v tanh(w x)``, two parameters: means by quadrature.
- A 3-4-1 network on three bits, majority of which six of eight inputs are labelled: exact
  draws by rejection from the prior, of the posterior at any ``beta`` and of the prior given
  zero training errors, where four functions are left.

The last is what a neural network's posterior is like: skewed, symmetric under exchange of
hidden units, not Gaussian in any direction.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import (
    Batch,
    Model,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    gaussian,
    gaussian_prior,
    majority,
    mlp,
)
from samplers import Target, posterior, reject
from samplers.acceptance import Law
from samplers.target import Key, Params

from ..references.quadrature import grid_posterior, two_parameter_network
from .check import Matrix

type Array = jax.Array
type Observe = Callable[[Params], Array]  # -> (functional,)

TRAINING_ROWS = (0, 1, 2, 3, 5, 6)
FREE_ROWS = (4, 7)
NOISE = 0.5


@dataclass(frozen=True, eq=False)
class Known:
    """A target whose functionals have known means under its posterior."""

    name: str
    target: Target
    observe: Observe
    names: tuple[str, ...]  # of the functionals
    mean: Matrix  # (functional,)
    mean_error: Matrix  # (functional,) standard errors, 0 where exact
    scale: Matrix  # (functional,) standard deviations under the posterior: the units of errors


class ExactDraws(NamedTuple):
    """Independent draws of a law."""

    params: Params  # (draw, ...)
    log_evidence: float  # nats
    log_evidence_error: float  # nats


@cache
def boolean_model() -> Model:
    """The 3-4-1 tanh network, prior N(0, 9/fan-in): wide enough for confident functions."""
    network = mlp([3, 4, 1])
    return bayesian_model(network, gaussian_prior(network, weight_scale=3.0), bernoulli())


@cache
def inputs() -> Array:
    """All inputs of three bits, ``(8, 3)``, as -1 and 1."""
    return jnp.asarray(boolean_inputs(3, "plus_minus"))


@cache
def boolean_target(rows: tuple[int, ...] = TRAINING_ROWS) -> Target:
    """Its posterior given the majority at ``rows``, at beta = 1.

    >>> boolean_target().data.targets.tolist()
    [0, 0, 0, 1, 1, 1]
    """
    chosen = jnp.array(rows)
    data = Batch(inputs()[chosen], jnp.asarray(majority(3))[chosen])
    return posterior(boolean_model(), data, num_data=len(rows))


def log_odds(params: Params) -> Array:
    """Of class 1 at all eight inputs, ``(8,)``."""
    return jax.vmap(boolean_model().apply, (None, 0))(params, inputs())[:, 0]


def draw_labels(key: Key, params: Params) -> Array:
    """Labels of all eight inputs from the network's own law, ``(8,)``."""
    return jax.random.bernoulli(key, jax.nn.sigmoid(log_odds(params))).astype(int)


@cache
def boolean_draws(num_draws: int, law: Law, seed: int = 0) -> ExactDraws:
    """Exact draws by rejection, with the evidence that its acceptance rate is."""
    draws, record = reject(
        jax.random.key(seed),
        boolean_target(),
        lambda params, inputs: {},
        None,
        law=law,
        num_accepted=num_draws,
        keep_params=True,
        chunk=1 << 20,
    )
    rate = record.accepted / record.proposed
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), draws.params)
    return ExactDraws(params, float(np.log(rate)), float(np.sqrt((1 - rate) / record.accepted)))


@cache
def boolean_known(law: Law, num_draws: int) -> Known:
    """Label and confidence at every free input, function by function, from exact draws."""
    draws = boolean_draws(num_draws, law)
    values = np.asarray(jax.jit(jax.vmap(function_functionals))(draws.params), float)
    names = ("class 1 at 4", "class 1 at 7", "both", *(f"probability at {row}" for row in range(8)))
    spread = values.std(axis=0)
    return Known(
        "majority of 3 bits",
        boolean_target(),
        function_functionals,
        names,
        values.mean(axis=0),
        spread / np.sqrt(num_draws),
        spread,
    )


def function_functionals(params: Params) -> Array:
    """Labels at the two free inputs, their product, and all probabilities, ``(11,)``."""
    odds = log_odds(params)
    first, second = (odds[row] > 0 for row in FREE_ROWS)
    labels = jnp.stack([first, second, first & second]).astype(odds.dtype)
    return jnp.concatenate([labels, jax.nn.sigmoid(odds)])


@cache
def linear_known() -> Known:
    """Linear regression on 20 points with three inputs, its parameters whitened."""
    target, law = linear_target(), linear_law()
    whiten = jnp.asarray(np.linalg.inv(np.linalg.cholesky(law.covariance)), float)
    upper = np.triu_indices(len(law.mean))

    def observe(params: Params) -> Array:
        z = whiten @ (linear_flat(params) - jnp.asarray(law.mean, float))
        return jnp.concatenate([z, jnp.outer(z, z)[upper]])

    names = (
        *(f"mean {i}" for i in range(len(law.mean))),
        *(f"covariance {i}{j}" for i, j in zip(*upper, strict=True)),
    )
    mean = np.concatenate([np.zeros(len(law.mean)), np.eye(len(law.mean))[upper]])
    return Known("linear regression", target, observe, names, mean, 0 * mean, np.ones_like(mean))


class LinearLaw(NamedTuple):
    """The closed form."""

    mean: Matrix  # (d,)
    covariance: Matrix  # (d, d)
    log_evidence: float  # nats


@cache
def linear_target() -> Target:
    """Twenty noisy values of a linear function of three inputs."""
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(20, 3)).astype(np.float32)
    targets = 0.7 + inputs @ np.array([0.3, -0.5, 0.8]) + NOISE * rng.normal(size=20)
    network = mlp([3, 1])
    model = bayesian_model(network, gaussian_prior(network), gaussian(NOISE))
    data = Batch(jnp.asarray(inputs), jnp.asarray(targets, float))
    return posterior(model, data, num_data=20)


def linear_flat(params: Params) -> Array:
    """Bias, then weights, ``(4,)``."""
    return jnp.concatenate([params[0]["b"], params[0]["w"][:, 0]])


@cache
def linear_law() -> LinearLaw:
    r"""With design ``A``, prior variances ``v`` and noise ``s``:

    .. math::

        P &= \mathrm{diag}(1/v) + A'A / s^2, \qquad m = P^{-1} A'y / s^2 \\
        \log Z &= -\tfrac n2 \log 2 \pi s^2 - \tfrac12 \log\det(\mathrm{diag}(v) P)
            - \tfrac{y'y}{2 s^2} + \tfrac12 m'Pm

    Source: Bishop 2006, section 3.5.1.
    """
    data = linear_target().data
    y = np.asarray(data.targets, float)
    design = np.concatenate([np.ones((len(y), 1)), np.asarray(data.inputs, float)], axis=1)
    variances = np.array([1.0, 1 / 3, 1 / 3, 1 / 3])
    precision = np.diag(1 / variances) + design.T @ design / NOISE**2
    mean = np.linalg.solve(precision, design.T @ y / NOISE**2)
    log_evidence = (
        -len(y) / 2 * np.log(2 * np.pi * NOISE**2)
        - np.linalg.slogdet(variances[:, None] * precision)[1] / 2
        - y @ y / (2 * NOISE**2)
        + mean @ precision @ mean / 2
    )
    return LinearLaw(mean, np.linalg.inv(precision), float(log_evidence))


@cache
def two_parameter_known() -> Known:
    """``v tanh(w x)`` on six points: two mirror modes joined by a saddle at zero."""
    x = np.linspace(-1.5, 1.5, 6)
    y = 0.5 * np.tanh(1.2 * x) + 0.3 * np.random.default_rng(4).normal(size=6)
    network = two_parameter_network()
    model = bayesian_model(network, gaussian_prior(network, fan_in=False), gaussian(NOISE))
    data = Batch(jnp.asarray(x[:, None], float), jnp.asarray(y, float))
    nodes, probability = grid_posterior(x, y, NOISE, 1024)
    w, v = nodes[:, None], nodes[None, :]
    values = [w, v, w * v, w**2, v**2, v * np.tanh(w), np.tanh(w) ** 2]
    means = np.array([np.sum(probability * value) for value in values])
    squares = np.array([np.sum(probability * value**2) for value in values])

    def observe(params: Params) -> Array:
        w, v = params["w"][0, 0], params["v"][0, 0]
        return jnp.stack([w, v, w * v, w**2, v**2, v * jnp.tanh(w), jnp.tanh(w) ** 2])

    names = ("w", "v", "w v", "w^2", "v^2", "f(1)", "tanh(w)^2")
    spread = np.sqrt(squares - means**2)
    target = posterior(model, data, num_data=6)
    return Known("v tanh(w x)", target, observe, names, means, 0 * means, spread)


def with_labels(target: Target, labels: Array) -> Target:
    """The target of other labels; the inputs stay."""
    data: Any = target.data
    return replace(target, data=Batch(data.inputs, labels))
