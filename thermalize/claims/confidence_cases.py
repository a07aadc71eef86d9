"""From measures of endpoints and posteriors to cases, pictures and a sentence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from compare import Verdict

from .claim import Case, Check, Curve, Graph, Number, Published, settled
from .confidence import (
    ANSWERS,
    CROSS_ENTROPY,
    MARGIN,
    SHARE,
    UNITS,
    WRONG,
    Measures,
    answer,
    difference,
    numbers_of,
    shown,
)
from .noisy_labels import Sample, Setting

ENDPOINT, ENSEMBLE, DRAW, MEAN = PREDICTORS = (
    "one endpoint",
    "endpoint ensemble",
    "one posterior draw",
    "posterior mean",
)
FIRST_FIT, FULL_NOISE = "first fit", 1.0
PICTURED = list(UNITS)[:5]
CITATION = "Zhang et al. 2017, their setting; public training logs"


class Cell(NamedTuple):
    """One level of label noise in one row."""

    trained: Sample
    sampled: Sample | None  # none at the first fit, which no posterior goes with
    found: dict[str, Measures]  # by predictor
    controls: list[Check]


class Row(NamedTuple):
    """A setting at one inverse temperature, or with endpoints at their first fit, by label noise."""

    setting: Setting
    beta: float | None
    cells: dict[float, Cell]

    @property
    def name(self) -> str:
        return f"{self.setting.name}, {FIRST_FIT if self.beta is None else f'beta {self.beta:g}'}"


def checks_of(cell: Cell, predictor: str) -> list[Check]:
    """What a predictor's numbers rest on: endpoints are matched to a posterior that must be trusted too."""
    of_sampled = [] if cell.sampled is None else cell.sampled.checks
    of_trained = [] if predictor in (DRAW, MEAN) else cell.trained.checks
    return [*of_sampled, *of_trained, *cell.controls]


def trusted(cell: Cell, predictor: str) -> Measures | None:
    if all(check.passed for check in checks_of(cell, predictor)):
        return cell.found.get(predictor)
    return None


def cases_of(row: Row) -> list[Case]:
    """One case a predictor: the answer on random labels, its numbers at every level of noise."""
    predictors = PREDICTORS[:2] if row.beta is None else PREDICTORS
    return [_case(row, predictor) for predictor in predictors]


def _case(row: Row, predictor: str) -> Case:
    cell = row.cells[FULL_NOISE]
    of_posterior = predictor in (DRAW, MEAN)
    sample = cell.sampled if of_posterior else cell.trained
    assert sample is not None
    conditions = {
        "data": row.setting.task,
        "training images": row.setting.num_train,
        "draw of the labels": row.setting.draw,
        "hidden units": row.setting.width,
        "stopping" if row.beta is None else "beta": FIRST_FIT if row.beta is None else row.beta,
        "networks": len(sample.networks),
        "test images": sample.networks.shape[1],
    }
    numbers: list[Number] = []
    for noise, one in sorted(row.cells.items(), reverse=True):
        found = trusted(one, predictor)
        if found is None:
            wrong = [check for check in checks_of(one, predictor) if not check.passed]
            conditions[f"left out at {noise:.0%} noise"] = "; ".join(f"{c.name}: {c.detail}" for c in wrong)
            continue
        numbers += numbers_of(found, f", {noise:.0%} noise")
        at = one.sampled if of_posterior else one.trained
        assert at is not None
        numbers.append(Number(f"training loss, {noise:.0%} noise", at.loss, None, None, "nats per datum"))
        numbers.append(Number(f"training error, {noise:.0%} noise", at.train_error, None, None, "share"))
    alike = _gap(cell, predictor)
    if alike is not None:
        numbers.insert(0, alike)
    checks = checks_of(cell, predictor)
    found = trusted(cell, predictor)
    verdict, reason = (Verdict.INCONCLUSIVE, "") if found is None else answer(found)
    if found is not None:
        sure, right = found["top probability"].value, found["accuracy"].value
        reason += f"; mean top probability {sure:.2f}, accuracy {right:.2f}"
    verdict, reason = settled(verdict, reason, checks)
    return Case(f"{row.name}: {predictor}", conditions, verdict, reason, numbers, checks)


def _gap(cell: Cell, predictor: str) -> Number | None:
    """What SGD's cross-entropy has over the posterior's of the same kind, at matched training loss."""
    pairs = {DRAW: ENDPOINT, MEAN: ENSEMBLE}
    if predictor not in pairs:
        return None
    left, right = trusted(cell, pairs[predictor]), trusted(cell, predictor)
    if left is None or right is None:
        return None
    gap = difference(left[CROSS_ENTROPY], right[CROSS_ENTROPY])
    name = f"cross-entropy of {pairs[predictor]} less that of {predictor}"
    return Number(name, gap.value, *gap.interval(), "nats")


