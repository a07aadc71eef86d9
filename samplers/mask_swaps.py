r"""Metropolis over masks: which weights of a network are kept, while their values are held.

A mask ``m`` keeps ``k_l`` of the ``n_l`` weights of layer ``l``. A step proposes to exchange one kept
weight with one that is cut, of the same layer, uniformly among all ``sum_l k_l (n_l - k_l)``
exchanges. Every mask of these sizes has equally many, so that the proposal is symmetric and

.. math:: \alpha = \min\bigl(1, \exp(-\beta N [L(m' \odot w) - L(m \odot w)])\bigr)

Law: ``p(m) ~ exp(-beta N L(m * w))`` on the masks that keep ``k_l`` weights of each layer, exactly
invariant; uniform on them at ``beta = 0``. The prior over weights plays no part: they do not move.

Sources: Metropolis et al. 1953; Kawasaki 1966 (exchanges that conserve numbers).
"""

from functools import cache
from typing import Any, NamedTuple, Protocol, Self

import jax
import jax.numpy as jnp
import numpy as np

from .kernel import Info, Kernel, Sampler, no_warmup
from .options import check_count
from .target import Key, Params, Target, loss

type Array = jax.Array


class HasMask(Protocol):
    """A position with a mask over its weights; ``models.Masked`` is one."""

    @property
    def mask(self) -> Params: ...
    def _replace(self, *, mask: Params) -> Self: ...


class SwapState(NamedTuple):
    position: Any  # with a mask
    order: Array  # (weight,) numbers of weights, layer by layer, in each those kept first
    loss: Array  # ()


@cache
def mask_swaps(num_steps_per_draw: int = 100) -> Sampler:
    """Exchanges of a kept and a cut weight, accepted by the ratio of likelihoods to the power beta.

    Positions have a tree ``mask`` of ones and zeros, as :class:`models.Masked` on
    :func:`models.frozen_network`; leaves with fewer than two axes, biases, are never cut. The start
    says how many weights of each layer are kept: none or all of a layer, and it stays so. Raises
    ``ValueError`` for a count below one.

    >>> mask_swaps().name
    'mask_swaps'
    """
    check_count(num_steps_per_draw=num_steps_per_draw)

    def kernel(target: Target, tuning: Any) -> Kernel:
        def init(key: Key, position: Any) -> SwapState:
            return SwapState(position, _kept_first(position.mask), loss(target, position))

        def step(key: Key, state: SwapState) -> tuple[SwapState, Info]:
            key_propose, key_accept = jax.random.split(key)
            out, into, possible = _propose(key_propose, state.position.mask)
            leaves, comes = state.order[out], state.order[into]
            proposal = state.position._replace(mask=_exchanged(state.position.mask, leaves, comes))
            there = loss(target, proposal)
            log_ratio = -target.beta * target.num_data * (there - state.loss)
            rate = jnp.where(possible, jnp.minimum(1.0, jnp.exp(log_ratio)), 0.0)
            accepted = jax.random.uniform(key_accept) < rate
            order = state.order.at[out].set(comes).at[into].set(leaves)
            moved = SwapState(proposal, order, there)
            info = {"acceptance_rate": rate, "diverging": ~jnp.isfinite(there)}
            return jax.tree.map(lambda new, old: jnp.where(accepted, new, old), moved, state), info

        return Kernel(init, step, lambda state: state.position)

    law = "masks of given sizes with p(mask) ~ exp(-beta N L(mask * weights)), exactly invariant"
    citation = "Metropolis et al. 1953; Kawasaki 1966"
    return Sampler("mask_swaps", law, citation, no_warmup, kernel, num_steps_per_draw)


def weight_layers(mask: Params) -> list[Array]:
    """The leaves that a mask may cut: those with two axes or more.

    >>> [leaf.shape for leaf in weight_layers([{"w": jnp.ones((3, 2)), "b": jnp.ones(2)}])]
    [(3, 2)]
    """
    return [leaf for leaf in jax.tree.leaves(mask) if leaf.ndim >= 2]


def _kept_first(mask: Params) -> Array:
    orders, first = [], 0
    for layer in weight_layers(mask):
        orders.append(first + jnp.argsort(-layer.ravel(), stable=True))
        first += layer.size
    return jnp.concatenate(orders)


def _propose(key: Key, mask: Params) -> tuple[Array, Array, Array]:
    """Places in the order of a kept and a cut weight of one layer, and whether there is such a pair."""
    layers = weight_layers(mask)
    sizes = np.array([layer.size for layer in layers])
    kept = jnp.stack([jnp.sum(layer) for layer in layers]).astype(int)
    pairs = (kept * (sizes - kept)).astype(float)
    key_layer, key_kept, key_cut = jax.random.split(key, 3)
    layer = jax.random.categorical(key_layer, jnp.log(pairs))
    first, size, num = jnp.asarray(np.cumsum(sizes) - sizes)[layer], jnp.asarray(sizes)[layer], kept[layer]
    out = first + jax.random.randint(key_kept, (), 0, jnp.maximum(num, 1))
    into = first + jax.random.randint(key_cut, (), jnp.minimum(num, size - 1), size)
    return out, into, jnp.any(pairs > 0)


def _exchanged(mask: Params, leaves: Array, comes: Array) -> Params:
    """The mask without weight number ``leaves`` and with number ``comes``."""
    layers, structure = jax.tree.flatten(mask)
    first, changed = 0, []
    for layer in layers:
        if layer.ndim >= 2:
            number = first + jnp.arange(layer.size).reshape(layer.shape)
            layer = jnp.where(number == leaves, 0.0, jnp.where(number == comes, 1.0, layer))
            first += number.size
        changed.append(layer)
    return jax.tree.unflatten(structure, changed)
