r"""Where training starts, when not from a draw of the prior.

.. math::

    \text{He} &: w \sim N(0, 2 / d_{in}) && \text{keeps the second moment through ReLU} \\
    \text{LeCun} &: w \sim N(0, 1 / d_{in}) && \text{keeps the variance through a linear layer} \\
    \text{Glorot} &: w \sim U(-a, a),\ a^2 = 6 / (d_{in} + d_{out}) && \text{and that of gradients} \\
    \text{scaled} &: \theta = c\,\theta_0,\ \theta_0 \sim \pi && \text{the prior, wider or narrower}

The first three set every bias to zero. Each law is a function of a key, to be given to
``bayesian_model(..., init=...)``; equal arguments return the same function.

Sources: He et al. 2015, equation 10; LeCun et al. 1998, section 4.6; Glorot and Bengio
2010, equation 16.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from .priors import HasInit, Prior

type Params = Any
type Key = jax.Array
type Array = jax.Array
type Init = Callable[[Key], Params]


def he_init(network: HasInit) -> Init:
    """Weights ``N(0, 2 / d_in)``, not truncated; biases zero.

    >>> from models import mlp
    >>> he_init(mlp([4, 3, 2]))(jax.random.key(0))[0]["b"].tolist()
    [0.0, 0.0, 0.0]
    """
    return _normal(network.init, 2.0)


def lecun_init(network: HasInit) -> Init:
    """Weights ``N(0, 1 / d_in)``, not truncated; biases zero.

    >>> from models import mlp
    >>> lecun_init(mlp([4, 3, 2]))(jax.random.key(0))[1]["w"].shape
    (3, 2)
    """
    return _normal(network.init, 1.0)


def glorot_init(network: HasInit) -> Init:
    """Weights uniform with variance ``2 / (d_in + d_out)``; biases zero.

    >>> from models import mlp
    >>> weights = glorot_init(mlp([4, 2, 2]))(jax.random.key(0))[0]["w"]
    >>> bool(abs(weights).max() <= 1.0)
    True
    """
    return _glorot(network.init)


def scaled_init(prior: Prior, factor: float) -> Init:
    """A prior draw multiplied by ``factor``; 0 starts every network at zero.

    Raises ``ValueError`` for a factor that is negative or not finite.

    >>> from models import gaussian_prior, mlp
    >>> start = scaled_init(gaussian_prior(mlp([4, 3, 2])), 0.5)
    >>> start(jax.random.key(0))[0]["w"].shape
    (4, 3)
    """
    if not (0 <= factor < float("inf")):
        raise ValueError(
            f"factor must be finite and not negative, got {factor}: it multiplies a draw of the prior; "
            "1 is the prior itself"
        )
    return _scaled(prior.sample, float(factor))


@cache
def _normal(init: Init, gain: float) -> Init:
    return _by_leaf(init, lambda key, like: _normal_leaf(key, like, gain))


@cache
def _glorot(init: Init) -> Init:
    return _by_leaf(init, _glorot_leaf)


@cache
def _scaled(sample: Init, factor: float) -> Init:
    return lambda key: jax.tree.map(lambda leaf: factor * leaf, sample(key))


def _by_leaf(init: Init, weights: Callable[[Key, jax.ShapeDtypeStruct], Array]) -> Init:
    """One independent key a leaf; leaves with one axis are biases and stay zero."""

    def draw(key: Key) -> Params:
        shapes = jax.eval_shape(init, key)
        leaves = jax.tree.leaves(shapes)
        structure: Any = jax.tree.structure(shapes)
        keys = jax.random.split(key, len(leaves))
        return structure.unflatten(
            [
                jnp.zeros(leaf.shape, leaf.dtype) if len(leaf.shape) < 2 else weights(leaf_key, leaf)
                for leaf_key, leaf in zip(keys, leaves, strict=True)
            ]
        )

    return draw


def _normal_leaf(key: Key, like: jax.ShapeDtypeStruct, gain: float) -> Array:
    return math.sqrt(gain / like.shape[-2]) * jax.random.normal(key, like.shape, like.dtype)


def _glorot_leaf(key: Key, like: jax.ShapeDtypeStruct) -> Array:
    bound = math.sqrt(6 / (like.shape[-2] + like.shape[-1]))
    return jax.random.uniform(key, like.shape, like.dtype, -bound, bound)
