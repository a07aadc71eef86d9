"""Settled claims in the terminal: one with a line a case, or all with a line a claim."""

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
    rows = [(case["verdict"], case["name"], case["reason"]) for case in result["cases"]]
    console.print(_lines("Case", "Why", rows))
    console.print(f"{duration(result['seconds'])}; page {result['report']}")


def all_claims(result: dict[str, Any], console: Console) -> None:
    """Print how many claims have which verdict, then one line a claim."""
    console.print(Text(result["verdict"], "bold"))
    rows = [(row["verdict"], row["claim"], row["reason"]) for row in result["claims"]]
    console.print(_lines("Claim", "Cases", rows))
    console.print(f"{duration(result['seconds'])}; page {result['report']}")


def _lines(what: str, why: str, rows: list[tuple[str, str, str]]) -> Table:
    lines = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for name in ("Verdict", what, why):
        lines.add_column(name, overflow="fold")
    for verdict, name, reason in rows:
        lines.add_row(Text(verdict, STYLES[verdict]), Text(name), Text(reason))
    return lines
