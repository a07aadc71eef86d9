r"""Targets whose potential is quadratic, with everything known in closed form.

.. math:: U(\theta) = \beta \frac Nn \sum_{i=1}^n u_i(\theta) + \tfrac12 (\theta - m_0)' P (\theta - m_0)

Location: ``u_i = (y_i - theta)' L (y_i - theta) / 2``. The noise of a minibatch gradient
does not depend on ``theta``: its covariance is ``(beta N)^2 L V L / B``, ``V`` being the
covariance of the data (drawn with replacement).

Regression: ``u_i = (y_i - x_i' theta)^2 / 2``. Here ``nabla u_i`` at ``mu + z`` deviates from its
mean by ``D_i z + e_i``, ``D_i = x_i x_i' - mean``, ``e_i = nabla u_i(mu) - mean``, so the noise is
multiplicative: ``(beta N)^2 mean_i(D_i S D_i' + e_i e_i') / B`` for ``z`` of mean zero and
covariance ``S``. Control variates with their anchor at the mode remove ``e_i``, all that a
location target has.

``N`` is not the number of rows ``n``, ``beta`` is not 1, the prior is not centred, and no
matrix is diagonal: a missing factor has nowhere to hide. Parameters are two leaves of
different shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from samplers import Target

from .check import Matrix

type Array = jax.Array
type Params = Any

BETA, NUM_DATA = 0.7, 40.0
PRIOR_MEAN = np.array([0.15, -0.1, 0.05])
PRIOR_PRECISION = np.array([[14.0, 3.0, 0.0], [3.0, 10.0, -2.0], [0.0, -2.0, 18.0]])
LIKELIHOOD_PRECISION = np.array([[1.0, 0.4, -0.3], [0.4, 1.5, 0.2], [-0.3, 0.2, 0.8]])
NUM_ROWS = 10


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A target, its exact posterior ``N(mean, hessian^-1)`` and the noise of its gradients."""

    name: str
    target: Target
    mean: Matrix  # (d,)
    hessian: Matrix  # (d, d)
    # (covariance of theta, batch_size or None for all data, at an anchor) -> covariance of the gradient
    noise: Callable[[Matrix, int | None, bool], Matrix]


def flat(params: Params) -> Array:
    """Parameters as one vector, ``(d,)``."""
    return ravel_pytree(params)[0]


def overdispersed_start(key: Array) -> Params:
    """Starts far from the posterior and much wider than it."""
    theta = 1.0 + 0.5 * jax.random.normal(key, (3,))
    return {"a": theta[:2], "b": theta[2:].reshape(1, 1)}


@cache
def location() -> Quadratic:
    """Gaussian data with an unknown mean.

    >>> problem = location()
    >>> gradient = jax.grad(lambda p: problem.target.log_prior(p) + BETA * NUM_DATA * jnp.mean(
    ...     problem.target.log_likelihood(p, problem.target.data)))
    >>> mode = {"a": jnp.asarray(problem.mean[:2]), "b": jnp.asarray(problem.mean[2:]).reshape(1, 1)}
    >>> bool(jnp.abs(flat(gradient(mode))).max() < 1e-4)
    True
    """
    rows = np.random.default_rng(1).normal(size=(NUM_ROWS, 3)) * np.array([0.6, 0.4, 0.5]) + 0.1
    rows = rows.astype(np.float32)
    spread = LIKELIHOOD_PRECISION @ np.cov(rows.T, bias=True) @ LIKELIHOOD_PRECISION

    def log_likelihood(params: Params, data: Array) -> Array:
        residual = data - flat(params)[None]
        return -0.5 * jnp.einsum("ni,ij,nj->n", residual, jnp.asarray(LIKELIHOOD_PRECISION, float), residual)

    def noise(covariance: Matrix, batch_size: int | None, at_anchor: bool) -> Matrix:
        if batch_size is None or at_anchor:
            return np.zeros((3, 3))
        return (BETA * NUM_DATA) ** 2 * spread / batch_size

    hessian = BETA * NUM_DATA * LIKELIHOOD_PRECISION + PRIOR_PRECISION
    pull = BETA * NUM_DATA * LIKELIHOOD_PRECISION @ rows.mean(0) + PRIOR_PRECISION @ PRIOR_MEAN
    mean = np.linalg.solve(hessian, pull)
    return Quadratic("location", _target(log_likelihood, jnp.asarray(rows)), mean, hessian, noise)


