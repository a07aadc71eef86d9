"""How much each measurement does: a full run, a quick one, and one small enough for a test."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """``repeats`` and the amounts of work of one repeat."""

    repeats: int
    widths: list[int]  # of workload 1
    num_train: int
    chunk: int  # endpoints handed over at a time; by each core where cores are compared
    endpoints: int  # of workload 1, on each core
    torch_loop: int  # networks that PyTorch trains one by one
    torch_lanes: list[int]
    lockstep_lanes: list[int]  # the last has the goal
    lockstep_endpoints: int  # at the first of them
    chains: int
    few_draws: int
    draws: int
    many_chains: int
    many_chains_draws: int
    lanes: list[int]
    lanes_endpoints: int
    hidden: list[int]  # widths of the two hidden layers
    width_endpoints: int
    width_steps: int
    growth: list[int]
    growth_widths: list[int]
    growth_train: int
    span_train: int
    span_endpoints: int
    prior_networks: list[str]
    compared: int  # endpoints, and as many draws
    compared_probes: int
    million: int
    million_lanes: int
    million_chunk: int


FULL = Sizes(
    repeats=3,
    widths=[7, 40, 40, 1],
    num_train=64,
    chunk=1024,
    endpoints=1024,
    torch_loop=16,
    torch_lanes=[256, 1024],
    lockstep_lanes=[16, 1024, 4096],
    lockstep_endpoints=256,
    chains=64,
    few_draws=25,
    draws=100,
    many_chains=512,
    many_chains_draws=25,
    lanes=[4, 16, 64, 256],
    lanes_endpoints=1024,
    hidden=[10, 20, 40, 80, 160],
    width_endpoints=128,
    width_steps=100,
    growth=[1_000, 10_000, 100_000],
    growth_widths=[5, 16, 16, 1],
    growth_train=16,
    span_train=500,
    span_endpoints=128,
    prior_networks=["3-8-1", "5-16-16-1", "7-40-40-1"],
    compared=100_000,
    compared_probes=128,
    million=1_000_000,
    million_lanes=8192,
    million_chunk=262_144,
)
QUICK = FULL._replace(
    repeats=2,
    endpoints=512,
    torch_loop=8,
    torch_lanes=[256],
    lockstep_lanes=[16, 256],
    lockstep_endpoints=128,
    draws=75,
    many_chains_draws=12,
    lanes=[4, 16, 256],
    lanes_endpoints=512,
    hidden=[10, 40, 160],
    growth=[1_000, 10_000],
    span_endpoints=64,
    prior_networks=["7-40-40-1"],
    compared=20_000,
)
TINY = Sizes(
    repeats=2,
    widths=[3, 16, 1],
    num_train=5,
    chunk=64,
    endpoints=4,
    torch_loop=1,
    torch_lanes=[2],
    lockstep_lanes=[2, 4],
    lockstep_endpoints=2,
    chains=2,
    few_draws=2,
    draws=4,
    many_chains=2,
    many_chains_draws=4,
    lanes=[2],
    lanes_endpoints=2,
    hidden=[4],
    width_endpoints=2,
    width_steps=10,
    growth=[64, 128],
    growth_widths=[3, 16, 1],
    growth_train=5,
    span_train=8,
    span_endpoints=2,
    prior_networks=[],
    compared=64,
    compared_probes=4,
    million=128,
    million_lanes=16,
    million_chunk=64,
)
