"""From the cases of memorising to a headline, a sentence in words and pictures."""

from collections.abc import Sequence

import numpy as np

from .claim import Case, Curve, Graph, Number
from .memorising_measures import ACCURACY, COEFFICIENT, INTEGRAL, LEVELS, NEEDED, UNITS
from .trends import rank_correlation

type Array = np.ndarray


def named(case: Case, name: str) -> Number:
    """The number of a case by its name."""
    return next(number for number in case.numbers if number.name == name)


def headline(cases: Sequence[Case]) -> Number:
    """The change of the log evidence from no noise to most, its median over cases, and their range."""
    name = "change of log evidence from no noise to random labels, median over cases"
    changes = [named(case, f"{LEVELS}, change").value for case in cases]
    known = np.array([change for change in changes if change is not None], float)
    if not len(known):
        return Number(name, None, None, None, "nats; interval: range")
    median, low, high = float(np.median(known)), float(known.min()), float(known.max())
    return Number(name, median, low, high, "nats; interval: range")


def sentence(cases: Sequence[Case]) -> str:
    """The answer in words, from the numbers of the cases."""
    parts = []
    for name in (LEVELS, INTEGRAL, COEFFICIENT, NEEDED):
        known = [(c.value, c.low, c.high) for c in (named(case, f"{name}, change") for case in cases)]
        falls = sum(high is not None and high < 0 for _, _, high in known)
        rises = sum(low is not None and low > 0 for _, low, _ in known)
        values = [value for value, _, _ in known if value is not None]
        unit = f" {UNITS[name]}" if UNITS[name] else ""
        span = f" (means {min(values):+.2g} to {max(values):+.2g}{unit})" if values else ""
        parts.append(f"{name} falls in {falls} and rises in {rises} of {len(cases)} systems{span}")
    return f"from no noise to random labels {'; '.join(parts)}"


def curve(measure: str, noises: list[float], cases: Sequence[Case]) -> Curve:
    """One measure along noise, a line for every system."""
    unit = f", {UNITS[measure]}" if UNITS[measure] else ""
    return Curve(
        f"{measure[0].upper()}{measure[1:]}, by label noise",
        "Means over draws of the data with 95 % intervals.",
        "share of training labels drawn at random",
        f"{measure}{unit}",
        noises,
        {case.name: [named(case, f"{measure}, noise {noise:.0%}") for noise in noises] for case in cases},
    )


def correlations(cases: Sequence[Case], tables: dict[str, dict[str, Array]], seed: int) -> Graph:
    """Whether volume explains generalisation: case by case, and over all tasks, widths and noises."""
    per_label = [tables[case.name][LEVELS] / case.conditions["training inputs"] for case in cases]
    accuracy = [tables[case.name][ACCURACY] for case in cases]
    every = rank_correlation(np.hstack(per_label), np.hstack(accuracy), np.random.default_rng(seed))
    return Graph(
        "Does volume explain generalisation?",
        "Rank correlation of log evidence and the posterior's test accuracy over draws of the data and "
        "noises; over all cases of the log evidence per training label.",
        "rank correlation",
        [*(case.name for case in cases), "all cases"],
        {"posterior": [*(named(case, every.name) for case in cases), every]},
        0.0,
    )


def slug(text: str) -> str:
    """A name for the store.

    >>> slug("digits, width 16")
    'digits_width_16'
    """
    return "_".join("".join(c if c.isalnum() else " " for c in text).split())
