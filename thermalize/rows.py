"""The rows of a result: what the tables and the report show, as plain values."""

import math
from collections import Counter
from typing import Any

import numpy as np

from compare import Band, Comparison, Control, accuracy, chance_agreement

from .predictions import ArmData


def comparison_row(
    comparison: Comparison, arm: ArmData, reference: ArmData, totals: tuple[int, int]
) -> dict[str, Any]:
    """One distance of one arm; ``totals`` are the sizes of both samples, thinned to effective draws."""
    note = ""
    if "disagreement" in comparison.name:
        right = [float(accuracy(a.probabilities[a.usable].mean((0, 1)), a.labels)) for a in (arm, reference)]
        chance = chance_agreement(right[0], right[1], arm.probabilities.shape[-1])
        note = f"; accuracy alone implies {1 - chance:.3f}"
    return {
        "arm": arm.name,
        "name": comparison.name,
        "description": comparison.description + note,
        "unit": "in [0, 1]",
        "bounded": True,
        "distance": comparison.distance.mean,
        "interval": {"low": comparison.distance.low, "high": comparison.distance.high},
        "floor": comparison.floor._asdict(),
        "ceiling": comparison.ceiling._asdict(),
        "excess": _banded(comparison.excess),
        "closeness": _banded(comparison.closeness),
        "margin": comparison.margin,
        "margin_text": _margin_text(comparison),
        "power": comparison.power._asdict(),
        "outcome": comparison.outcome.value,
        "num_left": comparison.num_left,
        "num_right": comparison.num_right,
        "among_left": comparison.among_left,  # what each resample was drawn out of
        "among_right": comparison.among_right,
        "total_left": totals[0],
        "total_right": totals[1],
    }


def control_row(control: Control) -> dict[str, Any]:
    """One control: what was expected of it and what came out."""
    return {
        "name": control.name,
        "expected": control.expected.value,
        "outcome": control.outcome.value,
        "passed": control.passed,
        "detail": control.detail,
    }


def headline(comparisons: list[Comparison]) -> dict[str, Any]:
    """Closeness in the first distance; without comparisons no number."""
    name = comparisons[0].name if comparisons else "energy distance"
    values = comparisons[0].closeness if comparisons else (None, None, None)
    label = f"closeness to the posterior in {name} (1: equal, 0: as far as the prior)"
    return {"name": label, **dict(zip(("value", "low", "high"), values, strict=True))}


def arm_row(arm: ArmData, effective: float | None) -> dict[str, Any]:
    """One arm: sizes, fit, score, failures counted. Means are over usable networks."""
    usable, status = arm.usable, arm.attrs["status"]
    return {
        "name": arm.name,
        "role": arm.attrs["role"],
        "sampler": arm.attrs["sampler"],
        "law": arm.attrs["law"],
        "stopping": arm.attrs["stopping"],
        "num_chains": len(status),
        "num_draws": int(arm.probabilities.shape[1]),
        "num_usable": len(usable),
        "effective_draws": effective,
        "training_loss": _mean(arm.training_loss, usable),
        "training_error": None if arm.training_error is None else _mean(arm.training_error, usable),
        "test_accuracy": _mean(arm.scalars["accuracy"], usable) if "accuracy" in arm.scalars else None,
        "log_score": _mean(arm.scalars["log score"], usable),
        "status_counts": dict(Counter(status)),
        "fit": None if arm.steps_to_fit is None else fit(arm.steps_to_fit),
        "evidence": arm.attrs.get("evidence"),  # of populations
        "seconds": arm.attrs["seconds"],
    }


def fit(steps_to_fit: np.ndarray) -> dict[str, Any] | None:
    """How many endpoints met their stopping rule, and when; ``None`` if none did.

    A budget is no rule to be met, and its endpoints count as never having met one.

    >>> found = fit(np.array([-1, *range(100, 200)]))
    >>> found["num_never"], found["steps"]
    (1, {'low': 105, 'median': 150, 'high': 194})
    """
    met = steps_to_fit[steps_to_fit >= 0]
    if not met.size:
        return None
    low, median, high = (int(q) for q in np.quantile(met, [0.05, 0.5, 0.95], method="nearest"))
    num_never = len(steps_to_fit) - len(met)
    return {
        "num_never": num_never,
        "share_never": num_never / len(steps_to_fit),
        "steps": {"low": low, "median": median, "high": high},
    }


def behaviour_rows(arm: ArmData, effective: float | None) -> list[dict[str, Any]]:
    """Mean of every scalar behaviour over usable networks, with its 95 % interval."""
    return [
        _behaviour_row(arm.name, name, values[arm.usable].ravel(), effective)
        for name, values in arm.scalars.items()
    ]


def _behaviour_row(arm: str, name: str, values: np.ndarray, effective: float | None) -> dict[str, Any]:
    mean = float(values.mean()) if values.size else math.nan
    deviation = float(values.std(ddof=1)) if values.size > 1 else math.nan
    error = 1.96 * deviation / math.sqrt(min(effective or values.size, values.size) or math.nan)
    return {
        "arm": arm,
        "name": name,
        "mean": mean,
        "standard_deviation": deviation,
        "low": mean - error,
        "high": mean + error,
    }


def _margin_text(comparison: Comparison) -> str:
    equivalent, detectable = comparison.power
    text = f"an excess of at most {comparison.margin:.3g} over the floor counts as equal"
    if equivalent:
        text += f"; equal laws come out EQUIVALENT with probability {equivalent:.2f}"
    if math.isfinite(detectable):
        text += f"; an excess of {detectable:.3g} comes out DIFFERENT with probability 0.99"
    return text


def _banded(band: Band) -> dict[str, float]:
    return {"value": band.mean, "low": band.low, "high": band.high}


def _mean(values: np.ndarray, usable: np.ndarray) -> float:
    return float(values[usable].mean()) if len(usable) else math.nan
