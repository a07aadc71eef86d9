"""Volumes of a run's networks as a table in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .wording import duration, interval, number


def render(result: Mapping[str, Any], console: Console) -> None:
    """Print the evidence, a line for each measure with a column for each arm, and what was left out."""
    evidence = result["evidence"]
    console.print(
        Text(
            f"{number(result['parameters'])} parameters, {number(result['num_data'])} training targets, "
            f"beta {result['beta']:g}"
        )
    )
    names = {
        "integral": "log evidence, thermodynamic integral",
        "product": "log evidence, product of weights",
        "fit": "log share of the prior without training error",
    }
    for key, name in names.items():
        if key in evidence:
            console.print(Text(f"{name}: {_estimate(evidence[key])}"))
    if not evidence["agree"]:
        console.print(Text("The two estimators of the log evidence do not agree: trust neither.", "red"))
    lines = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    lines.add_column("Mean over networks, 95 % interval", overflow="fold")
    for row in result["rows"]:
        lines.add_column(f"{row['name']} ({row['networks']})", overflow="fold")
    for one in result["measures"]:
        unit = f", {one['unit']}" if one["unit"] else ""
        cells = [_cell(row["measures"][one["name"]], row["networks"]) for row in result["rows"]]
        lines.add_row(Text(f"{one['name']}{unit}"), *map(Text, cells))
    console.print()
    console.print(lines)
    console.print()
    for one in result["measures"]:
        console.print(Text(f"{one['name']}: {one['meaning']}", "dim"))
    for row in result["rows"]:
        for reason, count in row["reasons"].items():
            console.print(Text(f"{row['name']}, {count} of {row['networks']}: {reason}", "red"))
    for name, why in result["left_out"].items():
        console.print(Text(f"{name}: {why}", "dim"))
    console.print(Text(f"seed {result['seed']}, {duration(result['seconds'])}", "dim"))


def _estimate(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return str(found["reason"])
    return f"{number(found['value'])} {interval(found['low'], found['high'])} nats"


def _cell(found: Mapping[str, Any], num: int) -> str:
    if found["value"] is None:
        return "-"
    said = number(found["value"])
    if found["low"] is not None:
        said += f" {interval(found['low'], found['high'])}"
    return said if found["networks"] == num else f"{said}, of {found['networks']}"
