"""Pictures of ``subnetworks_selected``: how the bag of subnetworks changes while the network trains."""

from collections.abc import Sequence

import numpy as np

from compare import price_split, selection_slope

from .claim import Case, Curve, Graph
from .selection_rule import mean_of
from .subnetworks import Subnetworks

type Array = np.ndarray
STEPS = "training steps"


def selection_curves(label: str, steps: Sequence[int], trained: list[Subnetworks]) -> list[Graph | Curve]:
    """Price terms up to every checkpoint, and the share of subnetworks that improve between two."""
    quality, strength = (
        np.stack([getattr(each, what) for each in trained]) for what in ("quality", "strength")
    )
    before, first = strength[..., 0], quality[..., 0]
    later = range(1, len(steps))
    terms = [price_split(before, strength[..., at], first, quality[..., at]) for at in later]
    slopes = [selection_slope(before, strength[..., at], first) for at in later]
    better = [np.mean(quality[..., at] > quality[..., at - 1], axis=-1) for at in later]
    x = [float(step) for step in steps[1:]]

    def curve(title: str, text: str, axis: str, series: dict[str, list[Array]]) -> Curve:
        numbers = {name: [mean_of(v).number(name) for v in values] for name, values in series.items()}
        return Curve(f"{title}: {label}", text, STEPS, axis, x, numbers, 0.0, log_x=True)

    intervals = "Means over networks with 99 % intervals."
    return [
        curve(
            "The change of mean quality since initialisation, split",
            f"By the Price equation, exactly. {intervals}",
            "nats per image",
            {
                "change": [term.change for term in terms],
                "selection": [term.selection for term in terms],
                "transmission": [term.transmission for term in terms],
            },
        ),
        curve(
            "Selection slope so far",
            "Strength at this step on quality at initialisation, at equal strength at initialisation. "
            f"{intervals}",
            "standard deviations",
            {"slope": slopes},
        ),
        curve(
            "Subnetworks that got better since the last checkpoint",
            f"Their share: how much of the bag improves at once. {intervals}",
            "share of subnetworks",
            {"share": better},
        ),
    ]


def verdict_graph(cases: Sequence[Case]) -> Graph:
    """The slope of every case, beside those that chance gives."""
    known = [case for case in cases if case.numbers]
    return Graph(
        "Do better subnetworks grow more?",
        "Selection slope with a 99 % interval over networks; with masks permuted, and with weights that went "
        "as far at random, there is none.",
        "standard deviations",
        [case.name for case in known],
        {
            "trained": [case.numbers[0] for case in known],
            "masks permuted": [case.numbers[5] for case in known],
            "gone at random": [case.numbers[6] for case in known],
        },
        0.0,
    )
