r"""What the numbers of the coin line mean: the rule, the gates of its exact value and its controls.

A label at one probe has the law ``(1 - p, p)``, so the total variation between two laws is the
difference of two probabilities:

.. math:: \mathrm{TV} = |P_{trained}(f_* > 0) - P(f_* > 0 \mid f_1, \dots, f_n > 0)|

Its 95 % interval joins the exact interval of a binomial share, at 95.1 %, and that of the
integral, at 99.9 % (Bonferroni). A network that never came to its stop counts as positive in
one bound and as negative in the other.

Source: Clopper and Pearson 1934.
"""

from typing import NamedTuple

import numpy as np

from compare import Verdict, clopper_pearson
from samplers.orthant import Share, by_integration, by_rejection

from .claim import Check
from .coin_system import Answers, covariance

type Array = np.ndarray
CLOSE, FAR = 0.10, 0.25  # total variation: SUPPORTED below the one, REFUTED above the other
EQUAL = 0.02  # total variation that the exact control may have at most
DIGITS = 0.0005  # half a unit of the third digit
EXACT_LEVEL, SHARE_LEVEL = 0.999, 0.951
RULE = (
    "At the one probe of a coin line, by the total variation of its label from the exact posterior of "
    "infinite width:\n"
    f"SUPPORTED: the upper 95 % bound is at most {CLOSE:g}.\n"
    f"REFUTED: the lower 95 % bound is at least {FAR:g}.\n"
    "INCONCLUSIVE: anything else, two methods that do not agree, or a control that came out wrong."
)


class Estimate(NamedTuple):
    """A number and its interval."""

    value: float
    low: float
    high: float


class Exact(NamedTuple):
    """The posterior probability of a positive label at the probe, by two methods."""

    integration: Share
    rejection: Share
    gates: list[Check]


def judge(distance: Estimate) -> tuple[Verdict, str]:
    """The rule, for one case.

    >>> [judge(Estimate(0, low, high))[0].value for low, high in ((0.0, 0.1), (0.25, 0.3), (0.1, 0.2))]
    ['SUPPORTED', 'REFUTED', 'INCONCLUSIVE']
    """
    words = f"total variation {distance.value:.3f} [{distance.low:.3f}, {distance.high:.3f}]"
    if distance.high <= CLOSE:
        return Verdict.SUPPORTED, f"{words}, at most {CLOSE:g}"
    if distance.low >= FAR:
        return Verdict.REFUTED, f"{words}, at least {FAR:g}"
    return Verdict.INCONCLUSIVE, f"{words}, neither at most {CLOSE:g} nor at least {FAR:g}"


def share_of_answers(answers: Answers) -> Estimate:
    """Share of networks that are positive at the probe, among those that met their stop.

    >>> share_of_answers(Answers(np.array([True, True, False]), np.array([True, False, True]))).value
    0.5
    """
    unknown, num = int((~answers.met).sum()), len(answers.met)
    hits = int((answers.met & answers.positive).sum())
    low, _ = clopper_pearson(hits, num, level=SHARE_LEVEL)
    _, high = clopper_pearson(hits + unknown, num, level=SHARE_LEVEL)
    value = hits / (num - unknown) if unknown < num else float("nan")
    return Estimate(value, float(low), float(high))


def share_of(positive: Array) -> Estimate:
    """Share of independent draws that are positive."""
    return share_of_answers(Answers(np.ones(len(positive), bool), np.asarray(positive, bool)))


def distance_of(found: Estimate, exact: Share) -> Estimate:
    """Total variation between a share and the exact value.

    >>> distance_of(Estimate(0.5, 0.4, 0.6), Share(0.75, 0.7, 0.8, 2)).value
    0.25
    """
    ends = found.low - exact.high, found.high - exact.low
    low = 0.0 if ends[0] <= 0 <= ends[1] else min(map(abs, ends))
    return Estimate(abs(found.value - exact.value), low, max(map(abs, ends)))


def exact_of(num_points: int, seed: int, num: int) -> Exact:
    """The exact value of a line, from ``num`` draws in the second method."""
    seeds = np.random.SeedSequence([seed, num_points]).generate_state(2)
    matrix = covariance(num_points)
    return gated(
        by_integration(matrix, seed=int(seeds[0]), level=EXACT_LEVEL),
        by_rejection(matrix, seed=int(seeds[1]), num=num, level=EXACT_LEVEL),
    )


def gated(integration: Share, rejection: Share) -> Exact:
    """The two methods, and whether they agree within their intervals and are fine enough."""
    agree = max(integration.low, rejection.low) <= min(integration.high, rejection.high)
    reach = (integration.high - integration.low) / 2
    gates = [
        Check(
            "two methods agree on the exact value",
            agree,
            f"integration {_words(integration)}, rejection {_words(rejection)} at {100 * EXACT_LEVEL:g} %",
        ),
        Check(
            "the exact value is known to three digits", reach <= DIGITS, f"+-{reach:.5f}, needed {DIGITS:g}"
        ),
    ]
    return Exact(integration, rejection, gates)


def controls(fits: Array, positive: Array, exact: Share) -> tuple[list[Check], list[Estimate]]:
    """Draws of a finite network's prior: those that fit must be equal to the exact value, all must not.

    Also both total variations, of those that fit first.
    """
    if not fits.any():
        check = Check("networks of the prior that fit are equal", False, f"none of {len(fits)} fits")
        return [check], []
    same, other = distance_of(share_of(positive[fits]), exact), distance_of(share_of(positive), exact)
    tell = other.low > CLOSE
    words = f"total variation {_words(other)}"
    return [
        Check(
            "networks of the prior that fit are equal",
            same.high <= EQUAL,
            f"total variation {_words(same)}, at most {EQUAL:g} wanted, {int(fits.sum())} draws",
        ),
        Check(
            "the prior, which learned nothing, is different",
            tell,
            f"{words}, more than {CLOSE:g} wanted" + ("" if tell else ": this system cannot tell"),
        ),
    ], [same, other]


def _words(found: Estimate | Share) -> str:
    return f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
