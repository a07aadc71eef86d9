"""How much each preset runs of the claim on networks: sizes only, the rule is the same for all."""

from typing import NamedTuple

from ..family import Size
from .claim import Preset
from .network_samplers import MARGIN_STEPS
from .network_systems import Setting
from .trusted_chains import Chains


class Amount(NamedTuple):
    """What a preset runs."""

    systems: list[Setting]
    scales: list[float]  # of the prior, searched first
    widest: tuple[float, float]  # scales searched where the nearest posterior is at an end of them
    betas: tuple[float, float]  # ends of the ladder; 1 and 4 are rungs
    size: Size
    chains: Chains
    second: tuple[int, int]  # draws of each chain of the second sampler, and its warm-up
    endpoints: int
    margin: tuple[int, int]  # networks, and steps of each past its first fit


AMOUNTS: dict[Preset, Amount] = {
    "smoke": Amount(
        systems=[Setting("digits-binary", 12, 8, 2)],
        scales=[1.0],
        widest=(1.0, 1.0),
        betas=(1.0, 4.0),
        size=Size(4, 60, 2, 5),
        chains=Chains(4, 60, num_steps=8, num_warmup=60),
        second=(60, 60),
        endpoints=48,
        margin=(16, 100),
    ),
    "quick": Amount(
        systems=[Setting("digits-binary", 40, 20, 8)],
        scales=[0.5, 1.0, 2.0],
        widest=(0.5, 4.0),
        betas=(0.5, 16.0),
        size=Size(4, 250, 3, 8),
        chains=Chains(8, 200, num_steps=30, num_warmup=250, doublings=1, thin=2),
        second=(200, 120),
        endpoints=192,
        margin=(16, 300),
    ),
    "full": Amount(
        systems=[
            Setting("digits-binary", 100, 50, 16, ("sgd", "adam")),
            Setting("digits", 100, 50, 16),
            Setting("mnist-binary", 50, 50, 4),
        ],
        scales=[0.5, 1.0, 2.0],
        widest=(0.125, 4.0),
        betas=(0.25, 256.0),
        size=Size(4, 500, 3, 10),
        chains=Chains(8, 500, num_steps=40, num_warmup=400, doublings=2, thin=3),
        second=(400, 300),
        endpoints=768,
        margin=(32, MARGIN_STEPS),
    ),
    "paper": Amount(
        systems=[
            Setting("digits-binary", 300, 100, 16, ("sgd", "adam")),
            Setting("digits", 300, 200, 16, ("sgd", "adam")),
            Setting("mnist-binary", 500, 100, 16, ("sgd", "adam")),
        ],
        scales=[0.125, 0.18, 0.25, 0.35, 0.5, 0.71, 1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0],
        widest=(0.0625, 16.0),
        betas=(0.125, 512.0),
        size=Size(8, 2000, 10, 20),
        chains=Chains(32, 1000, num_steps=50, num_warmup=1000, doublings=2, thin=4),
        second=(1000, 600),
        endpoints=20_000,
        margin=(1024, 4 * MARGIN_STEPS),
    ),
}
