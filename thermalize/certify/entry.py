"""One line of the certificate, and the families of lines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from samplers.target import Key

from .check import Check

type Preset = Literal["quick", "full"]
PRESETS: tuple[Preset, ...] = ("quick", "full")

FAMILIES = {
    "finite-step law": "the exact law of the update on a quadratic, at a large step",
    "bias": "a bias measured against its theory",
    "invariance": "exact draws stay exact, and forward and backward look alike",
    "joint distribution": "parameters and labels drawn in turn keep their joint law",
    "calibration": "ranks of the truth among posterior draws are uniform",
    "exact posterior": "averages over whole runs agree with a posterior that is known",
    "log evidence": "estimates agree with rejection or a closed form",
}


@dataclass(frozen=True)
class Entry:
    """One line of the certificate: a check, or a mutant that a check must catch."""

    name: str  # unique
    family: str
    judge: Callable[[Key], Check]
    mistake: str = ""  # of a mutant, in words

    def settled(self, check: Check) -> bool:
        """Whether it came out as it must: passed, or for a mutant failed."""
        return check.passed != bool(self.mistake)


def lazily(
    check: Callable[..., Check], sampler: object, known: Callable[[], object], size: dict[str, int]
) -> Callable[[Key], Check]:
    """A check, its exact law computed only when it runs."""
    return lambda key: check(key, sampler, known(), **size)
