"""A measurement in a process of its own: warmed up once, then run whenever its parent says.

    python -m benchmarks.worker FILE.FUNCTION CORES OPTIONS

``CORES`` is a list like ``0,1`` and ``OPTIONS`` a JSON object. The process pins itself
before it imports anything that starts threads, makes the measurement, warms it up and
writes ``{"ready": true}``; then it reads numbers of repeats from stdin, one a line, and
answers each with one JSON line. Between two repeats it waits and costs nothing, so
rivals can take turns. Standard library only: an interpreter with PyTorch and nothing
else runs this file too.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

# A measurement: from the number of the repeat, a seed, to what was counted and the seconds it took.
Measurement = Callable[[int], dict[str, Any]]
WARM_UP = -1  # the number of the repeat that compiles


def serve(make: Callable[[str, list[int], dict[str, Any]], Measurement]) -> None:
    """Run as the process described above; a failure is an answer, too."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print is not an answer
    name, cores_text, options_text = sys.argv[1:]
    cores = [int(core) for core in cores_text.split(",")]
    pin(cores)

    def answer(found: dict[str, Any]) -> None:
        answers.write(json.dumps(found) + "\n")
        answers.flush()

    try:
        measure = make(name, cores, json.loads(options_text))
        measure(WARM_UP)
        answer({"ready": True})
        for line in sys.stdin:
            answer(measure(int(line)))
    except ImportError as error:
        answer({"absent": f"{error.name or error} is not installed in {sys.executable}"})
    except Exception as error:
        message = (str(error) or "no message").splitlines()[0]
        answer({"absent": f"{type(error).__name__}: {message}"})
        raise


def pin(cores: list[int]) -> None:
    """This process on these cores, and as many threads; call it before numpy, jax or torch are imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(cores))
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ[f"{library}_NUM_THREADS"] = str(len(cores))
