"""Pictures of ``prunes_and_survives``: what is left of arms as damage grows, and tickets by size."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from compare import CrossedMean

from .claim import Case, Curve, Graph, Number
from .damage import AXES, STRENGTHS, Arm, accuracy, unchanged
from .survival_rule import LEVEL, POINT
from .tickets import LEFT, Tickets

type Array = np.ndarray


class Pictured(NamedTuple):
    """All arms of one task, by name, and the tickets of its optimisers."""

    task: str
    arms: dict[str, Arm]
    tickets: dict[str, Tickets]
    labels: Array


def damage_curves(found: Pictured) -> list[Graph | Curve]:
    """Accuracy, and the share of answers that stay as they were, for every kind of damage."""
    curves: list[Graph | Curve] = []
    for kind, strengths in STRENGTHS.items():
        x = list(strengths)
        places = range(len(x))
        right = {
            name: [_number(accuracy(arm.damaged[kind].answers[:, at], found.labels)) for at in places]
            for name, arm in found.arms.items()
        }
        kept = {
            name: [_number(unchanged(arm.damaged[kind], at, arm.intact)) for at in places]
            for name, arm in found.arms.items()
        }
        curves += [
            Curve(
                f"Accuracy, {kind}: {found.task}",
                "Means with 95 % intervals over networks and images.",
                AXES[kind],
                "accuracy",
                x,
                right,
            ),
            Curve(
                f"Answers that stay as they were, {kind}: {found.task}",
                "Share of images that a network answers as it did before the damage; 95 % intervals.",
                AXES[kind],
                "share of answers",
                x,
                kept,
            ),
        ]
    return curves


def ticket_curves(found: Pictured) -> list[Graph | Curve]:
    """Accuracy of tickets, random and redrawn ones by the share of weights left, an optimiser each."""
    curves: list[Graph | Curve] = []
    for optimiser, each in found.tickets.items():
        whole = _number(accuracy_of(each.whole))
        series = {
            name: [whole, *(_number(accuracy_of(right)) for right in rows)]
            for name, rows in (
                ("tickets", each.ticket),
                ("random tickets", each.random),
                ("tickets, other first values", each.redrawn),
            )
        }
        curves.append(
            Curve(
                f"Tickets by size: {found.task}, {optimiser}",
                "Accuracy after equally many steps; all begin with the whole network at 1. Means with 95 % "
                "intervals over networks and images.",
                "share of weights left",
                "accuracy",
                [1.0, *LEFT],
                series,
                whole.value,
                log_x=True,
            )
        )
    return curves


def accuracy_of(right: Array) -> CrossedMean:
    """Mean of right answers ``(network, image)``."""
    return accuracy(right, np.ones(right.shape[1], bool))


def verdict_graph(cases: Sequence[Case]) -> Graph:
    """The two numbers that are judged, case by case."""
    known = [case for case in cases if case.numbers]
    return Graph(
        "Half the weights cut, and tickets against random ones",
        "Change of accuracy when half the weights go, allowed down to the dashed line, and lead of "
        "tickets over random ones of equal size, which must be above zero; 95 % intervals together.",
        "difference of accuracies",
        [case.name for case in known],
        {
            "half the weights cut": [case.numbers[0] for case in known],
            "tickets less random ones": [case.numbers[1] for case in known],
        },
        -POINT,
    )


def _number(found: CrossedMean) -> Number:
    return Number("mean", found.value, *found.interval(LEVEL))
