"""The driver of optimisers: train many networks, each to its own stopping rule.

Everything random in endpoint ``e`` comes from ``fold_in(key, e)``, and step ``t`` from a
further ``fold_in`` with ``t``: an endpoint does not depend on which others train beside
it (up to rounding). All endpoints are run to their end and reported, those that never
fit too: stopping when the first M have arrived would over-represent quick fitters.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Draws, Inputs, Observe, Progress, Sink, joined, silent
from .kernel import Sampler, State
from .lanes import lane_mesh, map_lanes
from .options import check_count
from .stopping import Rule, Stop, check_stop, first_witnesses, rule_met
from .target import Key, Params, Target, fit_statistics, loss

type Array = jax.Array
NEVER = -1


class Limits(NamedTuple):
    """The numbers of a stopping rule: traced, so that others never recompile."""

    extra_steps: Array
    threshold: Array
    max_steps: Array


class Lane(NamedTuple):
    """One endpoint in training."""

    key: Key
    state: State
    step: Array  # steps taken
    met_at: Array  # step at which the rule was first met, NEVER before
    failed_at: Array  # step at which the objective stopped being finite, NEVER before
    grad_norm: Array
    witnesses: Array  # rows of data to try first when looking for training errors


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
    lanes: int = 256,
    record_every: int = 50,
    block: int = 8,
    keep_params: bool = False,
    sink: Sink | None = None,
    progress: Progress = silent,
) -> Draws:
    """Train ``num_endpoints`` networks from independent starts to ``stop``.

    Starts are draws of ``start``, the prior unless given. Returns draws of shape
    ``(num_endpoints, 1, ...)`` with ``lp``, ``loss`` (full data, nats per datum),
    ``grad_norm``, ``steps``, ``steps_to_fit`` (-1: rule never met) and
    ``loss_curve``, the loss after every ``record_every`` steps, constant after the
    end. At most ``lanes`` networks are in memory, ``block`` of them advance together
    on a device: a few on a CPU, hundreds on an accelerator. With a ``sink`` every
    group of endpoints is handed over and forgotten. Raises ``ValueError`` for counts
    below one, or for ``first_fit`` where there are no labels.
    """
    check_count(num_endpoints=num_endpoints, lanes=lanes, record_every=record_every, block=block)
    check_stop(stop, target)
    num_records = -(-stop.max_steps // record_every)
    num_groups = -(-num_endpoints // lanes)
    size = -(-num_endpoints // num_groups)  # equal groups, so that one compilation serves them all
    mesh = lane_mesh(size)
    limits = Limits(*(jnp.asarray(n, dtype) for n, dtype in zip(stop[1:], (int, float, int), strict=True)))
    begin = partial(_begin, sampler, start or target.sample_prior, stop.rule, target, limits)
    chunks: list[Draws] = []
    status: list[str] = []
    progress(0, num_endpoints)
    for first in range(0, num_endpoints, size):
        count = min(size, num_endpoints - first)
        state, losses, _ = begin(key, first + np.arange(size), num_endpoints, mesh, block)
        curve = [losses]
        for record in range(num_records):
            limit = min((record + 1) * record_every, stop.max_steps)
            state, losses, ended = _train(sampler, stop.rule, target, limits, state, limit, mesh, block)
            curve.append(losses)
            num_ended = int(np.sum(np.asarray(ended)[:count]))
            progress(first + num_ended, num_endpoints)
            if num_ended == count:
                break
        recorded = _finish(sampler, observe, keep_params, target, inputs, state, mesh, block)
        padded = curve + [curve[-1]] * (num_records + 1 - len(curve))
        recorded[1]["loss_curve"] = jnp.stack(padded, axis=-1)
        observed, stats, params = _first(count, recorded)
        failed_at = np.asarray(state.failed_at)[:count]
        piece = Draws(observed, stats, params, _status(stop, failed_at, stats))
        status += piece.status
        if sink is None:
            chunks.append(piece)
        else:
            sink(piece, first)
    if sink is not None:
        return Draws({}, {}, None, status)
    return joined(chunks, axis=0)


def _ended(limits: Limits, lane: Lane) -> Array:
    met = (lane.met_at != NEVER) & (lane.step >= lane.met_at + limits.extra_steps)
    return met | (lane.failed_at != NEVER) | (lane.step >= limits.max_steps)


@partial(jax.jit, static_argnames=("sampler", "start", "rule", "mesh", "block"))
def _begin(
    sampler: Sampler,
    start: Callable[[Key], Params],
    rule: Rule,
    target: Target,
    limits: Limits,
    key: Key,
    endpoints: Array,
    num_endpoints: Array,
    mesh: Mesh,
    block: int,
) -> tuple[Lane, Array, Array]:
    """Lanes at step 0, their losses and whether they have ended; those past the last endpoint have."""

    def one(shared: Any, endpoint: Array) -> tuple[Lane, Array, Array]:
        target, limits, key, num_endpoints = shared
        keys = jax.random.split(jax.random.fold_in(key, endpoint), 4)
        key_start, key_warmup, key_init, key_run = keys
        position, tuning = sampler.warmup(key_warmup, target, start(key_start))
        state = sampler.kernel(target, tuning).init(key_init, position)
        met, witnesses = rule_met(
            rule, target, limits.threshold, position, jnp.asarray(True), first_witnesses(rule, target)
        )
        lane = Lane(
            key=key_run,
            state=state,
            step=jnp.where(endpoint < num_endpoints, 0, limits.max_steps),
            met_at=jnp.where(met, 0, jnp.full((), NEVER, int)),
            failed_at=jnp.full((), NEVER, int),
            grad_norm=jnp.zeros(()),
            witnesses=witnesses,
        )
        return lane, loss(target, position), _ended(limits, lane)

    shared = (target, limits, key, num_endpoints)
    return map_lanes(one, shared, endpoints, mesh=mesh, block=block)


@partial(jax.jit, static_argnames=("sampler", "rule", "mesh", "block"))
def _train(
    sampler: Sampler,
    rule: Rule,
    target: Target,
    limits: Limits,
    lanes: Lane,
    limit: Array,
    mesh: Mesh,
    block: int,
) -> tuple[Lane, Array, Array]:
    """Advance every lane to step ``limit`` or to its end, whichever is first."""

    def one(shared: Any, lane: Lane) -> tuple[Lane, Array, Array]:
        target, limits, limit = shared
        kernel = sampler.kernel(target, ())

        def going(lane: Lane) -> Array:
            return ~_ended(limits, lane) & (lane.step < limit)

        def step(lane: Lane) -> Lane:
            state, info = kernel.step(jax.random.fold_in(lane.key, lane.step), lane.state)
            taken = lane.step + 1
            asked = (lane.met_at == NEVER) & going(lane)
            met, witnesses = rule_met(
                rule, target, limits.threshold, kernel.position(state), asked, lane.witnesses
            )
            return lane._replace(
                state=state,
                step=taken,
                met_at=jnp.where(met, taken, lane.met_at),
                failed_at=jnp.where(info["diverging"], taken, lane.failed_at),
                grad_norm=info["grad_norm"],
                witnesses=witnesses,
            )

        lane = jax.lax.while_loop(going, step, lane)
        return lane, loss(target, kernel.position(lane.state)), _ended(limits, lane)

    active = ~_ended(limits, lanes)
    return map_lanes(one, (target, limits, limit), lanes, mesh=mesh, block=block, active=active)


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


def _first(count: int, recorded: Any) -> Any:
    """The first ``count`` endpoints as numpy arrays with axes ``(chain, draw, ...)``."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:count, None], recorded)


def _status(stop: Stop, failed_at: np.ndarray, stats: dict[str, np.ndarray]) -> list[str]:
    def sentence(failed_at: int, met_at: int, steps: int, loss: float) -> str:
        if failed_at != NEVER:
            return f"diverged: objective or gradient not finite at step {failed_at}"
        if not np.isfinite(loss):
            return f"diverged: loss not finite after {steps} steps"
        if stop.rule != "budget" and met_at == NEVER:
            return f"did not meet its stopping rule within {stop.max_steps} steps"
        if stop.rule != "budget" and steps < met_at + stop.extra_steps:
            return f"reached max_steps = {stop.max_steps} before its {stop.extra_steps} extra steps were done"
        return "ok"

    columns = (stats[name][:, 0].tolist() for name in ("steps_to_fit", "steps", "loss"))
    return [sentence(*row) for row in zip(failed_at.tolist(), *columns, strict=True)]
