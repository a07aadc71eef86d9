r"""Distances on one axis from floor to ceiling, whatever their units.

A distance ``d`` is drawn at :math:`(d - \text{floor}) / (\text{ceiling} - \text{floor})`, which is one
minus the closeness: 0 is where the posterior stands against itself, 1 where the prior
does. All rows share the axis, so arms and distances can be compared at a glance.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .wording import interval, number

LEAST, MOST = -0.5, 1.6  # beyond these a mark is put on the edge of the axis


class Span(NamedTuple):
    """A point with its interval, in percent of the width of the axis."""

    low: float
    mean: float
    high: float


class Strip(NamedTuple):
    """One row."""

    floor: Span
    ceiling: Span
    distance: Span
    equal: Span  # from no excess to the margin; its middle is not used
    beyond: bool  # some mark lies off the axis and is drawn on its edge
    alternative: str


def strips(comparisons: Sequence[Mapping[str, Any]]) -> list[Strip | None]:
    """Rows on a common axis; ``None`` where floor and ceiling do not separate.

    >>> row = {"arm": "sgd", "name": "d", "outcome": "DIFFERENT", "distance": 0.5, "margin": 0.1,
    ...        "interval": {"low": 0.4, "high": 0.6}, "floor": {"low": 0.0, "mean": 0.0, "high": 0.0},
    ...        "ceiling": {"low": 1.0, "mean": 1.0, "high": 1.0}, "excess": {"value": 0.5}}
    >>> strip = strips([row])[0]
    >>> round(strip.distance.mean), round(strip.floor.mean, 1), round(strip.ceiling.mean, 1)
    (50, 4.5, 95.5)
    """
    rows = [_relative(row) for row in comparisons]
    values = [value for row in rows if row for span in row.values() for value in span]
    low = max(LEAST, min([0.0, *values]) - 0.05)
    high = min(MOST, max([1.0, *values]) + 0.05)
    return [
        None if row is None else _placed(row, low, high, describe(comparison))
        for row, comparison in zip(rows, comparisons, strict=True)
    ]


def describe(row: Mapping[str, Any]) -> str:
    """One comparison as a sentence."""
    floor, ceiling = row["floor"], row["ceiling"]
    return (
        f"{row['arm']}, {row['name']}: {number(row['distance'])}, interval "
        f"{interval(row['interval']['low'], row['interval']['high'])}, floor {number(floor['mean'])}, "
        f"ceiling {number(ceiling['mean'])}, margin {number(row['margin'])}: {row['outcome']}."
    )


def _relative(row: Mapping[str, Any]) -> dict[str, Span] | None:
    floor, ceiling, distance = row["floor"], row["ceiling"], row["distance"]
    ends = row["interval"]["low"], row["interval"]["high"]
    needed = [*floor.values(), *ceiling.values(), *ends, distance, row["margin"], row["excess"]["value"]]
    if any(value is None for value in needed) or ceiling["mean"] <= floor["mean"]:
        return None

    def span(low: float, mean: float, high: float) -> Span:
        reach = ceiling["mean"] - floor["mean"]
        return Span(*((value - floor["mean"]) / reach for value in (low, mean, high)))

    zero = distance - row["excess"]["value"]  # where the excess begins: not the floor for every distance
    return {
        "floor": span(floor["low"], floor["mean"], floor["high"]),
        "ceiling": span(ceiling["low"], ceiling["mean"], ceiling["high"]),
        "distance": span(ends[0], distance, ends[1]),
        "equal": span(zero, zero, zero + row["margin"]),
    }


def _placed(row: Mapping[str, Span], low: float, high: float, alternative: str) -> Strip:
    def percent(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 2)

    spans = {name: Span(*(percent(value) for value in span)) for name, span in row.items()}
    beyond = any(not low <= value <= high for span in row.values() for value in span)
    return Strip(**spans, beyond=beyond, alternative=alternative)
