"""Kernels of the exact samplers with fixed tuning, for the 3-4-1 network.

Invariance holds at any fixed tuning; warm-up is judged elsewhere. Steps are long enough
that a few per cent to a fifth of all proposals are refused: a wrong refusal must show.
"""

from typing import Any

import jax
import jax.numpy as jnp

from samplers import (
    Kernel,
    Target,
    adjusted_mclmc,
    crank_nicolson_moves,
    elliptical_slice,
    hmc,
    mala,
    numpyro_nuts,
    nuts,
    random_walk_moves,
)
from samplers.elliptical import elliptical_kernel
from samplers.moves import Moves, Tuning
from samplers.population import tempered_log_likelihood
from samplers.target import Params, training_errors

from .invariance import MakeKernel

type Array = jax.Array

STEP_SIZE, LONG_STEP_SIZE = 0.35, 1.2


def with_step(sampler: Any, **tuning: float) -> MakeKernel:
    """A sampler's kernel with this step size and, where it has one, a unit mass matrix."""

    def make(target: Target) -> Kernel:
        shapes = jax.eval_shape(target.sample_prior, jax.random.key(0))
        size = sum(leaf.size for leaf in jax.tree.leaves(shapes))
        values: dict[str, Array] = {name: jnp.asarray(value) for name, value in tuning.items()}
        if sampler.name in ("hmc", "nuts", "numpyro_nuts"):
            values["inverse_mass_matrix"] = jnp.ones(size)
        made: Kernel = sampler.kernel(target, values)
        return made

    return make


def from_moves(moves: Moves, step_size: float) -> MakeKernel:
    """Moves of a population on the posterior itself."""

    def make(target: Target) -> Kernel:
        assert target.prior_scale is not None
        tuning = Tuning(jnp.asarray(step_size), target.prior_scale)
        return moves.kernel(target, lambda params: tempered_log_likelihood(target, params), tuning)

    return make


def within_level(target: Target) -> Kernel:
    """Elliptical slice moves that never leave the networks without training errors."""

    def inside(params: Params) -> Array:
        return jnp.where(training_errors(target, params) == 0, 0.0, -jnp.inf)

    return elliptical_kernel(target, inside)


def elliptical(target: Target) -> Kernel:
    """Elliptical slice sampling of the posterior."""
    return elliptical_slice().kernel(target, ())


POSTERIOR_KERNELS: dict[str, MakeKernel] = {
    "hmc": with_step(hmc(6), step_size=STEP_SIZE),
    "nuts": with_step(nuts(4), step_size=STEP_SIZE),
    "numpyro_nuts": with_step(numpyro_nuts(4), step_size=STEP_SIZE),
    "mala": with_step(mala(), step_size=0.15),
    "adjusted_mclmc": with_step(adjusted_mclmc(4.0), step_size=LONG_STEP_SIZE),
    "elliptical_slice": elliptical,
    "random_walk": from_moves(random_walk_moves(), 0.4),
    "crank_nicolson": from_moves(crank_nicolson_moves(), 0.7),
}
