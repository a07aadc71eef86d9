"""The family of posteriors that is searched for networks on images: tempered passes and what they show."""

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
    key_passes: jax.Array, key_prior: jax.Array, system: NetworkSystem, amount: Amount
) -> tuple[dict[float, list[Rung]], dict[float, Arm]]:
    """The tempered pass and draws of the prior at every prior scale."""
    passes = {
        scale: draw_tempered(
            jax.random.fold_in(key_passes, place), system, scale, ladder(*amount.betas), amount.size
        )
        for place, scale in enumerate(amount.scales)
    }
    priors = {
        scale: draw_prior(jax.random.fold_in(key_prior, place), system, scale, NUM_PRIOR)
        for place, scale in enumerate(amount.scales)
    }
    return passes, priors


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
