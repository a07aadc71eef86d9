r"""The contract of population methods and their driver.

A population method turns many prior draws into as many posterior draws at once, and on
the way measures the log evidence

.. math:: \log Z(\beta) = \log \int \pi(\theta)\, e^{-\beta N L(\theta)}\, d\theta.

One population gives no honest error bar: its particles share ancestors. So several
independent populations are run and are the chains of the result (chain = population,
draw = particle). Particles of one ancestor stand side by side, so that the
autocorrelation over draws, and with it the effective sample size, sees how alike
relatives are.

Source: Del Moral, Doucet and Jasra 2006.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Draws, Inputs, Observe, Progress, Save, Saved, Sink, forget, joined, silent
from .evidence import Evidence, combined_evidence
from .lanes import lane_mesh, map_lanes
from .options import check_count, check_key
from .target import Key, Params, Target, fit_statistics, loss

type Array = jax.Array
RECORDED_AT_ONCE = 64  # particles whose activations are in memory together


class Population(NamedTuple):
    """Equally weighted particles and what they cost.

    ``log_evidence`` is in nats: ``-inf`` where no particle survived. ``stats`` holds
    scalars, among them ``num_stages``, ``smallest_ess``, ``num_ancestors`` (distinct
    prior draws that the particles descend from), ``acceptance_rate`` and ``finished``
    (false: stopped before the target was reached).
    """

    params: Params  # (particle, ...)
    log_evidence: Array  # ()
    stats: dict[str, Array]


class PopulationSampler(NamedTuple):
    """How to make one population for a target.

    ``run`` is traced, once for all populations; ``check`` is not, and raises
    ``ValueError`` for a target that the method cannot serve.
    """

    name: str
    law: str
    citation: str
    run: Callable[[Key, Target], Population]
    check: Callable[[Target], None] = lambda target: None


def populations(
    key: Key,
    sampler: PopulationSampler,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    *,
    num_chains: int,
    min_ancestors: int = 5,
    keep_params: bool = False,
    sink: Sink | None = None,
    save: Save = forget,
    saved: Saved | None = None,
    progress: Progress = silent,
) -> tuple[Draws, Evidence]:
    """Run ``num_chains`` independent populations and combine their evidence.

    ``observe(params, inputs)`` says what to record of every particle; ``lp`` (nats) and
    ``loss`` (nats per datum) always are, and the scalars of the population are repeated
    for its particles. A population that descends from fewer than ``min_ancestors`` prior
    draws says so in its status, and its evidence is not used. Every device runs one
    population at a time: its particles are the batch. With a ``sink`` groups of
    populations are handed over and forgotten; after each ``save`` is given what is needed
    to go on, and given back as ``saved`` the missing populations are run. Raises
    ``ValueError`` for counts below one and for a target that the sampler cannot serve,
    ``TypeError`` for what is no key or no :class:`PopulationSampler`.

    >>> from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
    >>> from samplers import posterior, random_walk_moves, smc
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), gaussian(0.5))
    >>> target = posterior(model, Batch(jnp.ones((4, 1)), jnp.ones(4)), num_data=4)
    >>> sampler = smc(random_walk_moves(2), num_particles=50)
    >>> draws, evidence = populations(jax.random.key(0), sampler, target,
    ...                               lambda params, x: {"f": model.apply(params, x)}, jnp.ones(1),
    ...                               num_chains=3)
    >>> draws.observed["f"].shape, evidence.reason, len(evidence.populations)
    ((3, 50, 1), 'ok', 3)
    """
    check_key(key)
    if not isinstance(sampler, PopulationSampler):
        raise TypeError(
            f"a PopulationSampler is needed, got a {type(sampler).__name__}: run chains by samplers.sample"
        )
    check_count(num_chains=num_chains, min_ancestors=min_ancestors)
    sampler.check(target)
    mesh = lane_mesh(num_chains)
    size = mesh.size
    chunks: list[Draws] = []
    num_done, status = (saved.num_done, list(saved.status)) if saved else (0, [])
    log_evidence: list[float] = saved.arrays["log_evidence"].tolist() if saved else []
    progress(num_done, num_chains)
    for first in range(num_done, num_chains, size):
        indices = first + np.arange(size)
        results = _run(sampler, observe, keep_params, target, inputs, key, indices, mesh)
        count = min(size, num_chains - first)  # the rest of the last group is computed and dropped
        recorded, values = take(jax.tree.map(np.asarray, results), slice(count))
        observed, stats, params = recorded
        piece = Draws(observed, stats, params, population_status(stats, values, min_ancestors))
        status += piece.status
        log_evidence += values.tolist()
        if sink is None:
            chunks.append(piece)
        else:
            sink(piece, first)
        save(Saved(first + count, status.copy(), {"log_evidence": np.array(log_evidence)}))
        progress(first + count, num_chains)
    draws = Draws({}, {}, None, status) if sink is not None or not chunks else joined(chunks, axis=0)
    return draws, combined_evidence(np.asarray(log_evidence), status)


def tempered_log_likelihood(target: Target, params: Params) -> Array:
    """``-beta N L``, nats; ``-inf`` where it is not a number."""
    value = -target.beta * target.num_data * loss(target, params)
    return jnp.where(jnp.isnan(value), -jnp.inf, value)


def prior_particles(key: Key, target: Target, num_particles: int) -> Params:
    """Independent draws from the prior, ``(particle, ...)``."""
    return jax.vmap(target.sample_prior)(jax.random.split(key, num_particles))


def take(particles: Params, indices: Array | slice) -> Params:
    """The particles with these indices."""
    return jax.tree.map(lambda leaf: leaf[indices], particles)


def observe_particles(
    target: Target, observe: Observe, inputs: Inputs, particles: Params
) -> tuple[dict[str, Array], dict[str, Array]]:
    """What is observed of every particle and how well it fits, ``(particle, ...)``, a few at a time."""
    num_particles = jax.tree.leaves(particles)[0].shape[0]
    num_batches = -(-num_particles // RECORDED_AT_ONCE)
    size = -(-num_particles // num_batches)
    filled = (jnp.arange(num_batches * size) % num_particles).reshape(num_batches, size)

    def record(params: Params) -> Any:
        return observe(params, inputs), fit_statistics(target, params)

    batches = jax.lax.map(lambda rows: jax.vmap(record)(take(particles, rows)), filled)
    found: tuple[dict[str, Array], dict[str, Array]] = jax.tree.map(
        lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:num_particles], batches
    )
    return found


def num_distinct(ancestors: Array) -> Array:
    """How many different values in ``0 .. n-1`` an array ``(n,)`` holds.

    >>> int(num_distinct(jnp.array([2, 0, 2])))
    2
    """
    return jnp.sum(jnp.bincount(ancestors, length=ancestors.shape[0]) > 0)


@partial(jax.jit, static_argnames=("sampler", "observe", "keep_params", "mesh"))
def _run(
    sampler: PopulationSampler,
    observe: Observe,
    keep_params: bool,
    target: Target,
    inputs: Inputs,
    key: Key,
    indices: Array,
    mesh: Mesh,
) -> tuple[Any, Array]:
    def one(shared: Any, index: Array) -> tuple[Any, Array]:
        target, inputs, key = shared
        population = sampler.run(jax.random.fold_in(key, index), target)

        observed, stats = observe_particles(target, observe, inputs, population.params)
        num_particles = stats["lp"].shape[0]
        stats |= {name: jnp.full(num_particles, value) for name, value in population.stats.items()}
        recorded = (observed, stats, population.params if keep_params else None)
        return recorded, population.log_evidence

    return map_lanes(one, (target, inputs, key), indices, mesh=mesh, block=1)


def population_status(
    stats: dict[str, np.ndarray], log_evidence: np.ndarray, min_ancestors: int
) -> list[str]:
    """One sentence a population."""

    def sentence(k: int) -> str:
        stages = int(stats["num_stages"][k, 0])
        ancestors = int(stats["num_ancestors"][k, 0])
        num_particles = stats["lp"].shape[1]
        if log_evidence[k] == -np.inf:
            return f"extinct after {stages} stages: none of {num_particles} particles reached the next one"
        if not stats["finished"][k, 0]:
            return f"unfinished: the target was not reached in {stages} stages"
        if not np.isfinite(stats["lp"][k]).all() or np.isnan(log_evidence[k]):
            return f"log density not finite at draw {int(np.argmin(np.isfinite(stats['lp'][k])))}"
        if ancestors < min_ancestors:
            return (
                f"collapsed: {num_particles} particles descend from {ancestors} prior draws, "
                f"fewer than {min_ancestors}; use more particles or more moves"
            )
        return "ok"

    return [sentence(k) for k in range(len(log_evidence))]
