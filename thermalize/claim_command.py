"""The command ``thermalize claim``: settle one claim by its own rule, or list them all."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .carry_out import print_result, use_cores_once
from .claims.names import STATEMENTS
from .errors import UserError, suggest
from .explain import explained
from .folder import check_replaceable

Preset = Literal["smoke", "quick", "full", "paper"]  # no `type` before it: typer reads that since 0.29 alone


def claim(
    name: Annotated[
        str | None, typer.Argument(help="The claim; without one, all are listed.", metavar="[CLAIM]")
    ] = None,
    preset: Annotated[
        Preset,
        typer.Option(help="smoke: seconds; quick: a minute or two; full: minutes; paper: a GPU or hours."),
    ] = "quick",
    out: Annotated[Path | None, typer.Option(help="The folder [runs/CLAIM-PRESET-SEED].")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in --out.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Settle one claim by the rule that was written for it; without a name, list the claims."""
    if name is None:
        for each, statement in STATEMENTS.items():
            typer.echo(f"{each:25} {statement}")
        return
    with explained():
        if name not in STATEMENTS:
            raise UserError("unknown claim", name, "no claim has this name", suggest(name, STATEMENTS))
        folder = out or Path("runs") / f"{name}-{preset}-{seed}"
        check_replaceable(folder, overwrite)  # before the minutes that it takes
        use_cores_once(cores)
        from .claims.catalogue import CLAIMS
        from .claims.judge import judge, write
        from .progress import progress_on

        with progress_on() as reporter, reporter(name) as progress:
            result, evidence = judge(CLAIMS[name], preset, seed, progress)
        write(result, evidence, folder, overwrite=overwrite)
        print_result(result, as_json)
