"""Made-up runs in the layout of the store, for tests of what reads a store.

The numbers in the result are invented, all different from one another, so that a test
can tell where each was written. Nothing here trains or samples.
"""

from typing import Any, Literal

import numpy as np
import xarray as xr

from thermalize.config import Layer, make_config

from .invented import make_result

type Array = np.ndarray
type Kind = Literal["classification", "binary", "regression", "regression-1d"]

CLASSES = {"classification": 10, "binary": 1, "regression": 1, "regression-1d": 1}
LIKELIHOODS = {"classification": "categorical", "binary": "bernoulli"}
TASKS = {
    "classification": "digits",
    "binary": "digits_binary",
    "regression": "diabetes",
    "regression-1d": "regression_1d",
}


def make_run(
    kind: Kind = "classification",
    *,
    task: str | None = None,
    trusted: bool = True,
    num_chains: int = 4,
    num_draws: int = 50,
    num_seeds: int = 12,
    num_probes: int = 40,
    num_failed: int = 0,
) -> xr.DataTree:
    """A complete run: prior, hmc, control, sgd and adam.

    ``trusted=False`` makes the gates fail, the verdict INCONCLUSIVE and the headline
    ``None``. The first ``num_failed`` endpoints of ``adam`` diverged: their outputs are nan.
    """
    rng = np.random.default_rng(7)
    classes, regression = CLASSES[kind], kind.startswith("regression")
    features = 1 if kind == "regression-1d" else 8
    inputs = np.sort(rng.uniform(-2, 2, (num_probes, features)), axis=0).astype(np.float32)
    if regression:
        probe_targets: Array = (np.sin(2 * inputs[:, 0]) + 0.1 * rng.normal(size=num_probes)).astype(
            np.float32
        )
        train_targets: Array = np.sin(rng.uniform(-4, 4, 60)).astype(np.float32)
        truth = np.sin(2 * inputs)
    else:
        num_labels = max(classes, 2)
        probe_targets, train_targets = (
            rng.integers(0, num_labels, num_probes),
            rng.integers(0, num_labels, 300),
        )
        truth = 4 * (np.eye(num_labels)[probe_targets] if classes > 1 else 2 * probe_targets[:, None] - 1)
        truth = truth * np.where(rng.random((num_probes, 1)) < 0.15, -0.2, 1.0)

    def outputs(chains: int, draws: int, scale: float, spread: float) -> Array:
        noise = rng.normal(size=(chains, draws, num_probes, classes))
        size = 0.1 if regression else 1.3
        return (scale * truth + spread * size * noise).astype(np.float32)

    law = {"hmc": (1.0, 1.0), "control": (1.0, 1.0), "prior": (0.0, 6.0 if regression else 2.0)}
    law |= {"sgd": (1.05, 0.9), "adam": (1.4, 0.6)}
    roles = {"prior": "ceiling", "hmc": "reference", "control": "control", "sgd": "arm", "adam": "arm"}
    nodes: dict[str, xr.Dataset] = {}
    status_of: dict[str, list[str]] = {}
    for name, role in roles.items():
        chains, draws = (num_seeds, 1) if role == "arm" else (num_chains, num_draws)
        logits = outputs(chains, draws, *law[name])
        if not trusted and name == "hmc":
            logits[0] += 3.0
        failed = num_failed if name == "adam" else 0
        logits[:failed] = np.nan
        status_of[name] = ["diverged: objective not finite at step 40"] * failed
        status_of[name] += ["ok"] * (chains - failed)
        nodes |= _arm(name, role, rng, logits, inputs, probe_targets, train_targets, status_of[name])
    name = task or TASKS[kind]
    attrs = _provenance(name, kind) | {"result": make_result(regression, trusted, status_of)}
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs), **nodes})


def _arm(
    name: str,
    role: str,
    rng: np.random.Generator,
    logits: Array,
    inputs: Array,
    probe_targets: Array,
    train_targets: Array,
    status: list[str],
) -> dict[str, xr.Dataset]:
    chains, draws = logits.shape[:2]
    endpoint = role == "arm"
    shape = {"arm": 0.02, "ceiling": 3.0}.get(role, 0.05) * rng.gamma(40, 1 / 40, (chains, draws))
    stats: dict[str, tuple[tuple[str, ...], Array]] = {
        "loss": (("chain", "draw"), shape),
        "lp": (("chain", "draw"), -300 * shape),
        "diverging": (("chain", "draw"), np.zeros((chains, draws), bool)),
    }
    coords: dict[str, Array] = {}
    if endpoint:
        record = np.arange(0, 3001, 50)
        curve = 0.02 + 2.3 * np.exp(-record / 400) * rng.gamma(30, 1 / 30, (chains, draws, len(record)))
        curve[[sentence != "ok" for sentence in status]] = np.nan
        stats["loss_curve"] = (("chain", "draw", "record"), curve)
        coords["record"] = record
        stats["steps"] = (("chain", "draw"), np.linspace(1700, 2010, chains).round()[:, None].astype(int))
    elif role != "ceiling":
        stats["energy"] = (("chain", "draw"), 300 + 5 * rng.normal(size=(chains, draws)))
    attrs: dict[str, Any] = {
        "role": role,
        "sampler": name,
        "law": "the posterior, exactly invariant",
        "citation": "",
        "stopping": "training loss at most 0.05 nats per datum" if endpoint else "",
        "options": {},
        "status": status,
        "complete": True,
        "seconds": 5.2,
    }
    return {
        f"/{name}": xr.Dataset(attrs=attrs),
        f"/{name}/predictions": xr.Dataset({"logits": (("chain", "draw", "probe", "class"), logits)}),
        f"/{name}/predictions_constant_data": xr.Dataset(
            {"probe_inputs": (("probe", "feature"), inputs), "probe_targets": (("probe",), probe_targets)}
        ),
        f"/{name}/observed_data": xr.Dataset({"targets": (("datum",), train_targets)}),
        f"/{name}/sample_stats": xr.Dataset(stats, coords=coords),
    }


def _provenance(task: str, kind: str) -> dict[str, Any]:
    known = TASKS[kind]
    arguments = make_config(Layer({"seed": 3, "task": {"name": known}}), select=["sgd", "adam"]).arguments()
    likelihood: dict[str, Any] = {"name": LIKELIHOODS.get(kind, "gaussian"), "noise_scale": None}
    if likelihood["name"] == "gaussian":
        likelihood["noise_scale"] = 0.1
    return {
        "store_version": 1,
        "thermalize_version": "0.1.0",
        "created": "2026-11-22T04:00:00+00:00",
        "git": "0123456789ab (clean)",
        "packages": {"jax": "0.12.0", "blackjax": "1.7.1", "arviz": "1.3.0"},
        "platform": "Linux x86_64, 2 cores",
        "seed": 3,
        "arguments": arguments | {"task": task},
        "beta": 1.0,
        "num_devices": 2,
        "data_hash": "sha256:5f2a90",
        "citations": ["Duane et al. 1987; Neal 2011", "Szekely and Rizzo 2013"],
        "wall_seconds": 41.7,
        "cpu_seconds": 71.3,
        "complete": True,
        "likelihood": likelihood,
    }
