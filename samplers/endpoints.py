"""The driver of optimisers: train many networks, each to its own stopping rule.

The key of endpoint ``e`` at step ``t`` is ``fold_in(fold_in(key, e), t)``, so an
endpoint does not depend on which others train beside it (up to rounding). All
endpoints are run to their end and reported, those that never fit too: stopping when
the first M have arrived would over-represent quick fitters.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Draws, Inputs, Observe, Progress, Sink, joined, silent
from .kernel import Sampler, State
from .lanes import lane_mesh, map_lanes
from .target import Key, Params, Target, fit_statistics, loss, training_errors

type Array = jax.Array
NEVER = -1


class Stop(NamedTuple):
    """When training ends. Exactly one of:

    ``first_fit``: zero training errors, then ``extra_steps`` more; ``loss``: full-data
    loss at most ``threshold`` (nats per datum), then ``extra_steps`` more; ``budget``:
    ``max_steps`` steps. The rule is checked after every step; ``max_steps`` bounds all.
    """

    rule: Literal["first_fit", "loss", "budget"] = "first_fit"
    extra_steps: int = 0
    threshold: float = 0.0
    max_steps: int = 10_000


class Lane(NamedTuple):
    """One endpoint in training."""

    key: Key
    state: State
    step: Array  # steps taken
    met_at: Array  # step at which the rule was first met, NEVER before
    failed_at: Array  # step at which the objective stopped being finite, NEVER before
    grad_norm: Array


def optimise(
    key: Key,
    sampler: Sampler,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    *,
    num_endpoints: int,
    stop: Stop,
    start: Callable[[Key], Params] | None = None,
    lanes: int = 128,
    record_every: int = 50,
    block: int = 32,
    keep_params: bool = False,
    sink: Sink | None = None,
    progress: Progress = silent,
) -> Draws:
    """Train ``num_endpoints`` networks from independent starts to ``stop``.

    Starts are draws of ``start``, the prior unless given. Returns draws of shape
    ``(num_endpoints, 1, ...)`` with ``lp``, ``loss`` (full data, nats per datum),
    ``grad_norm``, ``steps``, ``steps_to_fit`` (-1: rule never met) and
    ``loss_curve``, the loss after every ``record_every`` steps, constant after the
    end. Raises ``ValueError`` for counts below one, or for ``first_fit`` where there
    are no labels.
    """
    counts = {"num_endpoints": num_endpoints, "lanes": lanes, "record_every": record_every, "block": block}
    for name, count in (counts | {"max_steps": stop.max_steps}).items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")
    if stop.extra_steps < 0:
        raise ValueError(f"extra_steps must not be negative, got {stop.extra_steps}")
    if stop.rule == "first_fit" and target.errors is None:
        raise ValueError(
            "first_fit needs labels: this likelihood is a regression; stop at a loss or a budget"
        )
    num_records = -(-stop.max_steps // record_every)
    chunks: list[Draws] = []
    status: list[str] = []
    threshold = jnp.asarray(stop.threshold)
    rule = stop._replace(threshold=0.0)  # the threshold is traced: another one never recompiles
    progress(0, num_endpoints)
    for first in range(0, num_endpoints, lanes):
        size = min(lanes, num_endpoints - first)
        mesh = lane_mesh(size)
        keys = jax.vmap(partial(jax.random.fold_in, key))(first + jnp.arange(size))
        state = _begin(sampler, start or target.sample_prior, rule, target, threshold, keys, mesh, block)
        curve = [_loss(sampler, target, state, mesh, block)]
        for record in range(num_records):
            limit = min((record + 1) * record_every, stop.max_steps)
            state = _train(sampler, rule, target, threshold, state, jnp.asarray(limit), mesh, block)
            curve.append(_loss(sampler, target, state, mesh, block))
            ended = int(np.sum(np.asarray(_ended(rule, state))))
            progress(first + ended, num_endpoints)
            if ended == size:
                break
        recorded = _finish(sampler, observe, keep_params, target, inputs, state, mesh, block)
        observed, stats, params = jax.tree.map(lambda leaf: np.asarray(leaf)[:, None], recorded)
        padded = curve + [curve[-1]] * (num_records + 1 - len(curve))
        stats["loss_curve"] = np.stack(padded, axis=-1)[:, None]
        piece = Draws(observed, stats, params, _status(rule, state, stats))
        status += piece.status
        if sink is None:
            chunks.append(piece)
        else:
            sink(piece, first)
    if sink is not None:
        return Draws({}, {}, None, status)
    return joined(chunks, axis=0)


def record_steps(stop: Stop, record_every: int) -> list[int]:
    """The steps at which ``loss_curve`` is recorded, 0 first and ``max_steps`` last.

    >>> record_steps(Stop("budget", max_steps=120), 50)
    [0, 50, 100, 120]
    """
    return [*range(0, stop.max_steps, record_every), stop.max_steps]


def _met(rule: Stop, target: Target, threshold: Array, params: Params) -> Array:
    match rule.rule:
        case "first_fit":
            return training_errors(target, params) == 0
        case "loss":
            return loss(target, params) <= threshold
        case "budget":
            return jnp.asarray(False)


def _ended(rule: Stop, lane: Lane) -> Array:
    met = (lane.met_at != NEVER) & (lane.step >= lane.met_at + rule.extra_steps)
    return met | (lane.failed_at != NEVER) | (lane.step >= rule.max_steps)


@partial(jax.jit, static_argnames=("sampler", "start", "rule", "mesh", "block"))
def _begin(
    sampler: Sampler,
    start: Callable[[Key], Params],
    rule: Stop,
    target: Target,
    threshold: Array,
    keys: Key,
    mesh: Mesh,
    block: int,
) -> Lane:
    def one(shared: Any, key: Key) -> Lane:
        target, threshold = shared
        key_start, key_warmup, key_init, key_run = jax.random.split(key, 4)
        position, tuning = sampler.warmup(key_warmup, target, start(key_start))
        state = sampler.kernel(target, tuning).init(key_init, position)
        met_at = jnp.where(_met(rule, target, threshold, position), 0, NEVER)
        return Lane(key_run, state, jnp.asarray(0), met_at, jnp.asarray(NEVER), jnp.asarray(0.0))

    return map_lanes(one, (target, threshold), keys, mesh=mesh, block=block)


@partial(jax.jit, static_argnames=("sampler", "rule", "mesh", "block"))
def _train(
    sampler: Sampler,
    rule: Stop,
    target: Target,
    threshold: Array,
    lanes: Lane,
    limit: Array,
    mesh: Mesh,
    block: int,
) -> Lane:
    """Advance every lane to step ``limit`` or to its end, whichever is first."""

    def one(shared: Any, lane: Lane) -> Lane:
        target, threshold, limit = shared
        kernel = sampler.kernel(target, ())

        def step(lane: Lane) -> Lane:
            state, info = kernel.step(jax.random.fold_in(lane.key, lane.step), lane.state)
            taken = lane.step + 1
            met = (lane.met_at == NEVER) & _met(rule, target, threshold, kernel.position(state))
            return lane._replace(
                state=state,
                step=taken,
                met_at=jnp.where(met, taken, lane.met_at),
                failed_at=jnp.where(info["diverging"], taken, lane.failed_at),
                grad_norm=info["grad_norm"],
            )

        return jax.lax.while_loop(lambda lane: ~_ended(rule, lane) & (lane.step < limit), step, lane)

    return map_lanes(one, (target, threshold, limit), lanes, mesh=mesh, block=block)


@partial(jax.jit, static_argnames=("sampler", "mesh", "block"))
def _loss(sampler: Sampler, target: Target, lanes: Lane, mesh: Mesh, block: int) -> Array:
    def one(target: Target, lane: Lane) -> Array:
        return loss(target, sampler.kernel(target, ()).position(lane.state))

    return map_lanes(one, target, lanes, mesh=mesh, block=block)


@partial(jax.jit, static_argnames=("sampler", "observe", "keep_params", "mesh", "block"))
def _finish(
    sampler: Sampler,
    observe: Observe,
    keep_params: bool,
    target: Target,
    inputs: Inputs,
    lanes: Lane,
    mesh: Mesh,
    block: int,
) -> Any:
    def one(shared: Any, lane: Lane) -> Any:
        target, inputs = shared
        params = sampler.kernel(target, ()).position(lane.state)
        stats = {
            **fit_statistics(target, params),
            "grad_norm": lane.grad_norm,
            "steps": lane.step,
            "steps_to_fit": lane.met_at,
            "diverging": lane.failed_at != NEVER,
        }
        return observe(params, inputs), stats, params if keep_params else None

    return map_lanes(one, (target, inputs), lanes, mesh=mesh, block=block)


def _status(rule: Stop, lanes: Lane, stats: dict[str, np.ndarray]) -> list[str]:
    def sentence(met_at: int, failed_at: int, finite: bool) -> str:
        if failed_at != NEVER or not finite:
            return f"diverged: objective or gradient not finite at step {failed_at}"
        if rule.rule != "budget" and met_at == NEVER:
            return f"did not meet its stopping rule within {rule.max_steps} steps"
        return "ok"

    finite = np.isfinite(stats["loss"][:, 0])
    return [
        sentence(int(m), int(f), bool(ok))
        for m, f, ok in zip(np.asarray(lanes.met_at), np.asarray(lanes.failed_at), finite, strict=True)
    ]
