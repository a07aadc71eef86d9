"""What is measured about the networks of one arm, in one order for every arm."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from samplers import Target, loss
from samplers.draws import Progress
from samplers.volume import (
    Basin,
    basin_difference,
    basin_volume,
    cuttable_share,
    effective_dimension,
    learning_coefficient,
    relaxed,
)

LOSS = "loss"
LOWEST = "loss at the minimum"
COEFFICIENT = "learning coefficient"
DIMENSION = "effective dimension"
CUT = "cut by size"
CUT_AT_RANDOM = "cut at random"
BASIN = "basin"
NO_GAUSSIAN = "not available: the prior is no centred Gaussian"


class Measure(NamedTuple):
    """A column of the table."""

    name: str
    unit: str
    meaning: str


MEASURES = [
    Measure(LOSS, "nats", "mean loss of the networks as they are, per datum"),
    Measure(LOWEST, "nats", "after going down to the minimum beneath, on all data, or to 0.0001"),
    Measure(COEFFICIENT, "", "at that minimum, within one prior standard deviation of it"),
    Measure(DIMENSION, "directions", "that the data determine, at that minimum"),
    Measure(CUT, "share", "of weights, smallest first, before harm: an error more, or a nat in all"),
    Measure(CUT_AT_RANDOM, "share", "the same in random order"),
    Measure(BASIN, "nats", "log volume where the log likelihood falls less than a nat, over the first arm's"),
]


class Found(NamedTuple):
    """Values network by network, missing ones ``None``; how often each reason was given; basins."""

    values: dict[str, list[float | None]]
    reasons: dict[str, int]
    basins: list[Basin] | None
    num_networks: int


def measure(
    key: jax.Array,
    target: Target,
    networks: Any,
    num_draws: int,
    baseline: Sequence[Basin] | None,
    progress: Progress,
) -> Found:
    """All measures of ``networks`` ``(network, ...)``; basins over ``baseline``, network by network."""
    keys = jax.random.split(key, 4)
    num = len(jax.tree.leaves(networks)[0])
    tolerance = None if target.errors is not None else 1 / float(target.num_data)
    minima = relaxed(target, networks)
    cut = cuttable_share(keys[0], target, networks, tolerance=tolerance)
    values: dict[str, list[float | None]] = {
        LOSS: _losses(target, networks),
        LOWEST: _losses(target, minima),
        CUT: cut.magnitude.tolist(),
        CUT_AT_RANDOM: cut.random.tolist(),
        COEFFICIENT: [],
        DIMENSION: [],
        BASIN: [],
    }
    reasons: dict[str, int] = {}
    basins: list[Basin] = []

    def keep(name: str, value: float | None, reason: str) -> None:
        values[name].append(value)
        if value is None:
            said = f"{name}: {reason.removeprefix('not available: ')}"
            reasons[said] = reasons.get(said, 0) + 1

    for place in range(num):
        progress(place, num, "learning coefficients and basins")
        network, minimum = (_one(tree, place) for tree in (networks, minima))
        key_coefficient, key_dimension, key_basin = (jax.random.fold_in(k, place) for k in keys[1:])
        found = learning_coefficient(key_coefficient, target, minimum, num_draws=num_draws)
        keep(COEFFICIENT, found.estimate.value, found.estimate.reason)
        if target.prior_scale is None:
            keep(DIMENSION, None, NO_GAUSSIAN)
            keep(BASIN, None, NO_GAUSSIAN)
            continue
        dimension = effective_dimension(key_dimension, target, minimum).dimension
        keep(DIMENSION, dimension.value, dimension.reason)
        basins.append(basin_volume(key_basin, target, network, rise=1 / float(target.num_data)))
        if baseline is not None and place < len(baseline):
            apart = basin_difference(basins[place], baseline[place])
            keep(BASIN, apart.value, apart.reason)
    progress(num, num, "")
    return Found(values, reasons, basins or None, num)


def _losses(target: Target, networks: Any) -> list[float | None]:
    found = jax.jit(jax.vmap(loss, (None, 0)))(target, networks)
    return [float(value) for value in np.asarray(found)]


def _one(networks: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[place], networks)
