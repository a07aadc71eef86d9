"""The command ``thermalize factorial``: which settings of training make the gap to the posterior."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .carry_out import print_result, use_cores_once
from .config import read_toml
from .explain import explained
from .factorial_design import Design, levels_of, make_design
from .folder import REPORT, STORE, check_replaceable, make_folder


def factorial(
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings; flags win over it.")] = None,
    stopping: Annotated[str | None, typer.Option(help="Steps after the first fit [0,500].")] = None,
    optimiser: Annotated[str | None, typer.Option(help="sgd, momentum or adam [sgd,adam].")] = None,
    batch_size: Annotated[str | None, typer.Option(help="Examples a step, 0: all [0,2].")] = None,
    learning_rate: Annotated[str | None, typer.Option(help="Times the optimiser's own [1,4].")] = None,
    prior_weight: Annotated[str | None, typer.Option(help="Of the objective [0,1].")] = None,
    start_scale: Annotated[str | None, typer.Option(help="Factor on a draw of the prior [1,0.5].")] = None,
    width: Annotated[str | None, typer.Option(help="Hidden units [8,32].")] = None,
    bits: Annotated[int | None, typer.Option(help="Bits of the Boolean task, 3 to 5 [4].")] = None,
    target: Annotated[
        str | None, typer.Option(help="single bit, majority, parity or random [majority].")
    ] = None,
    num_train: Annotated[int | None, typer.Option(help="Inputs that are given [8].")] = None,
    endpoints: Annotated[int | None, typer.Option(help="Networks in every cell [256].")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Most steps to the first fit [3000].")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed [0].")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder [runs/factorial-SEED].")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in --out.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Train under every combination of two levels of each setting, and say which make the gap.

    A setting with one level is held. The reference is exact: draws of the prior that fit.
    """
    words = {
        "stopping": stopping,
        "optimiser": optimiser,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "prior_weight": prior_weight,
        "start_scale": start_scale,
        "width": width,
    }
    numbers = {
        "bits": bits,
        "target": target,
        "num_train": num_train,
        "endpoints": endpoints,
        "max_steps": max_steps,
        "seed": seed,
    }
    with explained():
        given: dict[str, Any] = dict(read_toml(config).values) if config is not None else {}
        given |= {name: levels_of(name, text) for name, text in words.items() if text is not None}
        given |= {name: value for name, value in numbers.items() if value is not None}
        design = make_design(given)
        folder = out or Path("runs") / f"factorial-{design.seed}"
        check_replaceable(folder, overwrite)  # before the minutes that it takes
        use_cores_once(cores)
        result = _carry_out(design, folder, overwrite)
        print_result(result, as_json)


def _carry_out(design: Design, folder: Path, overwrite: bool) -> dict[str, Any]:
    """Run the design and write its folder, whole or not at all."""
    from .claims.judge import tree
    from .factorial import run, samples_of
    from .factorial_page import page
    from .pages import write_whole
    from .progress import progress_on

    with progress_on() as reporter, reporter("factorial") as progress:
        result, found = run(design, progress)
    result |= {"store": str(folder / STORE), "report": str(folder / REPORT)}

    def fill(place: Path) -> None:
        tree(result, samples_of(found)).to_zarr(place / STORE, mode="w", consolidated=False)
        write_whole(place / REPORT, page(result))

    make_folder(folder, fill, overwrite=overwrite).close()
    return result
