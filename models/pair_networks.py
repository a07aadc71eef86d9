r"""Networks that read a pair of symbols, for arithmetic modulo p.

Quadratic units: with the pair as two one-hot vectors :math:`x` in a row,

.. math:: f(a, b) = W^T \bigl(A^T x\bigr)^{2} = W^T (u_a + v_b)^2,

``u`` and ``v`` being the embeddings of the first and the second symbol. Among its weights
are periodic ones that add exactly: unit ``(k, j)`` of frequency ``k`` and phase ``j`` has

.. math:: u_a = \cos(\omega_k a + \phi_j),\quad v_b = \cos(\omega_k b + 4 \phi_j),\quad
    w_c = \cos(\omega_k c + 5 \phi_j), \qquad \omega_k = \tfrac{2 \pi k}{p},\ \phi_j = \tfrac{2 \pi j}{6}.

Of the products only :math:`\tfrac12 \cos(\omega_k (a + b - c))` does not depend on the phase; all
else vanishes in the sum over six of them, and summed over ``k = 1 .. (p - 1)/2``

.. math:: f_c(a, b) = \tfrac32 \bigl(p\,[c \equiv a + b] - 1\bigr).

The transformer has one block: attention of two tokens, then a hidden layer, each added to
what it read; the last token answers. No layer is normalised.

Sources: Gromov 2023 (quadratic units; periodic weights with random phases, exact as the
width grows); Nanda et al. 2023 (one block, no normalisation).
"""

import math
import operator
from functools import cache
from typing import Any, Literal

import jax
import jax.numpy as jnp

from .model import Network

type Array = jax.Array
PHASES = 6  # the fewest with which every other product vanishes: see the test


def quadratic_pairs(modulus: int, width: int) -> Network:
    """Two embeddings added, squared and read out, without biases: ``(2p,)`` to ``(p,)``.

    Parameters are a list of ``{"w": (2p, width)}`` and ``{"w": (width, p)}``; ``init`` draws
    from ``N(0, 1 / fan-in)``, the law of ``gaussian_prior(network)``. Doubling one of them
    scales all outputs alike, so labels do not depend on the scale of the weights. Equal
    arguments return the same object. Raises ``ValueError`` for a modulus below 2 or a
    width below 1.

    >>> network = quadratic_pairs(7, 21)
    >>> network.apply(network.init(jax.random.key(0)), jnp.zeros(14)).shape
    (7,)
    """
    return _quadratic(_at_least("modulus", modulus, 2), _at_least("width", width, 1))


