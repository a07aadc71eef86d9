"""A fit of the temperature as a table in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .show import STYLES
from .wording import duration, interval, number


def render(result: Mapping[str, Any], console: Console) -> None:
    """Print what was found, one line for each prior scale, and the gates."""
    console.print(Text(result["verdict"], STYLES[result["verdict"]]))
    console.print(Text(result["statement"]))
    console.print(Text(f"Why: {result['reason']}."))
    headline = result["headline"]
    value = number(headline["value"])
    if headline["value"] is not None:
        value += f", region {interval(headline['low'], headline['high'])}"
    console.print(Text(f"{headline['name']}: {value}"))
    lines = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for name in ("Prior scale", "Nearest beta", "Remains", "Floor", ""):
        lines.add_column(name, overflow="fold")
    for fit in result["fits"]:
        beta, remaining, floor = (fit[name] for name in ("beta", "remaining", "floor"))
        nearest = result["best"]["scale"] == fit["prior_scale"]
        notes = ["nearest"] * nearest + ["at an end of the ladder"] * fit["at_edge"]
        lines.add_row(
            Text(f"{fit['prior_scale']:g}"),
            Text(f"{number(beta['mean'])} {interval(beta['low'], beta['high'])}"),
            Text(f"{number(remaining['mean'])} {interval(remaining['low'], remaining['high'])}"),
            Text(interval(floor["low"], floor["high"])),
            Text(", ".join(notes)),
        )
    console.print(lines)
    for gate in result["trust"]["gates"]:
        style = "" if gate["passed"] else "red"
        console.print(Text(f"{gate['name']}: {gate['value']} {gate['meaning']}", style))
    console.print(Text(f"seed {result['seed']}, {duration(result['seconds'])}", "dim"))
    for name in ("store", "report"):
        console.print(Text(f"{name} {result[name]}"), soft_wrap=True)
