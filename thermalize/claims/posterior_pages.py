"""Pictures and words of the claim ``posterior_sample``, the same for every part of it."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .claim import Case, Evidence, Graph, Number, Published, Sampled
from .posterior_rule import EQUAL

type Array = np.ndarray

DISTANCE, FLOOR, CEILING = "total variation", "floor", "ceiling: the prior"
RANKS, NEAREST = "rank correlation of log probabilities", "total variation at the nearest posterior"


def cases_shown(
    family: str,
    cases: Sequence[Case],
    samples: Sequence[Sampled],
    data: Sequence[Array],
    citations: Sequence[str],
    published: Sequence[Published] = (),
) -> Evidence:
    """The evidence of one family of systems: its cases, side by side."""
    known = [case for case in cases if number_of(case, DISTANCE).value is not None]
    labels = [short(case.name) for case in known]
    graphs: list[Graph] = [
        Graph(
            f"How far endpoints are from the posterior: {family}",
            "Total variation with 95 % bounds of the truth, between its floor (equal laws at these "
            "sizes) and its ceiling (the prior). Nearest: that of all posteriors searched, by inverse "
            "temperature and prior scale. The dashed line is the most that counts as equal.",
            DISTANCE,
            labels,
            {
                "endpoints": [number_of(case, DISTANCE) for case in known],
                "nearest": [number_of(case, NEAREST) for case in known],
                "floor": [number_of(case, FLOOR) for case in known],
                "ceiling": [number_of(case, CEILING) for case in known],
            },
            EQUAL,
        ),
        Graph(
            f"Do ranks agree where probabilities do not? {family}",
            "Rank correlation of log probabilities beside the total variation of the same two laws: a high "
            "correlation can hide a large distance.",
            "rank correlation; total variation",
            labels,
            {
                "ranks": [number_of(case, RANKS) for case in known],
                "distance": [number_of(case, DISTANCE) for case in known],
            },
        ),
    ]
    return Evidence(
        list(cases),
        headline_of(cases),
        [*graphs] if known else [],
        list(samples),
        list(data),
        list(citations),
        list(published),
        answer_of(family, cases) if cases else "",
    )


def number_of(case: Case, name: str) -> Number:
    """The number of a case by its name; empty where it has none."""
    return next((one for one in case.numbers if one.name == name), Number(name, None, None, None))


def headline_of(cases: Sequence[Case]) -> Number:
    """Lower bound of the total variation from the posterior at first fit: median over cases, and range."""
    name = "total variation from the posterior at first fit, at least, median over cases"
    found = _bounds([case for case in cases if "first fit" in case.name])[:, 0]
    if not len(found):
        return Number(name, None, None, None, "interval: range")
    return Number(name, float(np.median(found)), float(found.min()), float(found.max()), "interval: range")


def answer_of(family: str, cases: Sequence[Case]) -> str:
    """How the answer depends on the stopping rule, in one sentence.

    It does if for most targets and optimisers the bounds at two stops do not even overlap.

    >>> from compare import Verdict
    >>> case = Case("a, first fit, zero-one", {}, Verdict.PARTLY, "", [Number(DISTANCE, 0.2, 0.1, 0.3)], [])
    >>> later = case._replace(name="a, later, zero-one", numbers=[Number(DISTANCE, 0.5, 0.4, 0.6)])
    >>> answer_of("toys", [case, later])
    'toys: the answer depends on the stopping rule (bounds apart in 1 of 1 pairs of stops); total variation, \
medians of its bounds, 0.10 to 0.30 at first fit (1 case), 0.40 to 0.60 later (1 case)'
    """
    groups: dict[str, list[Case]] = {}
    stops: dict[tuple[str, ...], list[Number]] = {}
    for case in cases:
        *start, stop, law = case.name.split(", ")
        words = (
            f"{'at ' if stop == 'first fit' else ''}{stop}{'' if law == 'zero-one' else f' against {law}'}"
        )
        groups.setdefault(words, []).append(case)
        stops.setdefault((*start, law), []).append(number_of(case, DISTANCE))
    found = {words: _bounds(some) for words, some in groups.items()}
    parts = [
        "{:.2f} to {:.2f} ".format(*np.median(bounds, axis=0))
        + f"{words} ({len(bounds)} case{'s' if len(bounds) > 1 else ''})"
        for words, bounds in found.items()
        if len(bounds)
    ]
    if not parts:
        return f"{family}: no case could be measured at any stopping rule"
    pairs = [_apart(one, other) for some in stops.values() for one, other in pairwise(some)]
    known = [apart for apart in pairs if apart is not None]
    beginning = "whether the answer depends on the stopping rule is not settled"
    if sum(known) > len(known) / 2:
        beginning = "the answer depends on the stopping rule"
    count = f"bounds apart in {sum(known)} of {len(known)} pairs of stops"
    return f"{family}: {beginning} ({count}); total variation, medians of its bounds, {', '.join(parts)}"


def _apart(one: Number, other: Number) -> bool | None:
    """Whether the bounds of two numbers do not overlap; ``None`` where one is not known."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None
    return one.high < other.low or other.high < one.low


def short(name: str) -> str:
    """The name of a case on three lines.

    >>> short("boolean-3, majority, sgd, first fit, zero-one")
    'boolean-3, majority,\\nsgd, first fit,\\nzero-one'
    """
    *start, optimiser, stop, law = name.split(", ")
    return f"{', '.join(start)},\n{optimiser}, {stop},\n{law}"


def _bounds(cases: Sequence[Case]) -> Array:
    """Bounds of the total variation, ``(case, 2)``: among few draws the distance itself is biased upwards."""
    found = [number_of(case, DISTANCE) for case in cases]
    known = [(one.low, one.high) for one in found if one.low is not None and one.high is not None]
    return np.array(known, float).reshape(-1, 2)
