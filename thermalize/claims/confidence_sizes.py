"""What each preset of ``confident_on_noise`` trains and samples.

From one base, each of temperature, width, number of images and draw of the random labels is changed alone;
noise goes from none to full at the base. The posterior of ``beta`` 1 is Bayes' own; at 30 and above it fits
random labels, as training does. Trajectories are longer where the posterior is colder, and chains that miss
a gate are run on.
"""

from typing import NamedTuple

from .claim import Preset
from .confidence_cases import FULL_NOISE
from .noisy_labels import Setting
from .trusted_chains import Chains

type Plan = dict[Setting, dict[float, tuple[float, ...]]]  # setting -> beta -> levels of label noise
LEVELS, ENDS = (0.0, 0.25, 0.5, 0.75, FULL_NOISE), (0.0, FULL_NOISE)
FEW_LEVELS = (0.0, 0.5, FULL_NOISE)
ONLY_FULL = (FULL_NOISE,)


class Sizes(NamedTuple):
    """How much a preset runs."""

    plan: Plan
    chains: dict[float, Chains]  # by inverse temperature
    num_endpoints: int
    num_probe: int


SIZES: dict[Preset, Sizes] = {
    "smoke": Sizes(
        {Setting("digits_binary", 12, 4): {1.0: ENDS}},
        {1.0: Chains(8, 120, 20, 100)},
        24,
        40,
    ),
    "quick": Sizes(
        {
            Setting("digits", 50, 32): {30.0: ENDS},
            Setting("digits_binary", 50, 32): {30.0: ONLY_FULL},
        },
        {30.0: Chains(8, 400, 100, 200)},
        128,
        150,
    ),
    "full": Sizes(
        {
            Setting(task, num, width, draw): dict(betas)
            for task, levels in (("digits", LEVELS), ("digits_binary", FEW_LEVELS))
            for num, width, draw, betas in (
                (50, 32, 0, {1.0: levels, 30.0: levels, 100.0: ONLY_FULL}),
                (50, 128, 0, {30.0: ONLY_FULL}),
                (100, 32, 0, {30.0: ONLY_FULL}),
                (50, 32, 1, {30.0: ONLY_FULL}),
                (50, 32, 2, {30.0: ONLY_FULL}),
            )
        },
        {
            1.0: Chains(8, 500, 50, doublings=2),
            30.0: Chains(8, 400, 100, doublings=2),
            100.0: Chains(8, 400, 200, doublings=2),
        },
        256,
        200,
    ),
    "paper": Sizes(
        {
            Setting(task, num, width): {1.0: LEVELS, 30.0: LEVELS, 100.0: LEVELS}
            for task in ("digits", "digits_binary")
            for num, width in ((50, 32), (50, 128), (200, 128), (1000, 256))
        },
        {1.0: Chains(64, 1000, 100), 30.0: Chains(64, 1000, 300), 100.0: Chains(64, 1000, 1000)},
        4096,
        500,
    ),
}
