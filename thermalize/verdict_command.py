"""The command ``thermalize verdict``: settle all claims, or collect those that are, and write one page."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from .carry_out import use_cores_once
from .claim_command import Preset
from .claims.names import STATEMENTS
from .errors import EXIT_FAILED, UserError, suggest
from .explain import explained
from .place import check_place

CERTIFICATE = Path("runs") / "certificate"
NEEDED = {"sampler", "family", "mistake", "settled", "detectable"}


def verdict(
    preset: Annotated[
        Preset, typer.Option(help="smoke: a minute; quick: a quarter of an hour; full: hours.")
    ] = "quick",
    only: Annotated[str | None, typer.Option(help="Some claims alone, with commas.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder [runs/verdict-PRESET-SEED].")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Certificate of the samplers to show [runs/certificate].")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed.")] = 0,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Settle every claim and write one page; claims that --out holds already are not run again."""
    with explained():
        names = (
            list(STATEMENTS) if only is None else [name.strip() for name in only.split(",") if name.strip()]
        )
        for name in names:
            if name not in STATEMENTS:
                raise UserError("unknown claim", name, "no claim has this name", suggest(name, STATEMENTS))
        if not names:
            raise UserError("there is no claim to settle", only, "--only names none", "leave it out for all")
        folder = out or Path("runs") / f"verdict-{preset}-{seed}"
        check_place(folder)
        certified = certificate_at(certificate)
        use_cores_once(cores)
        from .claims.catalogue import CLAIMS
        from .claims.verdict import put_down, settle_all, summary
        from .progress import progress_on

        began = time.perf_counter()
        with progress_on() as reporter:
            chosen = [CLAIMS[name] for name in dict.fromkeys(names)]
            records, failures = settle_all(chosen, folder, preset=preset, seed=seed, reporter=reporter)
        seconds = time.perf_counter() - began
        result = summary(records, failures, folder, preset=preset, seed=seed, seconds=seconds)
        put_down(result, records, folder, certified)
        if as_json:
            typer.echo(json.dumps(result, allow_nan=False))
        else:
            from rich.console import Console

            from .claims.table import all_claims

            all_claims(result, Console(file=sys.stdout))
        for name, error in failures.items():
            typer.echo(f"{name} could not be settled: {error}", err=True)
        if failures:
            raise typer.Exit(EXIT_FAILED)


def certificate_at(place: Path | None) -> dict[str, Any] | None:
    """What ``thermalize certify`` wrote, by folder or file; ``None`` where none was named and none is.

    Raises :class:`UserError` for what is no certificate.
    """
    chosen = place or CERTIFICATE
    record = chosen / "certificate.json" if chosen.is_dir() else chosen
    if place is None and not record.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(record.read_text())
        if found["command"] != "certify" or not all(set(row) >= NEEDED for row in found["rows"]):
            raise ValueError("it holds something else")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            "this is no certificate of the samplers",
            record,
            str(error).partition("\n")[0],
            "name the folder that `thermalize certify --out` wrote, or leave --certificate out",
        ) from error
    return found
