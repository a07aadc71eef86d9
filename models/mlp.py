r"""Multilayer perceptrons as pure functions.

.. math:: h_0 = x,\quad h_{l+1} = \phi(W_l^T h_l + b_l),\quad f(x) = W_L^T h_{L-1} + b_L

Source: Bishop 2006, section 5.1. GELU is the tanh approximation of Hendrycks and
Gimpel 2016, section 2.
"""

import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from .model import Network
from .product import product

type Array = jax.Array

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
}


def mlp(widths: Sequence[int], activation: str = "tanh") -> Network:
    """A fully connected network with the given widths, inputs and outputs included.

    Parameters are a list of ``{"w": (d_in, d_out), "b": (d_out,)}``, one a layer.
    ``init`` draws weights from ``N(0, 1 / d_in)`` and biases from ``N(0, 1)``, the law
    of ``gaussian_prior(network)``. Equal arguments return the same object, so that
    nothing compiles twice. Raises ``ValueError`` for fewer than two widths, widths
    that are not whole numbers of at least one, or an unknown activation.

    >>> network = mlp([8, 16, 10], "gelu")
    >>> params = network.init(jax.random.key(0))
    >>> network.apply(params, jnp.zeros(8)).shape
    (10,)
    """
    try:
        checked = tuple(operator.index(width) for width in widths)
    except TypeError:
        raise ValueError(f"widths must be whole numbers, got {widths!r}: write [64, 16, 10], say") from None
    if len(checked) < 2 or min(checked) < 1:
        raise ValueError(
            f"widths must be two or more positive numbers, got {list(checked)}: "
            "list every layer from inputs to outputs, [64, 16, 10] for one hidden layer of 16"
        )
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    return _mlp(checked, activation)


@cache
def _mlp(widths: tuple[int, ...], activation: str) -> Network:
    phi = ACTIVATIONS[activation]

    def init(key: Array) -> list[dict[str, Array]]:
        params = []
        for layer_key, d_in, d_out in zip(
            jax.random.split(key, len(widths) - 1), widths[:-1], widths[1:], strict=True
        ):
            key_w, key_b = jax.random.split(layer_key)
            weights = jax.random.normal(key_w, (d_in, d_out)) / jnp.sqrt(d_in)
            params.append({"w": weights, "b": jax.random.normal(key_b, (d_out,))})
        return params

    widest = max(widths[1:-1], default=0)

    def apply(params: Any, x: Array) -> Array:  # (d_in,) -> (d_out,)
        return apply_rows(params, x[None])[0]

    def apply_rows(params: Any, x: Array) -> Array:  # (n, d_in) -> (n, d_out)
        return after_first(params, product(x, params[0]["w"]))

    def after_first(params: Any, products: Array) -> Array:  # (n, h) -> (n, d_out)
        first, *others = params
        x = products + first["b"][None]
        for layer in others:
            x = product(phi(x), layer["w"]) + layer["b"][None]
        return x

    def apply_columns(params: Any, x: Array) -> Array:  # (d_in, n) -> (d_out, n)
        # Long rows are what a processor is fast at: of units where examples are few, of examples where they
        # are many. Gradients take half as long again, or twice as long, the other way round.
        if x.shape[1] <= 2 * widest:
            return apply_rows(params, x.T).T
        *hidden, last = params
        for layer in hidden:
            x = phi(_on_columns(layer, x))
        return _on_columns(last, x)

    def apply_products(params: Any, products: Array) -> Array:  # (h,) -> (d_out,)
        return after_first(params, products[None])[0]

    return Network(init, apply, apply_columns, apply_products)


def _on_columns(layer: dict[str, Array], x: Array) -> Array:
    return jnp.tensordot(layer["w"], x, axes=(0, 0)) + layer["b"][:, None]
