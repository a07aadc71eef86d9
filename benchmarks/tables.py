"""The rows as a table in Markdown, which is also what is printed, and as one JSON object."""

import statistics
from collections.abc import Sequence
from typing import Any

from .rows import Row, as_json, met

TITLES = ("row", "cores", "value", "peer", "peer's value", "ratio, median (range)", "goal", "met")


def markdown(rows: Sequence[Row], facts: dict[str, Any]) -> str:
    """Title, what was run where, the table with columns padded, and the notes."""
    cells = [TITLES, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(TITLES))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    parts = ["# Benchmarks", "", sentence(facts), "", *lines, ""]
    return "\n".join(parts + (["Notes", "", *dict.fromkeys(notes), ""] if notes else []))


def sentence(facts: dict[str, Any]) -> str:
    """How the numbers were taken."""
    kind = "Quick run, few repeats" if facts["quick"] else "Full run"
    versions = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    load = "" if facts["load"] is None else f" (load before the start {facts['load']:.1f})"
    return (
        f"{kind}: medians of {facts['repeats']} repeats, rivals in turn, compile time excluded, "
        f"{facts['seconds']:.0f} s on {facts['machine']}{load}, {facts['date']}. {versions}."
    )


def payload(rows: Sequence[Row], facts: dict[str, Any], curves: dict[str, Any]) -> dict[str, Any]:
    """What ``bench.json`` holds."""
    return {"benchmark": "thermalize", **facts, "rows": [as_json(row) for row in rows], "curves": curves}


def _cells(row: Row) -> tuple[str, ...]:
    ratio = ""
    if row.ratios:
        ratio = f"{statistics.median(row.ratios):.2f} ({min(row.ratios):.2f} to {max(row.ratios):.2f})"
    answer = met(row)
    return (
        row.name,
        str(row.cores),
        "absent" if row.value is None else f"{number(row.value)} {row.unit}".strip(),
        row.peer,
        ("absent" if row.peer else "") if row.peer_value is None else number(row.peer_value),
        ratio,
        "" if row.goal is None else str(row.goal),
        {True: "yes", False: "no", None: ""}[answer],
    )


def number(value: float) -> str:
    """Three digits, thousands separated.

    >>> number(213.4), number(1234567.0), number(0.01234), number(0.0)
    ('213', '1,234,567', '0.0123', '0')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
