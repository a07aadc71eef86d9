r"""The gates of a reference. Every threshold stands here; none was moved after a run.

One rule was: the exception for few probes below was made when a first run met a tie.

Each method alone: rank-normalised split R-hat and bulk effective sample size of every
behaviour compared, divergences, failed chains (``compare.judge_reference``). Both together:

- every distance of ``compare`` between the two is EQUIVALENT by its own margin, the
  classifier cannot tell them apart, and the prior is told apart. Where there are fewer than
  50 probes, labels of averages are only asked not to be DIFFERENT: one averaged prediction
  too close to a tie for any sample to settle is then more than the margin of 0.02;
- means: no behaviour's mean differs by more than 5 standard errors. There are up to 2,000
  behaviours; false alarm at most 1.2e-3;
- log evidence, where both methods have one: within 4 standard errors, false alarm 6e-5, and
  these no larger than 0.15 nats;
- functions, where they can be counted: the total variation between the two histograms
  exceeds its permutation floor by at most 0.02, the upper end of its interval included;
- quadrature: its means change by at most 1e-8 when the grid is made finer, and the other
  method's means lie within 5 standard errors of them.
"""

from typing import Any

import numpy as np

from compare import (
    FunctionCounts,
    Gate,
    bulk_ess,
    compare_functions,
    judge_reference,
    total_variation,
)

from ..predictions import ArmData
from .methods import Drawn

type Array = np.ndarray

MAX_MEAN_ERRORS = 5.0  # standard errors
MAX_EVIDENCE_ERRORS = 4.0  # standard errors
MAX_EVIDENCE_ERROR = 0.15  # nats
MAX_FUNCTION_EXCESS = 0.02  # total variation
MAX_QUADRATURE_CHANGE = 1e-8  # unit of the outputs


def method_gates(name: str, arm: ArmData) -> list[Gate]:
    """What a method must show by itself."""
    trust = judge_reference(arm.behaviours(), arm.diverging, arm.attrs["status"])
    return [gate._replace(name=f"{name}: {gate.name}") for gate in trust.gates]


def agreement_gates(result: dict[str, Any], num_probes: int) -> list[Gate]:
    """What the comparison of the second method with the first says, row by row."""
    gates = []
    for row in result["comparisons"]:
        name, excess, margin = row["name"], row["excess"], row["margin"]
        if name.startswith("classifier"):
            meaning = "share of the two laws that a classifier tells apart, lower end of its interval"
            gates.append(Gate(name, excess["low"], margin, row["outcome"] != "DIFFERENT", meaning))
        elif name.startswith("disagreement") and num_probes * margin < 1:
            meaning = (
                f"excess over the floor, lower end; one tie among {num_probes} probes is beyond the margin"
            )
            gates.append(Gate(name, excess["low"], margin, row["outcome"] != "DIFFERENT", meaning))
        else:
            meaning = "excess over the floor, upper end of its interval"
            gates.append(Gate(name, excess["high"], margin, row["outcome"] == "EQUIVALENT", meaning))
    for control in result["controls"]:
        meaning = f"1 if {control['name']} came out {control['expected'].lower()}"
        gates.append(
            Gate(f"control {control['name']}", float(control["passed"]), 1.0, control["passed"], meaning)
        )
    return gates


def means_gate(first: ArmData, second: ArmData) -> Gate:
    """The largest difference of means, over all behaviours that vary."""
    gaps = []
    for arm in (first, second):
        behaviours = arm.behaviours()
        gaps.append((behaviours.mean((0, 1), dtype=float), standard_error(behaviours)))
    (mean, error), (other, other_error) = gaps
    scores = difference_in_errors(mean, error, other, other_error)
    return _at_most(
        "largest difference of means", scores, MAX_MEAN_ERRORS, "standard errors, over all behaviours"
    )


def evidence_gates(first: Drawn, second: Drawn) -> list[Gate]:
    """Agreement of the log evidence; no gates where neither method estimates it."""
    evidence, other = first.log_evidence, second.log_evidence
    if evidence is None and other is None:
        return []
    gap = error = float("nan")  # fails both gates
    if evidence is not None and other is not None:
        error = float(np.hypot(first.standard_error or 0.0, second.standard_error or 0.0))
        gap = abs(evidence - other) / error
    return [
        _at_most("log evidence", gap, MAX_EVIDENCE_ERRORS, "difference in standard errors"),
        _at_most("error of the log evidence", error, MAX_EVIDENCE_ERROR, "standard error, nats"),
    ]


def functions_gate(exact: FunctionCounts, other: FunctionCounts, seed: int) -> Gate:
    """Whether the second method computes each function as often as the first."""
    found = compare_functions(exact, other, total_variation, seed=seed, num_resamples=500)
    meaning = f"excess total variation of {found.num_right} draws, upper end; floor {found.floor.mean:.3f}"
    return _at_most("histogram of functions", found.excess.high, MAX_FUNCTION_EXCESS, meaning)


def quadrature_gates(first: Drawn, second: Drawn) -> list[Gate]:
    """The grid's own error, and the other method's means against it."""
    if first.exact_mean is None or first.exact_error is None:
        return []
    outputs = second.draws.observed["logits"][..., 0]
    scores = difference_in_errors(
        outputs.mean((0, 1), dtype=float), standard_error(outputs), first.exact_mean, np.zeros(1)
    )
    return [
        _at_most("change on a finer grid", first.exact_error, MAX_QUADRATURE_CHANGE, "of any mean output"),
        _at_most("means against quadrature", scores, MAX_MEAN_ERRORS, "standard errors, worst probe"),
    ]


def means_against_stored(score: float, same: bool) -> Gate:
    """A reference made again against the stored one, ``score`` standard errors apart at the worst probe."""
    meaning = "standard errors, worst probe" + ("; the very same draws" if same else "")
    return _at_most("means against the stored reference", score, MAX_MEAN_ERRORS, meaning)


def standard_error(values: Array) -> Array:
    """Of the mean over chains and draws ``(chain, draw, behaviour)``, by bulk ESS; nan where constant."""
    error: Array = values.std((0, 1), dtype=float) / np.sqrt(bulk_ess(values))
    return error


def difference_in_errors(mean: Array, error: Array, other: Array, other_error: Array) -> float:
    """The largest difference in standard errors, over behaviours that vary in either."""
    both = np.hypot(np.nan_to_num(error), np.nan_to_num(other_error))
    varies = both > 1e-6 * np.maximum(np.abs(mean), 1e-3)  # below, rounding of single precision rules
    return float(np.max(np.abs(mean - other)[varies] / both[varies]))


def _at_most(name: str, value: float, threshold: float, meaning: str) -> Gate:
    return Gate(name, float(value), threshold, bool(value <= threshold), meaning)
