"""What the rule makes of endpoints and posteriors: comparisons, controls, numbers, verdict.

Two posteriors meet the endpoints: Bayes', and the one of the family nearest to them. The verdict
is that of the nearest: whoever calls the endpoints no posterior sample must say so of the best
temperature and prior scale. Where functions outnumber draws no histogram can show equality; a
classifier bounds the total variation of the whole laws from below, and equality is claimed of
named behaviours only.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from compare import (
    Arm,
    ArmsCompared,
    Band,
    Comparison,
    Outcome,
    Verdict,
    accuracy,
    chance_agreement,
    compare_arms,
)
from compare.verdict import REFUTING_TOTAL_VARIATION

from ..family import Fit
from .claim import Check, Number, settled
from .network_systems import NAMED, Member
from .trusted_chains import RUN_ON

type Array = np.ndarray

CLASSIFIER = "classifier two-sample test"
ENERGY, AVERAGES, DISAGREEMENT = (
    "energy distance",
    "total variation of averages",
    "disagreement of averages",
)
EXACT = (ENERGY, AVERAGES)  # by which another sampler of the same law must come out equivalent
SECOND, PASS, MARGIN, COLDER, PRIOR = (
    "NUTS of another library",
    "tempered pass",
    "largest-margin networks",
    "posterior at 4 times beta",
    "prior",
)
PROBES = "share of probes"
RULE = (
    "On images, at the posterior of the family that is nearest to the endpoints in energy distance, over "
    "inverse temperatures and prior scales:\n"
    "REFUTED: a classifier shows a total variation of at least "
    f"{REFUTING_TOTAL_VARIATION} with 95 % confidence, all distances read together, and the nearest lies "
    "inside what was searched.\nSUPPORTED, of named behaviours only: accuracy, log score, confidence and "
    "entropy are within 0.1 standard deviation (Wasserstein) and averaged predictions within 0.02 of total "
    "variation above the floor, each by an equivalence test that NUTS passes too, and "
    "the classifier shows no difference.\n"
    "PARTLY: some of these are equivalent and others, or the whole laws, different.\n"
    "INCONCLUSIVE: anything else.\n"
    "Controls: no verdict unless chains and populations pass their gates, "
    "other samplers of the same posterior (NUTS, and at Bayes' posterior a tempered pass) are equivalent in "
    "energy distance and total variation of averages and different in nothing, and prior, "
    "largest-margin networks and, at Bayes' posterior, the one at 4 times beta come out different. "
    f"{RUN_ON}"
)


class Met(NamedTuple):
    """Arms against one posterior."""

    member: Member
    found: ArmsCompared
    reference: Arm


def meet(
    arms: Mapping[str, Arm],
    member: Member,
    reference: Arm,
    controls: Mapping[str, Arm],
    prior: Arm,
    impostors: Mapping[str, Arm],
    seed: int,
) -> Met:
    """Compare arms, controls and impostors with a posterior by every distance there is."""
    found = compare_arms(
        arms,
        reference,
        ceiling=prior,
        controls=controls,
        impostors=impostors,
        seed=seed,
        names=("reference", PRIOR),
    )
    return Met(member, found, reference)


def checks_of(met: Met) -> list[Check]:
    """Gates of the reference and controls whose answer is known."""
    at = f"at beta {met.member.beta:.3g}, prior scale {met.member.scale:g}"
    gates = [
        Check(f"{gate.name} {at}", gate.passed, f"{gate.value:.4g}, threshold {gate.threshold:g}")
        for gate in met.found.trust.gates
    ]
    same = [
        _equal(f"{control.name} {at}", met.found.comparisons.get(control.name, []))
        for control in met.found.controls
        if control.expected == Outcome.EQUIVALENT
    ]
    others = [
        Check(f"{control.name} {at}", control.passed, f"came out {control.outcome}, expected DIFFERENT")
        for control in met.found.controls
        if control.expected == Outcome.DIFFERENT
    ]
    return [*gates, *same, *others]


def _equal(name: str, comparisons: Sequence[Comparison]) -> Check:
    """Whether another sampler of the same law came out as one."""
    found = {c.name: c for c in comparisons}
    wrong = [one for one in EXACT if one not in found or found[one].outcome != Outcome.EQUIVALENT]
    wrong += [one for one, c in found.items() if c.outcome == Outcome.DIFFERENT and one not in wrong]
    said = "; ".join(
        f"{one} {found[one].outcome.lower()}" if one in found else f"{one} not compared" for one in wrong
    )
    return Check(name, not wrong, f"not equivalent: {said}" if wrong else "equivalent")


def named_outcomes(arm: Sequence[Comparison], control: Sequence[Comparison]) -> dict[str, Outcome]:
    """The outcome of each named behaviour; an equivalence counts only where the control has it too."""
    exact = {c.name: c.outcome for c in control}
    wanted = [AVERAGES, *(f"{name}: Wasserstein distance" for name in NAMED)]
    found = {c.name: c.outcome for c in arm if c.name in wanted}

    def counted(name: str) -> Outcome:
        outcome = found.get(name, Outcome.INCONCLUSIVE)
        unsure = outcome == Outcome.EQUIVALENT and exact.get(name) != Outcome.EQUIVALENT
        return Outcome.INCONCLUSIVE if unsure else outcome

    return {name.split(":")[0]: counted(name) for name in wanted}


def judge(
    bound: float, told_apart: bool, named: Mapping[str, Outcome], searched: bool
) -> tuple[Verdict, str]:
    """The rule: the classifier's lower bound, whether it shows any difference, and named behaviours.

    ``searched``: the nearest posterior lies inside the ladder of temperatures and of prior scales.

    >>> judge(0.4, True, {"accuracy": Outcome.EQUIVALENT}, searched=True)[0].value
    'REFUTED'
    >>> judge(0.0, False, {"accuracy": Outcome.EQUIVALENT}, searched=True)[0].value
    'SUPPORTED'
    """
    by = {outcome: [name for name, o in named.items() if o == outcome] for outcome in Outcome}
    same, different = by[Outcome.EQUIVALENT], by[Outcome.DIFFERENT]
    if bound >= REFUTING_TOTAL_VARIATION:
        shown = f"a classifier shows a total variation of at least {bound:.2f} from the nearest posterior"
        if searched:
            return Verdict.REFUTED, shown
        return (
            Verdict.INCONCLUSIVE,
            f"{shown}, which is at an end of what was searched: a nearer one may exist",
        )
    if same and len(same) == len(named) and not told_apart:
        return Verdict.SUPPORTED, f"equivalent in {', '.join(same)}; of the whole law nothing more is shown"
    if same and (different or told_apart):
        others = different + ["the whole law"] * told_apart
        return Verdict.PARTLY, f"equivalent in {', '.join(same)} but different in {', '.join(others)}"
    unsure = by[Outcome.INCONCLUSIVE] or ["the whole law"]
    also = f"; different in {', '.join(different)}, which does not refute" if different else ""
    return Verdict.INCONCLUSIVE, f"not decided: {', '.join(unsure)}{also}"


def verdict_of(name: str, nearest: Met, fit: Fit, checks: Sequence[Check]) -> tuple[Verdict, str]:
    """The verdict of one arm at its nearest posterior."""
    comparisons = nearest.found.comparisons.get(name, [])
    tried = next((c for c in comparisons if c.name == CLASSIFIER), None)
    if tried is None or fit.member is None:
        return settled(Verdict.INCONCLUSIVE, nearest.found.verdicts[name][1], checks)
    named = named_outcomes(comparisons, nearest.found.comparisons.get(SECOND, []))
    different = tried.outcome == Outcome.DIFFERENT
    return settled(*judge(tried.excess.low, different, named, not fit.member.at_edge), checks)


def numbers_of(name: str, arm: Arm, bayes: Met, nearest: Met, fit: Fit, targets: Array) -> list[Number]:
    """Everything that was measured of one arm, at both posteriors."""
    member = fit.member
    assert member is not None
    found = [
        Number("nearest inverse temperature", *member.beta),
        Number("nearest prior scale", member.scale, min(member.scales), max(member.scales)),
        Number("squared energy distance that remains there", *member.remaining),
        Number("floor of what remains", *member.floor),
    ]
    for met, where in ((nearest, "nearest posterior"), (bayes, "Bayes' posterior")):
        by = {c.name: c for c in met.found.comparisons.get(name, [])}
        for what, comparison in by.items():
            label, band = what, comparison.distance
            if what == CLASSIFIER:  # worse than chance it shows nothing, not less
                label = "total variation at least, by a classifier"
                band = Band(*(max(0.0, end) for end in comparison.excess))
            found.append(Number(f"{label}, {where}", *band, unit=f"floor {comparison.floor.mean:.3g}"))
        if ENERGY in by:
            found.append(
                Number(f"closeness in energy distance, {where}", *by[ENERGY].closeness, unit="1: as itself")
            )
        if DISAGREEMENT in by:
            ends, draws = (float(accuracy(mean_prediction(one), targets)) for one in (arm, met.reference))
            chance = chance_agreement(ends, draws, num_classes=arm.probabilities.shape[-1])
            where_from = (
                ("averages", by[DISAGREEMENT].distance),
                ("halves of the chains", by[DISAGREEMENT].floor),
            )
            for what, apart in where_from:
                found.append(agreement_of(f"agreement of {what}, {where}", apart))
            line = f"agreement that accuracy alone implies, {where}"
            found.append(Number(line, chance, None, None, unit=PROBES))
    return found


def agreement_of(name: str, apart: Band) -> Number:
    """What a disagreement leaves; its interval, which resampling may push past the ends, within 0 and 1.

    >>> agreement_of("agreement", Band(0.25, -0.125, 0.5))[1:4]
    (0.75, 0.5, 1.0)
    """
    low, high = (float(np.clip(1 - end, 0, 1)) for end in (apart.high, apart.low))
    return Number(name, 1 - apart.mean, low, high, PROBES)


def mean_prediction(arm: Arm) -> Array:
    """The averaged prediction of usable networks, ``(probe, class)``."""
    return np.mean(arm.probabilities[arm.usable], axis=(0, 1), dtype=float)
