r"""Is the reference good enough to judge by?

Rank-normalised split R-hat and bulk effective sample size (Vehtari et al. 2021,
sections 3 and 4; computed by arviz) of *every* behaviour compared: each probe
probability and each scalar behaviour. Chains must have started over-dispersed:
R-hat cannot see a basin that no chain has visited.
"""

from collections.abc import Callable
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


def rank_rhat(behaviours: Array) -> Array:
    """Rank-normalised split R-hat of behaviours ``(chain, draw, behaviour)``; nan where constant."""
    return _where_it_varies(behaviours, lambda x: az.rhat(x, chain_axis=0, draw_axis=1))


def bulk_ess(behaviours: Array) -> Array:
    """Bulk effective sample size of all chains together; nan where a behaviour is constant.

    >>> rng = np.random.default_rng(0)
    >>> bool((bulk_ess(rng.normal(size=(4, 500, 2))) > 1000).all())
    True
    """
    return _where_it_varies(behaviours, lambda x: az.ess(x, chain_axis=0, draw_axis=1, method="bulk"))


def _where_it_varies(behaviours: Array, diagnostic: Callable[[Array], Array]) -> Array:
    varies = ~(np.ptp(behaviours, axis=(0, 1)) == 0)  # true where a value is not a number
    found = np.full(behaviours.shape[-1], np.nan)
    if varies.any():
        found[varies] = diagnostic(np.asarray(behaviours[..., varies], float))
    return found


def judge_reference(behaviours: Array, diverging: Array | None, status: list[str]) -> Trust:
    """Pass the reference through every gate.

    ``behaviours`` is ``(chain, draw, behaviour)``; ``diverging`` booleans
    ``(chain, draw)`` or ``None`` for samplers without the notion; ``status`` one
    sentence a chain.
    """
    rhat, ess = rank_rhat(behaviours), bulk_ess(behaviours)
    known = np.isfinite(rhat).any() and np.isfinite(behaviours).all()
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
