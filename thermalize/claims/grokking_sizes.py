"""How much each preset of ``grokking_is_search`` runs."""

from typing import NamedTuple

from .claim import Preset
from .grokking_kinetic import Tempering, Training
from .grokking_posterior import Setting
from .grokking_rule import LOCAL
from .grokking_static import Chains


class Sizes(NamedTuple):
    """How much a preset runs."""

    settings: tuple[Setting, ...]
    shares: tuple[float, ...]
    betas: tuple[float, ...]
    training: Training
    tempering: Tempering
    chains: Chains
    scan: float | None = None  # the share around which one thing after another is changed


ELEVEN = Setting(11, 40, 1e-3, 1.5)
THIRTEEN = Setting(13, 48, 1e-3, 1.5)
SIZES: dict[Preset, Sizes] = {
    "smoke": Sizes(
        (Setting(7, 18, 1e-3, 1.5),),
        (0.8,),
        (30.0,),
        Training(("sgd",), 4, 400, 4),
        Tempering(2, 20, 3, 0.5, 5, 20),
        Chains(2, 40, 20, 5),
    ),
    "quick": Sizes(
        (ELEVEN,),
        (0.8,),
        (60.0,),
        Training(LOCAL, 8, 6000, 20),
        Tempering(4, 200, 8, 0.7, 10, 100),
        Chains(2, 2000, 150, 50),
    ),
    "full": Sizes(
        (ELEVEN,),
        (0.5, 0.6, 0.7, 0.8, 0.9),
        (60.0, 100.0),
        Training(LOCAL, 16, 10_000, 24),
        Tempering(8, 400, 12, 0.5, 10, 100),
        Chains(2, 2500, 200, 100),
        scan=0.8,
    ),
    "paper": Sizes(
        (ELEVEN, THIRTEEN),
        (0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        (60.0, 100.0, 150.0, 300.0),
        Training(LOCAL, 64, 50_000, 40),
        Tempering(16, 4000, 24, 0.25, 20, 200),
        Chains(32, 10_000, 300, 200),
        scan=0.8,
    ),
}
