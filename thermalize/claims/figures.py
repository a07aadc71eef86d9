"""Pictures of a claim: points with their intervals case by case, or lines with bands along an axis."""

import textwrap
from collections.abc import Sequence

import numpy as np

from ..figures.svg import Picture, picture
from ..figures.theme import INK, LEGEND_ROW, LETTER, canvas, legend_above, legend_columns, looks, plain_ticks
from ..wording import interval, number
from .claim import Curve, Graph

LINE = 0.22  # inches
NEW_LINE = "\n"
LONGEST = 34  # letters in a line of a label: more would leave no room for the picture
UPRIGHT = 24  # letters in a line beside an axis, which is no taller


def pictures_of(graphs: Sequence[Graph | Curve], prefix: str = "claim") -> list[Picture]:
    """One picture a graph that has something to show; ``prefix`` keeps ids apart on a page of many claims."""
    return [
        _curves(f"{prefix}-{place}", graph)
        if isinstance(graph, Curve)
        else _picture(f"{prefix}-{place}", graph)
        for place, graph in enumerate(graphs)
        if (graph.x if isinstance(graph, Curve) else graph.labels)
    ]


def _picture(identity: str, graph: Graph) -> Picture:
    labels = [_folded(label) for label in graph.labels]
    lines = [line for label in labels for line in label.split(NEW_LINE)]
    height = 0.9 + LINE * (len(lines) + len(graph.labels) * len(graph.series))
    left, columns = 0.3 + LETTER * max(map(len, lines)), legend_columns(list(graph.series))
    figure = canvas(height, left=left, legend_rows=-(-len(graph.series) // columns))
    axes = figure.subplots()
    found = looks({name: "control" if name == "control" else "arm" for name in graph.series})
    spots = np.arange(len(graph.labels))[::-1]
    for turn, (name, numbers) in enumerate(graph.series.items()):
        shift = 0.16 * (turn - (len(graph.series) - 1) / 2)
        label: str | None = name
        for spot, one in zip(spots, numbers, strict=True):
            if one.value is None or one.low is None or one.high is None:
                continue
            look = found[name]
            axes.plot([one.low, one.high], [spot - shift] * 2, color=look.colour, linewidth=2)
            axes.plot(one.value, spot - shift, look.mark, color=look.colour, label=label, linestyle="none")
            label = None  # one entry in the legend, at the first point that is not a gap
    if graph.line is not None:
        axes.axvline(graph.line, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    if graph.log:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    axes.set_yticks(spots, labels)
    axes.set_ylim(-0.6, len(graph.labels) - 0.4)
    axes.set_xlabel(graph.axis)
    legend_above(axes, columns=columns)
    words = [
        f"{label.replace(NEW_LINE, ' ')}, {name}: {number(one.value)} {interval(one.low, one.high)}"
        for name, numbers in graph.series.items()
        for label, one in zip(graph.labels, numbers, strict=True)
    ]
    return picture(figure, identity, graph.title, graph.text, "; ".join(words))


def _folded(label: str) -> str:
    return NEW_LINE.join(textwrap.fill(line, LONGEST) for line in label.split(NEW_LINE))


def _curves(identity: str, graph: Curve) -> Picture:
    columns = legend_columns(list(graph.series))
    rows = -(-len(graph.series) // columns)
    beside = textwrap.wrap(graph.y_axis, UPRIGHT)
    left = 0.68 + LINE * len(beside)  # beside numbers of five digits
    figure = canvas(2.7 + LEGEND_ROW * rows, left=left, legend_rows=rows)
    axes = figure.subplots()
    x = np.asarray(graph.x, float)
    found = looks({name: "control" if name == "control" else "arm" for name in graph.series})
    for name, numbers in graph.series.items():
        look = found[name]
        value, low, high = (
            np.array([np.nan if one[column] is None else one[column] for one in numbers], float)
            for column in (1, 2, 3)
        )
        axes.plot(x, value, color=look.colour, marker=look.mark, linestyle=look.dash, label=name)
        axes.fill_between(x, low, high, color=look.colour, alpha=0.18, linewidth=0)
    if graph.line is not None:
        axes.axhline(graph.line, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    if graph.log_x:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    if graph.log_y:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    axes.set_xlabel(graph.x_axis)
    axes.set_ylabel(NEW_LINE.join(beside))
    legend_above(axes, columns=columns)
    words = [
        f"{name} at {number(at)}: {number(one.value)} {interval(one.low, one.high)}"
        for name, numbers in graph.series.items()
        for at, one in zip(graph.x, numbers, strict=True)
    ]
    return picture(figure, identity, graph.title, graph.text, "; ".join(words))
