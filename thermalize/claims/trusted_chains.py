"""Chains of HMC that are run on until the gates of a reference are met, or for so long and no longer.

The first run is judged whole. Where a gate is missed the same chains go on until they are twice as long, and
are judged without their first quarter, as a longer warm-up; and again, as often as ``Chains`` allows. What is
judged is what is used.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from compare import judge_reference
from compare.trust import Trust
from samplers import Draws, Target, hmc, sample
from samplers.draws import Inputs, Observe, Progress, Saved, silent

from .claim import Check

type Array = np.ndarray

RUN_ON = (
    "Chains that miss R-hat or sample size are run on, to at most four times their length, and judged "
    "without their first quarter: so they are judged up to three times."
)


class Chains(NamedTuple):
    """How many draws at an inverse temperature, and with how long trajectories."""

    num_chains: int
    num_draws: int
    num_steps: int  # leapfrog steps a draw
    num_warmup: int = 300
    doublings: int = 0  # of the run, where it misses a gate
    thin: int = 1  # trajectories between two draws


def sample_until_trusted(
    key: jax.Array,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    chains: Chains,
    behaviours: Callable[[Draws], Array],
    progress: Progress = silent,
    reduced: Callable[[Draws], Draws] = lambda piece: piece,
) -> tuple[list[Draws], Trust]:
    """Pieces of the draws that were judged last, each ``reduced`` when it came, and how they were judged.

    ``behaviours`` of a reduced piece are ``(chain, draw, behaviour)``. Chains that diverge or leave the
    finite numbers are not run on: no length mends them.
    """
    pieces: list[Draws] = []
    saved: list[Saved] = []
    for turn in range(chains.doublings + 1):
        status = sample(
            key,
            hmc(chains.num_steps, chains.num_warmup, num_steps_per_draw=chains.thin),
            target,
            observe,
            inputs,
            num_chains=chains.num_chains,
            num_draws=chains.num_draws << turn,
            sink=lambda piece, first: pieces.append(reduced(piece)),
            save=lambda state: saved.append(state),
            saved=saved[-1] if saved else None,
            progress=progress,
        ).status
        kept = pieces[len(pieces) // 4 if turn else 0 :]
        seen = np.concatenate([behaviours(piece) for piece in kept], axis=1)
        diverging = np.concatenate([piece.stats["diverging"] for piece in kept], axis=1)
        trust = judge_reference(seen, diverging, status)
        if trust.passed or not all(gate.passed for gate in trust.gates[2:]):
            break
    return kept, trust


def checks_of(trust: Trust) -> list[Check]:
    """The gates as checks of a case."""
    return [Check(gate.name, gate.passed, f"{gate.value:.4g} of {gate.threshold:g}") for gate in trust.gates]


def mean_over(pieces: list[Draws], name: str) -> float:
    """The mean of a statistic over all draws."""
    return float(np.concatenate([piece.stats[name] for piece in pieces], axis=1).mean())
