r"""One tempered pass from the prior through a ladder of inverse temperatures, recorded at every rung.

Populations of :mod:`samplers.smc` walk from the prior to the coldest posterior; the adaptive
stages stop at every rung

.. math:: 0 < \beta_1 < \dots < \beta_R, \qquad
    \pi_r(\theta) \propto \pi(\theta)\, e^{-\beta_r N L(\theta)},

where the particles, moved at that temperature and equally weighted, are recorded. So one pass
gives draws of the whole family of posteriors, for little more than its coldest member costs.

Law: at every rung its posterior, up to a bias of order ``1 / num_particles``. Populations are
independent of each other, rungs of one population are not.

Source: Del Moral, Doucet and Jasra 2006, section 2.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Draws, Inputs, Observe, Progress, silent
from .lanes import lane_mesh, map_lanes
from .moves import Moves, hmc_moves
from .options import check_count, check_key, check_share
from .population import num_distinct, observe_particles, population_status
from .smc import Stage, check_tempering, climb, first_stage
from .target import Key, Target

type Array = jax.Array


def tempered_pass(
    key: Key,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    *,
    betas: Sequence[float],
    num_chains: int,
    num_particles: int,
    moves: Moves | None = None,
    target_ess: float = 0.5,
    max_stages: int = 500,
    min_ancestors: int = 5,
    progress: Progress = silent,
) -> list[Draws]:
    """Draws of the posterior at every one of ``betas``: chain = population, draw = particle.

    The ``beta`` of the target itself does not matter. ``lp`` is that of the rung. A population that
    descends from fewer than ``min_ancestors`` prior draws, or took ``max_stages`` before it was
    there, says so in the rung's status. Moves are Hamiltonian unless others are given. Raises
    ``ValueError`` for betas that do not rise from above zero, counts below one, and a target
    that tempering cannot serve.

    >>> from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
    >>> from samplers import posterior, random_walk_moves
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), gaussian(0.5))
    >>> target = posterior(model, Batch(jnp.ones((4, 1)), jnp.ones(4)), num_data=4)
    >>> rungs = tempered_pass(jax.random.key(0), target, lambda params, x: {"f": model.apply(params, x)},
    ...                       jnp.ones(1), betas=[0.5, 1.0], num_chains=2, num_particles=50,
    ...                       moves=random_walk_moves(2))
    >>> [rung.observed["f"].shape for rung in rungs]
    [(2, 50, 1), (2, 50, 1)]
    """
    check_key(key)
    check_count(num_chains=num_chains, num_particles=num_particles, max_stages=max_stages)
    check_share(target_ess=target_ess)
    rising = all(low < high for low, high in pairwise([0.0, *betas]))
    if not betas or not rising or not np.isfinite(betas[-1]):
        raise ValueError(f"betas must rise from above zero and be finite, got {list(betas)}")
    chosen = hmc_moves() if moves is None else moves
    coldest = replace(target, beta=jnp.asarray(float(betas[-1])))
    check_tempering(coldest, chosen)
    mesh = lane_mesh(num_chains)
    stages = _begin(chosen, num_particles, max_stages, coldest, key, np.arange(num_chains), mesh)
    rungs: list[Draws] = []
    progress(0, len(betas))
    for place, beta in enumerate(betas):
        until = jnp.asarray(beta / betas[-1])
        stages, recorded = _climb(
            chosen, target_ess, max_stages, observe, coldest, inputs, stages, until, mesh
        )
        observed, stats, log_evidence = jax.tree.map(np.asarray, recorded)
        status = population_status(stats, log_evidence, min_ancestors)
        rungs.append(Draws(observed, stats, None, status))
        progress(place + 1, len(betas), f"beta {beta:.3g}")
    return rungs


@partial(jax.jit, static_argnames=("moves", "num_particles", "max_stages", "mesh"))
def _begin(
    moves: Moves,
    num_particles: int,
    max_stages: int,
    target: Target,
    key: Key,
    indices: Array,
    mesh: Mesh,
) -> Stage:
    def one(shared: Any, index: Array) -> Stage:
        target, key = shared
        stage = first_stage(jax.random.fold_in(key, index), target, moves, num_particles, max_stages)
        # constants are weakly typed, and a stage that was climbed is not: the climb would compile twice
        return stage._replace(**jax.tree.map(_typed, {"tuning": stage.tuning, "stats": stage.stats}))

    return map_lanes(one, (target, key), indices, mesh=mesh, block=1)


@partial(jax.jit, static_argnames=("moves", "target_ess", "max_stages", "observe", "mesh"))
def _climb(
    moves: Moves,
    target_ess: float,
    max_stages: int,
    observe: Observe,
    target: Target,
    inputs: Inputs,
    stages: Stage,
    until: Array,
    mesh: Mesh,
) -> tuple[Stage, Any]:
    def one(shared: Any, stage: Stage) -> tuple[Stage, Any]:
        target, inputs, until = shared
        reached = climb(stage, until, target, moves, target_ess, max_stages)
        rung = replace(target, beta=until * target.beta)
        observed, stats = observe_particles(rung, observe, inputs, reached.particles)
        summary = reached.stats | {
            "num_ancestors": num_distinct(reached.ancestors),
            "finished": reached.temperature >= until,
        }
        num_particles = reached.ancestors.shape[0]
        stats |= {name: jnp.full(num_particles, value) for name, value in summary.items()}
        return reached, (observed, stats, reached.log_evidence)

    return map_lanes(one, (target, inputs, until), stages, mesh=mesh, block=1)


def _typed(x: Array) -> Array:
    return jax.lax.convert_element_type(x, x.dtype)
