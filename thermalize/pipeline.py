"""The main job: run the arms of a comparison, judge them, keep everything in one store.

:func:`compare_arms` takes a task, a model and arms made in Python; :func:`compare` takes
the configuration of the command line and builds them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from models import Model, Task
from samplers import prior_draws

from .arm import Arm
from .blocks import DEFAULT_BLOCKS, Blocks
from .config import RunConfig
from .errors import UserError
from .evaluate import evaluate
from .folder import REPORT, STORE
from .parts import build_parts
from .prepare import Elsewhere, data_arrays, passes
from .provenance import first_difference, provenance, started
from .run import Reporter, execute, silent_reporter
from .store import Store, create_run, open_run
from .version import __version__

NUM_PRIOR_CHAINS, NUM_PRIOR_DRAWS = 8, 128


def compare(
    config: RunConfig,
    folder: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Reporter = silent_reporter,
    elsewhere: Elsewhere | None = None,
) -> dict[str, Any]:
    """Run the comparison that a configuration describes; returns the result, which the store keeps too.

    With ``resume`` a run that the folder holds goes on, its finished arms kept; with
    ``overwrite`` it is replaced. Networks are trained here, or ``elsewhere``. Raises
    :class:`UserError` for input that cannot work.
    """
    parts = build_parts(config)
    return compare_arms(
        parts.task,
        parts.model,
        parts.arms,
        folder,
        seed=config.seed,
        beta=config.beta,
        noise_scale=config.noise_scale,
        blocks=parts.blocks,
        arguments=config.arguments(),
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        elsewhere=elsewhere,
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
    elsewhere: Elsewhere | None = None,
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
    attrs = provenance(
        seed=seed,
        arguments=arguments or {},
        arrays=data_arrays(task),
        citations=[arm.sampler.citation for arm in arms],
        devices=jax.devices(),
        batch=blocks._asdict(),
    )
    with _opened(folder, attrs, resume, overwrite) as store:
        before = store.attrs()
        store.update({"likelihood": likelihood, "beta": beta, "num_train": len(task.train.targets)})
        # A run that goes on may have further arms.
        store.update({key: attrs[key] for key in ("arguments", "citations")})
        execute(
            task,
            model,
            arms,
            store,
            seed=seed,
            beta=beta,
            blocks=blocks,
            reporter=progress,
            elsewhere=elsewhere,
        )
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


def _with_nulls(arms: Sequence[Arm]) -> list[Arm]:
    """The arms with a control and a ceiling added where none is given."""
    names = [arm.name for arm in arms]
    if len(set(names)) < len(names):
        raise ValueError(f"arms need names of their own, got {', '.join(names)}")
    for name in names:  # each becomes a folder in the run's own
        if not name or name.startswith(".") or not name.isprintable() or set(name) & set("/\\"):
            raise ValueError(
                f"bad name of an arm, got {name!r}: it becomes the name of a group in the store; "
                "use letters, digits, - and _"
            )
    references = [arm for arm in arms if arm.role == "reference"]
    if len(references) != 1:
        raise ValueError(
            f"one arm must have the role 'reference', got {len(references)}: "
            "set role='reference' on a sampler that targets the posterior exactly"
        )
    if not any(arm.role == "arm" for arm in arms):
        raise ValueError("there is nothing to compare with the reference: add an arm")
    for together in passes(arms):
        if any(
            (arm.sampler, arm.num_chains) != (together[0].sampler, together[0].num_chains) for arm in together
        ):
            wrong = ", ".join(arm.name for arm in together)
            raise ValueError(f"arms that are trained as one must be the same networks, got {wrong}")
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
    try:
        changed = first_difference(store.attrs(), attrs)
        if changed:
            meaning, values, fix = changed
            raise UserError(
                f"the run was started with {meaning}",
                folder,
                f"{values}: its draws could not be continued bit for bit",
                f"{fix}, or start another run with --out",
            )
        store.check()  # a disk may have lost what it took
    except BaseException:
        store.close()
        raise
    return store
