"""From the draws in a store to comparisons, controls, trust and a verdict.

Reads nothing but the store, so a verdict can be computed again long after the run.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from compare import (
    RULE,
    Comparison,
    Control,
    Outcome,
    Sample,
    accuracy,
    averaged_disagreement,
    averaged_total_variation,
    bulk_ess,
    chance_agreement,
    classifier_two_sample_test,
    compare_samples,
    decide,
    energy,
    judge_reference,
    overall,
)

from .plain import plain
from .predictions import (
    all_behaviours,
    is_independent,
    probabilities,
    probe_labels,
    scalar_behaviours,
    usable_sample,
)

type Array = np.ndarray
type Likelihood = Mapping[str, Any]

STATEMENT = (
    "A network trained by {arm} is a draw from the posterior, as far as its behaviour on new inputs tells."
)
NUM_FOR_THINNING = 200  # behaviours whose bulk ESS decides how far an arm is thinned
ROLES = ("reference", "control", "arm", "ceiling")


def evaluate(tree: xr.DataTree) -> dict[str, Any]:
    """Compare every arm with the reference, run the controls and decide.

    Returns the part of the result that the draws decide; the caller adds what only the
    run knows (command, seconds, paths). The first arm's verdict is the run's.
    """
    seed, likelihood = int(tree.attrs["seed"]), tree.attrs["likelihood"]
    names = {role: [n for n, arm in tree.children.items() if arm.attrs["role"] == role] for role in ROLES}
    (reference,), (ceiling,) = names["reference"], names["ceiling"]
    probs = {name: probabilities(arm, likelihood) for name, arm in tree.children.items()}

    behaviours = all_behaviours(tree[reference], probs[reference], likelihood)
    trust = judge_reference(behaviours, _diverging(tree[reference]), tree[reference].attrs["status"])
    effective = {reference: _smallest(trust.bulk_ess)}
    for name in names["control"] + names["arm"]:
        if not is_independent(tree[name]):
            some = all_behaviours(tree[name], probs[name], likelihood)
            effective[name] = _smallest(bulk_ess(some[..., :: -(-some.shape[-1] // NUM_FOR_THINNING)]))
    samples = {name: usable_sample(tree[name], probs[name], effective.get(name)) for name in probs}

    judged = {name: samples[name] for name in [*names["control"], ceiling, *names["arm"]]}
    comparisons = _all_distances(judged, samples[reference], samples[ceiling], likelihood, seed)
    controls = [_control(name, Outcome.EQUIVALENT, comparisons[name]) for name in names["control"]]
    controls.append(_control(ceiling, Outcome.DIFFERENT, comparisons[ceiling]))
    verdicts = {
        name: decide(comparisons[name], trusted=trust.passed, controls=controls) for name in names["arm"]
    }
    first = names["arm"][0]
    return plain(
        {
            "verdict": verdicts[first][0].value,
            "reason": verdicts[first][1],
            "statement": STATEMENT.format(arm=first),
            "rule": RULE,
            "headline": _headline(comparisons[first]),
            "trust": {"passed": trust.passed, "gates": [gate._asdict() for gate in trust.gates]},
            "arms": [
                _arm_row(name, tree[name], probs[name], likelihood, effective.get(name))
                for role in ROLES
                for name in names[role]
            ],
            "comparisons": [
                {"arm": name} | _comparison_row(comparison, _chance(tree, probs, name, reference))
                for name in names["arm"]
                for comparison in comparisons[name]
            ],
            "controls": [_control_row(control) for control in controls],
            "behaviours": [
                row
                for name in probs
                for row in _behaviour_rows(name, tree[name], probs[name], likelihood, effective.get(name))
            ],
            "verdicts": {name: {"verdict": v.value, "reason": r} for name, (v, r) in verdicts.items()},
        }
    )


def _all_distances(
    arms: dict[str, Sample], reference: Sample, ceiling: Sample, likelihood: Likelihood, seed: int
) -> dict[str, list[Comparison]]:
    distances = [energy(), averaged_total_variation()]
    if likelihood["name"] != "gaussian":  # the modal response bin is an artefact of the binning
        distances.append(averaged_disagreement())
    family = len(distances) + 1
    found = compare_samples(arms, reference, ceiling, distances, seed=seed, family=family)
    classified = classifier_two_sample_test(arms, reference, ceiling, seed=seed, family=family)
    return {name: [*found[name], classified[name][0]] for name in arms}


def _control(name: str, expected: Outcome, comparisons: list[Comparison]) -> Control:
    detail = "; ".join(
        f"{c.name} {c.distance.mean:.3f}, floor {c.floor.mean:.3f}: {c.outcome.lower()}" for c in comparisons
    )
    return Control(name, expected, overall(comparisons), detail)


def _control_row(control: Control) -> dict[str, Any]:
    return {
        "name": control.name,
        "expected": control.expected.value,
        "outcome": control.outcome.value,
        "passed": control.passed,
        "detail": control.detail,
    }


def _headline(comparisons: list[Comparison]) -> dict[str, Any]:
    first = comparisons[0]
    return {
        "name": f"closeness to the posterior in {first.name} (1: equal, 0: as far as the prior)",
        "value": first.closeness.mean,
        "low": first.closeness.low,
        "high": first.closeness.high,
    }


def _comparison_row(c: Comparison, chance: float | None) -> dict[str, Any]:
    note = ""
    if chance is not None and "disagreement" in c.name:
        note = f"; accuracy alone implies {1 - chance:.3f}"
    return {
        "name": c.name,
        "description": c.description + note,
        "unit": "in [0, 1]",
        "bounded": True,
        "distance": c.distance.mean,
        "interval": {"low": c.distance.low, "high": c.distance.high},
        "floor": c.floor._asdict(),
        "ceiling": c.ceiling._asdict(),
        "excess": _banded(c.excess),
        "closeness": _banded(c.closeness),
        "margin": c.margin,
        "margin_text": f"an excess of at most {c.margin:.3g} over the floor counts as equal",
        "outcome": c.outcome.value,
        "num_left": c.num_left,
        "num_right": c.num_right,
    }


def _banded(band: Any) -> dict[str, float]:
    return {"value": band.mean, "low": band.low, "high": band.high}


def _chance(tree: xr.DataTree, probs: dict[str, Array], name: str, reference: str) -> float | None:
    likelihood = tree.attrs["likelihood"]
    if likelihood["name"] == "gaussian":
        return None
    targets = probe_labels(tree[reference], likelihood)
    a, b = (float(accuracy(probs[n].mean((0, 1)), targets)) for n in (name, reference))
    return chance_agreement(a, b, probs[name].shape[-1])


def _arm_row(
    name: str, arm: xr.DataTree, probs: Array, likelihood: Likelihood, effective: float | None
) -> dict[str, Any]:
    status = arm.attrs["status"]
    usable = np.array([sentence == "ok" for sentence in status])
    stats = arm["sample_stats"]
    errors = stats.get("train_error")
    training_error = None if errors is None else float(errors.values[usable].mean())
    found = {key: float(np.mean(v[usable])) for key, v in scalar_behaviours(arm, probs, likelihood).items()}
    return {
        "name": name,
        "role": arm.attrs["role"],
        "sampler": arm.attrs["sampler"],
        "law": arm.attrs["law"],
        "stopping": arm.attrs["stopping"],
        "num_chains": len(status),
        "num_draws": int(probs.shape[1]),
        "num_usable": int(usable.sum()),
        "effective_draws": effective,
        "training_loss": float(stats["loss"].values[usable].mean()),
        "training_error": training_error,
        "test_accuracy": found.get("accuracy"),
        "log_score": found["log score"],
        "status_counts": dict(Counter(status)),
        "seconds": arm.attrs["seconds"],
    }


def _behaviour_rows(
    name: str, arm: xr.DataTree, probs: Array, likelihood: Likelihood, effective: float | None
) -> list[dict[str, Any]]:
    usable = np.array([sentence == "ok" for sentence in arm.attrs["status"]])
    rows = []
    for behaviour, values in scalar_behaviours(arm, probs, likelihood).items():
        kept = values[usable].ravel()
        mean, deviation = float(kept.mean()), float(kept.std(ddof=1)) if kept.size > 1 else math.nan
        error = 1.96 * deviation / math.sqrt(min(effective or kept.size, kept.size))
        rows.append(
            {
                "arm": name,
                "name": behaviour,
                "mean": mean,
                "standard_deviation": deviation,
                "low": mean - error,
                "high": mean + error,
            }
        )
    return rows


def _diverging(arm: xr.DataTree) -> Array | None:
    stats = arm["sample_stats"]
    return np.asarray(stats["diverging"].values) if "diverging" in stats else None


def _smallest(ess: Array) -> float:
    return float(np.nanmin(ess)) if np.isfinite(ess).any() else 1.0
