"""``thermalize volume``: how large a region of parameters the networks of a run stand for."""

from pathlib import Path
from typing import Annotated

import typer

from .carry_out import print_result, use_cores_once
from .explain import explained
from .folder import run_attrs
from .options import names_of
from .resume_command import stored_settings
from .temperature_command import check_finished


def volume(
    run: Annotated[Path, typer.Argument(help="The folder of the run.", metavar="RUN")],
    arms: Annotated[
        str | None, typer.Option(help="Arms to measure: sgd,hmc, say [all that keep parameters].")
    ] = None,
    networks: Annotated[int, typer.Option(min=1, max=10**6, help="Networks of each arm.")] = 4,
    draws: Annotated[
        int, typer.Option(min=50, max=10**9, help="Draws of each chain of a learning coefficient.")
    ] = 500,
    particles: Annotated[
        int, typer.Option(min=50, max=10**9, help="Particles of each pass for the evidence.")
    ] = 300,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="The seed [the run's].")] = None,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Measure volumes about a run's networks: evidence, learning coefficients, basins, cuts.

    Needs a run that keeps parameters, and leaves it as it is.
    """
    with explained():
        attrs = run_attrs(run)
        check_finished(run, attrs)
        settings = stored_settings(run)
        chosen = None if arms is None else names_of("--arms", arms)
        use_cores_once(cores)
        from .progress import progress_on
        from .store import open_run
        from .volume import Wanted
        from .volume import volume as measured

        wanted = Wanted(chosen, networks, draws, particles, attrs["seed"] if seed is None else seed)
        store = open_run(run)
        store.check()
        with progress_on() as reporter:
            result = measured(store.tree(), settings, wanted, run, progress=reporter)
        print_result(result, as_json)
