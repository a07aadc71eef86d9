"""A reference and the list of references as text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..listing import table
from ..wording import duration, gate_text, number
from .catalogue import REFERENCES
from .stored import stored_report

type Report = Mapping[str, Any]


def list_page(folder: Path) -> str:
    """Every reference in a line, with the state of its gates where it is stored."""
    rows = [
        (row["name"], row["gates"], row["made"], row["methods"], row["summary"]) for row in listed(folder)
    ]
    return "Certified references; `thermalize reference NAME` prints the gates of one\n" + table(
        [("name", "gates", "made", "methods", ""), *rows]
    )


def listed(folder: Path) -> list[dict[str, Any]]:
    """The same as plain values."""
    rows = []
    for name, entry in REFERENCES.items():
        try:
            report = stored_report(name, folder)
        except UserError:
            gates, made = "not stored", "-"
        else:
            num_passed = sum(gate["passed"] for gate in report["gates"])
            gates, made = f"{num_passed} of {len(report['gates'])} passed", report["created"][:10]
        rows.append(
            {
                "name": name,
                "gates": gates,
                "made": made,
                "methods": " and ".join(entry.methods),
                "law": entry.law,
                "summary": entry.summary,
            }
        )
    return rows


def report_page(report: Report) -> str:
    """The gates of one reference, its methods and its provenance."""
    passed = sum(gate["passed"] for gate in report["gates"])
    gates = [
        f"  {'ok  ' if gate['passed'] else 'FAIL'}  {gate_text(gate)}: {gate['meaning']}"
        for gate in report["gates"]
    ]
    methods = [
        (
            row["name"],
            f"{row['num_chains']} x {row['num_draws']:,}",
            number(row["effective_draws"]),
            number(row["log_evidence"]),
            number(row["standard_error"], 2),
            duration(row["seconds"]),
        )
        for row in report["methods"]
    ]
    behaviours = [
        (row["name"], row["arm"], number(row["mean"]), f"{number(row['low'])} to {number(row['high'])}")
        for row in sorted(report["behaviours"], key=lambda row: row["name"])
    ]
    versions = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    return "\n".join(
        [
            f"{report['reference']}: {report['summary']}",
            f"law: {report['law']}",
            f"{passed} of {len(report['gates'])} gates passed",
            *gates,
            "Methods",
            table([("", "chains x draws", "effective", "log evidence", "standard error", "time"), *methods]),
            "Behaviours: mean over draws, 95 % interval of it",
            table(behaviours),
            f"made {report['created']} by thermalize {report['thermalize_version']}, {report['git']}",
            f"with {versions}",
            f"again: {report['command']}",
        ]
    )
