"""The driver of samplers: many chains, chunk by chunk, streamed.

One program warms every chain up, one advances all of them by a chunk of draws.
Everything random in chain ``c`` comes from ``fold_in(key, c)``, and step ``t`` from a
further ``fold_in`` with ``t``: a run in chunks, or one that was cut short and went on from
what it had saved, repeats a run in one go bit for bit.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Draws, Inputs, Observe, Progress, Save, Saved, Sink, forget, joined, silent, worst
from .kernel import Info, Kernel, Sampler, State, Tuning, check_sampler
from .lanes import lane_mesh, map_lanes, where_mapped
from .options import check_count, check_key
from .target import Key, Params, Target, fit_statistics
from .temperature import configurational_temperature, virial

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
    save: Save = forget,
    saved: Saved | None = None,
    progress: Progress = silent,
) -> Draws:
    """Run ``num_chains`` chains for ``num_draws`` recorded draws each.

    Chains start from draws of ``start``, the prior unless given: over-dispersed, so
    that R-hat can see a missed basin. ``observe(params, inputs)`` says what to
    record; ``lp`` (nats), ``loss`` (nats per datum), with labels ``train_error``, and
    ``configurational_temperature`` (1 on average under the posterior) are always
    recorded. Draws come in chunks of ``chunk``. With a ``sink`` every chunk is handed
    over and forgotten and memory stays flat: the result then has no draws in it. After
    every chunk ``save`` is given what the chains need to go on; given back as
    ``saved``, the run continues with the draws that are missing. ``block`` chains
    advance together on a device: a few on a CPU, hundreds on an accelerator. Raises
    ``ValueError`` for counts below one and for what other chains have saved, ``TypeError`` for
    what is no key or no :class:`Sampler`.

    >>> from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
    >>> from samplers import posterior, sgld
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), gaussian(0.5))
    >>> data = Batch(jnp.ones((4, 1)), jnp.ones(4))
    >>> draws = sample(jax.random.key(0), sgld(0.01, num_warmup=20), posterior(model, data, num_data=4),
    ...                lambda params, x: {"f": model.apply(params, x)}, jnp.ones(1),
    ...                num_chains=2, num_draws=5)
    >>> draws.observed["f"].shape, draws.status
    ((2, 5, 1), ['ok', 'ok'])
    """
    check_key(key)
    check_sampler(sampler)
    check_count(num_chains=num_chains, num_draws=num_draws, chunk=chunk, block=block)
    mesh = lane_mesh(num_chains)
    total = num_draws * sampler.num_steps_per_draw
    start = start or target.sample_prior
    num_done, status = (saved.num_done, saved.status) if saved else (0, ["ok"] * num_chains)
    progress(num_done * sampler.num_steps_per_draw, total)
    begin = partial(_warm_up, sampler, start, target, key, np.arange(num_chains), mesh, block)
    chains = begin() if saved is None else where_mapped(_restored(saved.arrays, begin, key), mesh)
    chunks: list[Draws] = []
    for first in range(num_done, num_draws, chunk):
        count = min(chunk, num_draws - first)
        chains, recorded = _advance(
            sampler, observe, keep_params, target, inputs, chains, first, count, chunk, mesh, block
        )
        observed, stats, params = jax.tree.map(lambda leaf, n=count: np.asarray(leaf)[:, :n], recorded)
        piece = Draws(observed, stats, params, _status(stats, first))
        status = [worst(pair) for pair in zip(status, piece.status, strict=True)]
        if sink is None:
            chunks.append(piece)
        else:
            sink(piece, first)
        save(Saved(first + count, status, _arrays(chains)))
        progress((first + count) * sampler.num_steps_per_draw, total)
    if sink is not None or not chunks:
        return Draws({}, {}, None, status)
    return joined(chunks, axis=1)._replace(status=status)


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


@partial(jax.jit, static_argnames=("sampler", "observe", "keep_params", "chunk", "mesh", "block"))
def _advance(
    sampler: Sampler,
    observe: Observe,
    keep_params: bool,
    target: Target,
    inputs: Inputs,
    chains: Chain,
    first_draw: Array,
    num_draws: Array,
    chunk: int,
    mesh: Mesh,
    block: int,
) -> tuple[Chain, Any]:
    """``num_draws`` further draws of every chain, in arrays with room for ``chunk``."""
    steps = sampler.num_steps_per_draw

    def one(shared: Any, chain: Chain) -> tuple[Chain, Any]:
        target, inputs, first_draw, num_draws = shared
        kernel = sampler.kernel(target, chain.tuning)

        def transition(state: State, t: Array) -> tuple[State, Info]:
            return kernel.step(jax.random.fold_in(chain.key, t), state)

        @partial(jax.jit, inline=True)  # traced once, for its shapes and for the loop
        def draw(state: State, d: Array) -> tuple[State, Any]:
            state, info = jax.lax.scan(transition, state, d * steps + jnp.arange(steps))
            params = kernel.position(state)
            stats = {name: _over_steps(values) for name, values in info.items()}
            stats |= draw_statistics(kernel, target, state)
            return state, (observe(params, inputs), stats, params if keep_params else None)

        def draw_and_keep(i: Array, carry: tuple[State, Any]) -> tuple[State, Any]:
            state, new = draw(carry[0], first_draw + i)
            return state, jax.tree.map(lambda kept, leaf: kept.at[i].set(leaf), carry[1], new)

        _, example = jax.eval_shape(draw, chain.state, first_draw)
        room = jax.tree.map(lambda leaf: jnp.zeros((chunk, *leaf.shape), leaf.dtype), example)
        # A loop with a traced end: a last chunk that is shorter neither compiles again nor overruns.
        state, recorded = jax.lax.fori_loop(0, num_draws, draw_and_keep, (chain.state, room))
        return chain._replace(state=state), recorded

    return map_lanes(one, (target, inputs, first_draw, num_draws), chains, mesh=mesh, block=block)


def draw_statistics(kernel: Kernel, target: Target, state: State) -> dict[str, Array]:
    """How well the position of a state fits, and its configurational temperature."""
    params = kernel.position(state)
    if kernel.gradient is None:
        heat = configurational_temperature(target, params)
    else:
        heat = virial(params, kernel.gradient(state))
    return {**fit_statistics(target, params), "configurational_temperature": heat}


def _arrays(chains: Chain) -> dict[str, np.ndarray]:
    """The leaves by key path, random keys as their data."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(chains)
    return {jax.tree_util.keystr(path): np.asarray(_plain(leaf)) for path, leaf in leaves}


def _plain(leaf: Array) -> Array:
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _restored(arrays: dict[str, np.ndarray], begin: Callable[[], Chain], key: Key) -> Chain:
    """The chains from :func:`_arrays`. Raises ``ValueError`` if they are of another kind or number."""

    def restore(path: Any, leaf: jax.ShapeDtypeStruct) -> Array:
        name = jax.tree_util.keystr(path)
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        expected = jax.eval_shape(_plain, leaf)
        found = arrays.get(name)
        if found is None or (found.shape, found.dtype) != (expected.shape, expected.dtype):
            have = "nothing" if found is None else f"{found.dtype} {found.shape}"
            raise ValueError(
                f"saved chains do not fit: {name} must be {expected.dtype} {expected.shape}, got {have}: "
                "they were saved by another sampler, network or number of chains"
            )
        return jax.random.wrap_key_data(jnp.asarray(found), impl=impl) if is_key else jnp.asarray(found)

    impl = jax.random.key_impl(key)
    return jax.tree_util.tree_map_with_path(restore, jax.eval_shape(begin))


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
