"""Claim: an endpoint of SGD is a random draw from the low-loss parameters.

If it is, the functions that trained networks end at are distributed as the functions of posterior draws.
The claim is judged in parts, one for each family of systems, each by its own rule; how long training
goes on after the first fit is a condition of every case.

Source: Mingard et al. 2021; Wilson and Izmailov 2020 (trained networks as posterior samples).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from samplers.draws import Progress

from .claim import TOGETHER, Claim, Evidence, Preset, joined
from .coin_line import evidence as coin_line
from .coin_rule import RULE as COIN_RULE
from .names import STATEMENTS
from .network_case import RULE as NETWORK_RULE
from .posterior_boolean import evidence as boolean
from .posterior_networks import evidence as networks
from .posterior_pages import headline_of
from .posterior_rule import RULE
from .posterior_seven import evidence as seven_bits
from .side_by_side import side_by_side


class Part(NamedTuple):
    """One family of systems: how it is run, and the rule its cases are judged by."""

    evidence: Callable[[Preset, int, Progress], Evidence]
    rule: str
    minutes: float  # of the full preset, alone on two cores, about: the longest is begun first


PARTS = (
    Part(boolean, RULE, 7),
    Part(seven_bits, RULE, 5),
    Part(networks, NETWORK_RULE, 14),
    Part(coin_line, COIN_RULE, 2),
)


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Run every part, two at a time, and put them together."""
    runs = [partial(part.evidence, preset, seed) for part in PARTS]
    parts = side_by_side(runs, progress, [part.minutes for part in PARTS])
    return joined(headline_of([case for part in parts for case in part.cases]), parts)


CLAIM = Claim(
    id="posterior_sample",
    statement=STATEMENTS["posterior_sample"],
    source="the second remark: SGD acts roughly like MCMC",
    estimand=(
        "total variation between the law of functions that training ends at and the posterior over "
        "functions, bounded from both sides; at first fit against the zero-one posterior, later also "
        "against the Gibbs posterior at matched training loss; rank correlation of log probabilities "
        "beside it"
    ),
    rule="\n\n".join([*dict.fromkeys(part.rule for part in PARTS), TOGETHER]),
    run=run,
)
