"""One line of the table: a value, its peer, and a goal that is met or not.

A ratio is formed within each repeat, from neighbours in time, and its median judged: other
work on the machine slows both sides of a repeat, and cancels.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Goal:
    """What the median ratio has to reach, or the value if the bound has a unit other than ``x``."""

    kind: Literal["at least", "at most"]
    bound: float
    unit: str = "x"

    def __str__(self) -> str:
        return f"{self.kind} {self.bound:,g} {self.unit}"


@dataclass(frozen=True)
class Row:
    """``ratios`` are paired with the peer, repeat by repeat; empty where there is no peer.

    ``value`` is ``None`` where nothing was measured, and ``note`` says why.
    """

    section: str
    name: str
    cores: int
    value: float | None
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratios: Sequence[float] = ()
    goal: Goal | None = None
    note: str = ""


def judged(row: Row) -> float | None:
    """The number the goal speaks of."""
    if row.goal is not None and row.goal.unit != "x":
        return row.value
    return statistics.median(row.ratios) if row.ratios else None


def met(row: Row) -> bool | None:
    """Whether the goal is reached; ``None`` without a goal or without a number.

    >>> row = Row("chains", "gradients", 1, 30.0, "1/s", "peer", 10.0, [2.0, 3.0, 4.0], Goal("at least", 3))
    >>> met(row)
    True
    """
    number = judged(row)
    if row.goal is None or number is None:
        return None
    return number >= row.goal.bound if row.goal.kind == "at least" else number <= row.goal.bound


def compared(
    section: str,
    name: str,
    unit: str,
    ours: tuple[int, Sequence[float] | None],
    theirs: tuple[str, Sequence[float] | None],
    goal: Goal | None = None,
    note: str = "",
) -> Row:
    """A row from figures that were taken in turn: ``(cores, figures)`` against ``(peer, figures)``.

    Figures that are missing stay missing. Raises ``ValueError`` unless both sides have
    one figure a repeat.

    >>> row = compared("chains", "gradients", "1/s", (1, [2.0, 6.0, 4.0]), ("peer", [1.0, 2.0, 4.0]))
    >>> row.value, row.peer_value, row.ratios
    (4.0, 2.0, [2.0, 3.0, 1.0])
    """
    cores, figures = ours
    peer, peer_figures = theirs
    both = figures is not None and peer_figures is not None
    return Row(
        section,
        name,
        cores,
        statistics.median(figures) if figures else None,
        unit,
        peer,
        statistics.median(peer_figures) if peer_figures else None,
        [a / b for a, b in zip(figures or (), peer_figures or (), strict=True)] if both else (),
        goal,
        note,
    )


def as_json(row: Row) -> dict[str, Any]:
    """The row with the median, the range and the judgement of its ratios."""
    found = asdict(row)
    ratios = list(row.ratios)
    found["ratios"] = ratios
    found["ratio"] = (
        {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)} if ratios else None
    )
    found["met"] = met(row)
    return found
