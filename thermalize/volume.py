"""How large a region of parameters the networks of a run stand for: a row of measures an arm.

Reads a finished run that keeps parameters; the run's arms stay as they are. Whatever an
estimator cannot say of a network is missing, with the reason.
"""

import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy import stats

from samplers import Target, hmc_moves, level_smc, populations, posterior
from samplers.volume import Estimate, thermodynamic_evidence

from .config import RunConfig
from .errors import UserError, suggest
from .layout import by_key_path
from .parts import build_model, build_network
from .plain import plain
from .run import Reporter, silent_reporter
from .same_task import task_of_run
from .version import __version__
from .volume_measures import MEASURES, Found, measure

type Array = np.ndarray

MOST_APART = 1.0  # nats, between the two estimators that read one tempered pass
NUM_PASSES = 4


class Wanted(NamedTuple):
    """What is to be measured, and how long."""

    arms: Sequence[str] | None  # all that keep parameters unless given
    networks: int  # of each arm
    draws: int  # of each chain of a learning coefficient
    particles: int
    seed: int


def volume(
    tree: xr.DataTree,
    settings: RunConfig,
    wanted: Wanted,
    folder: Path,
    *,
    progress: Reporter = silent_reporter,
) -> dict[str, Any]:
    """The result as plain values. Raises :class:`UserError` for a run without parameters or of other data."""
    began = time.perf_counter()
    names = keeping(tree, wanted.arms, folder)
    task = task_of_run(tree, settings, folder)
    _, model = build_model(settings, build_network(settings, task))
    target = posterior(model, task.train, num_data=len(task.train.targets), beta=settings.beta)
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    key = jax.random.fold_in(jax.random.key(wanted.seed), zlib.crc32(b"volume"))
    key_evidence, key_arms = jax.random.split(key)
    with progress("evidence") as report:
        evidence = evidence_of(key_evidence, target, wanted.particles, report)
    rows, baseline = [], None
    for name in names:
        networks = chosen_networks(tree.children[name], shapes, wanted.networks, name)
        with progress(name) as report:  # equal keys: the same rays and orders of cuts for every arm
            found = measure(key_arms, target, networks, wanted.draws, baseline, report)
        baseline = found.basins if baseline is None else baseline
        rows.append(row(name, tree.children[name].attrs["role"], found))
    left_out = {
        name: "it does not keep its parameters"
        for name in tree.children
        if name not in keeping(tree, None, folder)
    }
    size = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes))
    integral = evidence["integral"]
    return dict(
        plain(
            {
                "command": "volume",
                "version": __version__,
                "seed": wanted.seed,
                "verdict": None,
                "headline": {
                    "name": "log evidence of the training targets, nats",
                    "value": integral["value"],
                    "low": integral["low"],
                    "high": integral["high"],
                },
                "trust": {"passed": evidence["agree"], "gates": []},
                "parameters": size,
                "num_data": len(task.train.targets),
                "beta": settings.beta,
                "evidence": evidence,
                "measures": [one._asdict() for one in MEASURES],
                "rows": rows,
                "left_out": left_out,
                "seconds": time.perf_counter() - began,
                "store": str(folder),
                "report": None,
            }
        )
    )


def keeping(tree: xr.DataTree, wanted: Sequence[str] | None, folder: Path) -> list[str]:
    """The arms whose parameters are stored, those of ``wanted`` if given."""
    kept = [name for name, arm in tree.children.items() if "posterior" in arm.children]
    if not kept:
        some = next((name for name, arm in tree.children.items() if arm.attrs["role"] == "arm"), "sgd")
        raise UserError(
            "the run does not keep its parameters",
            folder,
            "its arms hold outputs on the probe, and volumes are measured about parameters",
            f"write `[arms.{some}]` and under it `keep_params = true` into a TOML file, the same for other "
            "arms, and make the run again with `thermalize compare --config FILE`",
        )
    for name in wanted or []:
        if name not in tree.children:
            raise UserError("the run has no such arm", name, "", suggest(name, kept))
        if name not in kept:
            raise UserError(
                "the arm does not keep its parameters", name, "", f"choose from: {', '.join(kept)}"
            )
    return kept if wanted is None else list(wanted)


def chosen_networks(arm: xr.DataTree, shapes: Any, num: int, name: str) -> Any:
    """Parameters ``(network, ...)`` of up to ``num`` usable networks, evenly over chains and draws."""
    known = arm.children["posterior"].dataset
    usable = np.flatnonzero(np.array([sentence == "ok" for sentence in arm.attrs["status"]]))
    if len(usable) == 0:
        raise UserError("no network of the arm can be used", name, f"all failed: {arm.attrs['status'][0]}")
    num_draws = known.sizes["draw"]
    total = len(usable) * num_draws
    places = np.unique(np.linspace(0, total - 1, min(num, total)).round().astype(int))
    chains, draws = usable[places // num_draws], places % num_draws
    leaves = []
    for path, shape in by_key_path(jax.tree.map(lambda leaf: np.empty(leaf.shape), shapes)).items():
        stored = known.get(path)
        if stored is None or stored.shape[2:] != shape.shape:
            raise UserError("the stored parameters are not those of the run's network", f"{name}/{path}")
        leaves.append(
            jnp.asarray(np.stack([stored[c, d].values for c, d in zip(chains, draws, strict=True)]))
        )
    return jax.tree.unflatten(jax.tree.structure(shapes), leaves)


def evidence_of(key: jax.Array, target: Target, num_particles: int, report: Any) -> dict[str, Any]:
    """Log evidence by two estimators of one pass, and of no training error where there are labels."""
    key_tempered, key_levels = jax.random.split(key)
    tempered = thermodynamic_evidence(
        key_tempered,
        target,
        moves=hmc_moves(3, 8),
        num_passes=NUM_PASSES,
        num_particles=num_particles,
        progress=report,
    )
    integral, product = tempered.integral, tempered.product
    agree = (
        integral.value is not None
        and product.value is not None
        and abs(integral.value - product.value) <= MOST_APART
    )
    found = {"integral": _spread(integral), "product": _spread(product), "agree": agree}
    if target.errors is None:
        return found
    _, levels = populations(
        key_levels,
        level_smc(num_particles=num_particles),
        target,
        lambda params, inputs: {},
        (),
        num_chains=NUM_PASSES,
        min_ancestors=1,  # the populations themselves are the error bar
    )
    value = levels.log_evidence
    return found | {"fit": _spread(Estimate(value, levels.standard_error, levels.reason))}


def _spread(found: Estimate) -> dict[str, Any]:
    """An estimate with its 95 % interval over the passes."""
    low = high = None
    if found.value is not None and found.standard_error is not None:
        half = float(stats.t.ppf(0.975, NUM_PASSES - 1)) * found.standard_error
        low, high = found.value - half, found.value + half
    return {"value": found.value, "low": low, "high": high, "reason": found.reason}


def row(name: str, role: str, found: Found) -> dict[str, Any]:
    """One arm: every measure as a mean over networks with its 95 % interval between networks."""
    measures = {}
    for one in MEASURES:
        values = np.array([value for value in found.values[one.name] if value is not None], float)
        mean = float(np.mean(values)) if len(values) else None
        low = high = None
        if mean is not None and len(values) > 1:
            half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
            low, high = mean - half, mean + half
        measures[one.name] = {"value": mean, "low": low, "high": high, "networks": len(values)}
    return {
        "name": name,
        "role": role,
        "networks": found.num_networks,
        "measures": measures,
        "reasons": found.reasons,
    }
