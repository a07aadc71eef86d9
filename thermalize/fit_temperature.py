"""Which posterior of the family is nearest to an arm's endpoints, and what remains there.

Reads a finished run: its settings give task and model, its store the endpoints. Draws one tempered
pass for each prior scale; the run's arms stay as they are.
"""

import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from compare import Arm
from samplers import posterior
from samplers.draws import Draws

from .config import RunConfig
from .errors import UserError, suggest
from .family import CITATION, Rung, Size, draw_pass, fit_family
from .parts import build_model, build_network
from .plain import plain
from .predictions import ArmData, predictive, read_arm
from .prepare import data_arrays, observer
from .provenance import provenance
from .run import Reporter, silent_reporter
from .same_task import task_of_run
from .temperature_page import RULE, judged
from .version import __version__

type Array = np.ndarray

MIN_ENDPOINTS = 8


class Wanted(NamedTuple):
    """What is to be fitted."""

    arm: str
    prior_scales: Sequence[float]  # factors on the run's own scales of weights and biases
    betas: Sequence[float]  # rising
    size: Size
    seed: int


def endpoints_of(tree: xr.DataTree, name: str | None, folder: Path) -> ArmData:
    """The optimiser's arm of this name, or the first. Raises :class:`UserError` if there is none."""
    trained = [
        arm for arm, node in tree.children.items() if node.attrs["role"] == "arm" and node.attrs.get("stop")
    ]
    if not trained:
        raise UserError(
            "the run has no optimiser's arm",
            folder,
            f"its arms are {', '.join(tree.children)}",
            "compare one, with --arms sgd, say",
        )
    if name is not None and name not in trained:
        why = "it was not trained" if name in tree.children else "the run has no such arm"
        raise UserError("no endpoints to fit", name, why, suggest(name, trained))
    arm = read_arm(name or trained[0], tree.children[name or trained[0]], tree.attrs["likelihood"])
    if len(arm.usable) < MIN_ENDPOINTS:
        raise UserError(
            "too few endpoints",
            arm.name,
            f"{len(arm.usable)} of {len(arm.probabilities)} networks can be used, needed {MIN_ENDPOINTS}",
            f"train more: `thermalize extend {folder} --endpoints 100`",
        )
    return arm


def fit_temperature(
    tree: xr.DataTree,
    settings: RunConfig,
    wanted: Wanted,
    folder: Path,
    *,
    progress: Reporter = silent_reporter,
) -> dict[str, Any]:
    """The result as plain values. Raises :class:`UserError` if the task is not that of the run any more."""
    began = time.perf_counter()
    endpoints = endpoints_of(tree, wanted.arm, folder)
    task = task_of_run(tree, settings, folder)
    network = build_network(settings, task)
    predict = predictive(tree.attrs["likelihood"], np.asarray(task.train.targets))

    def as_arm(draws: Draws) -> Arm:
        return Arm(predict(draws.observed["logits"]), status=draws.status)

    key = jax.random.fold_in(jax.random.key(wanted.seed), zlib.crc32(b"fit-temperature"))
    passes: dict[float, list[Rung]] = {}
    for place, scale in enumerate(wanted.prior_scales):
        scaled = replace(
            settings, weight_scale=scale * settings.weight_scale, bias_scale=scale * settings.bias_scale
        )
        _, model = build_model(scaled, network)
        with progress(f"prior x {scale:g}") as report:
            passes[scale] = draw_pass(
                jax.random.fold_in(key, place),
                posterior(model, task.train, num_data=len(task.train.targets)),
                observer(model.apply),
                jnp.asarray(task.probe.inputs),
                as_arm,
                betas=wanted.betas,
                size=wanted.size,
                progress=report,
            )
    usable = endpoints.probabilities[endpoints.usable]
    fit = fit_family(passes, usable.reshape(-1, *usable.shape[2:]), seed=wanted.seed)
    known = provenance(
        seed=wanted.seed,
        arguments={
            "arm": endpoints.name,
            "prior_scales": list(wanted.prior_scales),
            "betas": list(wanted.betas),
            **wanted.size._asdict(),
            "run": dict(tree.attrs["arguments"]),
        },
        arrays=data_arrays(task),
        citations=[CITATION],
        devices=jax.devices(),
        batch={},
    )
    result = {
        "command": "fit-temperature",
        "version": __version__,
        "statement": f"Networks trained by {endpoints.name} are draws from a posterior of this family.",
        "arm": endpoints.name,
        "num_endpoints": len(usable),
        "rule": RULE,
        **judged(fit, passes),
        "seconds": time.perf_counter() - began,
        **known,
    }
    return dict(plain(result))
