"""What every command that runs a comparison does: cores, progress, run, report, result on stdout."""

import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import typer

from .claims.names import PAGE
from .cluster import cluster
from .config import RunConfig
from .cores import use_cores
from .errors import UserError
from .estimate_page import estimate_page
from .folder import REPORT, run_attrs


def carry_out(
    settings: RunConfig,
    folder: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    cores: int | None = None,
    scheduler: str | None = None,
) -> dict[str, Any]:
    """Run a comparison with progress on stderr and write its report; returns the result.

    With a ``scheduler`` networks are trained on its Dask cluster.
    """
    use_cores_once(cores)
    with cluster(scheduler, settings) if scheduler is not None else nullcontext() as elsewhere:
        from .pipeline import compare
        from .progress import progress_on

        typer.echo(f"run folder: {folder}", err=True)
        with progress_on() as reporter:
            result = compare(
                settings,
                folder,
                resume=resume,
                overwrite=overwrite,
                progress=reporter,
                elsewhere=elsewhere,
            )
    write_report(folder)
    return result


def print_estimate(
    settings: RunConfig, *, done: Mapping[str, int], cores: int | None = None, as_json: bool
) -> None:
    """What a run will cost, measured with progress on stderr; ``done`` draws of an arm are there already."""
    use_cores_once(cores)
    from .dry_run import estimate
    from .progress import progress_on

    with progress_on() as reporter:
        found = estimate(settings, done, reporter)
    typer.echo(json.dumps(found, allow_nan=False) if as_json else estimate_page(found))


def use_cores_once(cores: int | None) -> None:
    """Choose the cores, unless jax is loaded: a caller inside Python may have chosen already."""
    if "jax" not in sys.modules:
        use_cores(cores)


def write_report(folder: Path) -> Path:
    """Write the report of a run, or the page of a settled claim; returns its path."""
    result = run_attrs(folder).get("result", {})
    if result.get("command") == "claim":
        from .claims.page import page
        from .pages import write_whole

        write_whole(folder / PAGE, page(result))
        return folder / PAGE
    if result.get("command") == "factorial":
        from .factorial_page import page as factorial_page
        from .pages import write_whole

        write_whole(folder / REPORT, factorial_page(result))
        return folder / REPORT
    from .report import write
    from .store import open_run

    store = open_run(folder)
    store.check()
    gone = {row["name"] for row in result.get("arms", [])} - set(store.finished())
    if gone:
        raise UserError(
            "arms of the result are not in the store",
            folder,
            f"{', '.join(sorted(gone))}: deleted, or more draws of them are being made",
            f"go on with `thermalize resume {folder}`",
        )
    write(store.tree(), folder / REPORT)
    return folder / REPORT


def print_result(result: dict[str, Any], as_json: bool) -> None:
    """A result on stdout, as tables or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(result, allow_nan=False))
        return
    from rich.console import Console

    if result["command"] == "claim":
        from .claims.table import table as render
    elif result["command"] == "fit-temperature":
        from .temperature_table import render
    elif result["command"] == "factorial":
        from .factorial_page import render
    elif result["command"] == "volume":
        from .volume_table import render
    else:
        from .show import render

    render(result, Console(file=sys.stdout))
