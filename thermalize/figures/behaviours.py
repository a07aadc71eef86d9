r"""What the arms do on the probe inputs, drawn: scalar behaviours, calibration, entropy.

Reliability: probes are sorted into bins of confidence :math:`\max_c p_c`; in each, the
share labelled right is drawn over the mean confidence. The expected calibration error is
:math:`\sum_b \tfrac{n_b}{n} |\text{right}_b - \text{confidence}_b|` (Guo et al. 2017,
section 2). "Averaged" is the prediction averaged over the networks of an arm, "single"
each network on its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from compare import entropy, labels

from ..wording import interval, number, unit_of
from .svg import Picture, picture
from .theme import INK, MUTED, Look, canvas, legend_above

type Array = np.ndarray

NUM_BINS = 10


class Reliability(NamedTuple):
    """Bins of confidence, empty ones left out."""

    confidence: Array  # (bin,) mean confidence in the bin
    right: Array  # (bin,) share labelled right
    size: Array  # (bin,) how many predictions

    @property
    def error(self) -> float:
        """Expected calibration error."""
        return float(np.sum(self.size * np.abs(self.right - self.confidence)) / np.sum(self.size))


def reliability(probabilities: Array, targets: Array) -> Reliability:
    """Sort predictions ``(..., probe, class)`` with true ``targets`` ``(probe,)`` into bins.

    >>> sure = np.array([[0.95, 0.05], [0.95, 0.05]])
    >>> bins = reliability(sure, np.array([0, 1]))
    >>> bins.right.tolist(), bins.size.tolist(), round(bins.error, 3)
    ([0.5], [2], 0.45)
    """
    top = np.max(probabilities, axis=-1).astype(float).ravel()
    hit = (labels(probabilities) == targets).ravel()
    index = np.clip((top * NUM_BINS).astype(int), 0, NUM_BINS - 1)
    count = np.bincount(index, minlength=NUM_BINS)
    kept = count > 0
    total = np.bincount(index, top, NUM_BINS)[kept], np.bincount(index, hit, NUM_BINS)[kept]
    return Reliability(total[0] / count[kept], total[1] / count[kept], count[kept])


def scalar_pictures(rows: Sequence[Mapping[str, Any]], looks: Mapping[str, Look]) -> list[Picture]:
    """One dot plot a scalar behaviour, one line an arm; rows of the result's ``behaviours``."""
    found = []
    for index, name in enumerate(dict.fromkeys(row["name"] for row in rows)):
        of_arm = [row for row in rows if row["name"] == name]
        longest = max(len(_clipped(row["arm"])) for row in of_arm)
        figure = canvas(0.75 + 0.3 * len(of_arm), left=0.2 + 0.085 * longest)
        axes = figure.subplots()
        for place, row in enumerate(of_arm):
            _dot(axes, place, row, looks[row["arm"]])
        axes.set_yticks(range(len(of_arm)), [_clipped(row["arm"]) for row in of_arm])
        axes.set_ylim(len(of_arm) - 0.5, -0.5)
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"{name} ({unit_of(name)})")
        values = "; ".join(
            f"{row['arm']} {number(row['mean'])}, interval {interval(row['low'], row['high'])}"
            for row in of_arm
        )
        found.append(picture(figure, f"scalar{index}", _capital(name), f"{values}."))
    return found


def calibration_picture(name: str, index: int, probabilities: Array, targets: Array, look: Look) -> Picture:
    """Reliability above, confidences below; ``probabilities`` ``(network, probe, class)``."""
    average = probabilities.mean(0)
    whole, single = reliability(average, targets), reliability(probabilities, targets)
    figure = canvas(4.8, legend_rows=1)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    low, high = wilson(whole.right, whole.size)
    above.vlines(whole.confidence, low, high, color=look.colour, linewidth=1, alpha=0.6)
    above.plot(
        whole.confidence, whole.right, color=look.colour, marker=look.mark, label="averaged prediction"
    )
    above.plot(single.confidence, single.right, color=INK, linestyle=(0, (4, 2)), label="single networks")
    above.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="share labelled right")
    legend_above(above)
    edges = np.linspace(0, 1, 2 * NUM_BINS + 1)
    share_of = [np.histogram(np.max(p, axis=-1), edges)[0] for p in (average, probabilities)]
    below.stairs(share_of[0] / share_of[0].sum(), edges, fill=True, color=look.colour, alpha=0.45)
    below.stairs(share_of[1] / share_of[1].sum(), edges, color=INK, linestyle=(0, (4, 2)))
    below.set(xlabel="confidence (top probability)", ylabel="share of probes")
    text = "; ".join(
        f"{what}: mean confidence {number(np.max(p, axis=-1).mean())}, "
        f"labelled right {number(np.mean(labels(p) == targets))}, "
        f"expected calibration error {number(bins.error)}"
        for what, p, bins in (
            ("averaged prediction", average, whole),
            ("single networks", probabilities, single),
        )
    )
    return picture(figure, f"calibration{index}", f"Confidence of {name}", f"{_capital(text)}.")


def entropy_picture(
    probabilities: Mapping[str, Array], looks: Mapping[str, Look], num_classes: int
) -> Picture:
    """Share of probes with at most so much entropy in the averaged prediction, each arm."""
    figure = canvas(3.4, legend_rows=-(-len(probabilities) // 3))
    axes = figure.subplots()
    texts = []
    for name, values in probabilities.items():
        each = np.sort([float(entropy(p[None])) for p in values.mean(0)])
        look = looks[name]
        axes.step(
            np.r_[0, each, np.log(num_classes)],
            np.r_[0, np.arange(1, len(each) + 1) / len(each), 1],
            where="post",
            color=look.colour,
            linestyle=look.dash,
            label=_clipped(name),
        )
        texts.append(f"{name} median {number(np.median(each))}")
    axes.set(xlabel="entropy of the averaged prediction (nats)", ylabel="share of probes", ylim=(0, 1.02))
    axes.set_xlim(0, np.log(num_classes) * 1.02)
    legend_above(axes, columns=3)
    blind = f"a blind guess has {np.log(num_classes):.2f}"
    return picture(
        figure, "entropy", "Entropy of averaged predictions", f"In nats, {blind}: {'; '.join(texts)}."
    )


def _dot(axes: Axes, place: int, row: Mapping[str, Any], look: Look) -> None:
    if row["mean"] is None:
        axes.text(0.5, place, "not available", transform=axes.get_yaxis_transform(), va="center", ha="center")
        return
    if row["standard_deviation"] is not None:
        ends = row["mean"] - row["standard_deviation"], row["mean"] + row["standard_deviation"]
        axes.plot(ends, (place, place), color=look.colour, linewidth=5, alpha=0.25, solid_capstyle="round")
    if row["low"] is not None and row["high"] is not None:
        axes.plot((row["low"], row["high"]), (place, place), color=look.colour, linewidth=2)
    axes.plot(row["mean"], place, look.mark, color=look.colour, markersize=7)


def wilson(right: Array, count: Array, z: float = 1.96) -> tuple[Array, Array]:
    """Wilson's binomial interval."""
    centre = (right + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(right * (1 - right) / count + z**2 / (4 * count**2))
    return centre - half, centre + half


def _clipped(name: str, length: int = 14) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
