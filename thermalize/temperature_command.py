"""``thermalize fit-temperature``: the posterior of the family nearest to an arm's endpoints."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from .carry_out import print_result, use_cores_once
from .errors import UserError
from .explain import explained
from .folder import LOCK, TEMPERATURE, file_errors, run_attrs, stored_result
from .place import check_place
from .resume_command import stored_settings


def fit_temperature(
    run: Annotated[Path, typer.Argument(help="The folder of the run.", metavar="RUN")],
    arm: Annotated[str | None, typer.Option(help="The optimiser's arm [the first].")] = None,
    prior_scales: Annotated[
        str, typer.Option(help="Factors on the prior's scales of weights and biases.")
    ] = "0.5,1,2",
    betas: Annotated[
        str | None,
        typer.Option(help="Lowest and highest inverse temperature [an eighth to 8 times the run's]."),
    ] = None,
    populations: Annotated[
        int, typer.Option(min=2, max=10**6, help="Independent populations of a pass.")
    ] = 4,
    particles: Annotated[int, typer.Option(min=50, max=10**9, help="Particles of each population.")] = 500,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="The seed [the run's].")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of the results [RUN/temperature].")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier fit of the arm.")
    ] = False,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Find the inverse temperature and prior scale whose posterior is nearest to trained networks.

    One tempered pass for each prior scale. The run's arms stay as they are.
    """
    with explained():
        attrs = run_attrs(run)
        check_finished(run, attrs)
        settings = stored_settings(run)
        scales = sorted(_numbers("--prior-scales", prior_scales, 1))
        low, high = (
            _numbers("--betas", betas, 2) if betas is not None else [settings.beta / 8, settings.beta * 8]
        )
        if len(set(scales)) < len(scales):
            raise UserError("a prior scale is given twice", prior_scales, "", "give each once")
        if low >= high:
            raise UserError(
                "bad value for --betas", betas, "the first must be below the second", "give 0.5,8, say"
            )
        for place in (run, out or run):  # before the minutes that it takes; the run's lock is taken too
            check_place(place)
        use_cores_once(cores)
        from .family import Size, ladder
        from .fit_temperature import Wanted, endpoints_of
        from .fit_temperature import fit_temperature as fitted
        from .progress import progress_on
        from .store import open_run

        store = open_run(run)
        store.check()
        tree = store.tree()
        name = endpoints_of(tree, arm, run).name
        folder = out or run / TEMPERATURE
        record = folder / f"{name}.json"
        if record.exists() and not overwrite:
            raise UserError(
                "the arm was fitted before", record, "", "give --overwrite to replace it, or another --out"
            )
        wanted = Wanted(
            name,
            scales,
            ladder(low, high),
            Size(populations, particles),
            attrs["seed"] if seed is None else seed,
        )
        with progress_on() as reporter:
            result = fitted(tree, settings, wanted, run, progress=reporter)
        _write(result, run, record)
        print_result(result, as_json)


def check_finished(run: Path, attrs: dict[str, Any]) -> None:
    """Refuse a claim, and a run that is not complete."""
    command = stored_result(run).get("command")
    if command != "compare":
        raise UserError(
            "this is not a comparison", run, f"`thermalize {command}` made it", "name the run of a comparison"
        )
    if not attrs.get("complete"):
        raise UserError(
            "the run is not finished",
            run,
            "it is still going on or was interrupted",
            f"go on with `thermalize resume {run}`",
        )


def _numbers(option: str, text: str, num: int) -> list[float]:
    """Positive finite numbers between commas, exactly two or at least one."""
    try:
        found = [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        found = []
    enough = len(found) == 2 if num == 2 else len(found) >= 1
    if not enough or not all(0 < value < math.inf for value in found):
        what = "two positive numbers" if num == 2 else "positive numbers"
        raise UserError(
            f"bad value for {option}", text, f"it must be {what} with a comma between", "give 0.5,2, say"
        )
    return found


def _write(result: dict[str, Any], run: Path, record: Path) -> None:
    from .lock import lock_folder
    from .pages import write_whole
    from .temperature_page import page

    report = record.with_suffix(".html")
    result |= {"store": str(record), "report": str(report)}
    with file_errors(record.parent), lock_folder(run, LOCK):
        write_whole(report, page(result))
        write_whole(record, json.dumps(result, indent=1, allow_nan=False))
