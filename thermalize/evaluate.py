"""From the draws in a store to comparisons, controls, trust and a verdict.

Reads nothing but the store, so a verdict can be computed again long after the run.
"""

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
    Verdict,
    averaged_disagreement,
    averaged_total_variation,
    bulk_ess,
    classifier_two_sample_test,
    compare_samples,
    decide,
    energy,
    judge_reference,
    overall,
    paired,
)

from .plain import plain
from .predictions import ArmData, read_arm
from .rows import arm_row, behaviour_rows, comparison_row, control_row, headline

STATEMENT = (
    "A network trained by {arm} is a draw from the posterior, as far as its behaviour on new inputs tells."
)
ROLES = ("reference", "control", "arm", "ceiling")
NUM_FOR_THINNING = 200  # behaviours whose bulk ESS decides how far an arm is thinned
MIN_NETWORKS = 8  # fewer are not compared: the classifier needs four to learn and four to try
MIN_CHAINS = 4  # of the reference: a floor of the classifier needs quarters


def evaluate(tree: xr.DataTree) -> dict[str, Any]:
    """Compare every arm with the reference, run the controls and decide.

    Returns the part of the result that the draws decide; the caller adds what only the
    run knows (command, seconds, paths). The first arm's verdict is the run's. An arm
    with too few usable networks is INCONCLUSIVE, and so is everything without a
    reference to compare with.
    """
    seed, likelihood = int(tree.attrs["seed"]), tree.attrs["likelihood"]
    arms = {name: read_arm(name, arm, likelihood) for name, arm in tree.children.items()}
    by_role = {role: [arm for arm in arms.values() if arm.attrs["role"] == role] for role in ROLES}
    (reference,), (ceiling,) = by_role["reference"], by_role["ceiling"]

    trust = judge_reference(reference.behaviours(), reference.diverging, reference.attrs["status"])
    effective = {reference.name: _smallest(trust.bulk_ess)}
    for arm in by_role["control"] + by_role["arm"]:
        if not arm.independent and len(arm.usable):
            some = arm.behaviours()[arm.usable]
            effective[arm.name] = _smallest(bulk_ess(some[..., :: -(-some.shape[-1] // NUM_FOR_THINNING)]))
    samples = {name: arm.sample(effective.get(name)) for name, arm in arms.items()}
    judged = [arm for arm in [*by_role["control"], ceiling, *by_role["arm"]] if _enough(samples[arm.name])]
    comparisons: dict[str, list[Comparison]] = {}
    if _enough(samples[ceiling.name]) and _enough_chains(samples[reference.name]):
        comparisons = _all_distances(
            {arm.name: samples[arm.name] for arm in judged},
            samples[reference.name],
            samples[ceiling.name],
            likelihood,
            seed,
        )

    controls = [_control(arm, Outcome.EQUIVALENT, comparisons) for arm in by_role["control"]]
    controls.append(_control(ceiling, Outcome.DIFFERENT, comparisons))
    verdicts = {
        arm.name: decide(comparisons[arm.name], trusted=trust.passed, controls=controls)
        if arm.name in comparisons
        else (Verdict.INCONCLUSIVE, _why_not(arm, reference))
        for arm in by_role["arm"]
    }
    first = by_role["arm"][0].name
    ordered = [arm for role in ROLES for arm in by_role[role]]
    result = {
        "verdict": verdicts[first][0].value,
        "reason": verdicts[first][1],
        "statement": STATEMENT.format(arm=first),
        "rule": RULE,
        "headline": headline(comparisons.get(first, [])),
        "trust": {"passed": trust.passed, "gates": [gate._asdict() for gate in trust.gates]},
        "arms": [arm_row(arm, effective.get(arm.name)) for arm in ordered],
        "comparisons": [
            comparison_row(
                comparison, arm, reference, (len(samples[arm.name].chain), len(samples[reference.name].chain))
            )
            for arm in by_role["arm"]
            for comparison in comparisons.get(arm.name, [])
        ],
        "controls": [control_row(control) for control in controls],
        "behaviours": [row for arm in ordered for row in behaviour_rows(arm, effective.get(arm.name))],
        "verdicts": {name: {"verdict": v.value, "reason": r} for name, (v, r) in verdicts.items()},
    }
    return dict(plain(result))


def _all_distances(
    arms: dict[str, Sample], reference: Sample, ceiling: Sample, likelihood: Mapping[str, Any], seed: int
) -> dict[str, list[Comparison]]:
    distances = [energy(), averaged_total_variation()]
    if likelihood["name"] != "gaussian":  # the modal response bin is an artefact of the binning
        distances.append(averaged_disagreement())
    family = len(distances) + 1
    pairs = paired(arms, reference, ceiling, seed=seed)
    found = compare_samples(arms, reference, ceiling, distances, seed=seed, family=family, pairs=pairs)
    classified = classifier_two_sample_test(arms, reference, ceiling, seed=seed, family=family, pairs=pairs)
    return {name: [*found[name], classified[name][0]] for name in arms}


def _control(arm: ArmData, expected: Outcome, comparisons: Mapping[str, list[Comparison]]) -> Control:
    found = comparisons.get(arm.name, [])
    detail = "; ".join(
        f"{c.name} {c.distance.mean:.3f}, excess {c.excess.low:.3f} to {c.excess.high:.3f} with margin "
        f"{c.margin:.3f}: {c.outcome.lower()}"
        for c in found
    )
    return Control(arm.name, expected, overall(found), detail or "not compared: too few usable networks")


def _enough(sample: Sample) -> bool:
    return len(sample.chain) >= MIN_NETWORKS


def _enough_chains(reference: Sample) -> bool:
    chains, counts = np.unique(reference.chain, return_counts=True)
    return len(chains) >= MIN_CHAINS and int(counts.min()) * (len(chains) // 4) >= MIN_NETWORKS // 2


def _why_not(arm: ArmData, reference: ArmData) -> str:
    for role, one in {"the reference": reference, "the arm": arm}.items():
        failures = Counter(sentence for sentence in one.attrs["status"] if sentence != "ok")
        if failures:
            sentence, count = failures.most_common(1)[0]
            return f"{count} of {len(one.attrs['status'])} networks or chains of {role} failed: {sentence}"
    return "too few effective draws to compare: run more draws or chains"


def _smallest(ess: np.ndarray) -> float:
    return float(np.nanmin(ess)) if np.isfinite(ess).any() else 1.0
