"""Cases of ``prunes_and_survives``: what is judged, what is shown beside it and what is stored."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compare import Verdict

from .claim import Case, Check, Number, Published, settled
from .damage import (
    BITS,
    GRADIENT,
    JITTER,
    MAGNITUDE,
    RANDOM,
    STRENGTHS,
    UNITS,
    Arm,
    accuracy,
    accuracy_change,
)
from .image_arms import System
from .strong_tickets import Strong, strong_numbers
from .survival_pictures import Pictured
from .survival_rule import EACH, HALF, judge, number_of
from .tickets import JUDGED, LEFT, Tickets, lead

type Array = np.ndarray
ENDPOINTS, DRAWS, INITIAL = "endpoints", "posterior draws", "initial networks"
SHOWN = ((MAGNITUDE, HALF), (GRADIENT, HALF), (RANDOM, HALF), (UNITS, 0.25), (JITTER, 0.2), (BITS, 4.0))


def case_of(
    label: str,
    conditions: dict[str, Any],
    chosen: System,
    arm: Arm | None,
    found: Tickets,
    beside: dict[str, Arm],
    searched: dict[str, Strong],
    checks: list[Check],
) -> Case:
    """The case of one optimiser and stop; without ``arm`` there are too few networks to judge."""
    if arm is None:
        verdict, reason = settled(Verdict.INCONCLUSIVE, "", checks)
        return Case(label, conditions, verdict, reason, [], checks)
    at = STRENGTHS[MAGNITUDE].index(HALF)
    cut = accuracy_change(arm.damaged[MAGNITUDE], at, arm.intact, chosen.labels)
    judged = found.at(JUDGED)
    ahead = lead(found.ticket[judged], found.random[judged])
    verdict, reason = settled(*judge(cut, ahead), checks)
    numbers = [
        number_of("change of accuracy with half the weights cut", cut, EACH),
        number_of(f"tickets less random ones, {JUDGED:g} of weights left", ahead, EACH),
        number_of("whole network less tickets of that size", lead(found.whole, found.ticket[judged])),
        number_of(
            "tickets less redrawn ones of that size", lead(found.ticket[judged], found.redrawn[judged])
        ),
        *_numbers(ENDPOINTS, arm, chosen.labels),
        *(number for name, other in beside.items() for number in _numbers(name, other, chosen.labels)),
        Number(
            "masks of tickets with a layer empty or no path to an output", float(found.num_empty), None, None
        ),
        *(number for name, best in searched.items() for number in strong_numbers(name, best)),
    ]
    return Case(label, conditions, verdict, reason, numbers, checks)


def _numbers(name: str, arm: Arm, labels: Array) -> list[Number]:
    empty, cut_off = (
        float(sum(getattr(found, what).sum() for found in arm.damaged.values()))
        for what in ("empty", "cut_off")
    )
    changes = [
        number_of(
            f"{name}: change of accuracy, {kind} {strength:g}",
            accuracy_change(arm.damaged[kind], STRENGTHS[kind].index(strength), arm.intact, labels),
        )
        for kind, strength in SHOWN
    ]
    return [
        number_of(f"{name}: accuracy", accuracy(arm.intact, labels)),
        *changes,
        Number(f"{name}: damaged networks with a layer empty", empty, None, None),
        Number(f"{name}: damaged networks without a path to an output", cut_off, None, None),
    ]


def stored_arm(arm: Arm, chosen: System) -> dict[str, Array]:
    """Accuracy of every network at every strength, ``(network, 1, strength)``, a kind each."""
    return {
        kind.replace(" ", "_"): (found.answers == chosen.labels).mean(-1)[:, None]
        for kind, found in arm.damaged.items()
    }


def stored_tickets(found: Tickets) -> dict[str, Array]:
    """Accuracy of the networks that looked for tickets, ``(network, 1)`` and ``(network, 1, size)``."""
    kinds = {"tickets": found.ticket, "random": found.random, "redrawn": found.redrawn}
    sizes = {
        name: np.stack([right.mean(-1) for right in rows], axis=-1)[:, None] for name, rows in kinds.items()
    }
    return {"whole": found.whole.mean(-1)[:, None], **sizes}


def plain(label: str) -> str:
    """A label as the name of an arm of the store."""
    return label.replace(", ", "-").replace(" ", "_")


def headline_of(cases: list[Case]) -> Number:
    """The least lead of tickets of any case."""
    name = "lead of tickets over random ones of equal size, least of all cases"
    known = [case.numbers[1] for case in cases if case.numbers]
    if not known:
        return Number(name, None, None, None)
    return min(known, key=lambda number: number.value or 0.0)._replace(name=name)


def published_of(pictured: list[Pictured]) -> list[Published]:
    """How small tickets may be and what they beat, theirs and ours."""

    def ours(left: Callable[[Tickets], list[Array]], right: Callable[[Tickets], list[Array]]) -> str:
        rows = (
            f"{one.task}, {optimiser}: "
            + ", ".join(
                f"{share:g} left {100 * lead(*pair).value:+.1f}"
                for share, *pair in zip(LEFT, left(found), right(found), strict=True)
            )
            for one in pictured
            for optimiser, found in one.tickets.items()
        )
        return "; ".join(rows) or "not measured in this preset"

    def ticket(found: Tickets) -> list[Array]:
        return found.ticket

    return [
        Published(
            "accuracy of tickets less that of the whole network, in points, by share of weights left",
            "not below zero down to 10 to 20 % of the weights (MNIST and CIFAR-10)",
            "Frankle and Carbin 2019",
            ours(ticket, lambda found: [found.whole] * len(LEFT)),
        ),
        Published(
            "accuracy of tickets less that of random ones of equal size, in points, by share of weights left",
            "positive: random networks of equal size learn more slowly and end less accurate, the more so "
            "the smaller they are (MNIST and CIFAR-10)",
            "Frankle and Carbin 2019",
            ours(ticket, lambda found: found.random),
        ),
        Published(
            "accuracy of tickets less that of their masks with other first values, in points, by share of "
            "weights left",
            "positive: tickets drawn anew learn more slowly and end less accurate (MNIST and CIFAR-10)",
            "Frankle and Carbin 2019",
            ours(ticket, lambda found: found.redrawn),
        ),
    ]
