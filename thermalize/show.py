"""A result as tables in a terminal, wide or narrow."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .wording import (
    duration,
    evidence_text,
    failures,
    fit_text,
    gate_text,
    interval,
    networks_text,
    number,
    unit_of,
)

type Row = Mapping[str, Any]

WIDE = 100  # columns from which every quantity has a column of its own
STYLES = {
    "SUPPORTED": "bold green",
    "EQUIVALENT": "green",
    "REFUTED": "bold red",
    "DIFFERENT": "red",
    "PARTLY": "bold yellow",
    "INCONCLUSIVE": "bold",
}


def render(result: Mapping[str, Any], console: Console) -> None:
    """Print the verdict, the distances, the controls, the arms and their behaviours."""
    wide = console.width >= WIDE
    _verdict(result, console)
    if result["comparisons"]:
        _table(console, "Distances, with intervals", _distances(result["comparisons"], wide))
        for row in result["comparisons"]:
            if row.get("among_left") != row.get("total_left") or row.get("among_right") != row.get(
                "total_right"
            ):
                _line(console, f"{row['arm']}, {row['name']}: {networks_text(row)} networks", "dim")
    else:
        _line(console, "No distance is available: no arm could be compared.")
    _table(console, "Controls", _controls(result["controls"]))
    _table(console, "Arms (loss and log score in nats per datum, the others are shares)", _arms(result, wide))
    for row in result["arms"]:
        for count, sentence in failures(row["status_counts"]):
            _line(console, f"{row['name']}: {number(count)} of {number(row['num_chains'])} {sentence}", "red")
        if row.get("fit") is not None:
            _line(console, f"{row['name']}: {fit_text(row['fit'], row['num_chains'])}")
        if row["evidence"] is not None:
            _line(console, f"{row['name']}: {evidence_text(row['evidence'])}")
    _table(console, "Behaviours: mean over networks ± 95 % interval of it", _behaviours(result))
    _line(console, f"seed {result['seed']}, {duration(result['seconds'])}", "dim")
    for name in ("store", "report"):
        console.print(Text(f"{name} {result[name]}"), soft_wrap=True)


def _verdict(result: Row, console: Console) -> None:
    headline, trust = result["headline"], result["trust"]
    _line(console, result["verdict"], STYLES[result["verdict"]])
    _line(console, result["statement"])
    _line(console, f"Why: {result['reason']}.")
    value = number(headline["value"])
    if headline["value"] is not None:
        value += f", interval {interval(headline['low'], headline['high'])}"
    _line(console, f"{headline['name']}: {value}")
    _line(
        console,
        "Reference trusted:" if trust["passed"] else "Reference NOT trusted:",
        "green" if trust["passed"] else "red",
    )
    for gate in trust["gates"]:
        _line(console, f"  {gate_text(gate)}")
    for arm, judged in result["verdicts"].items() if len(result["verdicts"]) > 1 else ():
        _line(console, f"{arm}: {judged['verdict']}, {judged['reason']}.")


def _distances(rows: Sequence[Row], wide: bool) -> Table:
    columns = ("Arm", "Distance", "Value", "Floor", "Ceiling", "Excess", "Closeness", "Outcome")
    table = _empty(columns if wide else ("Arm, distance", "Value"), numbers=columns[2:7] if wide else ())
    table.columns[0].max_width = 24
    for row in rows:
        distance = {"value": row["distance"], **row["interval"]}
        value, excess, closeness = (
            (number(span["value"]), interval(span["low"], span["high"]))
            for span in (distance, row["excess"], row["closeness"])
        )
        floor, ceiling = number(row["floor"]["mean"]), number(row["ceiling"]["mean"])
        outcome = Text(row["outcome"], STYLES[row["outcome"]])
        if wide:
            cells = ["\n".join(value), floor, ceiling, "\n".join(excess), "\n".join(closeness)]
            named = Text(f"{row['name']}\n{row['unit']}")
            table.add_row(Text(row["arm"]), named, *map(Text, cells), outcome)
        else:
            lines = [
                " ".join(value),
                f"floor {floor}, ceiling {ceiling}",
                f"excess {' '.join(excess)}",
                f"closeness {' '.join(closeness)}",
                "",
            ]
            named = Text(f"{row['arm']}\n{row['name']}, {row['unit']}")
            table.add_row(named, Text("\n".join(lines)).append(outcome))
    return table


def _controls(rows: Sequence[Row]) -> Table:
    table = _empty(("Control", "Expected", "Outcome", "Passed"))
    for row in rows:
        passed = Text("yes", "green") if row["passed"] else Text("no", "bold red")
        table.add_row(Text(row["name"]), Text(row["expected"]), Text(row["outcome"]), passed)
    return table


def _arms(result: Row, wide: bool) -> Table:
    columns = ["Arm", "Usable", "Loss", "Accuracy", "Time"]
    if wide:
        columns = [
            "Arm",
            "Role",
            "Usable",
            "Draws",
            "Effective",
            "Loss",
            "Error",
            "Accuracy",
            "Log score",
            "Time",
        ]
    table = _empty(columns, numbers=columns[2:])
    for row in result["arms"]:
        effective = row["effective_draws"]
        cells = {
            "Arm": row["name"],
            "Role": row["role"],
            "Usable": f"{number(row['num_usable'])} of {number(row['num_chains'])}",
            "Draws": number(row["num_draws"]),
            "Effective": "independent" if effective is None else number(effective, 4),
            "Loss": number(row["training_loss"]),
            "Error": number(row["training_error"]),
            "Accuracy": number(row["test_accuracy"]),
            "Log score": number(row["log_score"]),
            "Time": duration(row["seconds"]),
        }
        table.add_row(*(Text(cells[column]) for column in columns))
    return table


def _behaviours(result: Row) -> Table:
    rows, arms = result["behaviours"], [row["name"] for row in result["arms"]]
    names = list(dict.fromkeys(row["name"] for row in rows))
    table = _empty(["Arm", *(f"{name}, {unit_of(name)}" for name in names)])
    for arm in arms:
        found = {row["name"]: row for row in rows if row["arm"] == arm}
        table.add_row(Text(arm), *(Text(_with_error(found.get(name))) for name in names))
    return table


def _with_error(row: Row | None) -> str:
    if row is None or row["low"] is None or row["high"] is None:
        return number(None if row is None else row["mean"])
    return f"{number(row['mean'])} ±{number((row['high'] - row['low']) / 2, 2)}"


def _empty(columns: Sequence[str], numbers: Sequence[str] = ()) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold", title_justify="left")
    for column in columns:
        table.add_column(Text(column), justify="right" if column in numbers else "left", overflow="fold")
    return table


def _table(console: Console, title: str, table: Table) -> None:
    console.print()
    _line(console, title, "bold underline")
    console.print(table)


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style))
