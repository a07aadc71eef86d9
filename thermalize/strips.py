r"""Distances on one axis from floor to ceiling, whatever their units.

A distance ``d`` is drawn at :math:`(d - \text{floor}) / (\text{ceiling} - \text{floor})`, which is one
minus the closeness: 0 is where the posterior stands against itself, 1 where the prior
does. Rows share this axis, so arms and distances can be compared at a glance; only the
row of a distance beyond the ceiling is drawn at a smaller scale, to hold it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .wording import interval, number

LEAST = -0.5  # what lies lower is drawn on the edge: a floor so uncertain has told enough
PADDING = 0.04  # of the axis, on both sides


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
    beyond: bool  # the distance is larger than the ceiling
    alternative: str


def strips(comparisons: Sequence[Mapping[str, Any]]) -> list[Strip | None]:
    """Rows on a common axis; ``None`` where floor and ceiling do not separate.

    >>> row = {"arm": "sgd", "name": "d", "outcome": "DIFFERENT", "distance": 0.5, "margin": 0.1,
    ...        "interval": {"low": 0.4, "high": 0.6}, "floor": {"low": 0.0, "mean": 0.0, "high": 0.0},
    ...        "ceiling": {"low": 1.0, "mean": 1.0, "high": 1.0}, "excess": {"value": 0.5}}
    >>> strip = strips([row])[0]
    >>> round(strip.distance.mean), round(strip.floor.mean, 1), round(strip.ceiling.mean, 1)
    (50, 4.0, 96.0)
    """
    rows = [_relative(row) for row in comparisons]
    low = max(LEAST, min([0.0, *(span.low for row in rows if row for span in row.values())]))
    high = max([1.0, *(row["ceiling"].high for row in rows if row)])
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
    high = max(high, *(span.high for span in row.values()))

    def percent(value: float) -> float:
        share = (max(value, low) - low) / (high - low)
        return round(100 * (PADDING + (1 - 2 * PADDING) * share), 2)

    spans = {name: Span(*(percent(value) for value in span)) for name, span in row.items()}
    return Strip(**spans, beyond=row["distance"].mean > row["ceiling"].mean, alternative=alternative)
