"""Methods that draw from a posterior, behind one call: chains, rejection, levels of training errors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from samplers import (
    Draws,
    Sampler,
    Target,
    elliptical_moves,
    level_smc,
    populations,
    prior_draws,
    reject,
    sample,
)
from samplers.draws import Inputs, Observe, Progress

type Key = jax.Array


class Drawn(NamedTuple):
    """What a method found; ``draws.observed["logits"]`` has the axes ``(chain, draw, probe, class)``."""

    draws: Draws
    log_evidence: float | None = None  # nats
    standard_error: float | None = None  # nats
    exact_mean: np.ndarray | None = None  # (probe,) network outputs, of a method that integrates
    exact_error: float | None = None  # of that mean, from the same on a grid half as fine


@dataclass(frozen=True)
class Method:
    """One way to draw from a target, and what it claims to draw."""

    name: str
    law: str
    citation: str
    options: dict[str, Any]
    draw: Callable[[Key, Target, Observe, Inputs, Progress], Drawn]


def chains(
    sampler: Sampler, num_chains: int, num_draws: int, options: dict[str, Any] | None = None
) -> Method:
    """Markov chains from over-dispersed starts, draws of the prior."""

    def draw(key: Key, target: Target, observe: Observe, inputs: Inputs, progress: Progress) -> Drawn:
        found = sample(
            key,
            sampler,
            target,
            observe,
            inputs,
            num_chains=num_chains,
            num_draws=num_draws,
            start=target.sample_prior,
            progress=progress,
        )
        return Drawn(found)

    sizes = {"num_chains": num_chains, "num_draws": num_draws}
    return Method(sampler.name, sampler.law, sampler.citation, sizes | (options or {}), draw)


def prior_ceiling(num_draws: int) -> Method:
    """Independent draws of the prior: what the posterior must be told apart from."""
    return chains(prior_draws(), 8, num_draws)


def rejection(num_accepted: int, num_chains: int = 8) -> Method:
    """Prior draws that fit, dealt to chains in turn; the evidence with its binomial error."""

    def draw(key: Key, target: Target, observe: Observe, inputs: Inputs, progress: Progress) -> Drawn:
        found, record = reject(
            key,
            target,
            observe,
            inputs,
            num_accepted=num_accepted,
            num_chains=num_chains,
            progress=progress,
        )
        return Drawn(found, record.log_evidence, record.standard_error)

    law = "the prior given zero training errors, exactly; independent draws"
    citation = "von Neumann 1951; Mingard et al. 2021"
    options = {"num_accepted": num_accepted, "num_chains": num_chains}
    return Method("rejection", law, citation, options, draw)


def levels(num_particles: int, num_moves: int, num_chains: int = 8) -> Method:
    """Independent populations led to zero training errors level by level; the product of the levels.

    ``num_moves`` elliptical slice moves a level: after few, particles of one ancestor still
    compute the same function, which the effective sample size of outputs does not see.
    """
    sampler = level_smc(elliptical_moves(num_moves), num_particles)

    def draw(key: Key, target: Target, observe: Observe, inputs: Inputs, progress: Progress) -> Drawn:
        found, evidence = populations(
            key, sampler, target, observe, inputs, num_chains=num_chains, progress=progress
        )
        return Drawn(found, evidence.log_evidence, evidence.standard_error)

    options = {"num_particles": num_particles, "num_moves": num_moves, "num_chains": num_chains}
    return Method(sampler.name, sampler.law, sampler.citation, options, draw)


@cache
def outputs_of(apply: Callable[[Any, jax.Array], jax.Array]) -> Observe:
    """Record the network's outputs on all inputs; cached, so that methods share compilations."""
    return lambda params, inputs: {"logits": jax.vmap(apply, (None, 0))(params, inputs)}
