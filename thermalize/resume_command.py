"""``thermalize resume`` and ``thermalize extend``: go on with a run, or add to one that is finished."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .carry_out import carry_out, print_estimate, print_result
from .config import RunConfig, make_config, stored_layer
from .errors import UserError
from .explain import explained
from .folder import STATE, damage, run_attrs
from .options import checked, positive_integer
from .roster import ArmConfig

Run = Annotated[Path, typer.Argument(help="The folder of the run.", metavar="RUN")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Cores = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Cores to use [as many as it was started with].")
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Train networks on a Dask cluster, tcp://host:port [here].", metavar="ADDRESS"),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the expected time, memory and disk, measured; run nothing.")
]


def resume(
    run: Run,
    cores: Cores = None,
    scheduler: Scheduler = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Go on with a run that was interrupted or killed, from its last finished chunk.

    The finished run is bit for bit that of a run that was never interrupted.
    """
    with explained(lambda: run):
        _go_on(stored_settings(run), run, cores, scheduler, dry_run, as_json)


def extend(
    run: Run,
    draws: Annotated[int | None, typer.Option(help="Draws to add to every chain of every sampler.")] = None,
    endpoints: Annotated[
        int | None, typer.Option(help="Trained networks to add to every optimiser's arm.")
    ] = None,
    cores: Cores = None,
    scheduler: Scheduler = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Add draws or trained networks to a run and compare again."""
    with explained(lambda: run):
        added = {
            name: checked(_COUNT, value, f"--{name}")
            for name, value in {"draws": draws, "endpoints": endpoints}.items()
            if value is not None
        }
        if not added:
            raise UserError(
                "nothing to add",
                None,
                "neither draws nor endpoints are asked for",
                "give --draws or --endpoints",
            )
        _go_on(extended(stored_settings(run), added), run, cores, scheduler, dry_run, as_json)


_COUNT = positive_integer("the number to add")


def stored_arguments(folder: Path) -> dict[str, Any]:
    """The arguments that a run was started with. Raises :class:`UserError` if a script or a claim made it."""
    with damage(folder):
        stored = dict(run_attrs(folder)["arguments"])
    if "claim" in stored:
        raise UserError(
            "this is a settled claim, not a run",
            folder,
            "a claim is settled in one go and cannot be gone on with",
            f"make it again with `thermalize claim {stored['claim']} --overwrite --out {folder}`",
        )
    if "levels" in stored:
        raise UserError(
            "this is a factorial, not a run",
            folder,
            "a factorial is made in one go and cannot be gone on with",
            f"make it again with `thermalize factorial --overwrite --out {folder}` and its settings",
        )
    if not stored:
        raise UserError(
            "the run was made in Python",
            folder,
            "its store does not say how its task and its arms were made",
            "go on where it was started: compare_arms(..., resume=True)",
        )
    return stored


def stored_settings(folder: Path) -> RunConfig:
    """The configuration that a run was started with. Raises :class:`UserError` as above, or if it is none."""
    stored = stored_arguments(folder)
    with damage(folder):
        return make_config(stored_layer(stored), select=list(stored["arms"]))


def _go_on(
    settings: RunConfig, folder: Path, cores: int | None, scheduler: str | None, dry_run: bool, as_json: bool
) -> None:
    with damage(folder):
        cores = cores or int(run_attrs(folder)["num_devices"])
    if dry_run:
        print_estimate(settings, done=draws_done(folder), cores=cores, as_json=as_json)
    else:
        print_result(carry_out(settings, folder, resume=True, cores=cores, scheduler=scheduler), as_json)


def draws_done(folder: Path) -> dict[str, int]:
    """How many draws of a chain, networks or populations a run holds of each arm."""
    from .state import num_done  # numpy

    return {path.stem: num_done(folder, path.stem) for path in (folder / STATE).glob("*.npz")}


def extended(settings: RunConfig, added: dict[str, int]) -> RunConfig:
    """The same with more draws or endpoints; a control has half as many draws as the reference."""

    def more(arm: ArmConfig) -> ArmConfig:
        options = dict(arm.options)
        if "num_endpoints" in options:
            options["num_endpoints"] += added.get("endpoints", 0)
        elif "num_draws" in options:
            share = 2 if arm.role == "control" else 1
            options["num_draws"] += -(-added.get("draws", 0) // share)
        return replace(arm, options=options)

    return replace(settings, arms=tuple(more(arm) for arm in settings.arms))
