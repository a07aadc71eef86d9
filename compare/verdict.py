"""From comparisons, trust and controls to one verdict, by rules fixed beforehand."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from .comparison import Comparison
from .equivalence import Outcome
from .two_sample import NAME as CLASSIFIER

REFUTING_TOTAL_VARIATION = 0.25

RULE = (
    "SUPPORTED: every distance between averaged or whole predictions is equivalent and the classifier "
    "finds no difference. REFUTED: none is equivalent and at least one differs, or the classifier shows "
    f"a total variation of at least {REFUTING_TOTAL_VARIATION} with 95 % confidence. PARTLY: some are "
    "equivalent, others differ. INCONCLUSIVE: anything else, a reference that is not trusted, or a control "
    "that came out wrong."
)


class Verdict(StrEnum):
    """What the evidence says of a claim."""

    SUPPORTED = "SUPPORTED"
    PARTLY = "PARTLY"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"


class Control(NamedTuple):
    """A sample whose right answer is known, put through the same comparisons."""

    name: str
    expected: Outcome
    outcome: Outcome
    detail: str

    @property
    def passed(self) -> bool:
        return self.outcome == self.expected


def overall(comparisons: Sequence[Comparison]) -> Outcome:
    """Different if any distance says so, equivalent if all that can say so do."""
    outcomes = [c.outcome for c in comparisons if c.name != CLASSIFIER]
    if any(c.outcome == Outcome.DIFFERENT for c in comparisons):
        return Outcome.DIFFERENT
    if outcomes and all(outcome == Outcome.EQUIVALENT for outcome in outcomes):
        return Outcome.EQUIVALENT
    return Outcome.INCONCLUSIVE


def decide(
    comparisons: Sequence[Comparison], *, trusted: bool, controls: Sequence[Control]
) -> tuple[Verdict, str]:
    """The verdict on "this arm samples the posterior in function space", and why."""
    if not trusted:
        return Verdict.INCONCLUSIVE, "the reference did not pass its trust gates"
    wrong = [f"{c.name} came out {c.outcome}, not {c.expected}" for c in controls if not c.passed]
    if wrong:
        return Verdict.INCONCLUSIVE, "a control came out wrong: " + "; ".join(wrong)
    if not controls:
        return Verdict.INCONCLUSIVE, "no control was run"
    shown = next((c.excess.low for c in comparisons if c.name == CLASSIFIER), float("-inf"))
    if shown >= REFUTING_TOTAL_VARIATION:
        return (
            Verdict.REFUTED,
            f"a classifier shows a total variation of at least {shown:.2f} from the posterior",
        )
    by_outcome = {outcome: [c.name for c in comparisons if c.outcome == outcome] for outcome in Outcome}
    different, equal = by_outcome[Outcome.DIFFERENT], by_outcome[Outcome.EQUIVALENT]
    match overall(comparisons), bool(equal):
        case Outcome.EQUIVALENT, _:
            return Verdict.SUPPORTED, f"equivalent in {', '.join(equal)}"
        case Outcome.DIFFERENT, True:
            return (
                Verdict.PARTLY,
                f"equivalent in {', '.join(equal)} but different in {', '.join(different)}",
            )
        case Outcome.DIFFERENT, False:
            return Verdict.REFUTED, f"different in {', '.join(different)}"
    unsure = [c.name for c in comparisons if c.outcome == Outcome.INCONCLUSIVE and c.name != CLASSIFIER]
    return (
        Verdict.INCONCLUSIVE,
        f"intervals straddle the margin in {', '.join(unsure)}: more draws or endpoints",
    )
