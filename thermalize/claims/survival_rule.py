"""The rule of ``prunes_and_survives``: whether half the weights can go, and whether tickets win.

Two parts, each of which holds, fails or stays open. Both are of trained networks; their 95 %
intervals hold together.
"""

from typing import Literal

import jax
import jax.numpy as jnp

from compare import CrossedMean, Verdict
from models import magnitude_scores, mask_of_scores, masked_params, mlp

from .claim import Check, Number
from .damage import MAGNITUDE, Damaged, accuracy_change, answers_under
from .image_arms import Params, System, probabilities_of
from .tickets import JUDGED, Tickets, lead, padded

type Part = Literal["holds", "fails", "open"]
POINT = 0.01  # of accuracy
HALF = 0.5  # of the weights
LEVEL, CONTROL_LEVEL = 0.95, 0.999
EACH = 1 - (1 - LEVEL) / 2  # of two parts
FEWEST = 20  # networks
MOST_FAILED = 0.05  # of the networks that looked for tickets

RULE = (
    "Two parts. Cut: half the weights of every layer of a trained network go, the smallest first, without "
    f"training again; it holds if the lower end of the mean change of accuracy is at least -{100 * POINT:g} "
    "point, fails if the upper end is below. Tickets: with "
    f"{100 * JUDGED:g} % of the weights left, subnetworks from iterative pruning, rewound to their first "
    "values and trained again, are more accurate than random ones of equal size with the same first values; "
    "it holds if the lower end of the mean difference is above 0, fails if not and the upper end is below "
    f"{100 * POINT:g} point. 95 % intervals that hold together over both parts, for other networks and other "
    "images. SUPPORTED: both hold. PARTLY: one holds, the other fails. REFUTED: both fail. INCONCLUSIVE: "
    f"anything else, fewer than {FEWEST} networks, more than {100 * MOST_FAILED:g} % of them failed, or a "
    "control that came out wrong. Posterior draws and initial networks stand beside the trained ones, and so "
    "do the best subnetworks that a search finds where weights are held; the verdict does not rest on them."
)


def judge(cut: CrossedMean, ticket: CrossedMean) -> tuple[Verdict, str]:
    """The rule, for the change of accuracy of one case and the lead of its tickets.

    >>> little, much, none = CrossedMean(0.0, 0.001), CrossedMean(-0.1, 0.01), CrossedMean(0.0, 0.001)
    >>> ahead, unclear = CrossedMean(0.04, 0.01), CrossedMean(0.01, 0.01)
    >>> [judge(*pair)[0].value for pair in ((little, ahead), (much, ahead), (little, none), (much, none))]
    ['SUPPORTED', 'PARTLY', 'PARTLY', 'REFUTED']
    >>> [judge(*pair)[0].value for pair in ((little, unclear), (much, unclear))]
    ['INCONCLUSIVE', 'INCONCLUSIVE']
    """
    parts = cut_part(cut), ticket_part(ticket)
    reason = (
        f"half the weights cut: {parts[0]} ({_points(cut)}); "
        f"tickets less random ones at {100 * JUDGED:g} %: {parts[1]} ({_points(ticket)})"
    )
    if parts == ("holds", "holds"):
        return Verdict.SUPPORTED, reason
    if set(parts) == {"holds", "fails"}:
        return Verdict.PARTLY, reason
    return (Verdict.REFUTED if parts == ("fails", "fails") else Verdict.INCONCLUSIVE), reason


def cut_part(change: CrossedMean, level: float = EACH) -> Part:
    """Whether accuracy falls by a point at most.

    >>> [cut_part(CrossedMean(value, 0.003)) for value in (0.01, -0.1, -0.01)]
    ['holds', 'fails', 'open']
    """
    low, high = change.interval(level)
    return "holds" if low >= -POINT else "fails" if high < -POINT else "open"


def ticket_part(ahead: CrossedMean, level: float = EACH) -> Part:
    """Whether tickets are more accurate than random ones.

    >>> [ticket_part(CrossedMean(value, 0.003)) for value in (0.02, -0.02, 0.0, 0.005)]
    ['holds', 'fails', 'fails', 'open']
    """
    low, high = ahead.interval(level)
    return "holds" if low > 0 else "fails" if high < POINT else "open"


def cut_controls(chosen: System, params: Params) -> list[Check]:
    """Networks half of whose weights are zero lose nothing; any network without its larger half does."""
    intact = probabilities_of(chosen.network, params, chosen.task.probe.inputs).argmax(-1)
    wide, key = padded(params), jax.random.key(0)  # magnitudes leave nothing to chance
    wider = mlp((chosen.widths[0], 2 * chosen.widths[1], chosen.widths[2]), "tanh")
    spare = answers_under(MAGNITUDE, key, chosen._replace(network=wider), wide, (HALF,))
    largest = jax.vmap(
        lambda one: masked_params(
            one, mask_of_scores(jax.tree.map(jnp.negative, magnitude_scores(one)), HALF)
        )
    )(params)
    left = probabilities_of(chosen.network, largest, chosen.task.probe.inputs).argmax(-1)
    lost = Damaged(left[:, None], spare.empty, spare.cut_off)
    free, dear = (accuracy_change(found, 0, intact, chosen.labels) for found in (spare, lost))
    return [
        Check(
            "half the weights go where they are zero",
            cut_part(free, CONTROL_LEVEL) == "holds",
            _points(free, CONTROL_LEVEL),
        ),
        Check(
            "half the weights do not go where they are the larger",
            cut_part(dear, CONTROL_LEVEL) == "fails",
            _points(dear, CONTROL_LEVEL),
        ),
    ]


def ticket_controls(found: Tickets) -> list[Check]:
    """Random tickets do not differ from other random ones; trained ones beat untrained ones."""
    if len(found.whole) < FEWEST:
        return []
    chance = found.random[found.at(JUDGED)]
    same, trained = lead(chance, found.other_random), lead(chance, found.untrained)
    low, high = same.interval(CONTROL_LEVEL)
    return [
        Check("random tickets are like other random ones", low <= 0 <= high, _points(same, CONTROL_LEVEL)),
        Check(
            "random tickets learn",
            ticket_part(trained, CONTROL_LEVEL) == "holds",
            _points(trained, CONTROL_LEVEL),
        ),
    ]


def enough(num_endpoints: int, found: Tickets) -> list[Check]:
    """Whether there are networks enough in both parts, and few that failed."""
    failed = found.num_failed / found.num
    return [
        Check("endpoints that met their stop", num_endpoints >= FEWEST, f"{num_endpoints}, needed {FEWEST}"),
        Check(
            "networks that looked for tickets",
            len(found.whole) >= FEWEST,
            f"{len(found.whole)}, needed {FEWEST}",
        ),
        Check(
            "failed among networks that looked for tickets",
            failed <= MOST_FAILED,
            f"{found.num_failed} of {found.num}, allowed {100 * MOST_FAILED:g} %",
        ),
    ]


def _points(found: CrossedMean, level: float = EACH) -> str:
    low, high = found.interval(level)
    return f"{100 * found.value:.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def number_of(name: str, found: CrossedMean, level: float = LEVEL, unit: str = "accuracy") -> Number:
    """A crossed mean as a number of a case."""
    return Number(name, found.value, *found.interval(level), unit=unit)
