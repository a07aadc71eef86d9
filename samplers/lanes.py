"""Many chains or endpoints at once: blocks that fit the cache, one stream per device.

Vmapping thousands of small networks is half as fast as mapping over blocks of a few
dozen, and one CPU device leaves the second core idle. So lanes are split over the
devices with ``shard_map`` and, on each, walked through in vmapped blocks. The result
depends on block size and device count by rounding only; for bitwise equality both
must be the same.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import AxisType, Mesh
from jax.sharding import PartitionSpec as P

type Tree = Any


def lane_mesh(num_lanes: int) -> Mesh:
    """A mesh over as many devices as divide the lanes evenly, at most all of them."""
    num_devices = math.gcd(num_lanes, len(jax.devices()))
    return jax.make_mesh((num_devices,), ("lanes",), axis_types=(AxisType.Auto,))


def map_lanes(
    one: Callable[[Tree, Tree], Tree], shared: Tree, lanes: Tree, *, mesh: Mesh, block: int
) -> Tree:
    """``one(shared, lane)`` for every lane; leaves of ``lanes`` have the lane axis first."""

    def on_one_device(shared: Tree, lanes: Tree) -> Tree:
        return jax.lax.map(lambda lane: one(shared, lane), lanes, batch_size=block)

    return jax.shard_map(
        on_one_device, mesh=mesh, in_specs=(P(), P("lanes")), out_specs=P("lanes"), check_vma=False
    )(shared, lanes)
