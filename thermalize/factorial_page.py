"""A factorial design as tables in a terminal, and as one page."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .claims.claim import Graph, Number
from .claims.figures import pictures_of
from .figures import drawing
from .pages import environment
from .show import STYLES
from .wording import duration, interval, number

MOST_ROWS = 12  # of interactions in the terminal; the page has them all


def render(result: Mapping[str, Any], console: Console) -> None:
    """Print the verdict, the main effects, the largest interactions and how many cells have a response."""
    console.print(Text(result["verdict"], STYLES[result["verdict"]]), Text(result["statement"]))
    console.print(Text(f"Why: {result['reason']}."))
    console.print(Text(f"{result['task']}. Response: excess total variation of functions, 0 to 1."))
    lines = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for name in ("Effect", "", "95 % interval", "p by Holm", "Levels"):
        lines.add_column(name, overflow="fold")
    for row in shown(result):
        lines.add_row(
            Text(row["name"]),
            Text(number(row["value"])),
            Text(interval(row["low"], row["high"])),
            Text(number(row["adjusted"])),
            Text(row["levels"] if len(row["factors"]) == 1 else ""),
        )
    console.print(lines)
    console.print(Text(words_on_cells(result)))
    for gate in result["trust"]["gates"]:
        console.print(Text(f"{gate['name']}: {gate['detail']}", "" if gate["passed"] else "red"))
    console.print(Text(f"seed {result['seed']}, {duration(result['seconds'])}", "dim"))
    for name in ("store", "report"):
        console.print(Text(f"{name} {result[name]}"), soft_wrap=True)


def shown(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Main effects, and the largest interactions."""
    main = [row for row in result["effects"] if len(row["factors"]) == 1]
    others = [row for row in result["effects"] if len(row["factors"]) == 2]
    return main + sorted(others, key=lambda row: -abs(row["value"] or 0.0))[:MOST_ROWS]


def words_on_cells(result: Mapping[str, Any]) -> str:
    """How many cells have a response, and what that leaves."""
    cells = result["cells"]
    missing = [cell for cell in cells if cell["excess"] is None]
    words = f"{len(cells) - len(missing)} of {len(cells)} cells have a response"
    if missing and result["trust"]["passed"]:
        least = min(cell["met"] for cell in missing)
        words += f": in the others too few networks met their stop, {least:.0%} at least"
    for name, level in result["held"].items():
        words += f"; effects hold at {name} {level}"
    return words


def page(result: Mapping[str, Any]) -> str:
    """The result as one HTML page that needs nothing else."""
    with drawing():
        pictures = pictures_of(graphs_of(result))
    template = environment().get_template("factorial.html")
    return template.render(result=result, pictures=pictures, cells=words_on_cells(result))


def graphs_of(result: Mapping[str, Any]) -> list[Graph]:
    """Main effects and interactions as points with their intervals."""
    found = []
    for num, title in ((1, "What each setting does"), (2, "What two settings do together")):
        rows = [row for row in result["effects"] if len(row["factors"]) == num and row["value"] is not None]
        rows.sort(key=lambda row: -abs(row["value"]))
        numbers = [Number(row["name"], row["value"], row["low"], row["high"]) for row in rows]
        text = (
            "Change of the excess total variation from the first level to the second, with 95 % intervals."
            if num == 1
            else "Half of how much the effect of one changes with the other's level, with 95 % intervals."
        )
        labels = [(row["levels"] if num == 1 else row["name"]) for row in rows]
        found.append(Graph(title, text, "excess total variation", labels, {"effect": numbers}, 0.0))
    return found
