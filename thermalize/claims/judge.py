"""Run a claim and put it down: one result, one page, one store that arviz can read."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import xarray as xr

from samplers.draws import Progress

from ..folder import STORE, STORE_VERSION, make_folder
from ..pages import write_whole
from ..plain import plain
from ..provenance import provenance
from ..seal import sealed
from ..version import __version__
from .claim import Claim, Evidence, Number, Preset, Sampled, together
from .names import PAGE, RECORD
from .page import page


def judge(claim: Claim, preset: Preset, seed: int, progress: Progress) -> tuple[dict[str, Any], Evidence]:
    """Run a claim and decide it; the result as plain values, and the evidence it rests on."""
    began = time.perf_counter()
    evidence = claim.run(preset, seed, progress)
    verdict, reason = together(evidence.cases)
    if evidence.answer:
        reason = "\n".join([evidence.answer, reason])
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
        "tables": [table._asdict() for table in evidence.tables],
        "published": [row._asdict() for row in evidence.published],
        "seconds": time.perf_counter() - began,
        **known,
    }
    return dict(plain(result)), evidence


def write(result: dict[str, Any], evidence: Evidence, folder: Path, *, overwrite: bool) -> Path:
    """Write store, record and page into ``folder``, whole or not at all; returns the page's path.

    Raises :class:`UserError` if the folder holds anything that may not be replaced.
    """
    result |= {"store": str(folder / STORE), "report": str(folder / PAGE)}

    def fill(place: Path) -> None:
        tree(result, evidence.samples).to_zarr(place / STORE, mode="w", consolidated=False)
        write_whole(place / PAGE, page(result))
        write_whole(place / RECORD, json.dumps(result, indent=1, allow_nan=False))

    make_folder(folder, fill, overwrite=overwrite).close()
    return folder / PAGE


def tree(result: dict[str, Any], samples: list[Sampled]) -> xr.DataTree:
    """The draws of every arm of every case as ArviZ trees, the result among the root's attributes."""
    words = {name: result[name] for name in ("seed", "arguments", "citations", "thermalize_version")}
    root = {"store_version": STORE_VERSION, "complete": True, **words, "result": result}
    nodes: dict[str, xr.Dataset] = {"/": xr.Dataset(attrs=sealed(root))}
    for sampled in samples:
        variables = {
            name: (("chain", "draw", *(f"{name}_{axis}" for axis in range(values.ndim - 2))), values)
            for name, values in sampled.variables.items()
        }
        nodes[f"/{sampled.arm}"] = xr.Dataset(attrs={"law": sampled.law})
        nodes[f"/{sampled.arm}/predictions"] = xr.Dataset(variables)
    return xr.DataTree.from_dict(nodes)


def _dicts(numbers: list[Number]) -> list[dict[str, Any]]:
    return [found._asdict() for found in numbers]
