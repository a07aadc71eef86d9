"""The driver of optimisers: train many networks, each to its own stopping rule.

Every endpoint is a numbered job with its own key, worked off by :mod:`.job_queue`: an
endpoint does not depend on which others train beside it (up to rounding), and all are
run to their end and reported, those that never fit too. Jobs are handed out in chunks;
between two chunks nothing is in memory but their number, so a run that was cut short
goes on from there.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial

from .coordinates import Coordinates
from .draws import Draws, Inputs, Observe, Progress, Save, Saved, Sink, forget, joined, silent
from .kernel import Sampler
from .options import check_count
from .stopping import Stop
from .target import Key, Params, Target
from .training import Training, chunks_between, make_training, train_chunk

type Chunks = list[tuple[int, int]]  # number of the first endpoint, and how many
type Report = Callable[[int, str], None]  # how many endpoints of all these chunks have ended, and a note
type Train = Callable[[Training, Chunks, Report], Generator[list[Draws]]]  # a chunk at a time, in order


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
    coordinates: Coordinates | None = None,
    lanes: int = 16,
    block: int = 16,
    chunk: int = 4096,
    record_every: int = 50,
    keep_params: bool = False,
    sink: Sink | None = None,
    save: Save = forget,
    saved: Saved | None = None,
    progress: Progress = silent,
) -> Draws:
    """Train ``num_endpoints`` networks from independent starts to ``stop``.

    Starts are draws of ``start``, the prior unless given. Returns draws of shape
    ``(num_endpoints, 1, ...)`` with ``lp``, ``loss`` (full data, nats per datum),
    ``grad_norm`` (of a minibatch at the end), ``steps``, ``steps_to_fit`` (-1: rule
    never met) and ``loss_curve``, the loss after every ``record_every`` steps, a multiple of 10,
    constant after the end. ``lanes`` networks advance together on each device: a few
    on a CPU, thousands on an accelerator, ``block`` of them in lockstep. Endpoints are
    trained ``chunk`` at a time, and with a ``sink`` every chunk is handed over and
    forgotten. After every chunk ``save`` is told how far the run has come; given back as
    ``saved``, the endpoints that are missing are trained. With ``coordinates``, those of
    ``models.Model.span``, they are trained in these, with the same result up to rounding.
    Raises ``ValueError`` for counts below one, for ``first_fit`` where there are no labels,
    for ``coordinates`` with an optimiser that is not ``linear``, and for a sampler that is none.
    """
    (draws,) = optimise_through(
        key,
        sampler,
        target,
        observe,
        inputs,
        num_endpoints=num_endpoints,
        stops=[stop],
        start=start,
        coordinates=coordinates,
        lanes=lanes,
        block=block,
        chunk=chunk,
        record_every=record_every,
        keep_params=keep_params,
        sinks=None if sink is None else [sink],
        save=lambda all_stops: save(all_stops[0]),
        saved=None if saved is None else [saved],
        progress=progress,
    )
    return draws


def optimise_through(
    key: Key,
    sampler: Sampler,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    *,
    num_endpoints: int,
    stops: Sequence[Stop],
    start: Callable[[Key], Params] | None = None,
    coordinates: Coordinates | None = None,
    lanes: int = 16,
    block: int = 16,
    chunk: int = 4096,
    record_every: int = 50,
    keep_params: bool = False,
    sinks: Sequence[Sink] | None = None,
    save: Callable[[list[Saved]], None] = lambda all_stops: None,
    saved: Sequence[Saved] | None = None,
    progress: Progress = silent,
) -> list[Draws]:
    """Train every network once, through all of ``stops``, and record it at each of them.

    Like :func:`optimise`, with one ``Draws``, one of ``sinks`` and one ``Saved`` for
    every stop: the same networks at their first fit, some steps later, at a level of the
    loss. Each trains to the last of its stops, in whatever order they come.
    """
    check_count(num_endpoints=num_endpoints, chunk=chunk)
    training = make_training(
        key,
        sampler,
        target,
        observe,
        inputs,
        stops=stops,
        start=start,
        coordinates=coordinates,
        lanes=lanes,
        block=block,
        chunk=min(chunk, num_endpoints),
        record_every=record_every,
        keep_params=keep_params,
    )
    return train_all(
        training, num_endpoints=num_endpoints, sinks=sinks, save=save, saved=saved, progress=progress
    )


def train_all(
    training: Training,
    *,
    num_endpoints: int,
    sinks: Sequence[Sink] | None = None,
    save: Callable[[list[Saved]], None] = lambda all_stops: None,
    saved: Sequence[Saved] | None = None,
    progress: Progress = silent,
    train: Train | None = None,
) -> list[Draws]:
    """:func:`optimise_through` for arguments that :func:`make_training` has put together.

    ``train`` may train the chunks elsewhere; it is closed when the run ends or is cut short.
    """
    num_done = min(one.num_done for one in saved) if saved else 0
    status = [one.status[:num_done] for one in saved] if saved else [[] for _ in training.stops]
    found: list[list[Draws]] = []
    progress(num_done, num_endpoints)
    chunks = chunks_between(num_done, num_endpoints, training.chunk)

    def report(ended: int, note: str) -> None:
        progress(num_done + ended, num_endpoints, note)

    with closing((train or train_here)(training, chunks, report)) as trained:
        for (first, count), pieces in zip(chunks, trained, strict=True):
            status = [old + piece.status for old, piece in zip(status, pieces, strict=True)]
            if sinks is None:
                found.append(pieces)
            else:
                for piece, sink in zip(pieces, sinks, strict=True):
                    sink(piece, first)
            save([Saved(first + count, sentences, {}) for sentences in status])
    if not found:
        return [Draws({}, {}, None, sentences) for sentences in status]
    return [joined(list(pieces), axis=0) for pieces in zip(*found, strict=True)]


def train_here(training: Training, chunks: Chunks, report: Report) -> Generator[list[Draws]]:
    """Train the chunks in this process, one after another."""
    before = 0
    for first, count in chunks:
        yield train_chunk(training, first, count, partial(_report_after, report, before))
        before += count


def _report_after(report: Report, before: int, ended: int, note: str) -> None:
    report(before + ended, note)
