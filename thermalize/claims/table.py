"""A settled claim in the terminal: the verdict, then one line a case."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..show import STYLES
from ..wording import duration, interval, number


def table(result: dict[str, Any], console: Console) -> None:
    """Print the verdict, then one line a case."""
    console.print(Text(result["verdict"], STYLES[result["verdict"]]), Text(result["statement"]))
    console.print(Text(result["reason"]))
    headline = result["headline"]
    console.print(
        f"{headline['name']}: {number(headline['value'])} {interval(headline['low'], headline['high'])}"
    )
    lines = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for name in ("Verdict", "Case", "Why"):
        lines.add_column(name, overflow="fold")
    for case in result["cases"]:
        lines.add_row(
            Text(case["verdict"], STYLES[case["verdict"]]), Text(case["name"]), Text(case["reason"])
        )
    console.print(lines)
    console.print(f"{duration(result['seconds'])}; page {result['report']}")
