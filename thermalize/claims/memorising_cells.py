"""Every system measured at every noise on every draw of the data, two systems side by side.

Keys belong to the draw and the noise, so the numbers do not depend on that.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from samplers.draws import Progress

from .memorising_measures import Effort, Measured, measure
from .memorising_systems import System, noisy_tasks, num_parameters, system
from .side_by_side import side_by_side

type Array = np.ndarray
type Units = list[list[Measured]]  # one list a draw of the data, one entry a noise


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

    def cell(one: System, progress: Progress) -> Cell:
        data: list[Array] = []
        units: Units = []
        for unit in range(num_units):
            key_data, key_measures = jax.random.split(jax.random.fold_in(key, unit))
            tasks = noisy_tasks(one.name, key_data, noises)
            data += [np.asarray(leaf) for task in tasks for leaf in task.train]
            units.append([])
            for place, (noise, task) in enumerate(zip(noises, tasks, strict=True)):
                done = unit * len(noises) + place
                progress(done, num_units * len(noises), f"{one.label}, noise {noise:.0%}")
                key_noise = jax.random.fold_in(key_measures, round(100 * noise))
                units[-1].append(measure(key_noise, one, task, effort))
        progress(1, 1)
        return Cell(one, units, data)

    systems = [system(name, width) for name, width in chosen]
    sizes = [num_parameters(one) for one in systems]
    return side_by_side([partial(cell, one) for one in systems], progress, sizes)
