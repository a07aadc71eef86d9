"""One kind of arm: what it is and the options that it takes."""

from dataclasses import dataclass
from typing import Literal

from .options import Option, boolean

type Role = Literal["reference", "arm", "control", "ceiling"]
ROLES = ("reference", "arm", "control", "ceiling")
KEEP = {"keep_params": boolean("whether to store the parameters too", False)}


@dataclass(frozen=True)
class Kind:
    """One way to get networks."""

    family: Literal["optimiser", "sampler", "prior"]
    description: str
    citation: str
    options: dict[str, Option]
    settings: tuple[str, ...] = ()  # an optimiser's own options, under optax's names
    exact: bool = False  # its draws converge to the posterior without bias: it may be the reference


def batch(batch_size: int) -> dict[str, Option]:
    """Examples a step; 0 means all of them unless another number is asked for."""
    default = batch_size or "full"
    meaning = "the number of examples a step, or 'full'"
    return {
        "batch_size": Option("integer", meaning, default, None, lambda n: n >= 1, "at least 1", ("full",))
    }
