r"""The curvature of the negative logdensity: exact, or by generalised Gauss-Newton.

.. math:: H \approx -\nabla^2 \log \pi(\theta)
    + \beta \frac Nn \sum_{i=1}^n J_i' \Lambda_i J_i, \qquad
    J_i = \frac{\partial f_i}{\partial \theta}, \quad
    \Lambda_i = -\frac{\partial^2 \log p(y_i \mid f)}{\partial f^2} \Big|_{f_i}

Gauss-Newton leaves out the curvature of the network itself, weighted by residuals. It is
never negative where the likelihood is log-concave in the outputs ``f``, and equals the
Hessian for a model that is linear in its parameters.

Sources: Schraudolph 2002, section 3; Martens 2020, section 8.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .target import Data, Params, Target, logdensity

type Array = jax.Array

ROWS_AT_ONCE = 16


class Outputs(NamedTuple):
    """A log likelihood in two stages; ``log_prob(apply(params, data), data)`` is the target's."""

    apply: Callable[[Params, Data], Array]  # -> (d_out, n) network outputs
    log_prob: Callable[[Array, Data], Array]  # (d_out, n) -> (n,) nats


def hessian(target: Target, params: Params) -> Array:
    """The Hessian of the negative logdensity, ``(d, d)``; not definite away from a mode."""
    flat, unravel = ravel_pytree(params)
    return jax.hessian(lambda theta: -logdensity(target, unravel(theta)))(flat)


def gauss_newton(target: Target, params: Params, outputs: Outputs, *, diagonal: bool) -> Array:
    """The Gauss-Newton approximation of :func:`hessian`, ``(d, d)``, or its diagonal, ``(d,)``.

    The diagonal assumes a prior of independent parameters. Memory does not grow with
    the number of rows.
    """
    flat, unravel = ravel_pytree(params)

    def log_prior(theta: Array) -> Array:
        return target.log_prior(unravel(theta))

    def square_root(row: Data) -> Array:  # (d_out, d), R' R = J' L J
        one = jax.tree.map(lambda leaf: leaf[None], row)

        def f(theta: Array) -> Array:
            return outputs.apply(unravel(theta), one)[:, 0]

        bend = -jax.hessian(lambda out: outputs.log_prob(out[:, None], one)[0])(f(flat))
        values, vectors = jnp.linalg.eigh(bend)
        return jnp.sqrt(jnp.maximum(values, 0.0))[:, None] * (vectors.T @ jax.jacrev(f)(flat))

    def add(total: Array, chunk: tuple[Data, Array]) -> tuple[Array, None]:
        rows, weights = chunk
        roots = jax.vmap(square_root)(rows) * weights[:, None, None]
        stacked = roots.reshape(-1, flat.size)
        return total + (jnp.sum(stacked**2, axis=0) if diagonal else stacked.T @ stacked), None

    num_rows = jax.tree.leaves(target.data)[0].shape[0]
    padded = jnp.arange(-(-num_rows // ROWS_AT_ONCE) * ROWS_AT_ONCE)

    def in_chunks(leaf: Array) -> Array:
        return leaf.reshape(-1, ROWS_AT_ONCE, *leaf.shape[1:])

    rows = jax.tree.map(lambda leaf: in_chunks(leaf[padded % num_rows]), target.data)
    chunks = rows, in_chunks((padded < num_rows).astype(flat.dtype))
    if diagonal:
        prior = -jax.jvp(jax.grad(log_prior), (flat,), (jnp.ones_like(flat),))[1]
    else:
        prior = -jax.hessian(log_prior)(flat)
    total, _ = jax.lax.scan(add, jnp.zeros_like(prior), chunks)
    return prior + target.beta * target.num_data / num_rows * total
