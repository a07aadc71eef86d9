"""How much each preset runs of the claim on networks: sizes only, the rule is the same for all."""

from typing import NamedTuple

from ..family import Size
from .claim import Preset
from .network_samplers import MARGIN_STEPS, Chains
from .network_systems import Setting


class Amount(NamedTuple):
    """What a preset runs."""

    systems: list[Setting]
    scales: list[float]  # of the prior
    betas: tuple[float, float]  # ends of the ladder; 1 and 4 are rungs
    size: Size
    chains: Chains
    endpoints: int
    margin: tuple[int, int]  # networks, and steps of each past its first fit


AMOUNTS: dict[Preset, Amount] = {
    "smoke": Amount(
        [Setting("digits-binary", 12, 8, 2)],
        [1.0],
        (1.0, 4.0),
        Size(4, 60, 2, 5),
        Chains(4, 60, 60, 8, 1, 60),
        48,
        (16, 100),
    ),
    "quick": Amount(
        [Setting("digits-binary", 60, 20, 8)],
        [0.5, 1.0, 2.0, 4.0],
        (0.5, 32.0),
        Size(4, 400, 3, 10),
        Chains(8, 500, 400, 30, 2, 300),
        256,
        (32, 500),
    ),
    "full": Amount(
        [
            Setting("digits-binary", 100, 50, 16, ("sgd", "adam")),
            Setting("digits", 100, 50, 16),
            Setting("mnist-binary", 50, 50, 4),
        ],
        [0.25, 0.5, 1.0, 2.0],
        (0.25, 256.0),
        Size(4, 600, 3, 10),
        Chains(8, 600, 500, 40, 3, 400),
        768,
        (64, MARGIN_STEPS),
    ),
    "paper": Amount(
        [
            Setting("digits-binary", 300, 100, 16, ("sgd", "adam")),
            Setting("digits", 300, 200, 16, ("sgd", "adam")),
            Setting("mnist-binary", 500, 100, 16, ("sgd", "adam")),
        ],
        [0.125, 0.18, 0.25, 0.35, 0.5, 0.71, 1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0],
        (0.125, 512.0),
        Size(8, 2000, 10, 20),
        Chains(32, 2000, 1000, 50, 4, 600),
        20_000,
        (1024, 4 * MARGIN_STEPS),
    ),
}
