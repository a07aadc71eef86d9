"""The rule of ``nearby_worlds``: whether accuracies rank alike, and whether both arms are equally accurate.

Two parts, each of which holds, fails or stays open. Intervals hold together with 95 %: the two
correlations among themselves, the differences of all worlds among themselves.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from compare import CorrectedCorrelation, Verdict, corrected_rank_correlation

from .claim import Check, Number
from .worlds import Gap, Seen

type Array = np.ndarray
type Part = Literal["holds", "fails", "open"]
LEAST_CORRELATION = 0.8
MOST_POINTS = 0.02  # of accuracy: two points
LEVEL, CONTROL_LEVEL = 0.95, 0.999
CORRELATION_LEVEL = 1 - (1 - LEVEL) / 2  # of two arms
LEAST_RELIABILITY = 0.2  # below, networks differ by little more than noise
ENDPOINTS, DRAWS = "endpoints", "posterior draws"

RULE = (
    "Two parts. Ranks: the rank correlation, over the networks of an arm, of accuracy on clean images with "
    "mean accuracy over all shifted worlds, freed of the noise of the probe, is at least "
    f"{LEAST_CORRELATION} in both arms; it holds if the lower ends of both intervals are, fails if the upper "
    "end of one is below. Agreement: the arms' mean accuracies differ by at most "
    f"{100 * MOST_POINTS:g} points in every world, the clean one included; it holds if all intervals lie "
    "within, fails if one lies outside altogether. 95 % intervals that hold together over both arms, and "
    "over all worlds. SUPPORTED: both hold. PARTLY: one holds. REFUTED: none holds and one fails. "
    "INCONCLUSIVE: anything else, a posterior that is not trusted, a reliability below "
    f"{LEAST_RELIABILITY}, or a control that came out wrong."
)


class Correlations(NamedTuple):
    """Of clean with shifted accuracy, in both arms."""

    endpoints: CorrectedCorrelation
    draws: CorrectedCorrelation


def judge(found: Correlations, gaps: Sequence[Gap]) -> tuple[Verdict, str]:
    """The rule, for one case.

    >>> high = CorrectedCorrelation(0.9, 0.85, 0.95, 0.7, 0.8, 0.8, 100)
    >>> low = high._replace(value=0.5, low=0.4, high=0.6)
    >>> near, far = [Gap(0.001, 0.001)] * 3, [Gap(0.05, 0.001)] * 3
    >>> [judge(Correlations(high, each), g)[0].value for each, g in ((high, near), (low, near), (low, far))]
    ['SUPPORTED', 'PARTLY', 'REFUTED']
    """
    ranks, agreement = rank_part(found), agreement_part(gaps)
    widest = max(gaps, key=lambda gap: abs(gap.value))
    words = (
        f"ranks: {ranks} ({ENDPOINTS} {_words(found.endpoints)}, {DRAWS} {_words(found.draws)}); "
        f"agreement: {agreement} (at most {100 * abs(widest.value):.1f} points apart)"
    )
    parts = {ranks, agreement}
    if parts == {"holds"}:
        return Verdict.SUPPORTED, words
    if "holds" in parts:
        return Verdict.PARTLY, words
    return (Verdict.REFUTED if "fails" in parts else Verdict.INCONCLUSIVE), words


def rank_part(found: Correlations) -> Part:
    if min(each.low for each in found) >= LEAST_CORRELATION:
        return "holds"
    return "fails" if min(each.high for each in found) < LEAST_CORRELATION else "open"


def agreement_part(gaps: Sequence[Gap], level: float = LEVEL) -> Part:
    """Whether accuracies agree within ``MOST_POINTS`` in all these worlds, read together at ``level``."""
    intervals = [gap.interval(together(level, len(gaps))) for gap in gaps]
    if all(low >= -MOST_POINTS and high <= MOST_POINTS for low, high in intervals):
        return "holds"
    outside = [low > MOST_POINTS or high < -MOST_POINTS for low, high in intervals]
    return "fails" if any(outside) else "open"


def together(level: float, num: int) -> float:
    """The level of each of ``num`` intervals that hold together at ``level``."""
    return 1 - (1 - level) / num


def ranked(name: str, found: Seen, seed: int) -> tuple[CorrectedCorrelation, list[Check]]:
    """An arm's correlation, and what must be known of it: reliability, other images, other networks."""
    clean, shifted = found.clean(), found.shifted()
    half = clean.shape[1] // 2
    ranks = corrected_rank_correlation(clean, shifted, seed=seed, level=CORRELATION_LEVEL)
    mixed = shifted[np.random.default_rng([seed, 1]).permutation(len(clean))]
    pairs = ((clean[:, :half], clean[:, half : 2 * half]), (clean, mixed))
    same, other = (corrected_rank_correlation(*pair, seed=seed, level=CONTROL_LEVEL) for pair in pairs)
    least = min(ranks.left_reliability, ranks.right_reliability)
    return ranks, [
        Check(
            f"{name}: networks differ by more than noise",
            least >= LEAST_RELIABILITY,
            f"split-half reliability {ranks.left_reliability:.2f} on clean, {ranks.right_reliability:.2f} on "
            f"shifted images, needed {LEAST_RELIABILITY}",
        ),
        Check(f"{name}: other clean images rank them alike", same.low <= 1 <= same.high, _words(same)),
        Check(f"{name}: accuracies of other networks do not", other.low <= 0 <= other.high, _words(other)),
    ]


def agreement_controls(halves: Sequence[Gap], prior: Gap) -> list[Check]:
    """Halves of the posterior must agree, the prior must not."""
    found = agreement_part(halves, CONTROL_LEVEL)
    _, high = prior.interval(CONTROL_LEVEL)
    return [
        Check("halves of the posterior agree within the margin", found == "holds", found),
        Check(
            "the prior is further from the posterior than the margin",
            high < -MOST_POINTS,
            f"{100 * prior.value:.1f} points on clean images",
        ),
    ]


def as_numbers(name: str, found: CorrectedCorrelation) -> list[Number]:
    """The corrected correlation, the raw one, and the reliabilities behind the correction."""
    value, low, high = map(_finite, found[:3])
    return [
        Number(f"rank correlation, {name}", value, low, high),
        Number(f"rank correlation as measured, {name}", found.raw, None, None),
        Number(f"reliability of half the clean probe, {name}", found.left_reliability, None, None),
        Number(f"reliability of half the shifted probes, {name}", found.right_reliability, None, None),
    ]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _words(found: CorrectedCorrelation) -> str:
    if not np.isfinite([found.low, found.high]).all():
        return "cannot be told from noise"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
