"""Singular models whose posterior is known: linear networks, products, parabolas."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import integrate

from samplers import Target

type Array = jax.Array


@cache
def unit_prior(*shapes: tuple[int, ...]) -> tuple[Any, Any]:
    """Log density and draw of the unit Gaussian over leaves of these shapes."""

    def log_prior(params: Any) -> Array:
        return -0.5 * sum((jnp.sum(leaf**2) for leaf in params), jnp.zeros(()))

    def draw(key: Array) -> Any:
        keys = jax.random.split(key, len(shapes))
        return [jax.random.normal(k, shape) for k, shape in zip(keys, shapes, strict=True)]

    return log_prior, draw


def target_of(log_likelihood: Any, data: Any, num_data: float, *shapes: tuple[int, ...]) -> Target:
    log_prior, draw = unit_prior(*shapes)
    ones = [jnp.ones(shape) for shape in shapes]
    return Target(
        log_prior, log_likelihood, None, draw, data, jnp.asarray(float(num_data)), jnp.ones(()), ones
    )


def residual(params: Any, truth: Array) -> Array:
    """The excess log likelihood of a linear network with whitened inputs, without noise."""
    a, b = params
    return -0.5 * jnp.sum((b @ a - truth) ** 2)[None]


def linear_network(inputs: int, outputs: int, hidden: int, rank: int, num_data: float) -> tuple[Target, Any]:
    """Target and a true parameter; the truth has ``rank`` singular values of 1."""
    a, b = (jnp.zeros(shape) for shape in ((hidden, inputs), (outputs, hidden)))
    ones = jnp.arange(rank)
    a, b = a.at[ones, ones].set(1.0), b.at[ones, ones].set(1.0)
    return target_of(residual, b @ a, num_data, (hidden, inputs), (outputs, hidden)), [a, b]


def product(params: Any, exponents: Array) -> Array:
    return -jnp.prod(params[0] ** (2 * exponents))[None]


def crossing(exponents: tuple[int, ...], num_data: float) -> tuple[Target, Any]:
    """``L = prod_i w_i^(2 k_i)`` and its most singular point."""
    size = len(exponents)
    return target_of(product, jnp.array(exponents), num_data, (size,)), [jnp.zeros(size)]


def bowl(params: Any, curvatures: Array) -> Array:
    return -0.5 * jnp.sum(curvatures * params[0] ** 2)[None]


def parabola(curvatures: Array, num_data: float) -> tuple[Target, Any]:
    """``L = sum_i h_i w_i^2 / 2`` and its minimum."""
    return target_of(bowl, curvatures, num_data, curvatures.shape), [jnp.zeros(curvatures.shape)]


def linear_network_log_evidence(n: float, inputs: int, outputs: int, hidden: int) -> float:
    """``log E exp(-n |B A|^2 / 2)`` for unit Gaussian ``A, B`` and one or two hidden units.

    ``B`` is integrated out: ``E det(1 + n A A')^(-N / 2)``; ``A A'`` is a Wishart matrix, of whose
    eigenvalues the law is known.
    """
    t = np.linspace(-80, 8, 4001)  # log of an eigenvalue
    log_factor = -outputs / 2 * np.log1p(n * np.exp(t)) - np.exp(t) / 2
    if hidden == 1:
        log_f = t * inputs / 2
        return float(_log_integral(log_f + log_factor, t) - _log_integral(log_f - np.exp(t) / 2, t))
    t = t[::4]
    x, y = np.exp(t)[:, None], np.exp(t)[None]
    with np.errstate(divide="ignore"):
        log_joint = (inputs - 1) / 2 * (t[:, None] + t[None]) - (x + y) / 2 + np.log(np.abs(x - y))
    log_damp = -outputs / 2 * (np.log1p(n * x) + np.log1p(n * y))
    return float(_log_double(log_joint + log_damp, t) - _log_double(log_joint, t))


def crossing_log_evidence(n: float, first: int, second: int) -> float:
    """``log E exp(-n w1^(2 k1) w2^(2 k2))`` by quadrature in the logarithms of the weights."""
    t = np.linspace(-60, 3, 2001)
    law = t[:, None] - np.exp(2 * t[:, None]) / 2 + t[None] - np.exp(2 * t[None]) / 2
    energy = n * np.exp(2 * first * t[:, None] + 2 * second * t[None])
    return float(_log_double(law - energy, t) - _log_double(law, t))


def exact_estimate(log_evidence: Any, n: float, *arguments: int) -> float:
    """``-d log Z / d log n``: what the estimator has for its mean at ``n = N beta``."""
    step = 1e-3
    up, down = (log_evidence(n * np.exp(s), *arguments) for s in (step, -step))
    return float((down - up) / (2 * step))


def _log_integral(values: np.ndarray, t: np.ndarray) -> float:
    top = values.max()
    return float(top + np.log(integrate.simpson(np.exp(values - top), x=t)))


def _log_double(values: np.ndarray, t: np.ndarray) -> float:
    top = values.max()
    return float(top + np.log(integrate.trapezoid(integrate.trapezoid(np.exp(values - top), t), t)))
