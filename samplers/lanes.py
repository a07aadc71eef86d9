"""Many chains or endpoints at once: blocks that fit the cache, one stream per device.

On a CPU vmapping thousands of small networks is half as fast as walking through blocks
of a few, and one CPU device leaves the second core idle. So lanes are split over the
devices with ``shard_map`` and, on each, mapped block by block. The result depends on
block size and device count by rounding only; for bitwise equality both must be the
same.

The devices may belong to several processes (``jax.distributed``), on one host or on many: each
then runs the same program on the same arguments and ends with the whole result.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

type Array = jax.Array
type Tree = Any


def lane_mesh(num_lanes: int) -> Mesh:
    """A mesh over all devices of all processes; in one process over no more than there are lanes."""
    several = jax.process_count() > 1  # each of which must take part
    num_devices = len(jax.devices()) if several else min(num_lanes, len(jax.devices()))
    return jax.make_mesh((num_devices,), ("lanes",), axis_types=(AxisType.Auto,))


def map_lanes(
    one: Callable[[Tree, Tree], Tree],
    shared: Tree,
    lanes: Tree,
    *,
    mesh: Mesh,
    block: int,
) -> Tree:
    """``one(shared, lane)`` for every lane; leaves of ``lanes`` have the lane axis first.

    Lanes of a block advance in lockstep, under ``vmap``; in blocks of one, each runs by itself.
    """
    num_lanes = jax.tree.leaves(lanes)[0].shape[0]
    per_device = -(-num_lanes // mesh.size)
    num_blocks = -(-per_device // block)
    block = -(-per_device // num_blocks)
    filled = mesh.size * num_blocks * block
    if filled > num_lanes:  # the last block is filled up with copies of the first lanes, later forgotten
        lanes = take_lanes(lanes, np.arange(filled) % num_lanes)

    def in_blocks(shared: Tree, lanes: Tree) -> Tree:
        if block == 1:  # under vmap loops and conditions of a single lane would become batched ones
            return jax.lax.map(partial(one, shared), lanes)
        blocks = jax.tree.map(lambda leaf: leaf.reshape((num_blocks, block, *leaf.shape[1:])), lanes)
        results = jax.lax.map(lambda lanes: jax.vmap(one, (None, 0))(shared, lanes), blocks)
        return jax.tree.map(lambda leaf: leaf.reshape((num_blocks * block, *leaf.shape[2:])), results)

    results = jax.shard_map(
        in_blocks,
        mesh=mesh,
        in_specs=(P(), P("lanes")),
        out_specs=P("lanes"),
        check_vma=False,
    )(shared, lanes)
    results = on_every_process(results, mesh)
    if filled == num_lanes:
        return results
    return jax.lax.with_sharding_constraint(
        take_lanes(results, np.arange(num_lanes)), NamedSharding(mesh, P())
    )


def where_mapped(lanes: Tree, mesh: Mesh) -> Tree:
    """Lanes moved to where ``map_lanes`` leaves its results: what ran on those need not compile again."""
    if mesh.is_multi_process:
        return lanes
    divided = jax.tree.leaves(lanes)[0].shape[0] % mesh.size == 0
    return jax.device_put(lanes, NamedSharding(mesh, P("lanes") if divided else P()))


def on_every_process(lanes: Tree, mesh: Mesh) -> Tree:
    """All lanes in every process, to be called under ``jit``; nothing is done for a mesh of one process."""
    if not mesh.is_multi_process:
        return lanes
    return jax.lax.with_sharding_constraint(lanes, NamedSharding(mesh, P()))


def take_lanes(lanes: Tree, rows: Array | np.ndarray) -> Tree:
    """The lanes in these rows."""
    return jax.tree.map(lambda leaf: leaf[rows], lanes)


def put_lanes(lanes: Tree, rows: Array, wanted: Array, new: Tree) -> Tree:
    """``new`` in place of the lanes in ``rows``, where ``wanted``."""

    def put(old: Array, new: Array) -> Array:
        return old.at[rows].set(jax.vmap(jnp.where)(wanted, new, old[rows]))

    return jax.tree.map(put, lanes, new)


def for_some(wanted: Array, body: Callable[[Array, Tree], Tree], carry: Tree) -> Tree:
    """``body(rows, carry)`` for all lanes that are wanted, ``(lane,)``, a few rows at a time.

    Where few of many lanes ask, this costs what those few cost, and one iteration of a
    loop for every 64th part of the lanes. Some rows may be lanes that are not wanted.
    """
    group = max(len(wanted) // 64, 1)
    order = jnp.argsort(~wanted, stable=True)

    def one(i: Array, carry: Tree) -> Tree:
        return body(jax.lax.dynamic_slice(order, (i * group,), (group,)), carry)

    return jax.lax.fori_loop(0, -(-jnp.sum(wanted) // group), one, carry)


def where_asked(compute: Callable[..., Tree]) -> Callable[..., Tree]:
    """``compute(*arguments)`` where asked, else ``otherwise``, computed for no others.

    Under ``vmap`` a plain ``lax.cond`` computes both branches for every lane; this one
    runs ``compute`` for the lanes that ask.

    >>> f = where_asked(lambda x: 1 / x)
    >>> jax.vmap(f)(jnp.array([True, False]), jnp.zeros(2), jnp.array([2.0, 4.0])).tolist()
    [0.5, 0.0]
    """

    @custom_vmap
    def ask(asked: Array, otherwise: Tree, *arguments: Tree) -> Tree:
        return jax.lax.cond(asked, lambda: compute(*arguments), lambda: otherwise)

    @ask.def_vmap
    def _(axis_size: int, batched: Any, asked: Array, otherwise: Tree, *arguments: Tree) -> tuple[Tree, Tree]:
        def all_lanes(leaf: Array, is_batched: bool) -> Array:
            return leaf if is_batched else jnp.broadcast_to(leaf, (axis_size, *jnp.shape(leaf)))

        asked, otherwise = jax.tree.map(all_lanes, (asked, otherwise), tuple(batched[:2]))
        axes = jax.tree.map(lambda is_batched: 0 if is_batched else None, tuple(batched[2:]))

        def fill(rows: Array, results: Tree) -> Tree:
            some = jax.tree.map(lambda leaf, b: leaf[rows] if b else leaf, arguments, tuple(batched[2:]))
            return put_lanes(results, rows, asked[rows], jax.vmap(compute, axes)(*some))

        # Mostly nobody asks; to sort the lanes, only to find none, would cost more than to see it.
        results = jax.lax.cond(jnp.any(asked), lambda: for_some(asked, fill, otherwise), lambda: otherwise)
        return results, jax.tree.map(lambda _: True, results)

    return ask
