"""Arm against arm: one call from draws to comparisons, controls, trust and a verdict.

The reference is judged first: chains by R-hat, effective sample size and divergences,
independent draws by their number. Chains are thinned to their effective draws. Then every
arm, control and the ceiling meet the reference by every distance and by the classifier, all
read together, and the rule of :mod:`compare.verdict` decides. What cannot be decided is
INCONCLUSIVE, with the reason in words.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .arm import Arm, check_arms, smallest
from .comparison import Comparison, read_together
from .distances import (
    Distance,
    averaged_disagreement,
    averaged_total_variation,
    energy,
    maximum_mean_discrepancy,
)
from .equivalence import Outcome
from .nulls import MIN_PAIRED, compare_samples, paired
from .tables import Sample
from .trust import MIN_BULK_ESS, Gate, Trust, judge_reference
from .two_sample import classifier_two_sample_test
from .verdict import Control, Verdict, decide, overall
from .wasserstein import scalar_wasserstein, sliced_wasserstein

type Array = np.ndarray

MIN_NETWORKS = MIN_PAIRED  # fewer are not compared: the classifier needs four to learn and four to try
MIN_CHAINS = 4  # of the reference: a floor of the classifier needs quarters


class ArmsCompared(NamedTuple):
    """Everything that the draws decide."""

    verdicts: dict[str, tuple[Verdict, str]]  # of each arm, with the reason
    comparisons: dict[str, list[Comparison]]  # of each arm, control and impostor that could be compared
    controls: list[Control]
    trust: Trust
    effective: dict[str, float | None]  # draws that the chains of each are worth; None: independent
    num_networks: dict[str, int]  # that were compared


def compare_arms(
    arms: Mapping[str, Arm],
    reference: Arm,
    *,
    ceiling: Arm | None = None,
    controls: Mapping[str, Arm] | None = None,
    impostors: Mapping[str, Arm] | None = None,
    distances: Sequence[Distance] | None = None,
    seed: int,
    names: tuple[str, str] = ("reference", "ceiling"),
) -> ArmsCompared:
    """Does each arm draw from the law of the reference, as far as its behaviour tells?

    ``ceiling``, usually draws of the prior, is the far end of the scale of closeness and, like
    ``impostors``, must come out DIFFERENT; ``controls``, other samplers of the reference's law, must
    come out EQUIVALENT; without any of them there is no verdict. ``distances`` are all of this
    package unless given, with a Wasserstein distance for each scalar behaviour that all arms have and
    that varies in the reference. ``names`` are those of the reference and of the ceiling. Raises
    ``ValueError`` for arms on different probes, tasks or label sets, and for values that are not
    finite or no probabilities.

    >>> rng = np.random.default_rng(0)
    >>> def draws(chains, num, a=2.0):
    ...     return Arm(rng.dirichlet([a, 2.0], size=(chains, num, 6)), independent=True)
    >>> exact, prior = draws(1, 500), draws(1, 100, 0.5)
    >>> found = compare_arms({"a": draws(80, 1), "b": draws(80, 1, 8.0)}, exact, ceiling=prior, seed=0)
    >>> found.verdicts["b"][0].value, found.trust.passed
    ('REFUTED', True)
    """
    equal, different = dict(controls or {}), dict(impostors or {})
    if ceiling is not None:
        different[names[1]] = ceiling
    others = {**equal, **different, **arms}
    if len(others) < len(equal) + len(different) + len(arms) or names[0] in others:
        raise ValueError(f"arms, controls and impostors need names of their own, none of them {names[0]!r}")
    check_arms({names[0]: reference, **others}, names[0])

    trust = trust_of(reference)
    effective = {name: arm.effective() for name, arm in others.items()}
    worth = None if reference.independent else smallest(trust.bulk_ess)
    samples = {name: arm.sample(effective[name]) for name, arm in others.items()}
    exact, top = reference.sample(worth), samples.get(names[1]) if ceiling else None
    chosen = _distances([reference, *others.values()], exact) if distances is None else distances

    comparisons: dict[str, list[Comparison]] = {}
    if (top is None or _enough(top)) and _enough_chains(exact):
        judged = {name: sample for name, sample in samples.items() if _enough(sample)}
        if judged:
            comparisons = _compared(judged, exact, top, chosen, seed)
    expected = dict.fromkeys(equal, Outcome.EQUIVALENT) | dict.fromkeys(different, Outcome.DIFFERENT)
    passed = [_control(name, outcome, comparisons.get(name, [])) for name, outcome in expected.items()]
    return ArmsCompared(
        {
            name: decide(comparisons[name], trusted=trust.passed, controls=passed)
            if name in comparisons
            else (Verdict.INCONCLUSIVE, _why_not({"the reference": reference, "the arm": arm}, trust.passed))
            for name, arm in arms.items()
        },
        comparisons,
        passed,
        trust,
        {names[0]: worth, **effective},
        {name: len(sample.chain) for name, sample in {names[0]: exact, **samples}.items()},
    )


def trust_of(reference: Arm) -> Trust:
    """The gates of chains; of independent draws, that there are enough."""
    if not reference.independent:
        return judge_reference(
            reference.behaviours(),
            reference.diverging,
            list(reference.status or ["ok"] * len(reference.probabilities)),
        )
    num = len(reference.usable) * reference.probabilities.shape[1]
    gate = Gate("independent draws", num, MIN_BULK_ESS, num >= MIN_BULK_ESS, "exact draws of the reference")
    num_behaviours = int(np.prod(reference.probabilities.shape[2:])) + len(reference.scalars)
    return Trust(gate.passed, [gate], np.full(num_behaviours, np.nan), np.full(num_behaviours, float(num)))


def _distances(arms: Sequence[Arm], reference: Sample) -> list[Distance]:
    shared = [name for name in arms[0].scalars if all(name in arm.scalars for arm in arms)]
    varying = [name for name in shared if np.ptp(reference.scalars[name]) > 0]
    return [
        energy(),
        maximum_mean_discrepancy(),
        sliced_wasserstein(),
        averaged_total_variation(),
        averaged_disagreement(),
        *map(scalar_wasserstein, varying),
    ]


def _compared(
    samples: Mapping[str, Sample],
    reference: Sample,
    ceiling: Sample | None,
    distances: Sequence[Distance],
    seed: int,
) -> dict[str, list[Comparison]]:
    family = len(distances) + 1
    pairs = paired(samples, reference, ceiling, seed=seed)
    found = compare_samples(samples, reference, ceiling, distances, seed=seed, family=family, pairs=pairs)
    tried = classifier_two_sample_test(samples, reference, ceiling, seed=seed, family=family, pairs=pairs)
    return {name: read_together([*found[name], tried[name][0]]) for name in samples}


def _control(name: str, expected: Outcome, found: Sequence[Comparison]) -> Control:
    detail = "; ".join(
        f"{c.name} {c.distance.mean:.3f}, excess {c.excess.low:.3f} to {c.excess.high:.3f} with margin "
        f"{c.margin:.3f}: {c.outcome.lower()}"
        for c in found
    )
    return Control(name, expected, overall(found), detail or "not compared: too few usable networks")


def _enough(sample: Sample) -> bool:
    return len(sample.chain) >= MIN_NETWORKS


def _enough_chains(reference: Sample) -> bool:
    chains, counts = np.unique(reference.chain, return_counts=True)
    return len(chains) >= MIN_CHAINS and int(counts.min()) * (len(chains) // 4) >= MIN_NETWORKS // 2


def _why_not(arms: Mapping[str, Arm], trusted: bool) -> str:
    for role, arm in arms.items():
        failures = Counter(sentence for sentence in arm.status or () if sentence != "ok")
        if failures:
            sentence, count = failures.most_common(1)[0]
            return f"{count} of {len(arm.status or ())} networks or chains of {role} failed: {sentence}"
    if not trusted:
        return decide([], trusted=False, controls=[])[1]
    return (
        f"too few effective draws to compare (at least {MIN_NETWORKS} networks of the arm and of the "
        f"ceiling, and {MIN_CHAINS} chains of the reference): run more draws or chains"
    )
