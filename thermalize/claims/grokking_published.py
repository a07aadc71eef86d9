"""What others found of grokking, beside what this run found; theirs are other tasks, networks and sizes."""

from collections.abc import Sequence

from ..wording import number
from .claim import Case, Published

NOT_MEASURED = "not measured in this preset"


def published(cases: Sequence[Case]) -> list[Published]:
    """The rows of the table of published findings."""
    return [
        Published(
            "delay: steps to generalise against steps to memorise",
            "division modulo 97, half of the pairs, a two-layer transformer and Adam: pairs fitted within "
            "10^3 steps, the others known near 10^6",
            "Power et al. 2022",
            _delays(cases, "adamw"),
        ),
        Published(
            "data share and transition time",
            "the fewer pairs are given, the longer until the others are known, steeply below some share",
            "Power et al. 2022; Liu et al. 2022",
            _times(cases, "sgd"),
        ),
        Published(
            "order of events",
            "addition modulo 113, 30 % of the pairs, a one-block transformer with decay 1: fitted early, "
            "known after about 10^4 epochs, by weights of a few frequencies that grow before",
            "Nanda et al. 2023",
            _delays(cases, "gd"),
        ),
        Published(
            "the network of this page",
            "quadratic units, addition modulo 97, half of the pairs: full-batch gradient descent on the "
            "squared error groks without any decay",
            "Gromov 2023",
            _times(cases, "gd"),
        ),
    ]


def _delays(cases: Sequence[Case], arm: str) -> str:
    return _said(cases, arm, "times as long to generalise as to memorise", "times as long")


def _times(cases: Sequence[Case], arm: str) -> str:
    return _said(cases, arm, "time to know the others", "steps")


def _said(cases: Sequence[Case], arm: str, what: str, unit: str) -> str:
    """The number of every share, once: what these arms do does not depend on beta."""
    found: dict[str, str] = {}
    for case in cases:
        for one in case.numbers:
            if one.name == f"{arm}: {what}":
                never = "half never did" if one.value is None else f"{number(one.value)} {unit}"
                found.setdefault(f"share {case.conditions['data share']:g}", never)
    shares = ", ".join(f"{share}: {value}" for share, value in found.items())
    return f"{arm}, {shares}" if found else NOT_MEASURED
