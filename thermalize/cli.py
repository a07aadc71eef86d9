"""The command line: results to stdout, progress and messages to stderr.

Exit codes: 0 done, whatever the verdict; 2 bad input; 3 a reference that could not be
trusted, under ``--require-trust`` or when it was made; 4 a sampler that was not certified;
130 interrupted, what was finished kept. Whatever imports jax is imported inside the commands
that need it, so that help and refusals are instant.
"""

import gc
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from .carry_out import carry_out, print_estimate, print_result, use_cores_once, write_report
from .certify_command import certify
from .claim_command import claim
from .config import Layer, RunConfig, check_resumable, make_config, read_toml, stored_layer
from .doctor_command import doctor
from .errors import EXIT_NOT_TRUSTED, UserError, check_packages
from .explain import explained
from .factorial_command import factorial
from .folder import STORE, check_replaceable, damage, readable, stored_result
from .listing import kind_page, samplers_page, tasks_page
from .reference_command import reference
from .resume_command import DryRun, Scheduler, draws_done, extend, stored_arguments
from .resume_command import resume as resume_run
from .temperature_command import fit_temperature
from .verdict_command import verdict
from .version import __version__
from .volume_command import volume

app = typer.Typer(
    help="Does SGD thermalize? One loss, optimised and sampled, compared in function space with a verdict.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
Run = Annotated[Path, typer.Argument(help="The folder of the run.", metavar="RUN")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def main() -> None:
    """The command ``thermalize``."""
    # Programs in the making are millions of objects without a cycle; looking for one costs a sixth of a
    # short command's time.
    gc.set_threshold(50_000)
    for stream in (sys.stdout, sys.stderr):  # a terminal that has no ± shows a ?, and the result all the same
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with explained():
            check_packages()
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    app()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"thermalize {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def compare(
    task: Annotated[str | None, typer.Option(help="The task; `thermalize tasks` lists them.")] = None,
    preset: Annotated[str | None, typer.Option(help="quick (a minute) or full.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder [runs/TASK-PRESET-SEED].")] = None,
    arms: Annotated[
        str | None, typer.Option(help="What to compare: sgd,adam,hmc, say; `thermalize samplers` lists them.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings; flags win over it.")] = None,
    num_train: Annotated[int | None, typer.Option(help="Training examples.")] = None,
    num_probe: Annotated[int | None, typer.Option(help="Probe inputs.")] = None,
    label_noise: Annotated[
        float | None, typer.Option(help="Share of random training labels, 0 to 1.")
    ] = None,
    shift: Annotated[str | None, typer.Option(help="Shift of the probe inputs.")] = None,
    shift_strength: Annotated[float | None, typer.Option(help="Strength of the shift.")] = None,
    widths: Annotated[
        str | None, typer.Option(help="Hidden widths: 16 or 32,32; '' is a linear model.")
    ] = None,
    activation: Annotated[str | None, typer.Option(help="tanh, relu or gelu.")] = None,
    prior: Annotated[str | None, typer.Option(help="gaussian, laplace or student_t.")] = None,
    weight_scale: Annotated[float | None, typer.Option(help="Prior scale of weights.")] = None,
    bias_scale: Annotated[float | None, typer.Option(help="Prior scale of biases.")] = None,
    degrees_of_freedom: Annotated[float | None, typer.Option(help="Of a student_t prior.")] = None,
    noise_scale: Annotated[float | None, typer.Option(help="Noise of a regression.")] = None,
    init: Annotated[str | None, typer.Option(help="Law that training starts from.")] = None,
    init_scale: Annotated[float | None, typer.Option(help="Factor for --init scaled.")] = None,
    beta: Annotated[float | None, typer.Option(help="Inverse temperature of the posterior.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    require_trust: Annotated[
        bool, typer.Option("--require-trust", help="Exit with 3 if the reference is not trusted.")
    ] = False,
    cores: Annotated[int | None, typer.Option(min=1, max=1024, help="Cores to use [all].")] = None,
    scheduler: Scheduler = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Optimise and sample one network, compare what both do on new inputs, print the verdict."""
    flags = {
        "preset": preset,
        "seed": seed,
        "task.name": task,
        "task.num_train": num_train,
        "task.num_probe": num_probe,
        "task.label_noise": label_noise,
        "task.shift": shift,
        "task.shift_strength": shift_strength,
        "model.widths": None if widths is None else _widths(widths),
        "model.activation": activation,
        "model.prior": prior,
        "model.weight_scale": weight_scale,
        "model.bias_scale": bias_scale,
        "model.degrees_of_freedom": degrees_of_freedom,
        "model.noise_scale": noise_scale,
        "model.init": init,
        "model.init_scale": init_scale,
        "model.beta": beta,
    }
    folder = out
    with explained(lambda: folder):
        if resume and overwrite:
            raise UserError(
                "--resume and --overwrite contradict each other",
                None,
                "one keeps the run, one drops it",
                "give one",
            )
        layers = [read_toml(config)] if config else []
        layers += [_flag(path, value) for path, value in flags.items() if value is not None]
        select = None if arms is None else [name.strip() for name in arms.split(",") if name.strip()]
        settings, folder = _settings(layers, select, out, resume)
        if not resume:
            check_replaceable(folder, overwrite)  # before the seconds that importing jax takes
        if dry_run:
            done = draws_done(folder) if resume else {}
            print_estimate(settings, done=done, cores=cores, as_json=as_json)
            return
        result = carry_out(
            settings, folder, resume=resume, overwrite=overwrite, cores=cores, scheduler=scheduler
        )
        print_result(result, as_json)
        if require_trust and not result["trust"]["passed"]:
            typer.echo("the reference is not trusted: see the gates above", err=True)
            raise typer.Exit(EXIT_NOT_TRUSTED)


@app.command()
def show(run: Run, as_json: Json = False) -> None:
    """Print the result of a run as tables."""
    with explained(), readable(run):
        print_result(stored_result(run), as_json)


@app.command()
def report(run: Run) -> None:
    """Write the report of a run, one HTML page, and print its path."""
    with explained():
        stored_result(run)
        use_cores_once(None)
        with readable(run):
            written = write_report(run)
        typer.echo(str(written))


@app.command()
def tasks() -> None:
    """List tasks, shifts of their inputs, activations, priors and starting laws."""
    typer.echo(tasks_page())


@app.command()
def samplers(
    name: Annotated[
        str | None, typer.Argument(help="Show the options of this one.", metavar="[NAME]")
    ] = None,
) -> None:
    """List optimisers and samplers, or the options of one of them."""
    with explained():
        typer.echo(samplers_page() if name is None else kind_page(name))


app.command("resume")(resume_run)
app.command()(extend)
app.command()(reference)
app.command()(certify)
app.command()(claim)
app.command()(verdict)
app.command()(factorial)
app.command("fit-temperature")(fit_temperature)
app.command()(volume)
app.command()(doctor)


def _flag(path: str, value: object) -> Layer:
    section, _, key = path.rpartition(".")
    flag = "--task" if path == "task.name" else f"--{key.replace('_', '-')}"
    return Layer({section: {key: value}} if section else {key: value}, flag)


def _widths(text: str) -> list[int | str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [int(part) if part.lstrip("-").isdigit() else part for part in parts]


def _settings(
    layers: list[Layer], select: list[str] | None, out: Path | None, resume: bool
) -> tuple[RunConfig, Path]:
    """The configuration and the folder; a run that goes on keeps its stored settings."""
    folder = out
    if folder is None or not resume or not (folder / STORE).exists():
        settings = make_config(*layers, select=select)
        folder = folder or Path("runs") / f"{settings.task}-{settings.preset}-{settings.seed}"
    if resume and (folder / STORE).exists():
        stored = stored_arguments(folder)
        with damage(folder):
            before = stored_layer(stored)
        kept = [*before.values["arms"], *(name for name in select or [] if name not in stored["arms"])]
        settings = make_config(before, *layers, select=kept)
        check_resumable(stored, settings, folder)
    return settings, folder
