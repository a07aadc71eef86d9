r"""The spectrum of a loss's Hessian without the Hessian: Lanczos's method and its quadrature.

In units of the scales ``s`` the Hessian of ``beta N L`` is

.. math:: A = \beta N\, S\, \nabla^2 L(\theta)\, S, \qquad S = \operatorname{diag}(s),

seen only through products with vectors, each the derivative of a gradient along a direction
and twice the price of a gradient. ``m`` steps from ``v`` give a tridiagonal ``T`` whose
eigenvalues and first components of eigenvectors are the nodes and weights of a Gauss rule:

.. math:: v^\top f(A)\, v \approx |v|^2 \sum_k \tau_k^2 f(\theta_k), \qquad
    \operatorname{tr} f(A) = \mathrm E\, v^\top f(A)\, v

for ``v`` of random signs. Memory is ``m`` vectors, kept to orthogonalise against. One row more, its diagonal
entry such that a given number is an eigenvalue, gives the Gauss-Radau rule: with a node below the spectrum
both rules enclose the integral of ``x / (1 + x)``, Gauss from above.

Sources: Golub and Meurant 2010, chapters 4 and 6; Ubaru, Chen and Saad 2017 (stochastic
Lanczos quadrature); Pearlmutter 1994 (products).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ..options import check_count
from ..target import Key, Params, Target, loss

type Array = jax.Array

BREAKDOWN = 1e-5  # of the operator's size: what is left of a vector then is rounding
ROUNDING = 1e-6  # of the operator's size: how far a node is laid below a spectrum that reaches zero


class Spectrum(NamedTuple):
    """Quadrature rules, one a random vector: nodes and weights ``(probe, step)``; weights sum to one."""

    nodes: Array
    weights: Array


class Rules(NamedTuple):
    """Gauss rules, and those of Radau with a node at zero or, where the spectrum goes on, below it."""

    gauss: Spectrum
    radau: Spectrum


def spectrum(
    key: Key,
    target: Target,
    params: Params,
    scales: Params,
    *,
    num_probes: int = 16,
    num_steps: int = 32,
) -> Spectrum:
    """Gauss rules for the Hessian of ``beta N L`` in units of ``scales``, from random vectors.

    The largest and smallest nodes come within rounding of the extreme eigenvalues as
    ``num_steps`` grows. Raises ``ValueError`` for counts below one.

    >>> bowl = Target(lambda t: 0.0, lambda t, curvatures: -0.5 * jnp.sum(curvatures * t**2)[None], None,
    ...               lambda key: jnp.zeros(3), jnp.array([1.0, 2.0, 5.0]), jnp.ones(()), jnp.ones(()), None)
    >>> found = spectrum(jax.random.key(0), bowl, jnp.zeros(3), jnp.ones(3), num_probes=2)
    >>> round(float(found.nodes.max()), 3), round(float(3 * (found.nodes * found.weights).sum(1).mean()), 3)
    (5.0, 8.0)
    """
    return rules(key, target, params, scales, num_probes=num_probes, num_steps=num_steps).gauss


def rules(
    key: Key, target: Target, params: Params, scales: Params, *, num_probes: int, num_steps: int
) -> Rules:
    """Both rules from the same vectors, for functions that they enclose; as :func:`spectrum`."""
    check_count(num_probes=num_probes, num_steps=num_steps)
    return _rules(key, target, params, scales, num_probes, num_steps)


@partial(jax.jit, static_argnames=("num_probes", "num_steps"))
def _rules(
    key: Key, target: Target, params: Params, scales: Params, num_probes: int, num_steps: int
) -> Rules:
    product = curvature_product(target, params, scales)
    size = ravel_pytree(params)[0].size

    def both(key: Key) -> Rules:
        alpha, beta = lanczos(product, jax.random.rademacher(key, (size,), float), min(num_steps, size))
        gauss = rule_of(alpha, beta[:-1])
        least = gauss.nodes[0]
        below = jnp.where(least > 0, 0.0, least - ROUNDING * jnp.max(jnp.abs(gauss.nodes)))
        return Rules(gauss, rule_of(with_node(alpha, beta, below), beta))

    return jax.lax.map(both, jax.random.split(key, num_probes))


def rule_of(alpha: Array, beta: Array) -> Spectrum:
    """Nodes, ascending, and weights of the matrix with diagonal ``(m,)`` and off-diagonal ``(m - 1,)``."""
    nodes, vectors = jnp.linalg.eigh(jnp.diag(alpha) + jnp.diag(beta, 1) + jnp.diag(beta, -1))
    return Spectrum(nodes, vectors[0] ** 2)


def with_node(alpha: Array, beta: Array, node: Array) -> Array:
    """The diagonal with a further entry such that ``node``, below all eigenvalues, is one, too.

    >>> diagonal = with_node(jnp.array([2.0, 2.0]), jnp.array([1.0, 1.0]), jnp.zeros(()))
    >>> rule_of(diagonal, jnp.array([1.0, 1.0])).nodes.round(4).tolist()[0] + 0.0
    0.0
    """

    def pivot(last: Array, entry: tuple[Array, Array]) -> tuple[Array, None]:
        diagonal, off = entry
        return diagonal - node - off**2 / last, None

    before = jnp.concatenate([jnp.zeros(1), beta[:-1]])
    last, _ = jax.lax.scan(pivot, jnp.ones(()), (alpha, before))
    return jnp.append(alpha, node + beta[-1] ** 2 / last)


def curvature_product(target: Target, params: Params, scales: Params) -> Callable[[Array], Array]:
    """``v -> A v`` for vectors ``(d,)`` in the order of ``ravel_pytree``."""
    flat, unravel = ravel_pytree(params)
    scale = ravel_pytree(scales)[0]
    gradient = jax.grad(lambda theta: loss(target, unravel(theta)))

    def product(v: Array) -> Array:
        return target.beta * target.num_data * scale * jax.jvp(gradient, (flat,), (scale * v,))[1]

    return product


def lanczos(product: Callable[[Array], Array], start: Array, num_steps: int) -> tuple[Array, Array]:
    """Diagonal ``(m,)`` and off-diagonal ``(m,)`` of Lanczos's tridiagonal matrix.

    The last off-diagonal entry leads out of it, to the step that was not made: zero after ``d`` steps.
    Every new vector is orthogonalised twice against all before it. Where none is left the remaining
    entries are zero, so that their nodes have no weight.
    """
    size = start.shape[0]
    first = start / jnp.linalg.norm(start)
    empty = jnp.zeros((num_steps, size)), jnp.zeros(num_steps), jnp.zeros(num_steps)

    def step(
        i: Array, carry: tuple[tuple[Array, Array, Array], Array]
    ) -> tuple[tuple[Array, Array, Array], Array]:
        (basis, alpha, beta), v = carry
        basis = basis.at[i].set(v)
        w = product(v)
        alpha = alpha.at[i].set(v @ w)
        scale = jnp.linalg.norm(w)
        for _ in range(2):
            w = w - (basis @ w) @ basis
        left = jnp.linalg.norm(w)
        largest = jnp.maximum(scale, jnp.max(jnp.abs(alpha)))
        alive = left > BREAKDOWN * largest
        return (basis, alpha, beta.at[i].set(jnp.where(alive, left, 0.0))), jnp.where(
            alive, w / jnp.where(alive, left, 1.0), 0.0
        )

    (_, alpha, beta), _ = jax.lax.fori_loop(0, num_steps, step, (empty, first))
    return alpha, beta
