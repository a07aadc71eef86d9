"""Run a claim and put it down: one result, one page, one store that arviz can read."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import xarray as xr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samplers.draws import Progress

from ..folder import STORE, file_errors
from ..pages import environment, write_whole
from ..plain import plain
from ..provenance import provenance
from ..show import STYLES
from ..version import __version__
from ..wording import duration, interval, number
from .claim import Claim, Evidence, Number, Preset, Sampled, together
from .figures import pictures_of
from .names import RECORD

PAGE = "claim.html"


def judge(claim: Claim, preset: Preset, seed: int, progress: Progress) -> tuple[dict[str, Any], Evidence]:
    """Run a claim and decide it; the result as plain values, and the evidence it rests on."""
    began = time.perf_counter()
    evidence = claim.run(preset, seed, progress)
    verdict, reason = together(evidence.cases)
    known = provenance(
        seed=seed,
        arguments={"claim": claim.id, "preset": preset},
        arrays=evidence.data,
        citations=evidence.citations,
        devices=jax.devices(),
        batch={},
    )
    words = {name: value for name, value in asdict(claim).items() if name != "run"}
    cases = [
        case._asdict() | {"numbers": _dicts(case.numbers), "checks": [c._asdict() for c in case.checks]}
        for case in evidence.cases
    ]
    checks = [check for case in cases for check in case["checks"]]
    result = {
        "command": "claim",
        "claim": claim.id,
        **words,
        "version": __version__,
        "preset": preset,
        "seed": seed,
        "verdict": verdict,
        "reason": reason,
        "headline": evidence.headline._asdict(),
        "trust": {"passed": all(check["passed"] for check in checks), "gates": checks},
        "cases": cases,
        "graphs": [
            graph._asdict() | {"series": {k: _dicts(v) for k, v in graph.series.items()}}
            for graph in evidence.graphs
        ],
        "published": [row._asdict() for row in evidence.published],
        "seconds": time.perf_counter() - began,
        **known,
    }
    return dict(plain(result)), evidence


def write(result: dict[str, Any], evidence: Evidence, folder: Path) -> Path:
    """Write store, record and page into ``folder``; returns the page's path."""
    result |= {"store": str(folder / STORE), "report": str(folder / PAGE)}
    page = (
        environment().get_template("claim.html").render(result=result, pictures=pictures_of(evidence.graphs))
    )
    with file_errors(folder):
        tree(result, evidence.samples).to_zarr(folder / STORE, mode="w", consolidated=False)
        write_whole(folder / PAGE, page)
        # Last: its presence says that the claim was settled.
        write_whole(folder / RECORD, json.dumps(result, indent=1, allow_nan=False))
    return folder / PAGE


def tree(result: dict[str, Any], samples: list[Sampled]) -> xr.DataTree:
    """The draws of every arm of every case as ArviZ trees, the result among the root's attributes."""
    nodes: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs={"result": result})}
    for sampled in samples:
        variables = {
            name: (("chain", "draw", *(f"{name}_{axis}" for axis in range(values.ndim - 2))), values)
            for name, values in sampled.variables.items()
        }
        nodes[f"/{sampled.arm}"] = xr.Dataset(attrs={"law": sampled.law})
        nodes[f"/{sampled.arm}/predictions"] = xr.Dataset(variables)
    return xr.DataTree.from_dict(nodes)


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


def _dicts(numbers: list[Number]) -> list[dict[str, Any]]:
    return [found._asdict() for found in numbers]
