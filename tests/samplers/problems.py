"""Small problems with known answers, shared by the tests so that they compile once."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import Batch, Model, bayesian_model, categorical, gaussian, gaussian_prior, mlp
from samplers import Target, posterior

type Array = jax.Array
type Params = Any

NOISE_SCALE = 0.5


class Line(NamedTuple):
    """Linear regression ``y = b + w . x`` with known noise: its posterior is Gaussian.

    Parameters in the order of ``ravel_pytree``: the intercept, then the slopes.
    """

    model: Model
    target: Target
    design: np.ndarray  # (n, 3), a column of ones first
    mean: np.ndarray  # (3,) of the posterior
    covariance: np.ndarray  # (3, 3)
    precision: np.ndarray  # (3, 3), H


def line(seed: int = 0, beta: float = 1.0) -> Line:
    """12 rows, 2 features, Gaussian prior: everything about the posterior in closed form."""
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(12), rng.normal(size=(12, 2))])
    responses = design @ [0.5, 1.0, -0.7] + NOISE_SCALE * rng.normal(size=12)
    precision = beta * design.T @ design / NOISE_SCALE**2 + np.diag([1.0, 2.0, 2.0])  # slopes: fan-in 2
    covariance = np.linalg.inv(precision)
    mean = covariance @ (beta * design.T @ responses / NOISE_SCALE**2)
    data = Batch(jnp.asarray(design[:, 1:], jnp.float32), jnp.asarray(responses, jnp.float32))
    return Line(MODEL, posterior(MODEL, data, num_data=12, beta=beta), design, mean, covariance, precision)


MODEL = bayesian_model(mlp([2, 1]), gaussian_prior(mlp([2, 1])), gaussian(NOISE_SCALE))
PROBE = jnp.array([[0.0, 0.0], [1.0, -1.0], [2.0, 1.0], [-1.0, 3.0]])


def outputs(params: Params, inputs: Array) -> dict[str, Array]:
    """Network outputs on the probe, ``(m,)``."""
    return {"f": jax.vmap(MODEL.apply, (None, 0))(params, inputs)[:, 0]}


def flat(params: Params) -> np.ndarray:
    """Draws of the line's parameters as ``(chain, draw, 3)``."""
    (layer,) = params
    return np.concatenate([layer["b"], layer["w"][..., 0]], axis=-1)


class Location(NamedTuple):
    """``y ~ Normal(theta, s)`` in ``d`` dimensions: gradient noise does not depend on theta."""

    log_prior: Any
    log_likelihood: Any
    errors: None
    sample_prior: Any
    prior_scale: Any


def location(dimension: int, scale: float = 1.0) -> Location:
    """Unit Gaussian prior and noise of standard deviation ``scale``."""

    def log_prior(theta: Array) -> Array:
        return -0.5 * jnp.sum(theta**2)

    def log_likelihood(theta: Array, rows: Array) -> Array:
        return -0.5 * jnp.sum((rows - theta[None]) ** 2, axis=-1) / scale**2

    def sample_prior(key: Array) -> Array:
        return jax.random.normal(key, (dimension,))

    return Location(log_prior, log_likelihood, None, sample_prior, None)


class Classes(NamedTuple):
    """Three separable clouds and a network that can fit them."""

    model: Model
    target: Target


def classes(seed: int = 0) -> Classes:
    """90 rows: more than the stopping rule tries before it looks at all of them."""
    rng = np.random.default_rng(seed)
    labels = np.arange(90) % 3
    centres = 1.5 * np.array([[0.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    inputs = centres[labels] + 0.55 * rng.normal(size=(90, 2))
    data = Batch(jnp.asarray(inputs, jnp.float32), jnp.asarray(labels))
    return Classes(CLASSIFIER, posterior(CLASSIFIER, data, num_data=90))


CLASSIFIER = bayesian_model(mlp([2, 8, 3]), gaussian_prior(mlp([2, 8, 3])), categorical())


def logits(params: Params, inputs: Array) -> dict[str, Array]:
    """Logits of the classifier on the probe, ``(m, 3)``."""
    return {"logits": jax.vmap(CLASSIFIER.apply, (None, 0))(params, inputs)}


def stacked_betas(target: Target, betas: Array) -> tuple[Target, Target]:
    """A target with many ``beta``, and the axes that ``vmap`` needs."""
    leaves = jax.tree.map(lambda _: None, target)
    return _with_beta(target, betas), _with_beta(leaves, 0)


def _with_beta(target: Target, beta: Any) -> Target:
    return Target(
        log_prior=target.log_prior,
        log_likelihood=target.log_likelihood,
        errors=target.errors,
        sample_prior=target.sample_prior,
        data=target.data,
        num_data=target.num_data,
        beta=beta,
        prior_scale=target.prior_scale,
    )