def sentence(rows: Sequence[Row], cases: Sequence[Case]) -> str:
    """The answer in words, from the verdicts and numbers of the cases."""
    by_name = {case.name: case for case in cases}
    parts = []
    for predictor in PREDICTORS:
        verdicts = [case.verdict for case in cases if case.name.endswith(f": {predictor}")]
        counts = [f"{verdicts.count(verdict)} {words}" for verdict, words in ANSWERS.items()]
        parts.append(f"{predictor}: {', '.join(text for text in counts if text[:2] != '0 ')}")
    pairs, gaps = [], []
    for row in rows:
        for left, right in ((ENDPOINT, DRAW), (ENSEMBLE, MEAN)):
            one, other = (by_name.get(f"{row.name}: {name}") for name in (left, right))
            if other is None or one is None or Verdict.INCONCLUSIVE in (one.verdict, other.verdict):
                continue
            pairs.append(one.verdict == other.verdict)
            gap = _gap(row.cells[FULL_NOISE], right)
            gaps += [gap.value] if gap is not None and gap.value is not None else []
    together = "SGD and posterior cannot be set side by side"
    if gaps:
        together = (
            f"at matched training loss SGD and posterior give the same answer in {sum(pairs)} of "
            f"{len(pairs)} pairs, their cross-entropies {min(gaps):+.2f} to {max(gaps):+.2f} nats apart, "
            f"over {len({row.setting.draw for row in rows})} draw(s) of the labels"
        )
    return f"after random labels {'; '.join(parts)}; {together}"


def headline_of(rows: Sequence[Row]) -> Number:
    """How far above chance one endpoint is at its first fit, the median over settings."""
    name, unit = "one endpoint at first fit, cross-entropy less ln C, median over settings", "nats; range"
    found = [trusted(row.cells[FULL_NOISE], ENDPOINT) for row in rows if row.beta is None]
    values = [one[CROSS_ENTROPY].value for one in found if one is not None]
    if not values:
        return Number(name, None, None, None, unit)
    return Number(name, float(np.median(values)), min(values), max(values), unit)


def graphs_of(rows: Sequence[Row]) -> list[Graph | Curve]:
    """At a glance all settings on random labels; then every measure along the noise."""
    along = [row for row in rows if len(row.cells) > 1 and row.beta is not None]
    return [
        _beside(
            rows,
            CROSS_ENTROPY,
            MARGIN,
            "Cross-entropy above chance after random labels",
            "0 is no opinion. What is not trusted is left out.",
        ),
        _beside(
            rows,
            WRONG,
            SHARE,
            "Wrong and sure after random labels",
            "Wrong label at a top probability above 0.9. What is not trusted is left out.",
        ),
        *(_along(row, name) for row in along for name in PICTURED),
    ]


def _beside(rows: Sequence[Row], name: str, line: float, title: str, text: str) -> Graph:
    rows = [row for row in rows if any(trusted(row.cells[FULL_NOISE], each) for each in PREDICTORS)]
    series = {
        predictor: [_number(row.cells[FULL_NOISE], predictor, name) for row in rows]
        for predictor in PREDICTORS
    }
    labels = [f"{row.setting.name},\n{row.name.rsplit(', ', 1)[1]}" for row in rows]
    return Graph(
        title, f"{text} Line: the rule's threshold. 95 % intervals.", UNITS[name], labels, series, line
    )


def _along(row: Row, name: str) -> Curve:
    noises = sorted(row.cells)
    series = {
        predictor: [_number(row.cells[noise], predictor, name) for noise in noises]
        for predictor in PREDICTORS
    }
    title = f"{name[0].upper()}{name[1:]}: {row.name}"
    text = "At matched training loss, on true test labels; 95 % bands; gaps where a gate was missed."
    axes = "share of random training labels", UNITS[name]
    return Curve(title, text, *axes, noises, series, {CROSS_ENTROPY: 0.0}.get(name))


def _number(cell: Cell, predictor: str, name: str) -> Number:
    found = trusted(cell, predictor)
    if found is None:
        return Number(predictor, None, None, None, UNITS[name])
    return shown(name, found[name])


def published_of(rows: Sequence[Row]) -> list[Published]:
    """Test cross-entropies of image classifiers of ten classes after random labels."""
    ours = "not measured in this preset"
    for row in rows:
        found = trusted(row.cells[FULL_NOISE], ENDPOINT)
        if row.setting.task == "digits" and row.beta is None and found is not None:
            excess = found[CROSS_ENTROPY]
            total = excess.value + np.log(10)
            ours = f"{total:.2f} +- {excess.error:.2f} ({row.name})"
    what = "cross-entropy on test labels after random labels, ten classes (chance: 2.30), CIFAR-10, "
    return [
        Published(f"{what}wide ResNet", "7.72", CITATION, ours),
        Published(f"{what}multilayer perceptron", "10.33", CITATION, ours),
    ]
