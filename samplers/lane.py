"""One network in training, from its start to the end of every stopping rule.

Job ``j`` draws everything random from ``fold_in(key, j)`` and step ``t`` of it from a
further ``fold_in`` with ``t``, so which lane takes it, and when, changes nothing.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from .coordinates import Coordinates, Origin, Shared, enter, leave, target_in
from .draws import Inputs, Observe
from .kernel import Sampler, State
from .stopping import NEVER, Limits, Rule, first_witnesses, rules_met
from .target import Key, Params, Target, fit_statistics, loss

type Array = jax.Array
type Tree = Any
ROUND = 10  # steps that lanes take in lockstep
IDLE = -1


class Program(NamedTuple):
    """What is compiled: all that is static."""

    sampler: Sampler
    start: Callable[[Key], Params]
    coordinates: Coordinates | None  # in which networks are trained, if not in their parameters
    observe: Observe
    rules: tuple[Rule, ...]
    keep_params: bool
    record_every: int  # steps, a multiple of ROUND
    num_records: int
    num_jobs: int  # of one device in one chunk
    num_lanes: int  # of one device, a multiple of block
    block: int  # lanes that advance together
    mesh: Mesh


class Work(NamedTuple):
    """What the jobs of a chunk share: traced, the same on every device."""

    target: Target
    shared: Shared  # by the coordinates of all networks
    inputs: Inputs
    limits: Limits
    key: Key
    first: Array  # number of the chunk's first job
    num_jobs: Array  # in the chunk


class Lane(NamedTuple):
    """One network in training."""

    row: Array  # of the device's records, IDLE where there is no job
    key: Key
    state: State
    origin: Origin  # of its coordinates
    step: Array  # steps taken
    paused: Array  # whether it is at the end of a rule for which it was not recorded yet
    met_at: Array  # (rule,) step at which the rule was first met, NEVER before
    recorded: Array  # (rule,) whether the network was recorded for this rule
    failed_at: Array  # step at which the objective stopped being finite, NEVER before
    witnesses: Array  # rows of data to try first


def begin(program: Program, work: Work, job: Array, row: Array) -> tuple[Lane, Array]:
    """A lane at step 0 of a job, and its loss."""
    key_start, key_warmup, key_init, key_run = jax.random.split(jax.random.fold_in(work.key, job), 4)
    sampler, target, rules = program.sampler, work.target, program.rules
    position, tuning = sampler.warmup(key_warmup, target, program.start(key_start))
    coordinates, origin = enter(program.coordinates, target, position)
    lane = Lane(
        row=jnp.asarray(row, int),
        key=key_run,
        state=sampler.kernel(trained_on(program, work, origin), tuning).init(key_init, coordinates),
        origin=origin,
        step=jnp.zeros((), int),
        paused=jnp.asarray(False),
        met_at=jnp.full(len(rules), NEVER),
        recorded=jnp.zeros(len(rules), bool),
        failed_at=jnp.full((), NEVER, int),
        witnesses=first_witnesses(rules, target),
    )
    return lane, loss(target, position)


def trained_on(program: Program, work: Work, origin: Origin) -> Target:
    """The target in the coordinates of one network."""
    return target_in(program.coordinates, work.target, work.shared, origin)


def train(program: Program, work: Work, lanes: Lane) -> Lane:
    """Advance a block of lanes to the next multiple of ``ROUND`` steps, or to where a rule ends.

    A step and a look at the network before it share their forward pass: a network is
    at its end if the look says so, and the step is then not taken.
    """
    until = jnp.where(lanes.row == IDLE, 0, (lanes.step // ROUND + 1) * ROUND)

    def going(lanes: Lane) -> Array:
        return (lanes.step < until) & ~lanes.paused

    # One loop for the block, not a loop a lane under vmap, which would copy every state twice a step.
    return jax.lax.while_loop(
        lambda lanes: jnp.any(going(lanes)),
        lambda lanes: jax.vmap(partial(_step, program), (None, 0, 0))(work, lanes, going(lanes)),
        lanes,
    )


def _step(program: Program, work: Work, lane: Lane, going: Array) -> Lane:
    """One step of a lane that is going, and none of one that is at its end."""
    target, limits, rules = trained_on(program, work, lane.origin), work.limits, program.rules
    kernel = program.sampler.kernel(target, ())
    state, info = kernel.step(jax.random.fold_in(lane.key, lane.step), lane.state)
    asked = going & (lane.met_at == NEVER)
    params = kernel.position(lane.state)
    met, witnesses = rules_met(rules, target, limits, params, asked, lane.witnesses, info)
    lane = lane._replace(
        met_at=jnp.where(met, lane.step, lane.met_at),
        failed_at=jnp.where(going & info["diverging"], lane.step, lane.failed_at),
        witnesses=witnesses,
    )
    ends = jnp.any(due_rules(limits, lane))
    goes = jax.lax.optimization_barrier(going & ~ends)  # or it is worked out again for every parameter
    return lane._replace(
        state=jax.tree.map(partial(jnp.where, goes), state, lane.state),
        step=lane.step + goes,
        paused=lane.paused | (going & ends),
    )


def due_rules(limits: Limits, lane: Lane) -> Array:
    """The rules at whose end the lane is and for which it was not recorded yet, ``(rule,)``."""
    met = (lane.met_at != NEVER) & (lane.step >= lane.met_at + limits.extra_steps)
    return ~lane.recorded & (met | (lane.step >= limits.max_steps) | (lane.failed_at != NEVER))


def record(program: Program, work: Work, lane: Lane) -> Tree:
    """What is kept of a network: observed, stats, status, parameters."""
    kernel = program.sampler.kernel(work.target, ())
    params = leave(program.coordinates, work.target, kernel.position(lane.state), lane.origin)
    # The gradient by the parameters, whatever they were trained in.
    _, next_step = kernel.step(jax.random.fold_in(lane.key, lane.step), kernel.init(lane.key, params))
    missing = sorted({"grad_norm", "diverging"} - set(next_step))
    if missing:
        raise ValueError(
            f"{program.sampler.name} does not tell {' and '.join(missing)}, as optimisers do: "
            "draw from it by samplers.sample"
        )
    stats = {
        **fit_statistics(work.target, params),
        "grad_norm": next_step["grad_norm"],
        "steps": lane.step,
        "diverging": lane.failed_at != NEVER,
    }
    kept = params if program.keep_params else None
    return program.observe(params, work.inputs), stats, lane.failed_at, kept
