"""Is the reference one law? ArviZ's diagnostics of its chains, and of its functions.

Rank plots, ESS evolution and energy come from ``arviz_plots`` (Martin et al. 2026; the
multi-chain rank test of Säilynoja et al. 2022). R-hat and bulk ESS in function space are
drawn for a subset of the functions that the trust gates judge in full.
"""

import re
from collections.abc import Mapping
from typing import Any

import arviz as az
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compare import bulk_ess, rank_rhat

from ..wording import number, plural
from .svg import Picture, picture
from .theme import INK, LIGHT, WIDTH, canvas, framed, legend_above

type Array = np.ndarray

SIZE = (WIDTH, 2.9)
ENERGY = "Energy"
NUM_POINTS = 10  # of an ESS evolution


def scalar_diagnostics(scalars: Mapping[str, Array], min_ess: float) -> list[Picture]:
    """Rank plots, then ESS evolutions, of the scalars ``(chain, draw)`` that vary."""
    varying = {
        name: values for name, values in scalars.items() if np.ptp(values) > 0 and np.isfinite(values).all()
    }
    trees = {name: az.from_dict({"posterior": {name: values}}) for name, values in varying.items()}
    ranks = [_rank(trees[name], name, i, values) for i, (name, values) in enumerate(varying.items())]
    return ranks + [_ess(trees[name], name, i, v, min_ess) for i, (name, v) in enumerate(varying.items())]


def energy_picture(energy: Array) -> Picture | None:
    """Marginal energy and energy transitions of a Hamiltonian sampler, ``(chain, draw)``."""
    if energy.shape[1] < 4 or not np.isfinite(energy).all() or np.ptp(energy) == 0:
        return None
    tree = az.from_dict({"sample_stats": {"energy": energy}})
    plot = az.plot_energy(
        tree,
        backend="matplotlib",
        show_bfmi=False,
        visuals={"legend": False},
        figure_kwargs={"figsize": SIZE},
    )
    figure = _figure(plot)
    axes = figure.axes[0]
    axes.set(xlabel="energy, centred (nats)", ylabel="density", title="")
    _name_lines(axes, "marginal", "transitions")
    values = np.asarray(az.bfmi(tree)["energy"].values)
    text = f"Smallest BFMI {number(np.min(values))} over {plural(len(values), 'chain')}."
    return picture(figure, "energy", ENERGY, text)


def function_space_pictures(functions: Array, total: int, max_rhat: float, min_ess: float) -> list[Picture]:
    """Histograms of R-hat and bulk ESS of functions ``(chain, draw, function)``.

    ``total`` is the number of functions they were taken from.
    """
    rhat, ess = (v[np.isfinite(v)] for v in (rank_rhat(functions), bulk_ess(functions)))
    if not rhat.size:
        return []
    some = f"{rhat.size:,} of {total:,} functions, evenly chosen"
    return [
        _histogram(
            rhat,
            "rhat",
            "R-hat in function space",
            "R-hat",
            max_rhat,
            f"Largest {number(rhat.max(), 5)}, median {number(np.median(rhat), 5)}; {some}.",
        ),
        _histogram(
            ess,
            "ess",
            "Bulk ESS in function space",
            "bulk effective sample size",
            min_ess,
            f"Smallest {number(ess.min(), 4)}, median {number(np.median(ess), 4)}; {some}.",
        ),
    ]


def _rank(tree: xr.DataTree, name: str, index: int, values: Array) -> Picture:
    figure = _figure(az.plot_rank(tree, backend="matplotlib", figure_kwargs={"figsize": SIZE}))
    axes = figure.axes[0]
    axes.set(title="", xlabel="fractional rank", ylabel="share below, less expected")
    p_value = None
    for note in axes.texts:  # ArviZ writes the p-value of its multi-chain test on the plot only
        found = re.search(r"p=([\d.]+)", note.get_text())
        p_value = float(found[1]) if found else p_value
        note.set_visible(False)
    text = f"{plural(len(values), 'chain')}, p = {number(p_value, 2)} that ranks are uniform."
    return picture(figure, f"rank{index}", f"Ranks of {name}", text)


def _ess(tree: xr.DataTree, name: str, index: int, values: Array, min_ess: float) -> Picture:
    plot = az.plot_ess_evolution(
        tree, min_ess=min_ess, n_points=NUM_POINTS, backend="matplotlib", figure_kwargs={"figsize": SIZE}
    )
    figure = _figure(plot)
    axes = figure.axes[0]
    axes.set(title="", xlabel="draws of all chains", ylabel="effective sample size")
    _name_lines(axes, "bulk", "tail")
    bulk, tail = (np.asarray(line.get_ydata())[-1] for line in axes.lines[:2])
    text = f"Bulk {number(bulk, 4)} and tail {number(tail, 4)} after {values.size:,} draws."
    return picture(figure, f"essline{index}", f"ESS of {name}", text)


def _histogram(values: Array, name: str, title: str, label: str, gate: float, text: str) -> Picture:
    figure = canvas(SIZE[1], legend_rows=1)
    axes = figure.subplots()
    axes.hist(values, bins=40, color=LIGHT["reference"], alpha=0.75)
    axes.axvline(gate, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set(xlabel=label, ylabel="functions")
    return picture(figure, name, title, text)


def _name_lines(axes: Axes, *names: str) -> None:
    """A legend for the first lines of an ArviZ plot."""
    lines = list(axes.lines[: len(names)])
    for line, name in zip(lines, names, strict=True):
        line.set_label(name)
    legend_above(axes, lines)


def _figure(plot: Any) -> Figure:
    """The matplotlib figure of an ArviZ plot, laid out as ours are."""
    figure: Figure = plot.viz["figure"].item()
    return framed(figure, legend_rows=1)
