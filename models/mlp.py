r"""Multilayer perceptrons as pure functions.

.. math:: h_0 = x,\quad h_{l+1} = \phi(h_l W_l + b_l),\quad f(x) = h_{L-1} W_L + b_L
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from .model import Network

type Array = jax.Array

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
}


def mlp(widths: Sequence[int], activation: str = "tanh") -> Network:
    """A fully connected network with the given widths, inputs and outputs included.

    Parameters are a list of ``{"w": (d_in, d_out), "b": (d_out,)}``, one a layer.
    ``init`` draws the fan-in-scaled unit Gaussian. Equal arguments return the
    same object, so that nothing compiles twice. Raises ``ValueError`` for fewer
    than two widths, widths below one or an unknown activation.

    >>> network = mlp([8, 16, 10], "gelu")
    >>> params = network.init(jax.random.key(0))
    >>> network.apply(params, jnp.zeros(8)).shape
    (10,)
    """
    if len(widths) < 2 or any(w < 1 for w in widths):
        raise ValueError(f"widths must be two or more positive numbers, got {list(widths)}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    return _mlp(tuple(widths), activation)


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

    def apply(params: Any, x: Array) -> Array:
        *hidden, last = params
        for layer in hidden:
            x = phi(x @ layer["w"] + layer["b"])
        return x @ last["w"] + last["b"]

    return Network(init, apply)
