"""The command ``thermalize reference``: list references, show the gates of one, make one again.

Exit code 3 if a reference that was made fails a gate: it is printed and not stored.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .cores import use_cores
from .errors import EXIT_NOT_TRUSTED, UserError
from .explain import explained
from .place import check_place

MADE = Path("runs") / "references"


def reference(
    name: Annotated[str | None, typer.Argument(help="Show this one.", metavar="[NAME]")] = None,
    make: Annotated[bool, typer.Option("--make", help="Make it again, from nothing.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="With --make the folder to write to [runs/references], else to read.")
    ] = None,
    preset: Annotated[Literal["quick", "full"], typer.Option(help="quick draws less.")] = "full",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of the draws.")] = 0,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """List certified reference posteriors, print the gates of one, or make it again."""
    with explained():
        if make:
            report = _made(name, out or MADE, preset, seed, cores)
        elif name is None:
            _list(out, as_json)
            return
        else:
            from .references.stored import STORED, stored_report

            report = stored_report(name, out or STORED)
        if as_json:
            typer.echo(json.dumps(report, allow_nan=False))
        else:
            from .references.page import report_page

            typer.echo(report_page(report))
        if not all(gate["passed"] for gate in report["gates"]):
            typer.echo("a gate failed: the reference is not stored", err=True)
            raise typer.Exit(EXIT_NOT_TRUSTED)


def _list(folder: Path | None, as_json: bool) -> None:
    from .references.page import list_page, listed
    from .references.stored import STORED

    typer.echo(json.dumps(listed(folder or STORED)) if as_json else list_page(folder or STORED))


def _made(name: str | None, folder: Path, preset: str, seed: int, cores: int | None) -> dict[str, Any]:
    from .references.catalogue import REFERENCES

    if name is None:
        raise UserError(
            "nothing to make", None, "--make needs a name", f"choose from: {', '.join(sorted(REFERENCES))}"
        )
    from .references.stored import check_name, save

    check_name(name)  # before the seconds that importing jax takes, and the minutes of drawing
    check_place(folder)
    if "jax" not in sys.modules:
        use_cores(cores)
    from .progress import progress_on
    from .references.make import make, with_agreement

    with progress_on() as reporter:
        found = make(name, preset=preset, seed=seed, progress=reporter)
    judged = with_agreement(found)
    if judged.passed:
        typer.echo(f"stored: {save(found, folder)}", err=True)
    return judged.report
