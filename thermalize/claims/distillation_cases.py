"""From what students agree on to cases and pictures."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from compare import Verdict, confidence, entropy

from .claim import Case, Check, Curve, Graph, Number, Sampled, settled
from .distillation import AGREEMENT, RATIO, Size, compare_sizes, interval_of_size, judge, size_text
from .teachers import NUM_PROBE, Teachers

type Array = np.ndarray
CONTROL_LEVEL = 0.999


class Taught(NamedTuple):
    """Teachers of one kind and labels, and the agreement of their students."""

    teachers: Teachers
    agree: Array  # (teacher, size, student, image)
    shuffled: Array | None  # (student, image): the widest students of answers that were shuffled


class Pair(NamedTuple):
    """The same kind of teacher with true and with random labels."""

    task: str
    num_train: int
    widths: Sequence[int]
    num_params: Array
    teacher_width: int
    true: Taught
    random: Taught

    @property
    def name(self) -> str:
        return f"{self.task}, N {self.num_train}, {self.true.teachers.kind}"


def case_of(pair: Pair, rng: np.random.Generator) -> Case:
    """How many times the parameters random labels need, for one kind of teacher."""
    sides = {"true": pair.true, "random": pair.random}
    checks = [
        check._replace(name=f"{labels} labels: {check.name}")
        for labels, taught in sides.items()
        for check in [*taught.teachers.checks, *_controls(pair, taught)]
    ]
    checks.append(_halves(pair, rng))
    ratio = compare_sizes(pair.num_params, pair.random.agree, pair.true.agree, rng)
    numbers = [_ratio_number(ratio.value, ratio.low, ratio.high)]
    sizes = []
    for labels, taught in sides.items():
        size, low, high = interval_of_size(pair.num_params, taught.agree, rng)
        sizes.append(f"{size_text(size)} with {labels} labels")
        name = f"parameters a student needs, {labels} labels{_bound(size)}"
        numbers.append(Number(name, _known(size), low, _finite(high), "parameters"))
        probe = taught.teachers.probabilities[:, :NUM_PROBE]
        for what, value, unit in (
            ("agreement of the widest students", taught.agree[:, -1].mean(), "share"),
            ("agreement of students as wide as a teacher", _own(pair, taught), "share"),
            ("entropy of the teacher on the probe", entropy(probe).mean(), "nats"),
            ("top probability of the teacher on the probe", confidence(probe).mean(), "mean"),
            ("agreement of two teachers", _between(probe), "share"),
            ("training loss of the teacher's networks", taught.teachers.train_loss, "nats per datum"),
            ("training error of the teacher's networks", taught.teachers.train_error, "share"),
        ):
            numbers.append(Number(f"{what}, {labels} labels", float(value), None, None, unit))
    conditions = {
        "data": pair.task,
        "training images": pair.num_train,
        "teacher's hidden units": pair.teacher_width,
        "students' hidden units": ", ".join(map(str, pair.widths)),
        "teachers": pair.true.agree.shape[0],
        "students of each": pair.true.agree.shape[2],
        "probe images": pair.true.agree.shape[3],
    }
    end = "" if ratio.high == np.inf else f" to {ratio.high:.3g}"
    reason = f"{', '.join(sizes)}: {ratio.low:.3g}{end or ' or more'} times as many"
    verdict, reason = settled(judge(ratio), reason, checks)
    return Case(pair.name, conditions, verdict, reason, numbers, checks)


def _controls(pair: Pair, taught: Taught) -> list[Check]:
    """A student as wide as an endpoint must be able to repeat it; one of shuffled answers must not."""
    found = []
    if taught.teachers.kind == "endpoint":
        own = _own(pair, taught)
        found.append(
            Check(
                f"a student as wide as its teacher agrees on {AGREEMENT:.0%}", own >= AGREEMENT, f"{own:.1%}"
            )
        )
    if taught.shuffled is not None:
        share = float(taught.shuffled.mean())
        found.append(Check("students of shuffled answers do not agree", share < AGREEMENT, f"{share:.1%}"))
    return found


def _halves(pair: Pair, rng: np.random.Generator) -> Check:
    """Teachers of other seeds, with true labels, must need students of the same size."""
    agree = pair.true.agree
    middle = max(1, len(agree) // 2)
    ratio = compare_sizes(pair.num_params, agree[:middle], agree[middle:], rng, CONTROL_LEVEL)
    words = f"{ratio.low:.2f} to {ratio.high:.2f} times"
    return Check("teachers of other seeds need students of one size", ratio.low <= 1 <= ratio.high, words)


def _own(pair: Pair, taught: Taught) -> float:
    return float(taught.agree[:, list(pair.widths).index(pair.teacher_width)].mean())


def _between(probe: Array) -> float:
    labels = probe.argmax(axis=-1)
    pairs = [np.mean(labels[i] == labels[j]) for i in range(len(labels)) for j in range(i)]
    return float(np.mean(pairs)) if pairs else float("nan")


def _ratio_number(value: Size, low: float, high: float) -> Number:
    name = f"parameters with random labels over those with true ones{_bound(value)}"
    return Number(name, _known(value), low, _finite(high), "times")


def _bound(size: Size) -> str:
    if size.low == size.high:
        return ""
    return " (a lower bound)" if size.high == np.inf else " (an upper bound)"


def _known(size: Size) -> float:
    return size.low if size.high == np.inf else size.high


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def headline_of(cases: Sequence[Case]) -> Number:
    """The ratio, its median over cases, and their range; bounds count as they are."""
    name, unit = "parameters with random labels over those with true ones, median over cases", "times; range"
    values = [case.numbers[0].value for case in cases if case.verdict != Verdict.INCONCLUSIVE]
    found = np.array([value for value in values if value is not None], float)
    if not len(found):
        return Number(name, None, None, None, unit)
    return Number(name, float(np.median(found)), float(found.min()), float(found.max()), unit)


def graphs_of(pairs: Sequence[Pair], cases: Sequence[Case]) -> list[Graph | Curve]:
    """The ratios side by side, then the agreement along the size of the student."""
    ratios = Graph(
        "Student parameters that random labels need, over those of true ones",
        "Line: the rule's threshold. No right end: a lower bound, the widest students do not agree.",
        "times the parameters",
        [case.name.replace(", ", ",\n", 1) for case in cases],
        {"ratio": [_drawn(case.numbers[0]) for case in cases]},
        RATIO,
    )
    return [ratios, *(_along(pair) for pair in pairs)]


def _drawn(number: Number) -> Number:
    """An interval that is open to the right is drawn up to its bound."""
    return number if number.high is not None else number._replace(high=number.value)


def _along(pair: Pair) -> Curve:
    series = {
        f"{labels} labels": [_share(taught.agree[:, size]) for size in range(len(pair.widths))]
        for labels, taught in (("true", pair.true), ("random", pair.random))
    }
    return Curve(
        f"Students agree with their teacher: {pair.name}",
        f"Share of the probe with the teacher's label; line: {AGREEMENT:.0%}. Bands: range over teachers.",
        "parameters of the student",
        "share of probe images",
        [float(params) for params in pair.num_params],
        series,
        AGREEMENT,
        log_x=True,
    )


def _share(agree: Array) -> Number:
    by_teacher = agree.mean(axis=(1, 2))
    return Number("agreement", float(agree.mean()), float(by_teacher.min()), float(by_teacher.max()), "share")


def stored(pair: Pair) -> list[Sampled]:
    """The labels that teachers give the probe, and whether each student gives the same."""
    found = []
    for labels, taught in (("true", pair.true), ("random", pair.random)):
        probe = taught.teachers.probabilities[:, :NUM_PROBE]
        arrays: dict[str, np.ndarray] = {
            "function": probe.argmax(axis=-1).astype(np.uint8)[:, None],
            "probability": probe.astype(np.float32)[:, None],
            "students_agree": taught.agree[:, None],
        }
        arm = f"{pair.name}, {labels}".replace(", ", "-").replace(" ", "_")
        found.append(Sampled(arm, arrays, "not known in general"))
    return found
