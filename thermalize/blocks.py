"""How much of a run is computed, and written, together."""

from typing import NamedTuple


class Blocks(NamedTuple):
    """How much is computed together: right for one CPU core a device, small for a GPU.

    It decides the last bits of the draws, so it is part of a run's identity.
    """

    chunk_draws: int = 50  # of a chain, between two writes to disk
    chunk_endpoints: int = 2048
    block_chains: int = 8  # of a device
    lanes: int = 16
    block_lanes: int = 16
    in_span: bool = True  # see first_layer in prepare.py


DEFAULT_BLOCKS = Blocks()
