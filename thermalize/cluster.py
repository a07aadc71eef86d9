"""Train networks on a Dask cluster: chunks are tasks, and come back as the same bits.

Networks are numbered and a chunk depends on nothing before it, so a chunk may be trained
by any worker. A task is plain data: the settings of the run, the name of an arm, its
resolved stops, the number of the first network and how many. A worker builds the rest
from the settings, once, and refuses if its identity, which decides the last bits, is not
the run's. Nothing but this process writes the store, and chunks arrive in order, so a
worker that dies loses nothing: the scheduler gives its chunk to another.
"""

import json
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .config import RunConfig, make_config, stored_layer
from .cores import use_cores
from .errors import UserError

if TYPE_CHECKING:
    from distributed import Client, Future

    from samplers import Draws, Stop
    from samplers.endpoints import Chunks, Report
    from samplers.training import Training

    from .prepare import Elsewhere, Run

PATIENCE = 5  # seconds for the scheduler to answer
AHEAD = 2  # chunks in hand for every thread of the cluster
LOOK = 0.5  # seconds between two looks at what has arrived


class Job(NamedTuple):
    """What a worker is to train for, as plain data."""

    arguments: str  # JSON of the run's arguments
    identity: str  # JSON of what decides the last bits
    arm: str
    stops: tuple[tuple[Any, ...], ...]


@contextmanager
def cluster(address: str, config: RunConfig) -> Iterator["Elsewhere"]:
    """Connect to a scheduler, ``tcp://host:port``; yields what trains the networks of an arm there.

    Raises :class:`UserError` for an address that is none or that nobody answers, if the
    extra ``cluster`` is not installed, and if a worker has another identity than this process.
    """
    with _connected(address) as client:
        from .parts import build_parts  # not before: it imports jax, and a wrong address is told at once
        from .prepare import make_run

        arguments = json.dumps(config.arguments())
        parts = build_parts(config)
        run = make_run(parts.task, parts.model, seed=config.seed, beta=config.beta, blocks=parts.blocks)
        identity = json.dumps(_identity(run))
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        checks = [
            client.submit(check_worker, arguments, identity, workers=[worker], pure=False)
            for worker in workers
        ]
        for check in checks:
            check.result()

        def elsewhere(arm: str, stops: tuple["Stop", ...]) -> Any:
            job = Job(arguments, identity, arm, tuple(map(tuple, stops)))

            def train(training: "Training", chunks: "Chunks", report: "Report") -> Generator[list["Draws"]]:
                return _in_order(client, job, chunks, report)

            return train

        yield elsewhere


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    if not re.fullmatch(r"(tcp|tls)://(\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]+):[0-9]{1,5}", address):
        raise UserError(
            "bad value for --scheduler",
            address,
            "it is not the address of a scheduler",
            "give tcp://host:port, as `dask scheduler` prints it",
        )
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UserError(
            "--scheduler needs Dask",
            address,
            "the package distributed is not installed",
            "install the extra: pip install 'thermalize[cluster]'",
        ) from error
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False, name="thermalize")
    except (OSError, TimeoutError) as error:
        raise UserError(
            "no scheduler answers",
            address,
            f"{PATIENCE} seconds went by without a word from it",
            "start one with `dask scheduler`, mend the address, or leave --scheduler out to train here",
        ) from error
    with client:
        yield client


def _in_order(client: "Client", job: Job, chunks: "Chunks", report: "Report") -> Generator[list["Draws"]]:
    """The chunks in order; no more than a few for every thread are in hand, so that memory is bounded."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    waiting: list[tuple[int, Future]] = []
    left, finished, shown = list(chunks), 0, 0
    try:
        while left or waiting:
            threads = sum(client.nthreads().values())
            while left and len(waiting) < max(AHEAD * threads, 1):
                first, count = left.pop(0)
                future = client.submit(train_there, job, first, count, pure=False, retries=0)
                waiting.append((count, future))
            shown = max(shown, finished + sum(count for count, future in waiting if future.done()))
            report(shown, f"{threads} threads elsewhere" if threads else "no worker yet")
            try:
                pieces = waiting[0][1].result(timeout=LOOK)
            except TimeoutError:
                continue
            finished += waiting.pop(0)[0]
            yield pieces
    except KilledWorker as error:
        raise UserError(
            "workers die of one chunk",
            None,
            str(error),
            "see their logs: give them more memory, or make [batch] chunk_endpoints smaller in another run",
        ) from error
    except CancelledError as error:
        raise UserError(
            "the scheduler has gone away",
            None,
            str(error),
            "what was finished is kept: `thermalize resume` the run, with --scheduler or without",
        ) from error
    finally:
        client.cancel([future for _, future in waiting], force=True)


def train_there(job: Job, first: int, count: int) -> list["Draws"]:
    """One chunk, in a worker."""
    _start_jax(job.identity)
    from samplers.training import train_chunk

    return train_chunk(_training(job), first, count)


def check_worker(arguments: str, identity: str) -> None:
    """In a worker: raise :class:`UserError` if it would not get the run's bits."""
    _start_jax(identity)
    _prepared(arguments, identity)


def _start_jax(identity: str) -> None:
    """Show jax as many devices as the run has, before it starts."""
    if "jax" not in sys.modules:
        use_cores(json.loads(identity)["num_devices"])


@cache
def _training(job: Job) -> "Training":
    from samplers import Stop

    from .prepare import training_of

    run, arms = _prepared(job.arguments, job.identity)
    return training_of(arms[job.arm], [Stop(*stop) for stop in job.stops], run)


@cache
def _prepared(arguments: str, identity: str) -> tuple["Run", dict[str, Any]]:
    """The run and its arms by name, made again from plain data."""
    from .parts import build_parts
    from .prepare import make_run
    from .provenance import first_difference

    values = json.loads(arguments)
    config = make_config(stored_layer(values), select=list(values["arms"]))
    parts = build_parts(config)
    run = make_run(parts.task, parts.model, seed=config.seed, beta=config.beta, blocks=parts.blocks)
    changed = first_difference(json.loads(identity), _identity(run))
    if changed:
        meaning, difference, fix = changed
        raise UserError(
            f"a worker of the cluster cannot take part: the run was started with {meaning}",
            None,
            f"in the worker {difference}: its networks would not be the run's bit for bit",
            f"{fix}; workers that have served another run are to be started again",
        )
    return run, {arm.name: arm for arm in parts.arms}


def _identity(run: "Run") -> dict[str, Any]:
    import jax

    from .prepare import data_arrays
    from .provenance import identity

    return identity(
        seed=run.seed, arrays=data_arrays(run.task), devices=jax.devices(), batch=run.blocks._asdict()
    )
