r"""Is the reference good enough to judge by?

Rank-normalised split R-hat and bulk effective sample size (Vehtari et al. 2021,
sections 3 and 4; computed by arviz) of *every* behaviour compared: each probe
probability and each scalar behaviour. Chains must have started over-dispersed:
R-hat cannot see a basin that no chain has visited.
"""

from typing import NamedTuple

import arviz as az
import numpy as np

type Array = np.ndarray

MAX_RHAT = 1.01
MIN_BULK_ESS = 400.0
MAX_DIVERGING = 0.005


class Gate(NamedTuple):
    """One condition on the reference."""

    name: str
    value: float
    threshold: float
    passed: bool
    meaning: str


class Trust(NamedTuple):
    """All gates, with the R-hat and bulk ESS of every behaviour behind them."""

    passed: bool
    gates: list[Gate]
    rhat: Array  # (behaviour,), nan where a behaviour is constant
    bulk_ess: Array  # (behaviour,)


def convergence(behaviours: Array) -> tuple[Array, Array]:
    """R-hat and bulk ESS of behaviours ``(chain, draw, behaviour)``, each ``(behaviour,)``.

    A behaviour that is the same number in every draw has no R-hat: nan.

    >>> rng = np.random.default_rng(0)
    >>> rhat, ess = convergence(rng.normal(size=(4, 500, 2)))
    >>> bool((rhat < 1.01).all() and (ess > 1000).all())
    True
    """
    varies = np.ptp(behaviours, axis=(0, 1)) > 0
    rhat, ess = np.full(behaviours.shape[-1], np.nan), np.full(behaviours.shape[-1], np.nan)
    if varies.any():
        moving = np.asarray(behaviours[..., varies], float)
        rhat[varies] = az.rhat(moving, chain_axis=0, draw_axis=1)
        ess[varies] = az.ess(moving, chain_axis=0, draw_axis=1, method="bulk")
    return rhat, ess


def judge_reference(behaviours: Array, diverging: Array | None, status: list[str]) -> Trust:
    """Pass the reference through every gate.

    ``behaviours`` is ``(chain, draw, behaviour)``; ``diverging`` booleans
    ``(chain, draw)`` or ``None`` for samplers without the notion; ``status`` one
    sentence a chain.
    """
    rhat, ess = convergence(behaviours)
    known = np.isfinite(rhat).any()
    worst_rhat = float(np.nanmax(rhat)) if known else float("nan")
    worst_ess = float(np.nanmin(ess)) if known else float("nan")
    failed = sum(sentence != "ok" for sentence in status)
    share = 0.0 if diverging is None else float(np.mean(diverging))
    gates = [
        Gate(
            "largest R-hat",
            worst_rhat,
            MAX_RHAT,
            bool(worst_rhat <= MAX_RHAT),
            f"chains agree on all {int(np.isfinite(rhat).sum())} behaviours that vary",
        ),
        Gate(
            "smallest bulk ESS",
            worst_ess,
            MIN_BULK_ESS,
            bool(worst_ess >= MIN_BULK_ESS),
            "independent draws that the correlated ones are worth, for the worst behaviour",
        ),
        Gate(
            "diverging transitions",
            share,
            MAX_DIVERGING,
            share <= MAX_DIVERGING,
            "share of transitions on which the integrator lost the trajectory",
        ),
        Gate("failed chains", float(failed), 0.0, failed == 0, "chains that left the finite numbers"),
    ]
    return Trust(all(gate.passed for gate in gates), gates, rhat, ess)


def thinned(num_chains: int, num_draws: int, effective: float) -> Array:
    """Evenly spaced draws, so many a chain that all together number the effective ones.

    >>> thinned(4, 100, 40.0).tolist()
    [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]
    """
    keep = int(np.clip(effective // num_chains, 1, num_draws))
    return ((np.arange(keep) + 0.5) * num_draws / keep).astype(int)
