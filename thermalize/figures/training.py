"""Loss against time, one figure an arm, all on one vertical axis in nats per datum."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.collections import LineCollection

from ..wording import number, plural
from .svg import Picture, picture
from .theme import INK, Look, canvas, plain_ticks

type Array = np.ndarray

MAX_LINES = 48
MAX_POINTS = 300
FEW = 8  # lines that can be told apart


class Losses(NamedTuple):
    """Loss of every line of one arm over its course."""

    steps: Array  # (time,) optimiser step or draw
    values: Array  # (line, time) nats per datum
    ended: Array | None  # (line,) steps taken by endpoints of training, None for chains
    total: int = 0  # lines that these were taken from, if more


def loss_pictures(
    losses: Mapping[str, Losses], looks: Mapping[str, Look], level: float | None
) -> list[Picture]:
    """Every line thin, the median thick; ``level`` is the reference's mean loss."""
    limits = _limits([found.values for found in losses.values()])
    return [
        _picture(name, index, found, looks[name], limits, level)
        for index, (name, found) in enumerate(losses.items())
    ]


def _picture(
    name: str, index: int, found: Losses, look: Look, limits: tuple[float, float], level: float | None
) -> Picture:
    figure = canvas(3.2)
    axes = figure.subplots()
    lines = _evenly(len(found.values), MAX_LINES)
    times = _evenly(found.values.shape[1], MAX_POINTS)
    steps = found.steps[times]
    shown = found.values[np.ix_(lines, times)]
    thin = [np.stack([steps, row], axis=-1)[np.isfinite(row)] for row in shown]
    axes.add_collection(
        LineCollection(thin, colors=look.colour, linewidths=0.6, alpha=0.4 if len(thin) > FEW else 0.8)
    )
    finite = found.values[np.isfinite(found.values).all(1)]
    if found.ended is not None and len(finite):
        axes.plot(steps, np.median(finite, axis=0)[times], color=look.colour, linewidth=2.5)
    if level is not None and np.isfinite(level):
        axes.axhline(level, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    axes.set_yscale(_scale(*limits))
    plain_ticks(axes.yaxis)
    axes.set_ylim(*limits)
    axes.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
    axes.set(xlabel="draw" if found.ended is None else "optimiser step", ylabel="loss (nats per datum)")
    total = max(found.total, len(found.values))
    unit = plural(total, "chain" if found.ended is None else "seed")
    some = "" if len(lines) == total else f", {len(lines)} of them drawn"
    return picture(
        figure,
        f"loss{index}",
        f"{name}: {unit}{some}",
        _sentence(found, finite),
    )


def _sentence(found: Losses, finite: Array) -> str:
    failed = len(found.values) - len(finite)
    left_out = f"; {failed} not finite" if failed else ""
    if not len(finite):
        return "No line stayed finite."
    if found.ended is not None:
        first, last = np.median(finite[:, 0]), np.median(finite[:, -1])
        middle, longest = int(np.median(found.ended)), int(found.ended.max())
        return (
            f"Median loss {number(first)} at step {int(found.steps[0]):,} and {number(last)} at the end, "
            f"in nats per datum; median of {middle:,} steps, longest {longest:,}{left_out}."
        )
    low, high = np.quantile(finite, [0.025, 0.975])
    return (
        f"Mean loss {number(finite.mean())} nats per datum, 95 % of draws between "
        f"{number(low)} and {number(high)}{left_out}."
    )


def _limits(values: list[Array]) -> tuple[float, float]:
    """Common limits of all lines that stayed finite, a little wider; positive if all losses are.

    A line that diverged may run out of the picture: it must not flatten the others.
    """
    lines = [line for rows in values for line in rows if np.isfinite(line).all()]
    if not lines:
        return 0.1, 10.0
    low, high = min(float(line.min()) for line in lines), max(float(line.max()) for line in lines)
    if low > 0:
        return low / 1.3, high * 1.3
    return low - 0.05 * (high - low) - 0.1, high + 0.05 * (high - low) + 0.1


def _scale(low: float, high: float) -> str:
    """Logarithmic if it can be: a regression's loss is negative where the density exceeds one."""
    if low > 0:
        return "log"
    return "symlog" if high > 10 else "linear"


def _evenly(size: int, most: int) -> Array:
    """Indices, first and last included, at most so many."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))
