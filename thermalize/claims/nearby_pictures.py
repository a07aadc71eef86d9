"""Pictures of ``nearby_worlds``: what grows with the grade of a shift, averaged over its kinds."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from compare import Comparison, Sample, averaged_total_variation, compare_samples

from .claim import Case, Curve, Graph, Number
from .nearby_rule import DRAWS, ENDPOINTS, LEAST_CORRELATION, LEVEL, together
from .worlds import Gap, Seen, World, moved_from_clean

type Array = np.ndarray
GRADE = "grade of the shift"


def distances_between(endpoints: Seen, draws: Seen, num_chains: int, seed: int) -> list[Comparison]:
    """Total variation between the arms' averaged predictions in every world, with its floor.

    Draws come chain by chain; networks are what is resampled.
    """
    num = draws.right.shape[1]
    chain = np.arange(num) * num_chains // num
    each = np.arange(endpoints.right.shape[1])
    return [
        compare_samples(
            {ENDPOINTS: Sample(left, each)},
            Sample(right, chain),
            None,
            [averaged_total_variation()],
            seed=seed,
        )[ENDPOINTS][0]
        for left, right in zip(endpoints.probabilities, draws.probabilities, strict=True)
    ]


def correlation_graph(cases: Sequence[Case]) -> Graph:
    """The corrected correlations of both arms, case by case."""
    known = [case for case in cases if case.numbers]
    return Graph(
        "Do clean images rank networks as shifted images do?",
        "Rank correlation of accuracies over the networks of an arm, freed of the noise of the probe, with "
        "intervals that hold together with 95 %.",
        "rank correlation",
        [case.name for case in known],
        {
            ENDPOINTS: [case.numbers[0] for case in known],
            DRAWS: [case.numbers[4] for case in known],
        },
        LEAST_CORRELATION,
    )


def world_curves(
    label: str,
    near: Sequence[World],
    endpoints: Seen,
    draws: Seen,
    between: Sequence[Gap],
    distances: Sequence[Comparison],
    seed: int,
) -> list[Graph | Curve]:
    """Accuracy, calibration, predictive distance and the arms' difference along the grades."""
    grades = sorted({world.grade for world in near})
    rows = [[row for row, world in enumerate(near) if world.grade == grade] for grade in grades]
    x = [float(grade) for grade in grades]
    arms = {ENDPOINTS: endpoints, DRAWS: draws}

    def curve(title: str, text: str, y: str, series: dict[str, list[Number]]) -> Curve:
        return Curve(f"{title}: {label}", text, GRADE, y, x, series)

    averages = "Averages predict with the mean probabilities of all networks of an arm."
    return [
        curve(
            "Accuracy as worlds move away",
            f"Mean over kinds of shift, with 95 % intervals over networks. {averages}",
            "accuracy",
            {name: [_over(found.right.mean(-1)[row]) for row in rows] for name, found in arms.items()}
            | {
                f"average of {name}": [_plain(found.right_of_average[row].mean()) for row in rows]
                for name, found in arms.items()
            },
        ),
        curve(
            "Calibration error as worlds move away",
            f"Expected calibration error, mean over kinds of shift; biased upwards alike. {averages}",
            "calibration error",
            {name: [_over(found.calibration[row]) for row in rows] for name, found in arms.items()}
            | {
                f"average of {name}": [_plain(found.calibration_of_average[row].mean()) for row in rows]
                for name, found in arms.items()
            },
        ),
        curve(
            "How far averaged predictions move",
            "Total variation from the same arm's predictions for clean images, and between the arms above "
            "its floor; mean over kinds of shift and of the ends of 95 % intervals.",
            "total variation",
            {
                f"{name}, from clean": [_mean([moved[i] for i in row]) for row in rows]
                for name, moved in ((name, moved_from_clean(found, seed)) for name, found in arms.items())
            }
            | {
                "between arms, above floor": [
                    _mean([tuple(distances[i].excess) for i in row]) for row in rows
                ]
            },
        ),
        curve(
            f"Accuracy of {ENDPOINTS} less that of {DRAWS}",
            "With intervals that hold together with 95 % over all worlds; on clean images at grade 0.",
            "difference of accuracies",
            _by_kind(near, between),
        ),
    ]


def _by_kind(near: Sequence[World], between: Sequence[Gap]) -> dict[str, list[Number]]:
    level = together(LEVEL, len(near))
    numbers = [Number("difference", gap.value, *gap.interval(level)) for gap in between]
    kinds = dict.fromkeys(world.kind for world in near if world.grade)
    return {
        kind: [n for world, n in zip(near, numbers, strict=True) if world.kind == kind or not world.grade]
        for kind in kinds
    }


def _over(values: Array) -> Number:
    """Mean over worlds and networks of ``(world, network)``, its interval over networks."""
    of_network = values.mean(axis=0)
    mean, error = float(of_network.mean()), float(of_network.std(ddof=1) / np.sqrt(len(of_network)))
    reach = float(norm.ppf((1 + LEVEL) / 2)) * error
    return Number("mean", mean, mean - reach, mean + reach)


def _plain(value: float) -> Number:
    return Number("of the average", float(value), None, None)


def _mean(triples: Sequence[tuple[float, ...]]) -> Number:
    value, low, high = (float(number) for number in np.mean(triples, axis=0))
    return Number("mean", value, low, high)
