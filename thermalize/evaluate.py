"""From the draws in a store to comparisons, controls, trust and a verdict.

Reads nothing but the store, so a verdict can be computed again long after the run.
"""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from compare import (
    RULE,
    Distance,
    averaged_disagreement,
    averaged_total_variation,
    compare_arms,
    energy,
)

from .plain import plain
from .predictions import read_arm
from .rows import arm_row, behaviour_rows, comparison_row, control_row, headline

STATEMENT = (
    "A network trained by {arm} is a draw from the posterior, as far as its behaviour on new inputs tells."
)
ROLES = ("reference", "control", "arm", "ceiling")


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

    found = compare_arms(
        {arm.name: arm.compared() for arm in by_role["arm"]},
        reference.compared(),
        ceiling=ceiling.compared(),
        controls={arm.name: arm.compared() for arm in by_role["control"]},
        distances=_distances(likelihood),
        seed=seed,
        names=(reference.name, ceiling.name),
    )
    first = by_role["arm"][0].name
    ordered = [arm for role in ROLES for arm in by_role[role]]
    sizes, effective = found.num_networks, found.effective
    result = {
        "verdict": found.verdicts[first][0].value,
        "reason": found.verdicts[first][1],
        "statement": STATEMENT.format(arm=first),
        "rule": RULE,
        "headline": headline(found.comparisons.get(first, [])),
        "trust": {"passed": found.trust.passed, "gates": [gate._asdict() for gate in found.trust.gates]},
        "arms": [arm_row(arm, effective[arm.name]) for arm in ordered],
        "comparisons": [
            comparison_row(comparison, arm, reference, (sizes[arm.name], sizes[reference.name]))
            for arm in by_role["arm"]
            for comparison in found.comparisons.get(arm.name, [])
        ],
        "controls": [control_row(control) for control in found.controls],
        "behaviours": [row for arm in ordered for row in behaviour_rows(arm, effective[arm.name])],
        "verdicts": {name: {"verdict": v.value, "reason": r} for name, (v, r) in found.verdicts.items()},
    }
    return dict(plain(result))


def _distances(likelihood: Mapping[str, Any]) -> list[Distance]:
    distances = [energy(), averaged_total_variation()]
    if likelihood["name"] != "gaussian":  # the modal response bin is an artefact of the binning
        distances.append(averaged_disagreement())
    return distances
