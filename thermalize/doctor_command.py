"""The command ``thermalize doctor``: does the installation work, and what would mend it?

Exit code 2 if anything that is required does not work; a note alone is no failure.
"""

import json
import sys
from typing import Annotated

import typer

from .errors import EXIT_BAD_INPUT
from .explain import explained
from .version import __version__


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Check the installation, cores, caches, extras, disks and terminal, and say what to mend."""
    with explained():
        from .doctor import examine

        found = examine(sys.stdout, sys.stderr)
        failed = [finding for finding in found if finding.state == "failed"]
        if as_json:
            checks = [finding._asdict() for finding in found]
            result = {"command": "doctor", "version": __version__, "passed": not failed, "checks": checks}
            typer.echo(json.dumps(result))
        else:
            typer.echo(f"thermalize {__version__}")
            for finding in found:
                typer.echo(f"{finding.state:7} {finding.name}: {finding.found}")
                if finding.fix:
                    typer.echo(f"{'':9}fix: {finding.fix}")
            typer.echo(
                f"{len(failed)} of {len(found)} checks failed: see the lines above"
                if failed
                else "everything that is required works"
            )
        if failed:
            raise typer.Exit(EXIT_BAD_INPUT)
