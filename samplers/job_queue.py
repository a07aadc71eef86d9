"""A queue of numbered training jobs, worked off by a few lanes on every device.

Networks need different numbers of steps. A lane whose network has come to its end
records it and takes the next job, so no lane waits for the slowest. The queue is
drained: stopping when the first M have arrived would over-represent quick fitters.

Device ``d`` of ``D`` works on the jobs ``d, d + D, ...`` of a chunk. Its lanes take
``ROUND`` steps at a time, in lockstep; between two rounds losses are recorded and
lanes are refilled, so that the steps themselves do nothing but train.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from .coordinates import Origin
from .kernel import State
from .lane import IDLE, Lane, Program, Work, begin, due_rules, record, train, trained_on
from .lanes import for_some, put_lanes, take_lanes, where_asked
from .stopping import NEVER
from .target import loss

type Array = jax.Array
type Tree = Any


class Stream(NamedTuple):
    """One device at work on its share of a chunk."""

    num_taken: Array  # jobs handed out
    num_met: Array  # jobs that ended with every rule met
    lanes: Lane
    records: Tree  # (num_jobs + 1, rule, ...): the last row takes what nobody wants
    met_at: Array  # (num_jobs + 1, rule)
    curve: Array  # (num_jobs + 1, num_records) loss after 0, record_every, ... steps


@partial(jax.jit, static_argnames="program")
def open_streams(program: Program, work: Work) -> Stream:
    """One stream a device, leaves with the device axis first: all lanes idle."""
    lane, _ = jax.eval_shape(partial(begin, program), work, 0, 0)
    example = jax.eval_shape(partial(record, program), work, lane)
    num_rules = len(program.rules)

    def blank(leaf: jax.ShapeDtypeStruct, *axes: int) -> Array:
        shape = (program.mesh.size, *axes, *leaf.shape)
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jnp.broadcast_to(work.key, shape)
        return jnp.zeros(shape, leaf.dtype)

    rows = program.num_jobs + 1
    lanes = jax.tree.map(lambda leaf: blank(leaf, program.num_lanes), lane)
    stream = Stream(
        num_taken=jnp.zeros(program.mesh.size, int),
        num_met=jnp.zeros(program.mesh.size, int),
        lanes=lanes._replace(row=jnp.full_like(lanes.row, IDLE)),
        records=jax.tree.map(lambda leaf: blank(leaf, rows, num_rules), example),
        met_at=jnp.full((program.mesh.size, rows, num_rules), NEVER),
        curve=jnp.zeros((program.mesh.size, rows, program.num_records)),
    )
    # Laid out as run_streams returns it: another layout would compile a second program.
    return jax.lax.with_sharding_constraint(
        stream, NamedSharding(program.mesh, P(program.mesh.axis_names[0]))
    )


@partial(jax.jit, static_argnames="program", donate_argnames="streams")
def run_streams(
    program: Program, work: Work, streams: Stream, num_rounds: Array
) -> tuple[Stream, Array, Array]:
    """Advance every device by ``num_rounds``; also jobs ended and jobs met, over all devices."""

    def on_one_device(work: Work, streams: Stream, num_rounds: Array) -> Stream:
        stream = jax.tree.map(lambda leaf: leaf[0], streams)
        device = jax.lax.axis_index(program.mesh.axis_names[0])
        job = work.first + device + program.mesh.size * jnp.arange(program.num_jobs)
        num_jobs = jnp.sum(job < work.first + work.num_jobs)

        def working(carry: tuple[Stream, Array]) -> Array:
            stream, num_done = carry
            busy = (stream.num_taken < num_jobs) | jnp.any(stream.lanes.row != IDLE)
            return busy & (num_done < num_rounds)

        def one_round(carry: tuple[Stream, Array]) -> tuple[Stream, Array]:
            stream, num_done = carry
            stream = _refill(program, work, stream, job, num_jobs)
            stream = _record_losses(program, work, _train_blocks(program, work, stream))
            return _retire(program, work, stream), num_done + 1

        stream, _ = jax.lax.while_loop(working, one_round, (stream, jnp.zeros((), int)))
        return jax.tree.map(lambda leaf: leaf[None], stream)

    axis = P(program.mesh.axis_names[0])
    streams = jax.shard_map(
        on_one_device, mesh=program.mesh, in_specs=(P(), axis, P()), out_specs=axis, check_vma=False
    )(work, streams, num_rounds)
    num_running = jnp.sum(streams.lanes.row != IDLE)
    return streams, jnp.sum(streams.num_taken) - num_running, jnp.sum(streams.num_met)


def _train_blocks(program: Program, work: Work, stream: Stream) -> Stream:
    """Advance all lanes, block by block, idle ones in blocks of their own, which cost nothing."""
    order = jnp.argsort(stream.lanes.row == IDLE, stable=True)
    num_blocks = program.num_lanes // program.block
    blocks = jax.tree.map(
        lambda leaf: leaf[order].reshape(num_blocks, program.block, *leaf.shape[1:]), stream.lanes
    )
    blocks = jax.lax.map(partial(train, program, work), blocks)
    lanes = jax.tree.map(lambda leaf: leaf.reshape(program.num_lanes, *leaf.shape[2:]), blocks)
    return stream._replace(lanes=lanes)


def _refill(program: Program, work: Work, stream: Stream, job: Array, num_jobs: Array) -> Stream:
    """Give the next jobs to idle lanes."""
    idle = stream.lanes.row == IDLE
    row = stream.num_taken + jnp.cumsum(idle) - 1
    wanted = idle & (row < num_jobs)

    def fill(some: Array, carry: tuple[Lane, Array]) -> tuple[Lane, Array]:
        lanes, curve = carry
        begun, losses = jax.vmap(partial(begin, program), (None, 0, 0))(work, job[row[some]], row[some])
        rows = jnp.where(wanted[some], row[some], program.num_jobs)
        return put_lanes(lanes, some, wanted[some], begun), curve.at[rows, 0].set(losses)

    lanes, curve = for_some(wanted, fill, (stream.lanes, stream.curve))
    return stream._replace(num_taken=stream.num_taken + jnp.sum(wanted), lanes=lanes, curve=curve)


def _record_losses(program: Program, work: Work, stream: Stream) -> Stream:
    """The full-data loss of lanes that have come to a multiple of ``record_every``."""
    lanes, every = stream.lanes, program.record_every
    due = (lanes.row != IDLE) & (lanes.step % every == 0)

    def one(due: Array, state: State, origin: Origin) -> Array:
        target = trained_on(program, work, origin)
        params = program.sampler.kernel(target, ()).position(state)
        return where_asked(loss)(due, jnp.zeros(()), target, params)

    losses = jax.vmap(one)(due, lanes.state, lanes.origin)
    rows = jnp.where(due, lanes.row, program.num_jobs)
    column = jnp.minimum(lanes.step // every, program.num_records - 1)
    return stream._replace(curve=stream.curve.at[rows, column].set(losses))


def _retire(program: Program, work: Work, stream: Stream) -> Stream:
    """Record lanes for the rules at whose end they are; those past all their rules become idle."""
    lanes = stream.lanes
    due = lanes.paused[:, None] & jax.vmap(due_rules, (None, 0))(work.limits, lanes)

    def keep(some: Array, records: Tree) -> Tree:
        found = jax.vmap(partial(record, program), (None, 0))(work, take_lanes(lanes, some))
        wanted = due[some]
        rows = jnp.where(jnp.any(wanted, axis=1), lanes.row[some], program.num_jobs)

        def put(old: Array, new: Array) -> Array:
            mask = wanted.reshape(*wanted.shape, *(1,) * (new.ndim - 1))
            return old.at[rows].set(jnp.where(mask, jnp.expand_dims(new, 1), old[rows]))

        return jax.tree.map(put, records, found)

    some_due = jnp.any(due, axis=1)
    records = for_some(some_due, keep, stream.records)
    met_at = stream.met_at.at[jnp.where(some_due, lanes.row, program.num_jobs)].set(lanes.met_at)
    recorded = lanes.recorded | due
    ended = (lanes.row != IDLE) & jnp.all(recorded, axis=1)
    budget = jnp.array([[rule == "budget" for rule in program.rules]])
    met = ended & jnp.all((lanes.met_at != NEVER) | budget, axis=1)
    row = jnp.where(ended, IDLE, lanes.row)
    lanes = lanes._replace(recorded=recorded, row=row, paused=jnp.zeros_like(lanes.paused))
    num_met = stream.num_met + jnp.sum(met)
    return stream._replace(num_met=num_met, lanes=lanes, records=records, met_at=met_at)
