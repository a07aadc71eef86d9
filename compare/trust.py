r"""Is the reference good enough to judge by?

Rank-normalised split R-hat and bulk effective sample size (Vehtari et al. 2021,
sections 3 and 4; computed by arviz) of *every* behaviour compared: each probe
probability and each scalar behaviour. Chains must have started over-dispersed:
R-hat cannot see a basin that no chain has visited.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import arviz as az
import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from .options import check_count

type Array = np.ndarray

MAX_RHAT = 1.01
MIN_BULK_ESS = 400.0
MAX_DIVERGING = 0.005
AT_ONCE = 128  # behaviours ranked together
AXES = {"chain_axis": 0, "draw_axis": 1}


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
    """Rank-normalised split R-hat of behaviours ``(chain, draw, behaviour)``; nan where constant.

    Raises ``ValueError`` for another shape.
    """
    return _diagnosed(behaviours, (_rhat,))[0]


def bulk_ess(behaviours: Array) -> Array:
    """Bulk effective sample size of all chains together; nan where a behaviour is constant.

    ``behaviours`` are ``(chain, draw, behaviour)``; raises ``ValueError`` for another shape.

    >>> rng = np.random.default_rng(0)
    >>> bool((bulk_ess(rng.normal(size=(4, 500, 2))) > 1000).all())
    True
    """
    return _diagnosed(behaviours, (_ess,))[0]


def rhat_and_ess(behaviours: Array) -> tuple[Array, Array]:
    """:func:`rank_rhat` and :func:`bulk_ess` together, in little more time than the second."""
    rhat, ess = _diagnosed(behaviours, (_rhat, _ess))
    return rhat, ess


def _diagnosed(behaviours: Array, diagnostics: Sequence[Callable[["Ranked"], Array]]) -> list[Array]:
    """Diagnostics, ``(behaviour,)`` each, of the behaviours that vary, a few at a time."""
    if np.ndim(behaviours) != 3 or 0 in np.shape(behaviours)[:2]:  # none that varies is a finding
        raise ValueError(
            f"behaviours must be (chain, draw, behaviour) with a chain and a draw at least, got "
            f"{np.shape(behaviours)}: for one behaviour give [..., None]"
        )
    varies = ~(np.ptp(behaviours, axis=(0, 1)) == 0)  # true where a value is not a number
    found = [np.full(behaviours.shape[-1], np.nan) for _ in diagnostics]

    def diagnose(some: Array) -> None:
        ranked = Ranked(np.asarray(behaviours[..., some], float))
        for result, diagnostic in zip(found, diagnostics, strict=True):
            result[some] = diagnostic(ranked)

    if varies.any():
        groups = np.array_split(np.flatnonzero(varies), -(-int(varies.sum()) // AT_ONCE))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(diagnose, groups))
    return found


class Ranked:
    """Behaviours ``(chain, draw, behaviour)`` with the normal scores of their halved chains.

    ArviZ ranks one behaviour after the other, and again for each diagnostic; ranks of many
    at once, shared, take a third of the time, and ArviZ does the rest. Halves of fewer than
    four draws are left to ArviZ altogether.
    """

    def __init__(self, values: Array) -> None:
        half = values.shape[1] // 2
        self.values, self.short = values, half < 4
        if not self.short:
            self.halves = np.concatenate([values[:, :half], values[:, -half:]])
            self.scores = _normal_scores(self.halves)


def _rhat(ranked: Ranked) -> Array:
    if ranked.short:
        return np.asarray(az.rhat(ranked.values, method="rank", **AXES))
    folded = _normal_scores(np.abs(ranked.halves - np.median(ranked.halves, axis=(0, 1))))
    found = np.array(az.rhat(ranked.scores, method="identity", **AXES))
    spread = np.ptp(folded, axis=(0, 1)) > 0  # a label that is one in exactly half of the draws has none
    if spread.any():
        found[spread] = np.maximum(found[spread], az.rhat(folded[..., spread], method="identity", **AXES))
    return found


def _ess(ranked: Ranked) -> Array:
    if ranked.short:
        return np.asarray(az.ess(ranked.values, method="bulk", **AXES))
    return np.asarray(az.ess(ranked.scores, method="identity", **AXES))


def _normal_scores(values: Array) -> Array:
    """Each behaviour's ranks, mean ranks for ties, as quantiles of a normal law (Blom 1958)."""
    ranks = rankdata(values.reshape(-1, values.shape[-1]), axis=0)
    found: Array = ndtri((ranks - 3 / 8) / (len(ranks) + 1 / 4)).reshape(values.shape)
    return found


def judge_reference(behaviours: Array, diverging: Array | None, status: list[str]) -> Trust:
    """Pass the reference through every gate.

    ``behaviours`` is ``(chain, draw, behaviour)``; ``diverging`` booleans
    ``(chain, draw)`` or ``None`` for samplers without the notion; ``status`` one
    sentence a chain. Raises ``ValueError`` for other shapes.
    """
    chains = np.shape(behaviours)[:2]
    marked = chains if diverging is None else np.shape(diverging)
    if marked != chains or len(status) != chains[0]:
        raise ValueError(
            f"behaviours of {chains} chains and draws need diverging of that shape and a sentence of status "
            f"a chain, got {marked} and {len(status)} sentences"
        )
    rhat, ess = rhat_and_ess(behaviours)
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

    Raises ``ValueError`` for counts below one and an effective number that is none.

    >>> thinned(4, 100, 40.0).tolist()
    [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]
    """
    check_count(num_chains=num_chains, num_draws=num_draws)
    if not effective >= 0:
        raise ValueError(
            f"effective must not be negative, got {effective}: behaviours that vary have a number"
        )
    keep = int(np.clip(effective // num_chains, 1, num_draws))
    return ((np.arange(keep) + 0.5) * num_draws / keep).astype(int)
