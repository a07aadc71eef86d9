"""The driver of samplers: many chains, chunk by chunk, streamed.

One program warms every chain up, one advances all of them by a chunk of draws.
Everything random in chain ``c`` comes from ``fold_in(key, c)``, and step ``t`` from a
further ``fold_in`` with ``t``: a chunked run repeats an unchunked one bit for bit.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Draws, Inputs, Observe, Progress, Sink, joined, silent, worst
from .kernel import Info, Sampler, State, Tuning
from .lanes import lane_mesh, map_lanes
from .options import check_count
from .target import Key, Params, Target, fit_statistics
from .temperature import configurational_temperature

type Array = jax.Array


class Chain(NamedTuple):
    """One chain between two chunks."""

    key: Key
    state: State
    tuning: Tuning


def sample(
    key: Key,
    sampler: Sampler,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    *,
    num_chains: int,
    num_draws: int,
    start: Callable[[Key], Params] | None = None,
    chunk: int = 50,
    block: int = 8,
    keep_params: bool = False,
    sink: Sink | None = None,
    progress: Progress = silent,
) -> Draws:
    """Run ``num_chains`` chains for ``num_draws`` recorded draws each.

    Chains start from draws of ``start``, the prior unless given: over-dispersed, so
    that R-hat can see a missed basin. ``observe(params, inputs)`` says what to
    record; ``lp`` (nats), ``loss`` (nats per datum), with labels ``train_error``, and
    ``configurational_temperature`` (1 on average under the posterior) are always
    recorded. Draws come in equal chunks of at most ``chunk``. With a ``sink`` every
    chunk is handed over and forgotten and memory stays flat: the result then has no
    draws in it. ``block`` chains advance together on a device: a few on a CPU,
    hundreds on an accelerator. Raises ``ValueError`` for counts below one.

    >>> from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
    >>> from samplers import hmc, posterior
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), gaussian(0.5))
    >>> data = Batch(jnp.ones((4, 1)), jnp.ones(4))
    >>> draws = sample(jax.random.key(0), hmc(8, num_warmup=20), posterior(model, data, num_data=4),
    ...                lambda params, x: {"f": model.apply(params, x)}, jnp.ones(1),
    ...                num_chains=2, num_draws=5)
    >>> draws.observed["f"].shape, draws.status
    ((2, 5, 1), ['ok', 'ok'])
    """
    check_count(num_chains=num_chains, num_draws=num_draws, chunk=chunk, block=block)
    mesh = lane_mesh(num_chains)
    total = num_draws * sampler.num_steps_per_draw
    progress(0, total)
    chains = _warm_up(sampler, start or target.sample_prior, target, key, np.arange(num_chains), mesh, block)
    size = -(-num_draws // -(-num_draws // chunk))  # one compilation for all: the last may overrun
    chunks: list[Draws] = []
    status = ["ok"] * num_chains
    for first in range(0, num_draws, size):
        chains, recorded = _advance(
            sampler, observe, keep_params, target, inputs, chains, first, size, mesh, block
        )
        observed, stats, params = _first(num_draws - first, recorded)
        piece = Draws(observed, stats, params, _status(stats, first))
        status = [worst(pair) for pair in zip(status, piece.status, strict=True)]
        if sink is None:
            chunks.append(piece)
        else:
            sink(piece, first)
        progress(min(first + size, num_draws) * sampler.num_steps_per_draw, total)
    if sink is not None:
        return Draws({}, {}, None, status)
    return joined(chunks, axis=1)


@partial(jax.jit, static_argnames=("sampler", "start", "mesh", "block"))
def _warm_up(
    sampler: Sampler,
    start: Callable[[Key], Params],
    target: Target,
    key: Key,
    chains: Array,
    mesh: Mesh,
    block: int,
) -> Chain:
    def one(shared: Any, chain: Array) -> Chain:
        target, key = shared
        keys = jax.random.split(jax.random.fold_in(key, chain), 4)
        key_start, key_warmup, key_init, key_run = keys
        position, tuning = sampler.warmup(key_warmup, target, start(key_start))
        state = sampler.kernel(target, tuning).init(key_init, position)
        return Chain(key_run, state, tuning)

    return map_lanes(one, (target, key), chains, mesh=mesh, block=block)


@partial(jax.jit, static_argnames=("sampler", "observe", "keep_params", "num_draws", "mesh", "block"))
def _advance(
    sampler: Sampler,
    observe: Observe,
    keep_params: bool,
    target: Target,
    inputs: Inputs,
    chains: Chain,
    first_draw: Array,
    num_draws: int,
    mesh: Mesh,
    block: int,
) -> tuple[Chain, Any]:
    steps = sampler.num_steps_per_draw

    def one(shared: Any, chain: Chain) -> tuple[Chain, Any]:
        target, inputs, first_draw = shared
        kernel = sampler.kernel(target, chain.tuning)

        def transition(state: State, t: Array) -> tuple[State, Info]:
            return kernel.step(jax.random.fold_in(chain.key, t), state)

        def draw(state: State, d: Array) -> tuple[State, Any]:
            state, info = jax.lax.scan(transition, state, d * steps + jnp.arange(steps))
            params = kernel.position(state)
            stats = {name: _over_steps(values) for name, values in info.items()}
            stats |= fit_statistics(target, params)
            stats["configurational_temperature"] = configurational_temperature(target, params)
            return state, (observe(params, inputs), stats, params if keep_params else None)

        state, recorded = jax.lax.scan(draw, chain.state, first_draw + jnp.arange(num_draws))
        return chain._replace(state=state), recorded

    return map_lanes(one, (target, inputs, first_draw), chains, mesh=mesh, block=block)


def _first(num_draws: int, recorded: Any) -> Any:
    """At most ``num_draws`` draws as numpy arrays with axes ``(chain, draw, ...)``."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:, :num_draws], recorded)


def _over_steps(values: Array) -> Array:
    """One number for the transitions between two draws: any, sum or mean by type."""
    if values.dtype == bool:
        return jnp.any(values)
    if jnp.issubdtype(values.dtype, jnp.integer):
        return jnp.sum(values)
    return jnp.mean(values)


def _status(stats: dict[str, np.ndarray], first_draw: int) -> list[str]:
    finite = np.isfinite(stats["lp"])
    return [
        "ok" if row.all() else f"log density not finite at draw {first_draw + int(np.argmin(row))}"
        for row in finite
    ]
