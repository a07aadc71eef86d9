"""Independent parts of a claim, two at a time.

Programs of small networks seldom fill two cores, and compiling one fills a single core.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event, Lock

import numpy as np

from compare.tables import one_thread
from samplers.draws import Progress

AT_ONCE = 2


class Stopped(Exception):
    """What ends a part that nobody waits for any more."""


def side_by_side[T](
    parts: Sequence[Callable[[Progress], T]], progress: Progress, lengths: Sequence[float] | None = None
) -> list[T]:
    """What the parts give, in their order; begun in the order of their ``lengths``, the longest first.

    Each is told where to report, and ``progress`` hears of all together, by their lengths.
    Where one raises, or the user interrupts, the others end at their next report.

    >>> side_by_side([lambda report: 1, lambda report: 2], lambda done, total, note="": None)
    [1, 2]
    """
    shares, lock, stopped = [0.0] * len(parts), Lock(), Event()
    weights = np.asarray(lengths or [1.0] * len(parts), float)
    longest_first = np.argsort(-weights, kind="stable").tolist()

    def reporter(place: int) -> Progress:
        def report(done: int, total: int, note: str = "") -> None:
            if stopped.is_set():
                raise Stopped
            with lock:
                shares[place] = done / max(total, 1)
                progress(round(1000 * float(weights @ shares) / weights.mean()), 1000 * len(parts), note)

        return report

    # Around all of them: threads that set and reset a limit of the whole process would undo each other's.
    with one_thread(), ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {place: pool.submit(parts[place], reporter(place)) for place in longest_first}
        try:
            ended, _ = wait(waiting.values(), return_when=FIRST_EXCEPTION)
            for one in ended:
                one.result()  # raises at once what one of them raised, while others still run
            return [waiting[place].result() for place in range(len(parts))]
        except BaseException:  # an interrupt too
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
