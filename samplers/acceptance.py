r"""What a count of accepted proposals says of the evidence, and what it looks like beforehand.

With ``k`` of ``n`` proposals accepted, the acceptance rate ``p`` has the exact interval

.. math:: \left[B^{-1}_{k, n-k+1}(\tfrac\alpha2),\ B^{-1}_{k+1, n-k}(1 - \tfrac\alpha2)\right]

(Clopper and Pearson). It holds for a fixed ``n``; it also covers, with a little to spare,
where proposals went on until the ``k``-th acceptance, because the exact interval of that
scheme has the same lower end and a smaller upper one, ``B^{-1}_{k, n-k}``. The log evidence is
``log p`` plus a constant, in nats. No acceptance gives an upper bound and nothing else.

Before the first acceptance the rate can only be guessed: the lower tail of the energies of
a pilot is taken to be exponential and is continued to zero. Tails of well-spread energies
bend down, so the guess is more often too high than too low.

Sources: Clopper and Pearson 1934; Haldane 1945 (inverse sampling); Hill 1975 (tails).
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import beta

type Law = Literal["zero_one", "gibbs"]

INSTEAD = {"zero_one": "level_smc (SMC by levels of training errors)", "gibbs": "smc (tempered in beta)"}
PILOT = 1 << 14  # proposals without acceptance after which the outlook is judged
TAIL_SHARE = 0.01  # of the pilot, lowest energies, from which the tail is continued


class Rejection(NamedTuple):
    """Proposals, acceptances and the evidence they show; all ``log_*`` in nats.

    ``log_evidence`` is ``log P(no training errors)`` for the zero-one law and
    ``log Z(beta)`` for the Gibbs law. Where nothing was accepted it, its standard error
    and ``log_low`` are ``None``, and ``log_high`` is an upper bound.
    """

    law: Law
    accepted: int
    proposed: int
    log_evidence: float | None
    standard_error: float | None
    log_low: float | None
    log_high: float
    level: float
    reason: str  # "ok", or why there is no estimate


def rejection_record(
    law: Law, accepted: int, proposed: int, log_constant: float = 0.0, level: float = 0.95
) -> Rejection:
    """The record of ``accepted`` of ``proposed``; ``log_constant`` is the nats on top of ``log p``.

    >>> record = rejection_record("zero_one", 0, 1000)
    >>> record.log_evidence, round(record.log_high, 3)
    (None, -5.604)
    """
    tail = (1 - level) / 2
    high = float(beta.ppf(1 - tail, accepted + 1, proposed - accepted)) if accepted < proposed else 1.0
    log_high = float(np.log(high)) + log_constant
    if accepted == 0:
        reason = f"none of {proposed} proposals accepted: the evidence is bounded from above only"
        return Rejection(law, 0, proposed, None, None, None, log_high, level, reason)
    low = float(beta.ppf(tail, accepted, proposed - accepted + 1))
    rate = accepted / proposed
    error = float(np.sqrt((1 - rate) / accepted))
    log_evidence, log_low = (float(np.log(p)) + log_constant for p in (rate, low))
    return Rejection(law, accepted, proposed, log_evidence, error, log_low, log_high, level, "ok")


def expected_acceptance(energies: np.ndarray, law: Law) -> float:
    """A guess of the acceptance rate from the energies ``(n,)`` of a pilot that accepted nothing.

    Energies are numbers of training errors for the zero-one law, nats above the best
    conceivable fit for the Gibbs law, where a proposal is accepted with ``exp(-energy)``.

    >>> halving = np.repeat([5, 4, 3, 2, 1], [512, 256, 128, 64, 32])
    >>> round(expected_acceptance(halving, "zero_one"), 2)
    0.01
    """
    known = np.sort(energies[np.isfinite(energies)])
    if len(known) == 0:
        return 0.0
    # At least three levels, or the spread of a tail of counts could not be seen.
    third = np.unique(known)[:3][-1]
    edge = max(known[max(1, round(TAIL_SHARE * len(known))) - 1], third)
    tail = known[known <= edge]
    share, excess = len(tail) / len(energies), float(np.mean(edge - tail))
    if law == "zero_one":  # geometric below the edge
        return float(share * (excess / (1 + excess)) ** edge)
    scale = max(excess, 1e-3 * float(edge), 1e-12)
    bend = 1 / scale - 1
    if abs(bend * edge) < 1e-6:
        below = edge * np.exp(-edge)
    else:
        below = (np.exp(-edge) - np.exp(-edge / scale)) / bend
    above = np.sum(np.exp(-known[known > edge])) / len(energies)
    return float(above + share * below / scale)


def check_outlook(law: Law, pilot: np.ndarray, smallest_acceptance: float) -> None:
    """Raises ``ValueError`` if a pilot without acceptance promises less than ``smallest_acceptance``."""
    expected = expected_acceptance(pilot, law)
    if expected < smallest_acceptance:
        best = float(np.nanmin(pilot))
        nearest = f"{best:.0f} training errors" if law == "zero_one" else f"{best:.3g} nats above the bound"
        raise ValueError(
            f"rejection from the prior would accept about {expected:.1g} of its proposals, below "
            f"smallest_acceptance = {smallest_acceptance:g}: of {len(pilot)} none was accepted and the best "
            f"had {nearest}; there are too many training data, or they are too unlike the prior, for this "
            f"sampler: use {INSTEAD[law]} instead"
        )
