"""Predictions of one arm of a store, in the one form that all comparisons use.

Classification gives class probabilities. A regression's Gaussian predictive law is
cut into response bins, between the training targets' mean plus and minus four
standard deviations, and is a classification from there on.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit, softmax

from compare import Sample, binned_predictive, scalars, thinned

type Array = np.ndarray

NUM_BINS = 40


def probabilities(arm: xr.DataTree, likelihood: Mapping[str, Any]) -> Array:
    """Predicted probabilities ``(chain, draw, probe, class)`` of an arm's recorded outputs."""
    outputs = np.asarray(arm["predictions"]["logits"].values, np.float32)
    match likelihood["name"]:
        case "categorical":
            return softmax(outputs, axis=-1)
        case "bernoulli":
            return np.concatenate([expit(-outputs), expit(outputs)], axis=-1)
        case "gaussian":
            binned = binned_predictive(outputs[..., 0], likelihood["noise_scale"], _bin_edges(arm))
            return binned.astype(np.float32)
        case other:
            raise ValueError(f"the store names an unknown likelihood {other!r}")


def probe_labels(arm: xr.DataTree, likelihood: Mapping[str, Any]) -> Array:
    """True class, or response bin, of every probe, ``(probe,)`` integers."""
    targets = np.asarray(arm["predictions_constant_data"]["probe_targets"].values)
    if likelihood["name"] == "gaussian":
        return np.digitize(targets, _bin_edges(arm))
    return targets.astype(int)


def scalar_behaviours(arm: xr.DataTree, probs: Array, likelihood: Mapping[str, Any]) -> dict[str, Array]:
    """Scalar behaviours of every draw, each ``(chain, draw)``."""
    found = scalars(probs, probe_labels(arm, likelihood))
    if likelihood["name"] == "gaussian":
        outputs = np.asarray(arm["predictions"]["logits"].values)[..., 0]
        residual = outputs - arm["predictions_constant_data"]["probe_targets"].values
        rmse = np.sqrt(np.mean(residual**2, axis=-1))
        return {"root mean square error": rmse} | {k: found[k] for k in ("log score", "entropy")}
    return found


def all_behaviours(arm: xr.DataTree, probs: Array, likelihood: Mapping[str, Any]) -> Array:
    """Every behaviour that is compared, ``(chain, draw, behaviour)``: what the trust gates see."""
    flat = probs.reshape(*probs.shape[:2], -1)
    found = scalar_behaviours(arm, probs, likelihood)
    return np.concatenate([flat, np.stack(list(found.values()), axis=-1)], axis=-1)


def is_independent(arm: xr.DataTree) -> bool:
    """True for endpoints of training, which are independent by construction."""
    return bool(arm["predictions"].sizes["draw"] == 1)


def usable_sample(arm: xr.DataTree, probs: Array, effective: float | None) -> Sample:
    """The units of an arm: usable endpoints, or usable chains thinned to effective draws.

    ``effective`` is the number of effective draws of all chains together, ``None`` for
    independent draws. Chains and endpoints whose status is not ``"ok"`` are left out;
    they are counted in the arm's row.
    """
    usable = np.flatnonzero([sentence == "ok" for sentence in arm.attrs["status"]])
    num_chains, num_draws = probs.shape[:2]
    keep = np.arange(num_draws) if effective is None else thinned(num_chains, num_draws, effective)
    kept = probs[usable][:, keep]
    return Sample(kept.reshape(-1, *probs.shape[2:]), np.repeat(usable, len(keep)))


def _bin_edges(arm: xr.DataTree) -> Array:
    targets = arm["observed_data"]["targets"].values
    return np.linspace(targets.mean() - 4 * targets.std(), targets.mean() + 4 * targets.std(), NUM_BINS - 1)
