"""What every claim has, and what its run must give.

A claim is judged in cases: one system under one set of conditions each. The rule says
what the numbers of a case mean; the verdicts of the cases together are the claim's. No
case has a verdict unless its controls came out right and its reference can be trusted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np

from compare import Verdict
from samplers.draws import Progress

type Preset = Literal["smoke", "quick", "full", "paper"]  # seconds; a minute; minutes; a GPU or a cluster


class Number(NamedTuple):
    """One number with its interval; ``None`` where there is none."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str = ""


class Check(NamedTuple):
    """A control whose right answer is known, or a gate that the reference must pass."""

    name: str
    passed: bool
    detail: str


class Case(NamedTuple):
    """One system under one set of conditions: its numbers, and what the rule makes of them."""

    name: str
    conditions: dict[str, Any]
    verdict: Verdict
    reason: str
    numbers: list[Number]
    checks: list[Check]


class Graph(NamedTuple):
    """Numbers of all cases side by side, for one picture: a point with its interval each."""

    title: str
    text: str
    axis: str
    labels: list[str]
    series: dict[str, list[Number]]
    line: float | None = None  # a value to compare with
    log: bool = False  # the axis


class Curve(NamedTuple):
    """Numbers along an axis, for one picture: a line with its band for every series."""

    title: str
    text: str
    x_axis: str
    y_axis: str
    x: list[float]
    series: dict[str, list[Number]]  # one number a point of ``x``; a value of ``None`` leaves a gap
    line: float | None = None  # a value to compare with
    log_x: bool = False
    log_y: bool = False


class Table(NamedTuple):
    """Words and numbers that no case is judged by, row by row."""

    title: str
    text: str
    columns: list[str]
    rows: list[list[str]]


class Published(NamedTuple):
    """A number of other work that measures the same, marked as theirs, beside ours."""

    what: str
    theirs: str
    source: str
    ours: str  # "not measured in this preset" where it was not


class Sampled(NamedTuple):
    """Draws of one arm of one case, for the store: variables ``(chain, draw, ...)``."""

    arm: str
    variables: dict[str, np.ndarray]
    law: str


class Evidence(NamedTuple):
    """All that a claim's run found."""

    cases: list[Case]
    headline: Number
    graphs: list[Graph | Curve]
    samples: list[Sampled]
    data: list[np.ndarray]  # what the systems learn from, for the hash
    citations: list[str]
    published: list[Published]
    answer: str = ""  # in words that code made from the numbers, a line for each family of systems
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Claim:
    """One claim: what is said, by whom, what is measured and what would settle it."""

    id: str
    statement: str
    source: str
    estimand: str
    rule: str  # parts with a blank line between; a part's further lines are its items
    run: Callable[[Preset, int, Progress], Evidence]


def joined(headline: Number, parts: Sequence[Evidence]) -> Evidence:
    """The evidence of several families of systems as one."""

    def all_of[T](lists: Sequence[Sequence[T]]) -> list[T]:
        return list(chain.from_iterable(lists))

    return Evidence(
        all_of([part.cases for part in parts]),
        headline,
        all_of([part.graphs for part in parts]),
        all_of([part.samples for part in parts]),
        all_of([part.data for part in parts]),
        list(dict.fromkeys(all_of([part.citations for part in parts]))),
        all_of([part.published for part in parts]),
        "\n".join(part.answer for part in parts if part.answer),
        all_of([part.tables for part in parts]),
    )


def settled(verdict: Verdict, reason: str, checks: Sequence[Check]) -> tuple[Verdict, str]:
    """The verdict, unless a check says that it cannot be given.

    >>> settled(Verdict.SUPPORTED, "it is", [Check("control", False, "came out different")])[1]
    'control: came out different'
    """
    wrong = [f"{check.name}: {check.detail}" for check in checks if not check.passed]
    return (Verdict.INCONCLUSIVE, "; ".join(wrong)) if wrong else (verdict, reason)


TOGETHER = "All cases together: SUPPORTED or REFUTED if every case is, PARTLY if some are SUPPORTED."


def together(cases: Sequence[Case]) -> tuple[Verdict, str]:
    """The claim's verdict, by the rule ``TOGETHER``.

    >>> case = Case("a", {}, Verdict.SUPPORTED, "", [], [])
    >>> together([case, case._replace(verdict=Verdict.REFUTED)])[1]
    'of 2 cases 1 SUPPORTED, 1 REFUTED'
    """
    counts = [(verdict, sum(case.verdict == verdict for case in cases)) for verdict in Verdict]
    plural = "" if len(cases) == 1 else "s"
    reason = f"of {len(cases)} case{plural} " + ", ".join(
        f"{count} {verdict}" for verdict, count in counts if count
    )
    found = {case.verdict for case in cases}
    if len(found) == 1:
        return found.pop(), reason
    if found & {Verdict.SUPPORTED, Verdict.PARTLY}:
        return Verdict.PARTLY, reason
    return Verdict.INCONCLUSIVE, reason
