"""The main job: run the arms of a comparison, judge them, keep everything in one store.

:func:`compare_arms` takes a task, a model and arms made in Python; :func:`compare` takes
the configuration of the command line and builds them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np

from models import Model, Network, Prior, Task, bayesian_model, input_shift, label_noise, mlp
from models.transforms import Shift
from samplers import prior_draws

from .build import build_arm, starting_law
from .catalogue import LIKELIHOODS, PRIORS, TASKS
from .config import RunConfig
from .errors import UserError
from .evaluate import evaluate
from .folder import REPORT, STORE
from .provenance import provenance, started
from .run import Arm, Blocks, Reporter, execute, silent_reporter
from .store import Store, create_run, open_run
from .version import __version__

NUM_PRIOR_CHAINS, NUM_PRIOR_DRAWS = 8, 128
DEFAULT_BLOCKS = Blocks()


def compare(
    config: RunConfig,
    folder: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Reporter = silent_reporter,
) -> dict[str, Any]:
    """Run the comparison that a configuration describes; returns the result, which the store keeps too.

    With ``resume`` a run that the folder holds goes on, its finished arms kept; with
    ``overwrite`` it is replaced. Raises :class:`UserError` for input that cannot work.
    """
    task = build_task(config)
    network = build_network(config, task)
    prior, model = build_model(config, network)
    return compare_arms(
        task,
        model,
        [build_arm(arm, network, prior, model.likelihood) for arm in config.arms],
        folder,
        seed=config.seed,
        beta=config.beta,
        noise_scale=config.noise_scale,
        blocks=Blocks(*(getattr(config, name) for name in Blocks._fields)),
        arguments=config.arguments(),
        resume=resume,
        overwrite=overwrite,
        progress=progress,
    )


def compare_arms(
    task: Task,
    model: Model,
    arms: Sequence[Arm],
    folder: Path | str,
    *,
    seed: int = 0,
    beta: float = 1.0,
    noise_scale: float | None = None,
    blocks: Blocks = DEFAULT_BLOCKS,
    arguments: dict[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Reporter = silent_reporter,
) -> dict[str, Any]:
    """Run arms on a task and compare each with the reference.

    One arm must have the role ``reference``. A control, the reference run again with
    half the draws under other keys, and the prior as ceiling are added where none is
    given. A regression must state its likelihood's ``noise_scale``. Raises ``ValueError``
    for arms that make no comparison, :class:`UserError` for a folder that holds a run.
    """
    clock, folder = started(), Path(folder)
    arms = _with_nulls(arms)
    likelihood: dict[str, Any] = {"name": model.likelihood.name}
    if likelihood["name"] == "gaussian":
        if noise_scale is None:
            raise ValueError("a regression must state its noise_scale, got None: give the likelihood's")
        likelihood["noise_scale"] = noise_scale
    arrays = [np.asarray(leaf) for leaf in jax.tree.leaves((task.train, task.probe))]
    attrs = provenance(
        seed=seed,
        arguments=arguments or {},
        arrays=arrays,
        citations=[arm.sampler.citation for arm in arms],
        devices=jax.devices(),
        batch=blocks._asdict(),
    )
    with _opened(folder, attrs, resume, overwrite) as store:
        before = store.attrs()
        store.update({"likelihood": likelihood, "beta": beta, "num_train": len(task.train.targets)})
        # A run that goes on may have further arms.
        store.update({key: attrs[key] for key in ("arguments", "citations")})
        execute(task, model, arms, store, seed=seed, beta=beta, blocks=blocks, reporter=progress)
        result = evaluate(store.tree())
        spent = clock.seconds(before)
        result = {
            "command": "compare",
            "version": __version__,
            "seed": seed,
            **result,
            "seconds": spent["wall_seconds"],
            "store": str(folder / STORE),
            "report": str(folder / REPORT),
        }
        store.update({"result": result, "complete": True, **spent})
    return result


def build_task(config: RunConfig) -> Task:
    """The task of a configuration, with its label noise and input shift."""
    key_data, key_noise, key_shift = jax.random.split(jax.random.key(config.seed), 3)
    task: Task = TASKS[config.task].load()(key_data, config.num_train, config.num_probe)
    if config.label_noise > 0:
        task = label_noise(key_noise, task, config.label_noise)
    if config.shift != "none":
        assert config.shift_strength is not None
        task = input_shift(key_shift, task, cast(Shift, config.shift), config.shift_strength)
    return task


def build_network(config: RunConfig, task: Task) -> Network:
    """The multilayer perceptron of a configuration, as wide at its ends as the task asks."""
    num_outputs = task.num_classes if TASKS[config.task].likelihood == "categorical" else 1
    assert num_outputs is not None
    return mlp([task.num_inputs, *config.widths, num_outputs], config.activation)


def build_model(config: RunConfig, network: Network) -> tuple[Prior, Model]:
    """Prior and model of a configuration."""
    scales = {"weight_scale": config.weight_scale, "bias_scale": config.bias_scale}
    if config.degrees_of_freedom is not None:
        scales["degrees_of_freedom"] = config.degrees_of_freedom
    prior: Prior = PRIORS[config.prior].load()(network, **scales)
    make_likelihood = LIKELIHOODS[TASKS[config.task].likelihood].load()
    likelihood = make_likelihood() if config.noise_scale is None else make_likelihood(config.noise_scale)
    start = starting_law(config.init, config.init_scale, network, prior)
    return prior, bayesian_model(network, prior, likelihood, init=start)


def _with_nulls(arms: Sequence[Arm]) -> list[Arm]:
    """The arms with a control and a ceiling added where none is given."""
    names = [arm.name for arm in arms]
    if len(set(names)) < len(names):
        raise ValueError(f"arms need names of their own, got {', '.join(names)}")
    references = [arm for arm in arms if arm.role == "reference"]
    if len(references) != 1:
        raise ValueError(
            f"one arm must have the role 'reference', got {len(references)}: "
            "set role='reference' on a sampler that targets the posterior exactly"
        )
    if not any(arm.role == "arm" for arm in arms):
        raise ValueError("there is nothing to compare with the reference: add an arm")
    arms = list(arms)
    if not any(arm.role == "control" for arm in arms):
        half = -(-references[0].num_draws // 2)
        arms.append(replace(references[0], name="control", role="control", num_draws=half))
    if not any(arm.role == "ceiling" for arm in arms):
        arms.append(Arm("prior", prior_draws(), "ceiling", NUM_PRIOR_CHAINS, NUM_PRIOR_DRAWS))
    return arms


def _opened(folder: Path, attrs: dict[str, Any], resume: bool, overwrite: bool) -> Store:
    if not (resume and (folder / STORE).exists()):
        return create_run(folder, attrs, overwrite=overwrite)
    store = open_run(folder, writable=True)
    stored = store.attrs()
    for name, (meaning, fix) in IDENTITY.items():
        if stored.get(name) != attrs[name]:
            store.close()
            raise UserError(
                f"the run was started with {meaning}",
                folder,
                f"{name} was {_differing(stored.get(name), attrs[name])}, is now "
                f"{_differing(attrs[name], stored.get(name))}: its draws could not be continued bit for bit",
                f"{fix}, or start another run with --out",
            )
    try:
        store.check()  # a disk may have lost what it took
    except BaseException:
        store.close()
        raise
    return store


def _differing(one: Any, other: Any) -> str:
    """A value; of a table only what differs from the other one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return (
            ", ".join(f"{key} {value}" for key, value in one.items() if other.get(key) != value) or "without"
        )
    return repr(one)


# What must be the same for a run to go on, and what to do where it is not.
IDENTITY = {
    "seed": ("another seed", "leave the seed out"),
    "data_hash": ("another data set", "go on with the data it was started on"),
    "num_devices": ("another number of devices", "go on with as many --cores as it was started with"),
    "device": ("another kind of device", "go on where the run was started"),
    "batch": ("other batch sizes", "go on with the version of thermalize that started it"),
    "packages": ("other versions", "install the versions that it was started with"),
    "thermalize_version": ("another version of thermalize", "install that version"),
}
