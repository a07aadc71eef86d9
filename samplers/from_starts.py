"""Networks trained, or chains run, from given parameters, and recorded after given numbers of steps.

Where :func:`optimise` draws its starts and stops each network by a rule, here both are
given: the same networks under several masks, say, or one and the same start with many orders of
the data. Network ``i`` takes its batches from ``fold_in(key, i)`` and the number of the step, so
that networks of equal number and key see equal batches, whatever else differs.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Draws
from .kernel import Info, Sampler, State, check_sampler
from .lanes import lane_mesh, map_lanes
from .options import check_count, check_key
from .target import Key, Params, Target, loss

type Array = jax.Array


def train_from(
    key: Key, sampler: Sampler, target: Target, starts: Params, steps: Sequence[int], *, block: int = 16
) -> Draws:
    """Train the networks ``starts`` ``(network, ...)``; draw ``k`` is each after ``steps[k]`` steps.

    Returns parameters ``(network, draw, ...)``, ``loss`` (full data, nats per datum) and a status
    a network. Raises ``ValueError`` unless ``steps`` are whole numbers that grow, the first not negative.

    >>> import optax
    >>> from samplers import optimiser
    >>> still = Target(lambda t: 0.0, lambda t, x: -((x - t) ** 2), None, lambda key: None,
    ...                jnp.array([2.0]), jnp.ones(()), jnp.ones(()), None)
    >>> found = train_from(jax.random.key(0), optimiser(optax.sgd(0.25)), still, jnp.zeros(1), [0, 1, 2])
    >>> found.params.tolist(), found.stats["loss"].tolist(), found.status
    ([[0.0, 1.0, 1.5]], [[4.0, 1.0, 0.25]], ['ok'])
    """
    return _draws_from(key, sampler, target, starts, steps, block, _no_info)


def sample_from(
    key: Key, sampler: Sampler, target: Target, starts: Params, steps: Sequence[int], *, block: int = 16
) -> Draws:
    """As :func:`train_from`, and what a step says of itself is recorded too: its mean since the draw before.

    Zero where no step lies between. For samplers: no warm-up, and ``steps`` count single transitions.

    >>> import optax
    >>> from samplers import optimiser
    >>> still = Target(lambda t: 0.0, lambda t, x: -((x - t) ** 2), None, lambda key: None,
    ...                jnp.array([2.0]), jnp.ones(()), jnp.ones(()), None)
    >>> found = sample_from(jax.random.key(0), optimiser(optax.sgd(0.25)), still, jnp.zeros(1), [0, 2])
    >>> found.stats["objective"].tolist()
    [[0.0, 2.5]]
    """
    return _draws_from(key, sampler, target, starts, steps, block, _all_info)


type Pick = Callable[[Info], Info]


def _no_info(info: Info) -> Info:
    return {}


def _all_info(info: Info) -> Info:
    return {name: value.astype(float) for name, value in info.items()}


def _draws_from(
    key: Key, sampler: Sampler, target: Target, starts: Params, steps: Sequence[int], block: int, pick: Pick
) -> Draws:
    check_key(key)
    check_sampler(sampler)
    check_count(block=block)
    steps = list(steps)
    if not steps or steps[0] < 0 or any(late <= early for early, late in pairwise(steps)):
        raise ValueError(f"steps must grow from zero or more, got {steps}: give [0, 100, 1000], say")
    mesh = lane_mesh(jax.tree.leaves(starts)[0].shape[0])
    params, losses, info = jax.tree.map(
        np.asarray, _train(sampler, pick, target, key, starts, jnp.asarray(steps), mesh, block)
    )
    finite = np.isfinite(losses)
    status = [
        "ok" if row.all() else f"diverged: loss not finite after {steps[int(row.argmin())]} steps"
        for row in finite
    ]
    return Draws({}, {"loss": losses} | info, params, status)


@partial(jax.jit, static_argnames=("sampler", "pick", "mesh", "block"))
def _train(
    sampler: Sampler,
    pick: Pick,
    target: Target,
    key: Key,
    starts: Params,
    steps: Array,
    mesh: Mesh,
    block: int,
) -> tuple[Params, Array, Info]:
    num = jax.tree.leaves(starts)[0].shape[0]

    def one(shared: tuple[Target, Key, Array], lane: tuple[Array, Params]) -> tuple[Params, Array, Info]:
        target, key, steps = shared
        number, start = lane
        own = jax.random.fold_in(key, number)
        kernel = sampler.kernel(target, ())

        def to_next(state: tuple[Array, State], until: Array) -> tuple[tuple[Array, State], Any]:
            def step(at: Array, carry: tuple[State, Info]) -> tuple[State, Info]:
                inner, info = kernel.step(jax.random.fold_in(own, at), carry[0])
                return inner, jax.tree.map(jnp.add, carry[1], pick(info))

            done, inner = state
            _, like = jax.eval_shape(kernel.step, own, inner)
            none = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(pick, like))
            inner, total = jax.lax.fori_loop(done, until, step, (inner, none))
            params = kernel.position(inner)
            mean = jax.tree.map(lambda leaf: leaf / jnp.maximum(until - done, 1), total)
            return (until, inner), (params, loss(target, params), mean)

        # Batches take their keys from step 0 on; what the optimiser begins with takes its own beyond them.
        begin = kernel.init(jax.random.fold_in(own, jnp.uint32(0xFFFFFFFF)), start)
        recorded: tuple[Params, Array, Info]
        _, recorded = jax.lax.scan(to_next, (jnp.zeros((), steps.dtype), begin), steps)
        return recorded

    results: tuple[Params, Array, Info] = map_lanes(
        one, (target, key, steps), (jnp.arange(num), starts), mesh=mesh, block=block
    )
    return results
