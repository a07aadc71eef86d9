"""The family of posteriors by inverse temperature and prior scale, drawn in one pass for each scale, gated.

A pass is trusted rung by rung: its independent populations must agree on every behaviour (R-hat at
most 1.01) and be worth enough independent draws (bulk effective sample size at least 400), by the
gates of any reference. Rungs that fail are left out and said; fewer than three give no fit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from compare import (
    Arm,
    NearestMember,
    NearestTemperature,
    Trust,
    judge_reference,
    nearest_member,
    nearest_temperature,
)
from samplers import Draws, Target, hmc_moves, tempered_pass
from samplers.draws import Inputs, Observe, Progress

type Array = np.ndarray

CITATION = "Del Moral, Doucet and Jasra 2006; Szekely and Rizzo 2013"
MIN_RUNGS = 3
RATIO = 2**0.5  # between neighbouring rungs, at most
MAX_ENDPOINTS, MAX_DRAWS = 2000, 1500  # that meet in pairs at every rung


class Size(NamedTuple):
    """How large a pass is."""

    populations: int = 4
    particles: int = 500
    moves: int = 5  # Hamiltonian transitions of every particle at a stage
    integration_steps: int = 10
    block: int = 125  # particles that advance together


class Rung(NamedTuple):
    """Draws of one posterior of the family."""

    beta: float
    arm: Arm  # populations are chains, particles draws
    loss: Array  # (chain, draw) nats per datum
    trust: Trust
    effective: float  # independent draws that all particles are worth


class Fit(NamedTuple):
    """What the passes say of one set of endpoints."""

    fits: dict[float, NearestTemperature]  # by prior scale
    left_out: dict[float, list[str]]  # why rungs of each scale were not used
    member: NearestMember | None  # None: no scale has enough trusted rungs


def ladder(low: float, high: float) -> list[float]:
    """Inverse temperatures from ``low`` to ``high`` in equal ratios, at least three.

    >>> [round(beta, 2) for beta in ladder(0.5, 2.0)]
    [0.5, 0.71, 1.0, 1.41, 2.0]
    """
    num = max(MIN_RUNGS, 1 + int(np.ceil(np.log(high / low) / np.log(RATIO) - 1e-9)))
    return [float(beta) for beta in np.geomspace(low, high, num)]


def draw_pass(
    key: jax.Array,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    as_arm: Callable[[Draws], Arm],
    *,
    betas: Sequence[float],
    size: Size,
    progress: Progress,
) -> list[Rung]:
    """One tempered pass; ``as_arm`` makes of the draws of a rung what is compared."""
    found = tempered_pass(
        key,
        target,
        observe,
        inputs,
        betas=betas,
        num_chains=size.populations,
        num_particles=size.particles,
        moves=hmc_moves(size.moves, size.integration_steps, block=size.block),
        progress=progress,
    )
    return [
        rung_of(beta, as_arm(draws), draws.stats["loss"]) for beta, draws in zip(betas, found, strict=True)
    ]


def rung_of(beta: float, arm: Arm, loss: Array) -> Rung:
    """A rung with its gates."""
    trust = judge_reference(arm.behaviours(), None, list(arm.status or ["ok"] * len(arm.probabilities)))
    known = trust.bulk_ess[np.isfinite(trust.bulk_ess)]
    return Rung(beta, arm, loss, trust, float(known.min()) if len(known) else 1.0)


def fit_family(
    passes: Mapping[float, Sequence[Rung]],
    endpoints: Array,
    *,
    seed: int,
    max_endpoints: int = MAX_ENDPOINTS,
    max_draws: int = MAX_DRAWS,
) -> Fit:
    """The nearest temperature at each prior scale, from trusted rungs, and the nearest member of all.

    ``endpoints`` are probabilities ``(endpoint, probe, class)``, finite. At most ``max_endpoints``,
    random ones of more, and ``max_draws`` of a rung take part: the time grows with the square of both.
    """
    some = np.random.default_rng(seed).permutation(len(endpoints))[:max_endpoints]
    points = endpoints[np.sort(some)].reshape(len(some), -1)
    fits: dict[float, NearestTemperature] = {}
    for scale, rungs in passes.items():
        used = trusted(rungs)
        if len(used) < MIN_RUNGS:
            continue
        worth = min(max_draws, *(rung.effective for rung in used))
        draws = np.stack([rung.arm.sample(worth).probabilities for rung in used])
        flat = draws.reshape(*draws.shape[:2], -1)
        betas = np.array([rung.beta for rung in used])
        fits[scale] = nearest_temperature(flat, np.zeros(flat.shape[:2]), betas, points, seed=seed)
    left_out = {scale: [why for rung in rungs if (why := why_not(rung))] for scale, rungs in passes.items()}
    return Fit(fits, left_out, nearest_member(fits) if fits else None)


def trusted(rungs: Sequence[Rung]) -> list[Rung]:
    """The rungs that passed their gates."""
    return [rung for rung in rungs if rung.trust.passed]


def why_not(rung: Rung) -> str:
    """Why a rung is not used; nothing for one that is."""
    failed = [f"{g.name} {g.value:.4g}, needed {g.threshold:g}" for g in rung.trust.gates if not g.passed]
    return f"beta {rung.beta:.3g}: {'; '.join(failed)}" if failed else ""
