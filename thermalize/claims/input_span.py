r"""Inputs seen from their own span, where they are fewer than their entries.

With a Gaussian prior on the first layer only the inputs' inner products matter. For ``n`` inputs
``X = Z B'`` of ``d > n`` entries, ``B`` orthonormal, a network on the coordinates ``sqrt(n / d) Z`` has
exactly the law of the outputs that the network on ``X`` has:

.. math:: w \sim N(0, 1/d)^d: \quad \operatorname{cov}(x_i \cdot w,\, x_j \cdot w) = x_i \cdot x_j / d
    = z_i \cdot z_j / d.

So priors, posteriors and evidences over functions of these inputs are the same, from a fraction of the
parameters. Training is not: what a step of SGD does to functions depends on the coordinates' factor.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

type Array = jax.Array


class Span(NamedTuple):
    """An orthonormal basis of the span of inputs, ``(d, n)``, and the coordinates' factor."""

    basis: Array
    factor: float


def span_of(inputs: Array) -> Span | None:
    """The span of inputs ``(n, d)``; ``None`` where it is no smaller than the space.

    >>> span = span_of(jnp.array([[3.0, 4.0, 0.0, 0.0]]))
    >>> None if span is None else span.factor  # the root of n / d
    0.5
    """
    n, d = inputs.shape
    if d <= n:
        return None
    basis, _ = np.linalg.qr(np.asarray(inputs, float).T)
    return Span(jnp.asarray(basis, jnp.float32), float(np.sqrt(n / d)))


def coordinates(inputs: Array, span: Span | None) -> Array:
    """Inputs ``(k, d)`` of the span in its coordinates, ``(k, n)``; as they are without a span.

    >>> inputs = jnp.array([[3.0, 4.0, 0.0, 0.0]])
    >>> coordinates(inputs, None) is inputs
    True
    >>> found = coordinates(inputs, span_of(inputs))
    >>> found.shape, round(float(found[0, 0] ** 2), 3)  # |x|^2 n / d
    ((1, 1), 6.25)
    """
    return inputs if span is None else span.factor * (inputs @ span.basis)
