"""Ctrl-C ends a run between two chunks, where everything so far is on disk.

The first SIGINT or SIGTERM asks the run to end after the chunk at hand; a second one ends
it at once, and the chunk is lost, but nothing before it.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Yields a function to call between chunks: it raises ``KeyboardInterrupt`` if that was asked for.

    Only a main thread may handle signals; in another one nothing is handled and nothing raised.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        sys.stderr.write("\nfinishing the chunk at hand; once more to stop at once\n")
        sys.stderr.flush()

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
