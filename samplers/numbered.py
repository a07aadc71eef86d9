r"""Numbered draws from the prior: draw ``i`` depends on the key and on ``i`` alone.

.. math:: \theta_i = F(\text{key}, i) \sim \pi, \qquad i = 0, 1, 2, \dots

So a stream of draws can be cut into chunks and blocks and spread over devices in any way,
and any draw can be made again from its number. A centred Gaussian prior takes its normals
from a hash of the counter, in blocks; any other is asked for its own draws, one key each.

Law: the prior, exactly, independent from number to number.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from .normals import numbered_normals
from .target import Key, Params

type Array = jax.Array

EPOCH = 1 << 32  # numbers that one 32-bit counter tells apart; each epoch has a key of its own
CACHE_BYTES = {"cpu": 1 << 19}  # what a block should fit into: half of a core's second-level cache
ACCELERATOR_BYTES = 1 << 28


class HasPrior(Protocol):
    """What is drawn from: a ``Target``, a model, or an object of one's own."""

    @property
    def sample_prior(self) -> Callable[[Key], Params]: ...
    @property
    def prior_scale(self) -> Params | None: ...


class Numbers(NamedTuple):
    """Numbers of draws as two words of 32 bits, ``(n,)`` each."""

    epoch: Array
    within: Array


def numbers_of(indices: Any) -> Numbers:
    """Whole numbers below ``2^64``, split into their two words.

    >>> [word.tolist() for word in numbers_of([3, EPOCH + 5])]
    [[0, 1], [3, 5]]
    """
    whole = np.asarray(indices, np.uint64)
    return Numbers(jnp.asarray(whole >> 32, jnp.uint32), jnp.asarray(whole & (EPOCH - 1), jnp.uint32))


def draw_block(
    sample_prior: Callable[[Key], Params], prior_scale: Params | None, key: Key, first: Numbers, block: int
) -> Params:
    """The ``block`` draws from the number ``first`` on, ``(..., block)``, all of one epoch.

    Draws are the LAST axis, to be mapped over by ``vmap(..., in_axes=-1)``: networks side
    by side in memory make the products of small matrices faster.
    """
    key_epoch = jax.random.fold_in(key, first.epoch)
    within = first.within + jnp.arange(block, dtype=jnp.uint32)
    if prior_scale is None:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key_epoch, within)
        return jax.vmap(sample_prior, out_axes=-1)(keys)
    structure: Any  # of the parameters
    leaves, structure = jax.tree.flatten(prior_scale)
    ends = np.cumsum([leaf.size for leaf in leaves])
    normals = jax.lax.optimization_barrier(numbered_normals(key_epoch, within, int(ends[-1])))
    pieces = jnp.split(normals, ends[:-1])
    return structure.unflatten(
        [
            piece.reshape((*leaf.shape, block)) * leaf[..., None]
            for leaf, piece in zip(leaves, pieces, strict=True)
        ]
    )


def draw_one(
    sample_prior: Callable[[Key], Params], prior_scale: Params | None, key: Key, number: Numbers
) -> Params:
    """One draw by its number."""
    draws = draw_block(sample_prior, prior_scale, key, number, 1)
    return jax.tree.map(lambda leaf: leaf[..., 0], draws)


def fitting_block(prior: HasPrior, num_inputs: int) -> int:
    """How many networks to run side by side: a power of two whose work fits the cache.

    A network is taken to need its ``P`` parameters and ``sqrt(P)`` activations an input.
    """
    leaves = jax.tree.leaves(jax.eval_shape(prior.sample_prior, jax.random.key(0)))
    num_parameters = sum(leaf.size for leaf in leaves)
    numbers_each = num_parameters + num_inputs * num_parameters**0.5
    room = CACHE_BYTES.get(jax.default_backend(), ACCELERATOR_BYTES) / (4 * numbers_each)
    return 1 << max(0, min(16, int(np.log2(max(room, 1)))))


def check_block(block: int, first: int = 0) -> None:
    """Raises ``ValueError`` where blocks of numbered draws would straddle two epochs."""
    if block & (block - 1) or block > EPOCH:
        raise ValueError(f"block must be a power of two, got {block}: take {1 << block.bit_length() - 1}")
    if first < 0 or first % block:
        raise ValueError(f"first must be a multiple of the block, {block}, got {first}")
