r"""Numbered random numbers: the hash of a counter, several times faster than a stream.

Threefry 2x32 with 20 rounds, the generator behind ``jax.random``, turns a key and a pair
of counters into two words ``(a, b)`` of 32 bits. Here the first counter numbers the pair
within a draw, the second is the number of the draw, so that draw ``i`` depends on the key
and on ``i`` alone. Box and Muller's transform makes two normals of each pair:

.. math::

    r = \sqrt{-2 \log\bigl((a + \tfrac12) / 2^{32}\bigr)}, \quad \vartheta = 2 \pi b / 2^{32}, \qquad
    (z_1, z_2) = r\,(\cos\vartheta, \sin\vartheta).

``jax.random.normal`` computes one word of each pair, in a rolled loop, and inverts the
normal distribution function: on a CPU that costs three to four times as much. Here the
rounds are unrolled, both words are used, and sine and cosine are polynomials on an eighth
of the circle, so that all of it runs in vector instructions. Largest value: 6.8.

Law: independent standard normals, to single precision.

Sources: Salmon et al. 2011 (Threefry); Box and Muller 1958; Moshier 1989, Cephes library,
single precision (polynomials).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from .target import Key

type Array = jax.Array

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA
_SINE = (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4)
_COSINE = (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5)


def numbered_normals(key: Key, numbers: Array, size: int) -> Array:
    """Standard normals ``(size, n)``: column ``i`` belongs to the number ``numbers[i]``.

    ``numbers`` are ``(n,)`` unsigned integers of 32 bits.

    >>> one = numbered_normals(jax.random.key(0), jnp.array([7], jnp.uint32), 3)
    >>> two = numbered_normals(jax.random.key(0), jnp.array([5, 7], jnp.uint32), 3)
    >>> bool(jnp.allclose(one[:, 0], two[:, 1]))
    True
    """
    num_pairs = -(-size // 2)
    shape = (num_pairs, numbers.shape[0])
    pair = jnp.broadcast_to(jnp.arange(num_pairs, dtype=jnp.uint32)[:, None], shape).reshape(-1)
    number = jnp.broadcast_to(numbers[None], shape).reshape(-1)
    # One long axis and a barrier between stages: each becomes one vectorised loop without recomputing.
    words = jax.lax.optimization_barrier(
        threefry_2x32(key_words(key), *jax.lax.optimization_barrier((pair, number)))
    )
    pairs = jax.lax.optimization_barrier(box_muller(*words))
    return jnp.concatenate([z.reshape(shape) for z in pairs])[:size]


def numbered_log_uniforms(key: Key, numbers: Array) -> Array:
    """Logarithms of uniform numbers, ``(n,)``, exact in distribution down to ``2^-64``."""
    a, b = threefry_2x32(key_words(key), jnp.zeros_like(numbers), numbers)
    return jnp.log((a.astype(float) + (b.astype(float) + 0.5) * 2.0**-32) * 2.0**-32)


def key_words(key: Key) -> Array:
    """Two words of 32 bits from a key of any generator, ``(2,)``."""
    return jax.random.bits(key, (2,), jnp.uint32)


def threefry_2x32(words: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """The hash of two counters under a key of two words, all 32 bits; 20 rounds."""
    schedule = (words[0], words[1], words[0] ^ words[1] ^ jnp.uint32(PARITY))
    a, b = first + schedule[0], second + schedule[1]
    for turn in range(20):
        a = a + b
        b = a ^ _rotated(b, ROTATIONS[turn % 8])
        if turn % 4 == 3:
            step = turn // 4 + 1
            a = a + schedule[step % 3]
            b = b + schedule[(step + 1) % 3] + jnp.uint32(step)
    return a, b


def box_muller(a: Array, b: Array) -> tuple[Array, Array]:
    """Two independent standard normals from two words of random bits."""
    radius = jnp.sqrt(-2 * jnp.log((a.astype(jnp.float32) + 0.5) * np.float32(2.0**-32)))
    quadrant = b >> jnp.uint32(30)
    rest = (b & jnp.uint32((1 << 30) - 1)).astype(jnp.int32) - (1 << 29)
    angle = rest.astype(jnp.float32) * np.float32(math.pi * 2.0**-31)  # from -pi/4 to pi/4
    square = angle * angle
    sine = angle + angle * square * _polynomial(_SINE, square)
    cosine = 1 - square / 2 + square * square * _polynomial(_COSINE, square)
    turned = (quadrant & jnp.uint32(1)) != 0  # by a quarter of the circle
    signed = jnp.where((quadrant & jnp.uint32(2)) != 0, -radius, radius)
    return signed * jnp.where(turned, -sine, cosine), signed * jnp.where(turned, cosine, sine)


def _rotated(word: Array, places: int) -> Array:
    return (word << jnp.uint32(places)) | (word >> jnp.uint32(32 - places))


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value
