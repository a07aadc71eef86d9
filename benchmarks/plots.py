"""Pictures of a run: every ratio beside its goal, and how speed scales."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from .rows import Row, judged, met

COLOURS = {True: "#2a7f62", False: "#b3432b", None: "#6b7280"}


def draw_plots(folder: Path, rows: Sequence[Row], curves: dict[str, Any]) -> list[Path]:
    """``ratios.png`` and, for each curve, ``NAME.png``; those without numbers are left out."""
    matplotlib.use("agg")
    paths = []
    compared = [row for row in rows if row.ratios]
    if compared:
        paths.append(_ratios(folder / "ratios.png", compared))
    for name, axes in curves.items():
        if all(value is None for values in list(axes.values())[1:] for value in values):
            continue
        paths.append(_curve(folder / f"{name}.png", axes))
    return paths


def _ratios(path: Path, rows: Sequence[Row]) -> Path:
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(rows) + 1.2), layout="constrained")
    for place, row in enumerate(rows):
        middle = float(np.median(row.ratios))
        axes.plot([min(row.ratios), max(row.ratios)], [place, place], color=COLOURS[met(row)], lw=1.5)
        axes.plot(middle, place, "o", color=COLOURS[met(row)], ms=6)
        if row.goal is not None and row.goal.unit == "x" and judged(row) is not None:
            axes.plot(row.goal.bound, place, "|", color="black", ms=14, mew=1.5)
    labels = [f"{row.name}, {_cores(row.cores)}\nagainst {row.peer}" for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=6.5)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="0.8", lw=1, zorder=0)
    axes.set_xlabel("ours over peer: median and range; bar = goal")
    return _saved(path, figure)


def _curve(path: Path, axes: dict[str, Sequence[float | None]]) -> Path:
    """The first axis against each of the others."""
    (label, along), *others = axes.items()
    figure, panels = plt.subplots(
        1, len(others), figsize=(4.5 * len(others), 3.2), layout="constrained", squeeze=False
    )
    for panel, (name, values) in zip(panels[0], others, strict=True):
        numbers = [np.nan if value is None else value for value in values]
        panel.plot(along, numbers, "o-", ms=3, color=COLOURS[True])
        panel.set(xlabel=label, ylabel=name, ylim=(0, None))
        if label != "endpoints":
            panel.set_xscale("log", base=2)
    return _saved(path, figure)


def _saved(path: Path, figure: Any) -> Path:
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path


def _cores(count: int) -> str:
    return "one core" if count == 1 else f"{count} cores"
