r"""When an endpoint of training is a random draw of a posterior: the rule, its controls, and one case.

What is compared are laws over functions. The total variation between them is bounded from both
sides by :func:`compare.variation_bounds`, whatever the sample sizes: equality takes the upper
bound, a difference the lower. The distance, its floor and its excess are shown beside them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from compare import (
    FunctionComparison,
    FunctionCounts,
    RankCorrelation,
    VariationBounds,
    Verdict,
    compare_functions,
    counts_of,
    jensen_shannon,
    rank_correlation,
    subsample,
    unpack_labels,
    unseen_mass,
    variation_bounds,
)

from .claim import Case, Check, Number, settled
from .posterior_family import Member, Nearest, nearest_of
from .posterior_impostors import FAR, PRIOR, Impostor
from .posterior_impostors import numbers_of as known_of

type Array = np.ndarray

EQUAL, DIFFERENT = 0.10, 0.25  # total variation
RANKS = 0.8
HIGHEST_FLOOR = 0.05
FEWEST = 400  # independent draws in each half of the reference, and endpoints
RESAMPLES = 300
RULE = (
    "On Boolean systems, by the law of functions:\n"
    "SUPPORTED: the upper 95 % bound of the total variation between endpoints and posterior is at most "
    f"{EQUAL:g}, and its floor at most {HIGHEST_FLOOR:g}.\nREFUTED: its lower bound is at least "
    f"{DIFFERENT:g}, for this posterior and for every one searched of other inverse temperatures and prior "
    "scales, and the nearest of them not at the edge of the search.\nPARTLY, where neither holds: the rank "
    f"correlation of log probabilities is at least {RANKS:g} with its whole interval, and the lower bound "
    f"above {EQUAL:g}.\nINCONCLUSIVE: anything else, or a reference or a control that failed.\n"
    "Controls: an independent "
    f"exact sample must lie within {EQUAL:g} of the floor, and its lower bound too; two or more impostors "
    f"that are known to be further than {FAR:g} must each come out further than {EQUAL:g}: the prior, the "
    "posterior at inverse temperature 1 and the max-margin function or, where the posterior may be that "
    "function itself, the one with every label turned outside the training set."
)


class Found(NamedTuple):
    """What the rule reads of one case."""

    low: float  # bounds of the total variation
    high: float
    floor: float  # of the histogram's distance at these sample sizes
    ranks: float | None  # lower end of the rank correlation's interval
    nearest: float | None  # least lower bound of all temperatures and prior scales; None: not searched
    edge: bool  # the nearest lies at the edge of the search


def judge(found: Found) -> tuple[Verdict, str]:
    """The rule, for one case.

    >>> judge(Found(0.01, 0.06, 0.02, 0.9, 0.0, False))[0].value
    'SUPPORTED'
    >>> judge(Found(0.40, 0.55, 0.02, 0.9, 0.3, False))[0].value
    'REFUTED'
    >>> judge(Found(0.40, 0.55, 0.02, 0.9, 0.1, False))[0].value
    'PARTLY'
    """
    words = f"total variation between {found.low:.2f} and {found.high:.2f}"
    if found.high <= EQUAL and found.floor <= HIGHEST_FLOOR:
        return Verdict.SUPPORTED, words
    if found.low >= DIFFERENT and found.nearest is not None and found.nearest >= DIFFERENT and not found.edge:
        return (
            Verdict.REFUTED,
            f"{words}, at least {found.nearest:.2f} at the best temperature and prior scale",
        )
    if found.ranks is not None and found.ranks >= RANKS and found.low > EQUAL:
        return Verdict.PARTLY, f"{words}, though ranks correlate with at least {found.ranks:.2f}"
    return Verdict.INCONCLUSIVE, f"{words}{_why_open(found)}"


def _why_open(found: Found) -> str:
    """What keeps a case open, in words."""
    if found.low >= DIFFERENT and found.nearest is None:
        return ", other temperatures and prior scales not searched"
    if found.low >= DIFFERENT and found.nearest is not None and found.nearest < DIFFERENT:
        return f", but only {found.nearest:.2f} is certain at the best temperature and prior scale"
    if found.low >= DIFFERENT:
        return ", but the best temperature and prior scale lie at the edge of the search"
    if found.high <= EQUAL:
        return f", but a floor of {found.floor:.2f} is too high to show equality"
    return ": the rule's limits lie between"


class Posterior(NamedTuple):
    """A posterior by independent draws, and what must be told from it."""

    reference: FunctionCounts
    control: FunctionCounts  # from an independent run of an exact method
    impostors: Mapping[str, Impostor]  # known to be far
    members: Sequence[Member]  # of the family to search; none: not searched
    gates: Sequence[Check]


class Measured(NamedTuple):
    """One arm beside one posterior."""

    bounds: VariationBounds
    compared: FunctionComparison
    ranks: RankCorrelation
    nearest: Nearest | None


def case_of(
    name: str,
    conditions: Mapping[str, Any],
    trained: FunctionCounts | None,
    posterior: Posterior | None,
    missing: Sequence[Check],
    *,
    num_inputs: int,
    seed: int,
) -> Case:
    """The case judged; without endpoints or posterior the ``missing`` checks say why it is not."""
    if trained is None or posterior is None:
        verdict, reason = settled(Verdict.INCONCLUSIVE, "nothing to compare", missing)
        return Case(name, dict(conditions), verdict, reason, [], list(missing))
    rng = np.random.default_rng(seed)
    nearest = nearest_of(trained, posterior.members, rng) if posterior.members else None
    found = Measured(
        variation_bounds(trained, posterior.reference, seed=seed),
        compare_functions(trained, posterior.reference, seed=seed, num_resamples=RESAMPLES),
        rank_correlation(trained, posterior.reference),
        nearest,
    )
    checks = [*missing, *posterior.gates, *controls(posterior, trained.total, seed)]
    read = Found(
        found.bounds.low,
        found.bounds.high,
        found.compared.floor.mean,
        found.ranks.low,
        nearest and nearest.low,
        nearest is not None and nearest.edge,
    )
    verdict, reason = settled(*judge(read), checks)
    numbers = numbers_of(found, trained, posterior, num_inputs, seed)
    return Case(name, dict(conditions), verdict, reason, numbers, checks)


def controls(posterior: Posterior, num: int, seed: int) -> list[Check]:
    """What must come out equal and what different, ``num`` draws of each as of the endpoints."""
    rng = np.random.default_rng([seed, 1])
    drawn = subsample(posterior.control, num, rng)
    same = compare_functions(drawn, posterior.reference, seed=seed, num_resamples=RESAMPLES).excess
    low = variation_bounds(drawn, posterior.reference, seed=seed).low
    checks = [
        Check(
            "an independent exact sample is equal",
            same.high <= EQUAL and low <= EQUAL,
            f"total variation {same.mean:.3f} [{same.low:.3f}, {same.high:.3f}] above the floor and for "
            f"certain {low:.3f}, each at most {EQUAL:g}",
        )
    ]
    for name, impostor in posterior.impostors.items():
        bounds = variation_bounds(subsample(impostor.counts, num, rng), posterior.reference, seed=seed)
        words = f"found at least {bounds.low:.3f}, needed more than {EQUAL:g}; known: {impostor.words}"
        checks.append(Check(f"{name} is different", bounds.low > EQUAL, words))
    return checks


def numbers_of(
    found: Measured, trained: FunctionCounts, posterior: Posterior, num_inputs: int, seed: int
) -> list[Number]:
    """All numbers of a case."""
    bounds, compared, ranks, nearest = found
    reference = posterior.reference
    divergence = compare_functions(
        trained, reference, jensen_shannon, seed=seed, num_resamples=RESAMPLES
    ).distance
    unseen = unseen_mass(reference)
    numbers = [
        Number("total variation", bounds.distance, bounds.low, bounds.high, "bounds of the truth"),
        Number("floor", *compared.floor),
        Number("excess over the floor", *compared.excess),
        Number("Jensen-Shannon divergence", *divergence, unit="bits"),
        Number("rank correlation of log probabilities", ranks.value, ranks.low, ranks.high),
        Number("share of endpoints in functions seen by both", ranks.mass_left, None, None),
        Number("share of posterior draws in functions seen by both", ranks.mass_right, None, None),
        Number("posterior mass not seen", unseen.value, unseen.low, unseen.high),
        *_averaged(trained, reference, num_inputs),
        *_most_probable(trained, reference),
    ]
    if PRIOR in posterior.impostors:
        prior = subsample(posterior.impostors[PRIOR].counts, trained.total, np.random.default_rng([seed, 2]))
        far = variation_bounds(prior, reference, seed=seed)
        numbers.insert(
            2, Number("ceiling: the prior", far.distance, far.low, far.high, "bounds of the truth")
        )
    numbers += known_of(posterior.impostors)
    if nearest is not None:
        member = nearest.member
        numbers += [
            Number("total variation at the nearest posterior", nearest.distance, nearest.low, nearest.high),
            Number("posteriors searched", float(len(posterior.members)), None, None),
            Number("inverse temperature of the nearest posterior", member.beta, None, None, member.law),
            Number("prior scale of the nearest posterior", member.scale, None, None),
        ]
    return numbers


def _averaged(trained: FunctionCounts, reference: FunctionCounts, num_inputs: int) -> list[Number]:
    """Labels averaged over each sample: how far apart, and how often the likelier label is the same."""
    left, right = (c.counts / c.total @ unpack_labels(c.packed, num_inputs) for c in (trained, reference))
    return [
        Number("total variation of averaged labels", float(np.abs(left - right).mean()), None, None),
        Number("agreement of averaged labels", float(np.mean((left > 0.5) == (right > 0.5))), None, None),
    ]


def _most_probable(trained: FunctionCounts, reference: FunctionCounts) -> list[Number]:
    """The endpoints' most frequent function, under both laws."""
    top = trained.packed[[int(trained.counts.argmax())]]
    return [
        Number(
            f"probability of the endpoints' most frequent function, {law}",
            int(counts_of(counts, top)[0]) / counts.total,
            None,
            None,
        )
        for law, counts in (("endpoints", trained), ("posterior", reference))
    ]
