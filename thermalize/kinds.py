"""One kind of arm: what it is and the options that it takes."""

from dataclasses import dataclass
from typing import Literal

from .options import Option, boolean, positive_integer

type Role = Literal["reference", "arm", "control", "ceiling"]
ROLES = ("reference", "arm", "control", "ceiling")
KEEP = {"keep_params": boolean("whether to store the parameters too", False)}


@dataclass(frozen=True)
class Kind:
    """One way to get networks."""

    family: Literal["optimiser", "sampler", "population", "prior"]
    description: str
    citation: str
    options: dict[str, Option]
    settings: tuple[str, ...] = ()  # an optimiser's own options, under optax's names
    exact: bool = False  # its draws converge to the posterior without bias: it may be the reference


def sampler(
    description: str, citation: str, chains: dict[str, Option], settings: dict[str, Option], *, exact: bool
) -> Kind:
    """A sampler that runs chains, with its own ``settings``."""
    return Kind("sampler", description, citation, {**chains, **settings, **KEEP}, exact=exact)


def chains(
    num_warmup: int = 300, num_steps_per_draw: int = 1, num_draws: int = 300, num_chains: int = 8
) -> dict[str, Option]:
    """The options of every sampler that runs chains."""
    return {
        "num_chains": positive_integer("the number of chains", num_chains, num_chains),
        "num_draws": positive_integer("the number of recorded draws of each chain", num_draws, 1000),
        "num_warmup": positive_integer(
            "the number of warm-up steps of each chain", num_warmup, 3 * num_warmup
        ),
        "num_steps_per_draw": positive_integer(
            "the number of transitions between two recorded draws", num_steps_per_draw
        ),
    }


def batch(batch_size: int) -> dict[str, Option]:
    """Examples a step; 0 means all of them unless another number is asked for."""
    default = batch_size or "full"
    meaning = "the number of examples a step, or 'full'"
    return {
        "batch_size": Option("integer", meaning, default, None, lambda n: n >= 1, "at least 1", ("full",))
    }
