"""Progress of a run on stderr: bars on a terminal, a plain line now and then elsewhere.

Nothing is ever written to stdout, which belongs to the results.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from samplers.draws import Progress as Callback

type Reporter = Callable[[str], AbstractContextManager["Callback"]]
LINE_EVERY = 10.0  # seconds between plain lines


@contextmanager
def progress_on(
    stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Reporter]:
    """A reporter: called with an arm's name it gives a callback ``(done, total, note)``.

    On a terminal each arm has a bar with rate, time spent and time left; while an arm
    compiles and warms up the bar pulses. Elsewhere a line is written at the start, about
    every ten seconds and at the end.
    """
    stream = stream or sys.stderr
    if not stream.isatty():
        yield lambda name: _lines(name, stream, clock)
        return
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(
        *columns, console=Console(file=stream), refresh_per_second=4, speed_estimate_period=120
    ) as bars:
        yield lambda name: _bar(name, bars)


@contextmanager
def _bar(name: str, bars: Progress) -> Iterator["Callback"]:
    task = bars.add_task(name, total=None, note="")  # pulses until the first steps are done

    def show(done: int, total: int, note: str = "") -> None:
        bars.update(task, completed=done, total=total if done else None, note=note)

    yield show
    bars.stop_task(task)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("compiling, warming up" if not task.completed else f"{speed:,.0f}/s" if speed else "")


@contextmanager
def _lines(name: str, stream: TextIO, clock: Callable[[], float]) -> Iterator["Callback"]:
    begun = written = clock()
    ended = False
    first: tuple[float, int] | None = (
        None  # when the first steps were done: compiling does not count as speed
    )

    def write(text: str) -> None:
        stream.write(f"{name}: {text}\n")
        stream.flush()

    def show(done: int, total: int, note: str = "") -> None:
        nonlocal written, first, ended
        now = clock()
        if done and first is None:
            first = (now, done)
        if ended or (done < total and now - written < LINE_EVERY):
            return
        written, ended = now, done >= total
        spent, words = f"{_clock_time(now - begun)} elapsed", f", {note}" if note else ""
        if not done:
            write(f"compiling, warming up, {spent}")
        elif done >= total:
            write(f"{done} of {total}, {spent}{words}")
        else:
            left = ""
            if first is not None and done > first[1]:
                left = f", {_clock_time((now - first[0]) * (total - done) / (done - first[1]))} left"
            write(f"{done} of {total} ({done / total:.0%}), {spent}{left}{words}")

    write("started")
    yield show


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
