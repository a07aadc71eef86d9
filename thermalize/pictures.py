"""The figures of one run, drawn from its draws.

Chains and endpoints that failed are left out of the figures of behaviour and counted in
the arms' table; loss curves show them as far as they go.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from compare.trust import MAX_RHAT, MIN_BULK_ESS

from .figures import (
    Look,
    Losses,
    Picture,
    band_picture,
    calibration_picture,
    coverage_picture,
    energy_picture,
    entropy_picture,
    function_space_pictures,
    loss_pictures,
    residual_picture,
    scalar_diagnostics,
    scalar_pictures,
)
from .figures.diagnostics import ENERGY
from .predictions import read_arm

type Array = np.ndarray

MAX_NETWORKS = 1200  # of one arm, in figures of behaviour
MAX_CURVES = 2000  # endpoints in the figure of losses
MAX_FUNCTIONS = 160  # in histograms of R-hat and ESS
MIN_DRAWS = 20  # below, no diagnostics of chains are drawn


class Pictures(NamedTuple):
    """All figures, by section of the page."""

    scalars: list[Picture]
    predictions: list[Picture]
    diagnostics: list[Picture]
    losses: list[Picture]
    notes: list[str]  # what is not drawn and why

    @property
    def has_energy(self) -> bool:
        """Whether the reference has an energy plot."""
        return any(picture.title == ENERGY for picture in self.diagnostics)


def draw(tree: xr.DataTree, result: Mapping[str, Any], looks: Mapping[str, Look]) -> Pictures:
    """Draw every figure of the page. Call it inside :func:`thermalize.figures.drawing`."""
    notes: list[str] = []
    arms = {row["name"]: tree.children[row["name"]] for row in result["arms"] if row["name"] in tree.children}
    likelihood = tree.attrs["likelihood"]
    kept = {name: thinned_arm(arm, notes) for name, arm in arms.items()}
    usable = {name: arm for name, arm in kept.items() if arm is not None}
    if likelihood["name"] == "gaussian":
        predictions = _regression(usable, float(likelihood["noise_scale"]), looks)
    else:
        predictions = _classification(usable, likelihood, looks)
    reference = next(row["name"] for row in result["arms"] if row["role"] == "reference")
    return Pictures(
        scalar_pictures(in_order(result), looks),
        predictions,
        _diagnostics(arms[reference], likelihood, notes),
        _losses(arms, arms[reference], looks, notes),
        notes,
    )


def in_order(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of behaviours in the order of the arms."""
    place = {row["name"]: index for index, row in enumerate(result["arms"])}
    return sorted(result["behaviours"], key=lambda row: place[row["arm"]])