@cache
def regression() -> Quadratic:
    """Linear regression: gradients whose minibatch noise depends on the position.

    >>> regression().hessian.shape
    (3, 3)
    """
    rng = np.random.default_rng(2)
    inputs = (rng.normal(size=(NUM_ROWS, 3)) @ np.linalg.cholesky(LIKELIHOOD_PRECISION).T).astype(np.float32)
    targets = (inputs @ np.array([0.2, 0.1, -0.1]) + rng.normal(size=NUM_ROWS)).astype(np.float32)

    def log_likelihood(params: Params, data: tuple[Array, Array]) -> Array:
        x, y = data
        return -0.5 * (y - x @ flat(params)) ** 2

    outer = np.einsum("ni,nj->nij", inputs, inputs).astype(np.float64)
    hessian = BETA * NUM_DATA * outer.mean(0) + PRIOR_PRECISION
    pull = BETA * NUM_DATA * (inputs.T @ targets) / NUM_ROWS + PRIOR_PRECISION @ PRIOR_MEAN
    mean = np.linalg.solve(hessian, pull)
    varying = outer - outer.mean(0)
    gradients = outer @ mean - inputs * targets[:, None]
    constant = gradients - gradients.mean(0)

    def noise(covariance: Matrix, batch_size: int | None, at_anchor: bool) -> Matrix:
        if batch_size is None:
            return np.zeros((3, 3))
        spread = np.einsum("nij,jk,nlk->il", varying, covariance, varying) / NUM_ROWS
        if not at_anchor:
            spread = spread + constant.T @ constant / NUM_ROWS
        return (BETA * NUM_DATA) ** 2 * spread / batch_size

    data = (jnp.asarray(inputs), jnp.asarray(targets))
    return Quadratic("regression", _target(log_likelihood, data), mean, hessian, noise)


@cache
def isotropic(num_dims: int, noise_scale: float) -> Quadratic:
    """A location target with ``H = h I`` and gradient noise ``noise_scale^2 I`` for one row a batch.

    The data are ``+- c e_i``, so that their covariance is a multiple of ``I`` exactly.

    >>> isotropic(4, 2.0).noise(np.eye(4), 1, False)[0].tolist()
    [4.0, 0.0, 0.0, 0.0]
    """
    units, precision = BETA * NUM_DATA, 12.0
    size = noise_scale / units * np.sqrt(num_dims)
    rows = size * np.concatenate([np.eye(num_dims), -np.eye(num_dims)])

    def noise(covariance: Matrix, batch_size: int | None, at_anchor: bool) -> Matrix:
        scale = 0.0 if batch_size is None or at_anchor else noise_scale**2 / batch_size
        return scale * np.eye(num_dims)

    target = Target(
        log_prior=lambda params: -0.5 * precision * jnp.sum(params**2),
        log_likelihood=lambda params, data: -0.5 * jnp.sum((data - params[None]) ** 2, axis=1),
        errors=None,
        sample_prior=lambda key: jax.random.normal(key, (num_dims,)),
        data=jnp.asarray(rows, float),
        num_data=jnp.asarray(NUM_DATA),
        beta=jnp.asarray(BETA),
        prior_scale=None,
    )
    return Quadratic("isotropic", target, np.zeros(num_dims), (units + precision) * np.eye(num_dims), noise)


def _target(log_likelihood: Callable[[Params, Any], Array], data: Any) -> Target:
    def log_prior(params: Params) -> Array:
        shifted = flat(params) - jnp.asarray(PRIOR_MEAN, float)
        return -0.5 * shifted @ jnp.asarray(PRIOR_PRECISION, float) @ shifted

    return Target(
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        errors=None,
        sample_prior=overdispersed_start,
        data=data,
        num_data=jnp.asarray(NUM_DATA),
        beta=jnp.asarray(BETA),
        prior_scale=None,
    )
