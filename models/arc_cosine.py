r"""Two-layer ReLU networks in the neural-tangent parameterisation, and their limits of infinite width.

.. math::

    f(x) &= \tfrac{1}{\sqrt m} \sum_{j=1}^{m} a_j \max(0, w_j \cdot x),
        \qquad a_j, w_{jk} \sim N(0, 1) \\
    K(x, x') &= E\, f(x) f(x')
        = \frac{|x| |x'|}{2 \pi} \bigl(\sin t + (\pi - t) \cos t\bigr) \\
    \Theta(x, x') &= E\, \nabla f(x) \cdot \nabla f(x')
        = K(x, x') + x \cdot x'\, \frac{\pi - t}{2 \pi}

``t`` is the angle between ``x`` and ``x'``. ``K`` is exact at every width; as the width grows
``f`` becomes a Gaussian process with this covariance, its excess kurtosis falling as
``1 / m``, and gradient descent on any loss moves it by ``Theta``. Wider networks need no
other step size.

Sources: Cho and Saul 2009, equation 6 (the arc-cosine kernel of order 1); Jacot, Gabriel
and Hongler 2018 (parameterisation and tangent kernel).
"""

import operator
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .model import Network

type Array = np.ndarray


def two_layer_relu(num_inputs: int, width: int) -> Network:
    """The network; its parameters are ``{"w": (num_inputs, width), "a": (width, 1)}``.

    There are no biases: an input that is always one makes them. ``init`` draws the unit
    Gaussian law, that of ``gaussian_prior(network, fan_in=False)``. Equal arguments
    return the same object. Raises ``ValueError`` for sizes below one.

    >>> network = two_layer_relu(3, 64)
    >>> network.apply(network.init(jax.random.key(0)), jnp.ones(3)).shape
    (1,)
    """
    sizes = operator.index(num_inputs), operator.index(width)
    if min(sizes) < 1:
        raise ValueError(
            f"num_inputs and width must be at least one, got {num_inputs} and {width}: "
            "a network needs an input and a hidden unit"
        )
    return _two_layer_relu(*sizes)


def arc_cosine_kernel(left: Array, right: Array) -> Array:
    """``K`` between inputs ``(n, d)`` and ``(m, d)``, ``(n, m)`` in double precision.

    Raises ``ValueError`` for inputs of different lengths.

    >>> x = np.array([[3.0, 4.0], [-4.0, 3.0], [-3.0, -4.0]])
    >>> np.round(arc_cosine_kernel(x[:1], x), 6).tolist()  # 25 times 1/2, 1/(2 pi) and 0
    [[12.5, 3.978874, 0.0]]
    """
    lengths, angle = _lengths_and_angle(left, right)
    found: Array = lengths / (2 * np.pi) * (np.sin(angle) + (np.pi - angle) * np.cos(angle))
    return found


def tangent_kernel(left: Array, right: Array) -> Array:
    """``Theta`` between inputs ``(n, d)`` and ``(m, d)``, ``(n, m)`` in double precision.

    Arguments and errors are those of :func:`arc_cosine_kernel`.

    >>> x = np.array([[3.0, 4.0], [-4.0, 3.0]])
    >>> np.round(tangent_kernel(x[:1], x), 6).tolist()
    [[25.0, 3.978874]]
    """
    lengths, angle = _lengths_and_angle(left, right)
    found: Array = arc_cosine_kernel(left, right) + lengths * np.cos(angle) * (np.pi - angle) / (2 * np.pi)
    return found


@cache
def _two_layer_relu(num_inputs: int, width: int) -> Network:
    def init(key: jax.Array) -> dict[str, jax.Array]:
        key_w, key_a = jax.random.split(key)
        return {
            "a": jax.random.normal(key_a, (width, 1)),
            "w": jax.random.normal(key_w, (num_inputs, width)),
        }

    def apply_rows(params: Any, x: jax.Array) -> jax.Array:  # (n, d) -> (n, 1)
        return jax.nn.relu(x @ params["w"]) @ params["a"] / jnp.sqrt(width)

    def apply(params: Any, x: jax.Array) -> jax.Array:  # (d,) -> (1,)
        return apply_rows(params, x[None])[0]

    def apply_columns(params: Any, x: jax.Array) -> jax.Array:  # (d, n) -> (1, n)
        return apply_rows(params, x.T).T

    return Network(init, apply, apply_columns)


def _lengths_and_angle(left: Array, right: Array) -> tuple[Array, Array]:
    """``|x| |x'|`` and the angle, ``(n, m)`` each.

    Twice the arctangent of ``|u - v| / |u + v|`` keeps its digits for inputs that are
    nearly parallel, where an arccosine loses half of them.
    """
    left, right = np.asarray(left, float), np.asarray(right, float)
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise ValueError(
            f"inputs must be (n, d) and (m, d), got {left.shape} and {right.shape}: one row an input"
        )
    of_left, of_right = (np.linalg.norm(x, axis=1) for x in (left, right))
    u, v = (
        x / np.where(length > 0, length, 1)[:, None] for x, length in ((left, of_left), (right, of_right))
    )
    apart, along = (np.linalg.norm(u[:, None] + sign * v[None], axis=-1) for sign in (-1, 1))
    return of_left[:, None] * of_right[None], 2 * np.arctan2(apart, along)
