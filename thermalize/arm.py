"""One arm of a comparison: a way to get networks, how many, and its part."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax

from samplers import PopulationSampler, Sampler, Stop

from .kinds import Role


@dataclass(frozen=True)
class Arm:
    """One way to get networks for a task, and its part in the comparison.

    With ``stop`` the sampler is an optimiser, trained ``num_chains`` times to its end;
    without, it runs ``num_chains`` chains of ``num_draws`` draws, or ``num_chains``
    populations, whose particles are the draws. ``match_reference`` sets the loss
    threshold of ``stop`` to the reference's mean training loss. Arms that are
    ``trained_as`` one are the same networks at several stops, trained once.
    """

    name: str
    sampler: Sampler | PopulationSampler
    role: Role = "arm"
    num_chains: int = 8
    num_draws: int = 1
    stop: Stop | None = None
    match_reference: bool = False
    start: Callable[[jax.Array], Any] | None = None
    keep_params: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    trained_as: str = ""  # the arm's own name unless given: it decides the key

    @property
    def axis(self) -> int:
        """The axis along which its draws arrive: 1 for chains, 0 for endpoints and populations."""
        return 0 if self.stop is not None or isinstance(self.sampler, PopulationSampler) else 1

    @property
    def num_wanted(self) -> int:
        """How many draws a chain, endpoints or populations it is to have."""
        return self.num_draws if self.axis else self.num_chains


def describe(stop: Stop) -> str:
    """The stopping rule as a phrase."""
    then = f", then {stop.extra_steps} more steps" if stop.extra_steps else ""
    match stop.rule:
        case "first_fit":
            rule = "first zero training error"
        case "loss":
            rule = f"training loss at most {stop.threshold:.4g} nats per datum"
        case "budget":
            return f"after {stop.max_steps} steps"
    return f"{rule}{then} (at most {stop.max_steps} steps)"