def thinned_arm(arm: xr.DataTree, notes: list[str]) -> xr.DataTree | None:
    """The usable chains of an arm with evenly spaced draws, ``None`` if no chain is usable."""
    usable = np.flatnonzero([sentence == "ok" for sentence in arm.attrs["status"]])
    if not usable.size:
        notes.append(f"{arm.name}: no chain or endpoint is usable, so its behaviour is not drawn.")
        return None
    if usable.size > MAX_NETWORKS:
        notes.append(
            f"{arm.name}: figures of behaviour use {MAX_NETWORKS:,} evenly spaced endpoints or chains of "
            f"{usable.size:,}."
        )
        usable = usable[_evenly(usable.size, MAX_NETWORKS)]
    num_draws = arm["predictions"].sizes["draw"]
    keep = min(num_draws, max(1, MAX_NETWORKS // usable.size))
    if keep < num_draws:
        notes.append(
            f"{arm.name}: figures of behaviour use {keep:,} evenly spaced draws of {num_draws:,} a chain."
        )
    return arm.isel(chain=usable, draw=_evenly(num_draws, keep))


def _evenly(size: int, keep: int) -> Array:
    """Evenly spaced indices, at most so many."""
    keep = min(size, keep)
    return ((np.arange(keep) + 0.5) * size / keep).astype(int)


def _classification(
    arms: Mapping[str, xr.DataTree], likelihood: Mapping[str, Any], looks: Mapping[str, Look]
) -> list[Picture]:
    data = {name: read_arm(name, arm, likelihood) for name, arm in arms.items()}
    if not data:
        return []
    probs = {name: arm.probabilities.reshape(-1, *arm.probabilities.shape[2:]) for name, arm in data.items()}
    pictures = [
        calibration_picture(name, index, values, data[name].labels, looks[name])
        for index, (name, values) in enumerate(probs.items())
    ]
    return [*pictures, entropy_picture(probs, looks, next(iter(probs.values())).shape[-1])]


def _regression(
    arms: Mapping[str, xr.DataTree], noise_scale: float, looks: Mapping[str, Look]
) -> list[Picture]:
    outputs = {
        name: _outputs(arm).reshape(-1, arm["predictions"].sizes["probe"]) for name, arm in arms.items()
    }
    if not outputs:
        return []
    first, known = next(iter(arms.values())), "predictions_constant_data"
    inputs, targets = values_of(first, known, "probe_inputs"), values_of(first, known, "probe_targets")
    found = []
    for index, (name, values) in enumerate(outputs.items()):
        if inputs.shape[1] == 1:
            found.append(band_picture(name, index, inputs[:, 0], values, noise_scale, targets, looks[name]))
        else:
            found.append(residual_picture(name, index, values, noise_scale, targets, looks[name]))
    return [*found, coverage_picture(outputs, noise_scale, targets, looks)]


def _diagnostics(arm: xr.DataTree, likelihood: Mapping[str, Any], notes: list[str]) -> list[Picture]:
    sizes = arm["predictions"].sizes
    usable = np.flatnonzero([sentence == "ok" for sentence in arm.attrs["status"]])
    if len(usable) < 2 or sizes["draw"] < MIN_DRAWS:
        notes.append(f"Diagnostics need two usable chains of at least {MIN_DRAWS} draws.")
        return []
    arm = arm.isel(chain=usable)
    stats = arm["sample_stats"]
    scalars = {"training loss": values_of(arm, "sample_stats", "loss")}
    if likelihood["name"] == "gaussian":
        residual = _outputs(arm) - values_of(arm, "predictions_constant_data", "probe_targets")
        scalars["root mean square error"] = np.sqrt(np.mean(residual**2, axis=-1))
    else:
        found = read_arm("", arm, likelihood).scalars
        scalars["log score"] = np.asarray(found["log score"], float)
    pictures = scalar_diagnostics(scalars, MIN_BULK_ESS)
    if "energy" in stats:
        energy = energy_picture(values_of(arm, "sample_stats", "energy"))
        pictures += [energy] if energy else []
    functions, total = _functions(arm, likelihood)
    return pictures + function_space_pictures(functions, total, MAX_RHAT, MIN_BULK_ESS)


def _functions(arm: xr.DataTree, likelihood: Mapping[str, Any]) -> tuple[Array, int]:
    """Probabilities, or mean responses, at evenly spaced probes: ``(chain, draw, function)``."""
    sizes = arm["predictions"].sizes
    num_probes = max(1, min(sizes["probe"], MAX_FUNCTIONS // sizes["class"]))
    probes = np.linspace(0, sizes["probe"] - 1, num_probes).round().astype(int)
    few = arm.isel(probe=probes)
    if likelihood["name"] == "gaussian":
        return _outputs(few), sizes["probe"]
    probs = read_arm("", few, likelihood).probabilities
    return probs.reshape(*probs.shape[:2], -1), sizes["probe"] * probs.shape[-1]


def _losses(
    arms: Mapping[str, xr.DataTree], reference: xr.DataTree, looks: Mapping[str, Look], notes: list[str]
) -> list[Picture]:
    found: dict[str, Losses] = {}
    for name, arm in arms.items():
        stats = arm["sample_stats"]
        if "loss_curve" in stats:
            total = stats.sizes["chain"]
            if total > MAX_CURVES:
                notes.append(
                    f"{name}: the figure of losses uses {MAX_CURVES:,} evenly spaced endpoints of {total:,}."
                )
            some = arm.isel(chain=_evenly(total, MAX_CURVES))
            curve = values_of(some, "sample_stats", "loss_curve")[:, 0]
            record = values_of(some, "sample_stats", "record")
            ended = values_of(some, "sample_stats", "steps")[:, 0]
            shown = int(np.searchsorted(record, ended.max())) + 1  # constant from there on
            found[name] = Losses(record[:shown], curve[:, :shown], ended, total)
        elif arm.attrs["role"] != "ceiling" and stats.sizes["draw"] > 1:
            found[name] = Losses(np.arange(stats.sizes["draw"]), values_of(arm, "sample_stats", "loss"), None)
    level = values_of(reference, "sample_stats", "loss")
    finite = level[np.isfinite(level)]
    return loss_pictures(found, looks, float(finite.mean()) if finite.size else None)


def _outputs(arm: xr.DataTree) -> Array:
    return values_of(arm, "predictions", "logits")[..., 0]


def values_of(arm: xr.DataTree, group: str, name: str) -> Array:
    """One variable of an arm as double precision numbers, read from the store."""
    return np.asarray(arm[group][name].values, float)