def periodic_weights(
    modulus: int, operation: Literal["addition", "subtraction"] = "addition"
) -> list[dict[str, Array]]:
    """Weights of :func:`quadratic_pairs` of width ``3 (p - 1)`` that add or subtract exactly.

    The output of the right result is ``3/2 (p - 1)``, of any other ``-3/2``. Raises
    ``ValueError`` for an even modulus or another operation.

    >>> weights = periodic_weights(5)
    >>> outputs = quadratic_pairs(5, 12).apply(weights, jnp.eye(5)[jnp.array([3, 4])].ravel())
    >>> [round(float(output), 4) for output in outputs]
    [-1.5, -1.5, 6.0, -1.5, -1.5]
    """
    p = _at_least("modulus", modulus, 3)
    if p % 2 == 0:
        raise ValueError(f"modulus must be odd, got {p}: the frequency p/2 of an even one has no phase")
    if operation not in ("addition", "subtraction"):
        raise ValueError(
            f"operation must be 'addition' or 'subtraction', got {operation!r}: products are sums of "
            "logarithms modulo p - 1, with a symbol 0 that has none"
        )
    sign = 1 if operation == "addition" else -1
    symbols = jnp.arange(p)
    frequency, phase = (
        grid.ravel() for grid in jnp.meshgrid(jnp.arange(1, (p + 1) // 2), jnp.arange(PHASES))
    )

    def wave(symbols: Array, turns: int) -> Array:  # (p, width), the phase reduced before it is rounded
        angle = (symbols[:, None] * frequency[None] % p) / p + (turns * phase % PHASES / PHASES)[None]
        return jnp.cos(2 * math.pi * angle)

    embeddings = jnp.concatenate([wave(symbols, 1), wave(sign * symbols, 4)])
    return [{"w": embeddings}, {"w": wave(symbols, 5).T}]


def pair_transformer(modulus: int, width: int, num_heads: int = 1, hidden: int = 64) -> Network:
    """One transformer block over the two symbols of a pair: ``(2p,)`` to ``(p,)``.

    ``width`` is the length of a token, ``hidden`` the number of ReLU units. Parameters are a
    dictionary of matrices ``(fan_in, fan_out)`` and two biases; ``init`` draws from the law
    of ``gaussian_prior(network)``. Equal arguments return the same object. Raises
    ``ValueError`` for counts below one or heads that do not divide the width.

    >>> network = pair_transformer(7, 16, num_heads=2, hidden=32)
    >>> network.apply(network.init(jax.random.key(0)), jnp.zeros(14)).shape
    (7,)
    """
    p, width = _at_least("modulus", modulus, 2), _at_least("width", width, 1)
    num_heads, hidden = _at_least("num_heads", num_heads, 1), _at_least("hidden", hidden, 1)
    if width % num_heads:
        raise ValueError(
            f"num_heads must divide the width {width}, got {num_heads}: every head reads an equal part"
        )
    return _transformer(p, width, num_heads, hidden)


@cache
def _quadratic(p: int, width: int) -> Network:
    def init(key: Array) -> list[dict[str, Array]]:
        drawn = _draw(key, {"in": (2 * p, width), "out": (width, p)})
        return [{"w": drawn["in"]}, {"w": drawn["out"]}]

    def apply(params: Any, x: Array) -> Array:  # (2p,) -> (p,)
        return jnp.square(x @ params[0]["w"]) @ params[1]["w"]

    def apply_columns(params: Any, x: Array) -> Array:  # (2p, n) -> (p, n)
        hidden = jnp.square(jnp.tensordot(params[0]["w"], x, axes=(0, 0)))
        return jnp.tensordot(params[1]["w"], hidden, axes=(0, 0))

    return Network(init, apply, apply_columns)


@cache
def _transformer(p: int, width: int, num_heads: int, hidden: int) -> Network:
    shapes = {
        "embedding": (p, width),
        "place": (2, width),
        "query": (width, width),
        "key": (width, width),
        "value": (width, width),
        "attended": (width, width),
        "hidden": (width, hidden),
        "hidden_bias": (hidden,),
        "out": (hidden, width),
        "out_bias": (width,),
        "answer": (width, p),
    }

    def heads(tokens: Array) -> Array:  # (token, width) -> (token, head, part)
        return tokens.reshape(2, num_heads, width // num_heads)

    def apply(params: Any, x: Array) -> Array:  # (2p,) -> (p,)
        tokens = x.reshape(2, p) @ params["embedding"] + params["place"]
        query, key, value = (heads(tokens @ params[name]) for name in ("query", "key", "value"))
        scores = jnp.einsum("hd,thd->ht", query[1], key) / math.sqrt(width // num_heads)
        read = jnp.einsum("ht,thd->hd", jax.nn.softmax(scores, axis=-1), value).reshape(width)
        token = tokens[1] + read @ params["attended"]
        units = jax.nn.relu(token @ params["hidden"] + params["hidden_bias"])
        return (token + units @ params["out"] + params["out_bias"]) @ params["answer"]

    return Network(lambda key: _draw(key, shapes), apply)


def _draw(key: Array, shapes: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    """Matrices from ``N(0, 1 / fan-in)``, biases from ``N(0, 1)``."""
    keys = jax.random.split(key, len(shapes))
    return {
        name: jax.random.normal(key, shape) / math.sqrt(shape[-2] if len(shape) > 1 else 1)
        for key, (name, shape) in zip(keys, shapes.items(), strict=True)
    }


def _at_least(name: str, value: int, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {value!r}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number
