r"""A regression drawn: the mean function with its band, residuals, coverage.

The predictive law of an arm is the mixture over its networks of
:math:`\mathcal N(f_\theta(x), \sigma^2)`. Its value at the true response,
:math:`u = \tfrac1K \sum_k \Phi((y - f_k(x)) / \sigma)`, is uniform on [0, 1] when the law
is right (Dawid 1984); the share of probes with :math:`|2u - 1| \le q` is the coverage of
the central interval of probability ``q``.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr

from ..wording import number
from .svg import Picture, picture
from .theme import INK, MUTED, Look, canvas, legend_above

type Array = np.ndarray

NOMINAL = np.linspace(0.05, 0.95, 19)


def coverage(outputs: Array, noise_scale: float, targets: Array, nominal: Array = NOMINAL) -> Array:
    """Share of probes inside each central interval; ``outputs`` ``(network, probe)``.

    >>> coverage(np.zeros((5, 3)), 1.0, np.array([0.0, 0.1, 3.0]), np.array([0.5])).round(3).tolist()
    [0.667]
    """
    value = np.mean(ndtr((targets - outputs) / noise_scale), axis=0)
    return np.mean(np.abs(2 * value - 1) <= nominal[:, None], axis=1)


def band_picture(
    name: str, index: int, inputs: Array, outputs: Array, noise_scale: float, targets: Array, look: Look
) -> Picture:
    """Mean function and bands over a single input feature; ``inputs`` ``(probe,)``."""
    order = np.argsort(inputs)
    x, f, y = inputs[order], outputs[:, order], targets[order]
    mean, spread = f.mean(0), f.std(0)
    total = np.sqrt(spread**2 + noise_scale**2)
    figure = canvas(3.2)
    axes = figure.subplots()
    for deviation, alpha in ((total, 0.15), (spread, 0.3)):
        axes.fill_between(
            x, mean - 1.96 * deviation, mean + 1.96 * deviation, color=look.colour, alpha=alpha, linewidth=0
        )
    axes.plot(x, mean, color=look.colour, linewidth=2)
    axes.plot(x, y, ".", color=INK, markersize=4)
    axes.set(xlabel="input", ylabel="response")
    text = (
        f"Mean standard deviation over networks {number(spread.mean())}, noise {number(noise_scale)}, "
        f"root mean square error of the mean {number(np.sqrt(np.mean((mean - y) ** 2)))}."
    )
    return picture(figure, f"band{index}", f"Predictions of {name}", text)


def residual_picture(
    name: str, index: int, outputs: Array, noise_scale: float, targets: Array, look: Look
) -> Picture:
    """Residual of the mean prediction over the prediction, in the unit of the response."""
    mean = outputs.mean(0)
    residual = targets - mean
    figure = canvas(3.2)
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=1)
    for level in (-1.96 * noise_scale, 1.96 * noise_scale):
        axes.axhline(level, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    axes.plot(mean, residual, look.mark, color=look.colour, markersize=4, alpha=0.7)
    axes.set(xlabel="mean prediction", ylabel="residual")
    root = np.sqrt(np.mean(residual**2))
    text = (
        f"Mean residual {number(residual.mean())}, root mean square {number(root)}, "
        f"noise scale {number(noise_scale)}, {len(residual)} probes."
    )
    return picture(figure, f"residual{index}", f"Residuals of {name}", text)


def coverage_picture(
    outputs: Mapping[str, Array], noise_scale: float, targets: Array, looks: Mapping[str, Look]
) -> Picture:
    """Observed over nominal coverage of central predictive intervals, every arm."""
    figure = canvas(3.4, legend_rows=-(-len(outputs) // 3))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    texts = []
    for name, values in outputs.items():
        look, observed = looks[name], coverage(values, noise_scale, targets)
        axes.plot(
            NOMINAL,
            observed,
            color=look.colour,
            linestyle=look.dash,
            marker=look.mark,
            markersize=4,
            label=name,
        )
        texts.append(f"{name} {number(np.interp(0.8, NOMINAL, observed))}")
    axes.set(xlabel="nominal probability", ylabel="share of probes inside", xlim=(0, 1), ylim=(0, 1.02))
    legend_above(axes, columns=3)
    return picture(figure, "coverage", "Calibration", f"Inside the 80 % interval: {'; '.join(texts)}.")
