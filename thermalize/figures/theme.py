"""Colours, marks and type of every figure: one table for matplotlib and for the page.

Figures are drawn in the colours of the light theme. On the page each becomes the CSS
variable of its role, so the same figure turns with the reader's theme. The light ones
have a contrast of at least 4.5 with white, the dark ones with the dark background
(WCAG 2.2, success criterion 1.4.3), and every arm has a mark and a dash of its own, so
that colour never carries a meaning alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from matplotlib.transforms import blended_transform_factory

INK = "#000000"  # becomes currentColor
MUTED = "#5b6570"
RULE = "#d4dae0"

LIGHT = {
    "muted": MUTED,
    "rule": RULE,
    "reference": "#0a5ea8",
    "control": "#14707d",
    "ceiling": "#68707a",
    "arm-1": "#b8430c",
    "arm-2": "#7a3fa3",
    "arm-3": "#1a7a46",
    "arm-4": "#ad1f63",
    "arm-5": "#7d6200",
}
DARK = {
    "muted": "#9ba6b1",
    "rule": "#353c44",
    "reference": "#74b7f5",
    "control": "#63c7d3",
    "ceiling": "#a3acb6",
    "arm-1": "#ff9d63",
    "arm-2": "#c9a0f0",
    "arm-3": "#64cf95",
    "arm-4": "#ff8dbf",
    "arm-5": "#dfc04a",
}
CYCLE = [LIGHT[n] for n in ("reference", "arm-1", "arm-3", "arm-2", "control", "arm-4", "arm-5", "ceiling")]
MARKS = ("o", "D", "^", "s", "P", "X", "v")
DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = ("-", (0, (5, 2)), (0, (2, 1)), (0, (6, 2, 1, 2)))
NUM_ARM_COLOURS = 5
LETTER, HANDLE = 0.085, 0.55  # inches, of a letter and of what stands before a name
LEGEND_ROW = 0.24  # inches
WIDTH = 4.7  # inches; at 72 a inch about the width of a phone, so texts keep their size

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "thermalize",  # equal runs give equal pages
    "text.parse_math": False,
    "font.size": 11.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 11.0,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "legend.fontsize": 10.0,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "path.simplify_threshold": 0.3,
    "axes.prop_cycle": cycler(color=CYCLE),
}


class Look(NamedTuple):
    """How one arm is drawn everywhere."""

    name: str  # of the CSS variable
    colour: str
    mark: str
    dash: str | tuple[int, tuple[int, ...]]


def looks(roles: Mapping[str, str]) -> dict[str, Look]:
    """A look for every arm, by its role; arms proper take turns.

    >>> looks({"hmc": "reference", "sgd": "arm", "adam": "arm"})["adam"].name
    'arm-2'
    """
    found: dict[str, Look] = {}
    turn = 0
    for arm, role in roles.items():
        name = role
        if role not in LIGHT:
            name = f"arm-{turn % NUM_ARM_COLOURS + 1}"
            turn += 1
        index = len(found)
        found[arm] = Look(name, LIGHT[name], MARKS[index % len(MARKS)], DASHES[index % len(DASHES)])
    return found


def canvas(height: float, *, left: float = 0.68, legend_rows: int = 0) -> Figure:
    """An empty figure of the page's column width with fixed margins, in inches.

    Fixed, because a layout engine draws every figure twice to measure fonts that the
    page replaces by its own.
    """
    return framed(Figure(figsize=(WIDTH, height)), left=left, legend_rows=legend_rows)


def framed(figure: Figure, *, left: float = 0.68, legend_rows: int = 0) -> Figure:
    """The figure with the page's margins and label colours."""
    width, height = figure.get_size_inches()
    top = 0.12 + LEGEND_ROW * legend_rows
    figure.set_layout_engine("none")
    figure.subplots_adjust(
        left=left / width, right=1 - 0.22 / width, bottom=0.55 / height, top=1 - top / height, hspace=0.12
    )
    for axes in figure.axes:
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
    return figure


def legend_above(axes: Axes, handles: Sequence[Artist] | None = None, columns: int = 2) -> None:
    """A legend on top of the axes, where it hides nothing, from the left edge of the figure."""
    found = handles or axes.get_legend_handles_labels()[0]
    assert isinstance(axes.figure, Figure)
    axes.legend(
        handles=found,
        loc="lower left",
        bbox_to_anchor=(0.02, 1),
        bbox_transform=blended_transform_factory(axes.figure.transFigure, axes.transAxes),
        ncols=columns,
        borderaxespad=0.1,
        borderpad=0.2,
    )


def legend_columns(names: Sequence[str]) -> int:
    """How many names fit beside each other, two at the most.

    >>> legend_columns(["sgd", "adam"]), legend_columns(["a name that takes most of a line", "adam"])
    (2, 1)
    """
    longest = max(map(len, names), default=0)
    return 2 if 2 * (HANDLE + LETTER * longest) <= WIDTH else 1


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the page's style, off screen, and leave no figure and no setting behind."""
    backend = matplotlib.get_backend()
    already = set(plt.get_fignums())
    plt.switch_backend("agg")
    try:
        with plt.rc_context(STYLE):
            yield
    finally:
        for figure in set(plt.get_fignums()) - already:
            plt.close(figure)
        plt.switch_backend(backend)


def css_variables(theme: Mapping[str, str]) -> str:
    """The colours of one theme as CSS custom properties.

    >>> css_variables({"rule": "#d4dae0"})
    '--rule: #d4dae0;'
    """
    return " ".join(f"--{name}: {colour};" for name, colour in theme.items())


def plain_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis in plain numbers: matplotlib's own are formulas, which no page shows."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())
