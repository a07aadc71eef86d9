"""The family of posteriors that is searched for networks on images: tempered passes and what they show."""

from collections.abc import Collection, Iterable, Sequence

import jax
import numpy as np

from compare import Arm

from ..family import MIN_RUNGS, Fit, Rung, ladder, trusted
from .claim import Check
from .network_presets import Amount
from .network_samplers import draw_prior, draw_tempered
from .network_systems import Member, NetworkSystem

NUM_PRIOR = 1024  # draws of the prior


def family_of(
    key_passes: jax.Array,
    key_prior: jax.Array,
    system: NetworkSystem,
    amount: Amount,
    scales: Sequence[float],
) -> tuple[dict[float, list[Rung]], dict[float, Arm]]:
    """The tempered pass and draws of the prior at these prior scales, each by a key of its own."""
    passes: dict[float, list[Rung]] = {}
    priors: dict[float, Arm] = {}
    for scale in scales:
        of_pass, of_prior = (jax.random.fold_in(key, round(1000 * scale)) for key in (key_passes, key_prior))
        passes[scale] = draw_tempered(of_pass, system, scale, ladder(*amount.betas), amount.size)
        priors[scale] = draw_prior(of_prior, system, scale, NUM_PRIOR)
    return passes, priors


def next_scale(fits: Iterable[Fit], searched: Collection[float], widest: tuple[float, float]) -> float | None:
    """A further prior scale where the nearest member of some arm is at an end of those searched.

    ``None`` where no arm asks for one, or all ``widest`` allows has been searched.
    """
    nearest = {fit.member.scale for fit in fits if fit.member}
    if min(searched) in nearest and min(searched) / 2 >= widest[0]:
        return min(searched) / 2
    if max(searched) in nearest and max(searched) * 2 <= widest[1]:
        return max(searched) * 2
    return None


def rung_at(rungs: list[Rung], beta: float) -> Rung:
    """The rung nearest to an inverse temperature."""
    return min(rungs, key=lambda rung: abs(np.log(rung.beta / beta)))


def nearest_of(fit: Fit) -> Member:
    """The nearest member, its inverse temperature to three digits, at which chains can be run."""
    assert fit.member is not None
    return Member(fit.member.scale, float(f"{fit.member.beta.mean:.3g}"))


def gates_of(passes: dict[float, list[Rung]]) -> list[Check]:
    """That populations agree at enough inverse temperatures, at every prior scale that was searched.

    Smallest and largest scales that fail are left out: the next one is then an end of the search,
    and a nearest posterior there refutes nothing. One that fails between others would leave a hole.
    """
    enough = {scale: len(trusted(rungs)) >= MIN_RUNGS for scale, rungs in passes.items()}
    known = [scale for scale, good in enough.items() if good]

    def check(scale: float, rungs: list[Rung]) -> Check:
        outside = bool(known) and not min(known) < scale < max(known)
        said = f"at {len(trusted(rungs))} of {len(rungs)} inverse temperatures, needed {MIN_RUNGS}"
        left_out = "" if enough[scale] or not outside else ": left out of the search"
        return Check(f"populations agree, prior scale {scale:g}", enough[scale] or outside, said + left_out)

    return [check(scale, rungs) for scale, rungs in passes.items()]
