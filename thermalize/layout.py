"""The arrays of one arm in Zarr: dimension names, one chunk an append, checked on reading.

Leading dimensions are ``chain`` and ``draw`` as in ArviZ; ``logits`` goes on with
``probe`` and ``class``, ``loss_curve`` with ``record``, anything else with ArviZ's
``NAME_dim_0``, ``NAME_dim_1``, ... Every chunk carries a checksum and none is left out,
so that a lost or damaged file is noticed instead of read as zeros.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

type Array = np.ndarray

ZARR: Literal[3] = 3  # the only format that is read: a codec of the second may run what others stored
DIMENSIONS = {"logits": ("probe", "class"), "loss_curve": ("record",)}


def opened(path: Path, mode: Literal["r", "r+"] = "r+") -> zarr.Group:
    """A group on disk, from its own metadata."""
    return zarr.open_group(path, mode=mode, zarr_format=ZARR, use_consolidated=False)


def write_array(
    group: zarr.Group, name: str, values: Array, dimensions: Sequence[str], chunks: tuple[int, ...] = ()
) -> None:
    """A new array; in one chunk unless told otherwise."""
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=chunks or tuple(max(size, 1) for size in values.shape),
        dtype=values.dtype,
        dimension_names=tuple(dimensions),
        compressors=ZstdCodec(level=1, checksum=True),
        fill_value=np.nan if values.dtype.kind == "f" else None,
        config={"write_empty_chunks": True},  # a chunk that is not there is then a chunk lost
    )
    array[...] = values


def append_arrays(group: zarr.Group, arrays: Mapping[str, Array], axis: int) -> None:
    """Add pieces of shape ``(chain, draw, ...)`` along axis 0 or 1, with their coordinates.

    Raises ``ValueError`` if the pieces differ in their leading axes or do not fit what is
    there.
    """
    leading = {values.shape[:2] for values in arrays.values()}
    if len(leading) != 1:
        raise ValueError(f"pieces of one group must share chain and draw, got {sorted(leading)}")
    known = dict(group.arrays())  # read at once: one by one costs more than writing
    for name, values in arrays.items():
        dimensions = DIMENSIONS.get(name) or [f"{name}_dim_{i}" for i in range(values.ndim - 2)]
        _append(group, known, name, values, ("chain", "draw", *dimensions), axis)
        for size, dimension in zip(values.shape[2:], dimensions, strict=True):
            _check_coordinate(group, known, dimension, size)
    shape = next(iter(arrays.values())).shape
    for position, dimension in enumerate(("chain", "draw")):
        if dimension not in known:
            write_array(group, dimension, np.arange(shape[position]), (dimension,))
        elif position == axis:
            first = known[dimension].shape[0]
            _append(group, known, dimension, first + np.arange(shape[axis]), (dimension,), 0)


def cut_arrays(group: zarr.Group, axis: int, size: int) -> None:
    """Keep the first ``size`` along chain (axis 0) or draw (axis 1), with their coordinate."""
    dimension = ("chain", "draw")[axis]
    for _, array in group.arrays():
        names = getattr(array.metadata, "dimension_names", None) or ()
        if dimension in names:
            shape = list(array.shape)
            shape[names.index(dimension)] = size
            array.resize(tuple(shape))


def damaged_arrays(group: zarr.Group) -> list[str]:
    """A sentence for every array of which a chunk is lost or cannot be read.

    Reads everything once, one chunk at a time.
    """
    found = []
    for name, member in group.members(max_depth=None):
        if isinstance(member, zarr.Array):
            missing = member.nchunks - member.nchunks_initialized
            if missing:
                found.append(f"{name}: {missing} of {member.nchunks} chunks are missing")
                continue
            try:
                for block in np.ndindex(member.cdata_shape):
                    member.blocks[block]
            except Exception as error:  # whatever a codec makes of damaged bytes
                found.append(f"{name}: {error}")
    return found


def by_key_path(params: Any) -> dict[str, Array]:
    """Leaves of a pytree by their key path, ``0.w`` say."""
    import jax

    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}


type Known = dict[str, zarr.Array]  # the arrays that a group had before


def _append(
    group: zarr.Group, known: Known, name: str, values: Array, dimensions: Sequence[str], axis: int
) -> None:
    if name not in known:
        write_array(group, name, values, dimensions)
        return
    array = known[name].with_config({"write_empty_chunks": True})
    first, shape = array.shape[axis], list(array.shape)
    others = [size for position, size in enumerate(shape) if position != axis]
    if others != [size for position, size in enumerate(values.shape) if position != axis]:
        raise ValueError(f"a piece of {name} with shape {values.shape} does not continue {array.shape}")
    shape[axis] += values.shape[axis]
    array.resize(tuple(shape))
    array[(slice(None),) * axis + (slice(first, None),)] = values


def _check_coordinate(group: zarr.Group, known: Known, dimension: str, size: int) -> None:
    if dimension not in known:
        if dimension not in group:  # another array of this piece may have it too
            write_array(group, dimension, np.arange(size), (dimension,))
    elif known[dimension].shape != (size,):
        raise ValueError(f"{dimension} has {known[dimension].shape[0]} values, the draws have {size}")
