"""The command ``thermalize certify``: run the certification suite, print and keep its table.

Exit code 4 if a check failed or a mutant was missed: the table says which.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from .cores import available_cores, use_cores
from .errors import EXIT_NOT_CERTIFIED, UserError, suggest
from .explain import explained
from .place import check_place


def certify(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer chains, the same rules; minutes.")] = False,
    only: Annotated[str | None, typer.Option(help="Checks with this in their name or family.")] = None,
    out: Annotated[Path, typer.Option(help="The folder of the certificate.")] = Path("runs/certificate"),
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a certificate in --out.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Judge every sampler by laws that are known exactly, and see that every mutant is caught."""
    with explained(lambda: out):
        record = out / "certificate.json"
        if record.exists() and not overwrite:
            raise UserError(
                "the folder holds a certificate already", out, "", "give --overwrite or another --out"
            )
        check_place(out)  # before the minutes that it takes
        if "jax" not in sys.modules:
            use_cores(cores)
        from .certify.certificate import certify as judge
        from .certify.certificate import table, write
        from .certify.suite import suite
        from .progress import progress_on

        entries = suite("quick" if quick else "full")
        chosen = [entry for entry in entries if only is None or only in f"{entry.family}: {entry.name}"]
        if not chosen:
            words = sorted({entry.family for entry in entries} | {entry.name for entry in entries})
            raise UserError("no check has this in its name or family", only, "", suggest(only or "", words))
        with progress_on() as reporter, reporter("certify") as progress:
            result = judge(
                chosen,
                preset="quick" if quick else "full",
                seed=seed,
                num_threads=cores or available_cores(),
                progress=progress,
            )
        page = write(result, out)
        if as_json:
            typer.echo(json.dumps(result, allow_nan=False))
        else:
            from rich.console import Console

            table(result, Console(file=sys.stdout))
            typer.echo(f"page {page}")
        if not result["passed"]:
            typer.echo("not certified: see the lines FAILED and MISSED", err=True)
            raise typer.Exit(EXIT_NOT_CERTIFIED)
