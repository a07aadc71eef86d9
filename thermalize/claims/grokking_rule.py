r"""The rule of ``grokking_is_search``: which basin is heavier, and who reaches the rule late.

A case is a share of the pairs and an inverse temperature. The static part asks which basin the
posterior holds more of, by the difference of free energies ``F_memorising - F_generalising``. The
kinetic parts ask how many times as long a method takes to know the other pairs as to fit its own:
local methods in their steps, tempered chains in theirs.

Source: Power et al. 2022 (the delay).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from compare import Median, Verdict

from ..passage_table import Arm
from .claim import Number

type Heavier = Literal["generalising", "memorising", "open"]
type Pace = Literal["late", "prompt", "open"]
LOCAL: tuple[Arm, ...] = ("gd", "sgd", "adamw", "sgld")
LATE = 3.0  # times as long to generalise as to memorise

RULE = (
    "A case is a data share and an inverse temperature. Heavier: the basin whose posterior mass is "
    "larger, by a 95 % interval of the free-energy difference on one side of 0, read only where the "
    f"chains pass every gate. Late: a method takes at least {LATE:g} times as long to know 95 % of the "
    "other pairs as to fit its own, by a 95 % interval of the ratio of the Kaplan-Meier medians, or does "
    "not get there within the run; prompt: less than that. SUPPORTED: the generalising basin is heavier, "
    "gradient descent, SGD, AdamW and SGLD are all late, and tempered chains are prompt. PARTLY: the "
    "generalising basin is heavier, but a local method is prompt or tempered chains are late. REFUTED: "
    "the memorising basin is heavier where SGD groks: half of its networks or more generalise, late. "
    "INCONCLUSIVE: anything else, masses that are not certified, or a control that came out wrong."
)


class Passing(NamedTuple):
    """How long a method took under one condition, in its steps; ``None`` in a median: half never did."""

    memorised: Median
    generalised: Median
    delay: Median
    num_networks: int
    num_never_memorised: int
    num_never_generalised: int
    num_failed: int


def pace(found: Passing) -> Pace:
    """Whether the rule came late, once the pairs were fitted.

    An interval without an end is endless: runs that never generalised reach beyond every factor.

    >>> fast, slow, never = Median(20.0, 10.0, 30.0), Median(900.0, 500.0, None), Median(None, None, None)
    >>> rows = [(fast, slow, Median(45.0, 25.0, 80.0)), (fast, never, never), (never, never, never)]
    >>> [pace(Passing(*row, 8, 0, 0, 0)) for row in rows]
    ['late', 'late', 'open']
    """
    if found.memorised.value is None:
        return "open"
    low = np.inf if found.delay.low is None else found.delay.low
    high = np.inf if found.delay.high is None else found.delay.high
    return "late" if low >= LATE else "prompt" if high < LATE else "open"


def heavier(low: float, high: float) -> Heavier:
    """The heavier basin, from the interval of ``F_memorising - F_generalising``.

    >>> heavier(0.5, np.inf), heavier(-2.0, -1.0), heavier(-1.0, 1.0)
    ('generalising', 'memorising', 'open')
    """
    return "generalising" if low > 0 else "memorising" if high < 0 else "open"


def judge(mass: Heavier, local: Mapping[Arm, Passing], tempered: Passing) -> tuple[Verdict, str]:
    """The rule, for one case; ``local`` has the methods that were run, by name.

    >>> late = Passing(Median(9.0, 8.0, 10.0), Median(90.0, 80.0, 99.0), Median(10.0, 8.0, 12.0), 8, 0, 0, 0)
    >>> prompt = late._replace(delay=Median(1.5, 1.0, 2.0))
    >>> every = dict.fromkeys(LOCAL, late)
    >>> rows = [("generalising", prompt), ("generalising", late), ("memorising", prompt), ("open", prompt)]
    >>> [judge(mass, every, tempered)[0].value for mass, tempered in rows]
    ['SUPPORTED', 'PARTLY', 'REFUTED', 'INCONCLUSIVE']
    """
    paces = {name: pace(row) for name, row in local.items()}
    hot = pace(tempered)
    words = (
        f"heavier basin: {mass}; "
        + ", ".join(f"{name} {paces.get(name, 'not run')}" for name in LOCAL)
        + f", tempered chains {hot}"
    )
    if mass == "memorising" and groks(local.get("sgd")):
        return Verdict.REFUTED, words
    if mass == "memorising":
        return Verdict.INCONCLUSIVE, f"{words}; SGD does not grok here, so there is nothing to explain"
    if mass == "generalising":
        if hot == "prompt" and all(paces.get(name) == "late" for name in LOCAL):
            return Verdict.SUPPORTED, words
        if hot == "late" or "prompt" in paces.values():
            return Verdict.PARTLY, words
    return Verdict.INCONCLUSIVE, words


def groks(sgd: Passing | None) -> bool:
    """Whether half of the networks or more generalise, late."""
    return sgd is not None and sgd.generalised.value is not None and pace(sgd) == "late"


def as_numbers(name: str, found: Passing, unit: str) -> list[Number]:
    """Medians with their intervals, and the runs that never got there."""
    return [
        Number(f"{name}: time to fit its pairs", *found.memorised, unit=unit),
        Number(f"{name}: time to know the others", *found.generalised, unit=unit),
        Number(f"{name}: times as long to generalise as to memorise", *found.delay),
        *(
            Number(f"{name}: runs of {found.num_networks} that {what}", float(count), None, None)
            for what, count in (
                ("never memorised", found.num_never_memorised),
                ("never generalised", found.num_never_generalised),
                ("diverged", found.num_failed),
            )
        ),
    ]
