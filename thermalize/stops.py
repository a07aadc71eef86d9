"""Several stops of one training, in words: ``["first_fit", "first_fit+500", "loss<=0.1", "budget"]``.

Each is a rule, with ``+N`` for N steps more after it was met. The networks are trained
once, through all of them, and recorded at each: ``sgd@first_fit``, ``sgd@loss_0.1``, ...
are arms of their own, of the same networks. Nothing here imports jax.
"""

import math
import re
from typing import NamedTuple

PATTERN = re.compile(r"(?P<rule>first_fit|match|budget|loss<=(?P<level>[^+]+?))(\+(?P<steps>[0-9]+))?")
MOST_STEPS = 2**31 - 1


class Checkpoint(NamedTuple):
    """One of several stops; ``suffix`` names its arm."""

    rule: str  # first_fit, match, loss or budget
    threshold: float | None
    extra_steps: int
    suffix: str


def checkpoint(text: str) -> Checkpoint:
    """A stop from its words. Raises ``ValueError`` for any other words.

    >>> checkpoint("loss <= 0.1 + 50")
    Checkpoint(rule='loss', threshold=0.1, extra_steps=50, suffix='loss_0.1+50')
    """
    words = "".join(text.split())
    found = PATTERN.fullmatch(words)
    if not found:
        raise ValueError("it is none of first_fit, loss<=NUMBER, match and budget, with +STEPS or without")
    rule, threshold, steps = found["rule"], None, int(found["steps"] or 0)
    if steps > MOST_STEPS:
        raise ValueError(f"there can be at most {MOST_STEPS} steps more")
    if found["level"] is not None:
        rule, threshold = "loss", float(found["level"])
        if not math.isfinite(threshold):
            raise ValueError("the loss must be a finite number")
    if rule == "budget" and found["steps"]:
        raise ValueError("steps after budget would be ignored: raise max_steps instead")
    level = "" if threshold is None else f"_{threshold:g}"
    return Checkpoint(rule, threshold, steps, f"{rule}{level}" + (f"+{steps}" if steps else ""))


def are_stops(words: tuple[str, ...]) -> bool:
    """Whether all of these are stops, at least one, no two the same."""
    try:
        suffixes = [checkpoint(text).suffix for text in words]
    except ValueError:
        return False
    return bool(suffixes) and len(set(suffixes)) == len(suffixes)
