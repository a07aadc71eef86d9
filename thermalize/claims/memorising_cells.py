"""Every system measured at every noise on every draw of the data, two systems side by side.

Programs of small networks seldom fill a core, and compiling one fills none: two systems at a time
keep two cores busy. Keys belong to the draw and the noise, so the numbers do not depend on that.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event, Lock
from typing import NamedTuple

import jax
import numpy as np

from samplers.draws import Progress

from .memorising_measures import Effort, Measured, measure
from .memorising_systems import System, noisy_tasks, system

type Array = np.ndarray
type Units = list[list[Measured]]  # one list a draw of the data, one entry a noise

SIDE_BY_SIDE = 2


class Cell(NamedTuple):
    """A system, what was measured of it, and the data it learned from."""

    system: System
    units: Units
    data: list[Array]


def measure_cells(
    key: jax.Array,
    chosen: Sequence[tuple[str, int]],
    noises: list[float],
    num_units: int,
    effort: Effort,
    progress: Progress,
) -> list[Cell]:
    """The cells of these data sets and widths; the same draws of the data for every width."""
    total = len(chosen) * num_units * len(noises)
    stopped, lock, done = Event(), Lock(), count()

    def cell(name: str, width: int) -> Cell:
        one = system(name, width)
        data: list[Array] = []
        units: Units = []
        for unit in range(num_units):
            key_data, key_measures = jax.random.split(jax.random.fold_in(key, unit))
            tasks = noisy_tasks(name, key_data, noises)
            data += [np.asarray(leaf) for task in tasks for leaf in task.train]
            units.append([])
            for noise, task in zip(noises, tasks, strict=True):
                if stopped.is_set():
                    break
                with lock:
                    progress(next(done), total, f"{one.label}, noise {noise:.0%}")
                units[-1].append(
                    measure(jax.random.fold_in(key_measures, round(100 * noise)), one, task, effort)
                )
        return Cell(one, units, data)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        waiting = [pool.submit(cell, name, width) for name, width in chosen]
        try:
            return [one.result() for one in waiting]
        except BaseException:  # an interrupt too: nobody waits for what will not be used
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
