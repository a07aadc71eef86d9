"""What the drivers hand back, and what they take to report and to stream."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from .target import Params

type Array = jax.Array
type Inputs = Any  # arrays that `observe` needs, probe inputs say: an argument, never a closure
type Observe = Callable[[Params, Inputs], dict[str, Array]]


class Draws(NamedTuple):
    """Draws of one arm; numpy arrays with leading axes ``(chain, draw)``.

    Endpoints of training are draws like any other: one chain a seed, one draw each.
    ``status`` has one sentence a chain, ``"ok"`` for a usable one.
    """

    observed: dict[str, np.ndarray]
    stats: dict[str, np.ndarray]
    params: Params | None
    status: list[str]


class Saved(NamedTuple):
    """Where a driver stands between two chunks: all that it needs to go on, bit for bit.

    ``num_done`` draws of every chain, or endpoints, or populations, were handed over;
    ``status`` is theirs so far. ``arrays`` hold the state of all chains, by key path;
    endpoints and populations depend on nothing before them and have none.
    """

    num_done: int
    status: list[str]
    arrays: dict[str, np.ndarray]


type Save = Callable[[Saved], None]
type Sink = Callable[[Draws, int], None]  # a chunk of draws and the index of its first draw


class Progress(Protocol):
    """Told how many steps or networks of how many are done, with a few words where there are any."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


def forget(saved: Saved) -> None:
    """Save nothing."""


def silent(done: int, total: int, note: str = "") -> None:
    """A progress callback that says nothing."""


def within(progress: Progress, first: int, whole: int) -> Progress:
    """Progress of a part that begins at ``first`` of a ``whole`` that is counted in the same units.

    >>> seen = []
    >>> within(lambda done, total, note="": seen.append((done, total)), 30, 100)(5, 10)
    >>> seen
    [(35, 100)]
    """

    def part(done: int, total: int, note: str = "") -> None:
        progress(first + done, whole, note)

    return part


def share_of(progress: Progress, part: int, num_parts: int) -> Progress:
    """Progress of one of ``num_parts`` parts that take about equally long, whatever each counts.

    >>> seen = []
    >>> share_of(lambda done, total, note="": seen.append((done, total)), 1, 2)(5, 10)
    >>> seen
    [(1500, 2000)]
    """

    def of_part(done: int, total: int, note: str = "") -> None:
        progress(1000 * part + 1000 * done // max(total, 1), 1000 * num_parts, note)

    return of_part


def joined(chunks: list[Draws], axis: int) -> Draws:
    """Chunks joined along axis 0 (chains) or 1 (draws)."""

    def join(*leaves: np.ndarray) -> np.ndarray:
        return np.concatenate(leaves, axis=axis)

    observed, stats, params = jax.tree.map(join, *[(c.observed, c.stats, c.params) for c in chunks])
    if axis == 0:
        status = [sentence for chunk in chunks for sentence in chunk.status]
    else:
        status = [worst(sentences) for sentences in zip(*[c.status for c in chunks], strict=True)]
    return Draws(observed, stats, params, status)


def worst(sentences: tuple[str, ...]) -> str:
    """The first sentence that is not ``"ok"``, else ``"ok"``."""
    return next((s for s in sentences if s != "ok"), "ok")
