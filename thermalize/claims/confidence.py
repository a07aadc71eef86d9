r"""Uncertain, or confidently wrong? Measures of a predictor on the probe, with errors, and the answer.

A predictor is one network of a sample (a measure is then the mean over its networks), or the
whole sample: the average of the predicted probabilities. Networks are the units that are
resampled: seeds of training, or draws of chains thinned to their effective number. Intervals
hold for these test images and these random labels.

Sources: Efron and Tibshirani 1993, chapter 6 (bootstrap standard errors).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from compare import (
    Verdict,
    accuracy,
    calibration_error,
    calibration_floor,
    confidence,
    confidently_wrong,
    divergence_from_uniform,
    entropy,
    log_score,
)

from .claim import Check, Number

type Array = np.ndarray
LEVEL, CONTROL_LEVEL = 0.95, 0.999  # of each interval; of all those of a control together
MARGIN, SHARE, SURE = 0.5, 0.1, 0.9  # nats above chance; share of test points; top probability
RESAMPLES, AT_ONCE = 400, 2**24
CROSS_ENTROPY, WRONG = "cross-entropy less ln C", "wrong with confidence > 0.9"
UNITS = {
    CROSS_ENTROPY: "nats",
    WRONG: "share of test points",
    "top probability": "mean",
    "calibration error": "share",
    "entropy": "nats",
    "accuracy": "share of test points",
    "calibration error if calibrated": "share",
    "cross-entropy less ln C on random test labels": "nats",
}
ANSWERS = {
    Verdict.SUPPORTED: "confidently wrong",
    Verdict.PARTLY: "in between",
    Verdict.REFUTED: "uncertain",
    Verdict.INCONCLUSIVE: "undecided",
}


class Found(NamedTuple):
    """A measure and its standard error."""

    value: float
    error: float

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        reach = float(norm.ppf((1 + level) / 2)) * self.error
        return self.value - reach, self.value + reach


class Predictor(NamedTuple):
    """Networks ``(unit, probe, class)``: one of them, or their average."""

    networks: Array
    averaged: bool


type Measures = dict[str, Found]


def measures(probabilities: Array, targets: Array) -> dict[str, Array]:
    """What is measured of predictions ``(..., probe, class)``, each ``(...)``.

    >>> sure = np.array([[0.98, 0.02], [0.98, 0.02]])
    >>> {name: round(float(value), 2) for name, value in measures(sure, np.array([0, 1])).items()}[WRONG]
    0.5
    """
    num_bins = min(10, probabilities.shape[-2])
    found = (
        -log_score(probabilities, targets) - np.log(probabilities.shape[-1]),
        confidently_wrong(probabilities, targets, SURE),
        confidence(probabilities),
        calibration_error(probabilities, targets, num_bins),
        entropy(probabilities),
        accuracy(probabilities, targets),
        calibration_floor(probabilities, num_bins),
        divergence_from_uniform(probabilities),
    )
    return dict(zip(UNITS, found, strict=True))


def measured(predictor: Predictor, targets: Array, rng: np.random.Generator) -> Measures:
    """Every measure with its error, from the spread over units or a bootstrap of the average."""
    networks = np.asarray(predictor.networks, float)
    if not predictor.averaged:
        root = np.sqrt(len(networks))
        return {
            name: Found(float(values.mean()), float(values.std(ddof=1) / root))
            for name, values in measures(networks, targets).items()
        }
    flat = networks.reshape(len(networks), -1)
    some = max(1, AT_ONCE // flat.shape[1])
    drawn: dict[str, list[Array]] = {name: [] for name in UNITS}
    for first in range(0, RESAMPLES, some):
        counts = rng.multinomial(len(flat), np.full(len(flat), 1 / len(flat)), min(some, RESAMPLES - first))
        averages = (counts / len(flat) @ flat).reshape(-1, *networks.shape[1:])
        for name, values in measures(averages, targets).items():
            drawn[name].append(values)
    return {
        name: Found(float(value), float(np.concatenate(drawn[name]).std(ddof=1)))
        for name, value in measures(networks.mean(axis=0), targets).items()
    }


def answer(found: Measures) -> tuple[Verdict, str]:
    """The rule of the question, for one predictor.

    >>> unsure = {CROSS_ENTROPY: Found(0.1, 0.01), WRONG: Found(0.0, 0.0)}
    >>> sure = {CROSS_ENTROPY: Found(2.0, 0.1), WRONG: Found(0.4, 0.01)}
    >>> seldom = {CROSS_ENTROPY: Found(2.0, 0.1), WRONG: Found(0.05, 0.01)}
    >>> [ANSWERS[answer(one)[0]] for one in (unsure, sure, seldom)]
    ['uncertain', 'confidently wrong', 'in between']
    """
    excess, wrong = found[CROSS_ENTROPY], found[WRONG]
    numbers = f"cross-entropy {excess.value:.2f} nats above ln C, {wrong.value:.1%} wrong and sure"
    sides = [_side(excess, MARGIN), _side(wrong, SHARE)]
    if None in sides:
        return Verdict.INCONCLUSIVE, f"an interval holds its threshold: {numbers}"
    verdict = {(True, True): Verdict.SUPPORTED, (False, False): Verdict.REFUTED}.get(
        (bool(sides[0]), bool(sides[1])), Verdict.PARTLY
    )
    return verdict, f"{ANSWERS[verdict]}: {numbers}"


def _side(found: Found, threshold: float) -> bool | None:
    """Whether the whole interval lies above, or below; ``None`` where it holds the threshold."""
    low, high = found.interval()
    return True if low > threshold else False if high < threshold else None


def numbers_of(found: Measures, suffix: str) -> list[Number]:
    """For the page and the record."""
    return [shown(name, one)._replace(name=f"{name}{suffix}") for name, one in found.items()]


def shown(name: str, found: Found) -> Number:
    """A measure with its 95 % interval, which for a share ends at 0 and 1."""
    low, high = found.interval()
    if UNITS[name] != "nats":
        low, high = max(low, 0.0), min(high, 1.0)
    return Number(name, found.value, low, high, UNITS[name])


def difference(left: Found, right: Found) -> Found:
    """Of two independent samples."""
    return Found(left.value - right.value, float(np.hypot(left.error, right.error)))


def largest_gap(left: Measures, right: Measures) -> tuple[float, str]:
    """The largest difference of any measure, in standard errors, and which.

    >>> constant = Found(0.0, 0.0)
    >>> largest_gap({"a": Found(1.0, 0.3), "b": constant}, {"a": Found(2.0, 0.4), "b": constant})
    (2.0, 'a')
    """
    gaps = {}
    for name, one in left.items():
        gap = difference(one, right[name])
        rounding = 1e-6 * max(abs(one.value), 1.0)
        # Constant measures have no error: equal up to rounding, or infinitely far apart.
        if abs(gap.value) <= rounding:
            gaps[name] = 0.0
        else:
            gaps[name] = abs(gap.value) / gap.error if gap.error > 0 else float("inf")
    name = max(gaps, key=gaps.__getitem__)
    return gaps[name], name


def controls(
    reference: Array, control: Array, prior: Array, targets: Array, rng: np.random.Generator
) -> list[Check]:
    """An independent run must agree in all measures, the prior must not."""
    limit = float(norm.ppf(1 - (1 - CONTROL_LEVEL) / (4 * len(UNITS))))  # both sides of both kinds
    same, other = (
        [
            largest_gap(
                measured(Predictor(reference, averaged), targets, rng),
                measured(Predictor(networks, averaged), targets, rng),
            )
            for averaged in (False, True)
        ]
        for networks in (control, prior)
    )
    return [
        Check("an independent run agrees in all measures", max(same)[0] <= limit, _words(max(same), limit)),
        Check("the prior differs", max(other)[0] > limit, _words(max(other), limit)),
    ]


def planted_checks(targets: Array, num_classes: int, rng: np.random.Generator) -> list[Check]:
    """Predictors whose answer is known must get it, one at a time and averaged."""
    found = []
    for name, (networks, wanted) in planted_predictors(targets, num_classes, rng).items():
        came = {answer(measured(Predictor(networks, both), targets, rng))[0] for both in (False, True)}
        words = ", ".join(sorted(ANSWERS[verdict] for verdict in came))
        found.append(Check(f"planted {name} predictor", came == {wanted}, f"came out {words}"))
    return found


def planted_predictors(
    targets: Array, num_classes: int, rng: np.random.Generator
) -> dict[str, tuple[Array, Verdict]]:
    """Predictors whose answer is known: random labels with certainty, and no opinion."""
    shape = (50, len(targets), num_classes)
    top = rng.integers(num_classes, size=len(targets))
    certainty = rng.uniform(0.97, 0.99, size=shape[:2])[..., None]
    sure = np.where(np.arange(num_classes) == top[:, None], certainty, (1 - certainty) / (num_classes - 1))
    unsure = rng.dirichlet(np.full(num_classes, 200.0), size=shape[:2])
    return {"overconfident": (sure, Verdict.SUPPORTED), "uniform": (unsure, Verdict.REFUTED)}


def _words(gap: tuple[float, str], limit: float) -> str:
    return f"largest difference {gap[0]:.1f} standard errors, in {gap[1]}; limit {limit:.1f}"
