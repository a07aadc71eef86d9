"""Headline, pictures and numbers of others for networks on images."""

from collections.abc import Mapping, Sequence

import numpy as np

from compare import Verdict

from ..family import Fit
from ..wording import interval, number
from .claim import Case, Curve, Graph, Number, Published

NEAREST, BAYES = "nearest posterior", "Bayes' posterior"
BOUND = "total variation at least, by a classifier"
CLOSENESS = "closeness in energy distance"
AGREEMENT = "agreement of averages"
VARIATION = "total variation of averages"
WILSON, SHARMA = "Wilson et al. 2022", "Sharma et al. 2023"
BERNSTEIN = "Bernstein and Yue 2021, logs"
OTHER_DATA = "digits, another data set"


def number_named(case: Case, name: str) -> Number | None:
    """The number of this name."""
    return next((one for one in case.numbers if one.name == name), None)


def headline_of(cases: Sequence[Case]) -> Number:
    """The classifier's bound at the nearest posterior, its median over cases, and their range."""
    found = [number_named(case, f"{BOUND}, {NEAREST}") for case in cases]
    values = np.array([one.low for one in found if one is not None and one.low is not None], float)
    name = "total variation from the nearest posterior at least, median over cases"
    if not len(values):
        return Number(name, None, None, None, "interval: range")
    return Number(name, float(np.median(values)), float(values.min()), float(values.max()), "interval: range")


def answer_of(cases: Sequence[Case]) -> str:
    """What was found on images, by stopping rule, in one sentence.

    >>> bound = Number(f"{BOUND}, {NEAREST}", 0.5, 0.4, 0.6)
    >>> case = Case("digits, sgd", {"stopping": "first fit"}, Verdict.REFUTED, "", [bound], [])
    >>> answer_of([case, case._replace(numbers=[], verdict=Verdict.INCONCLUSIVE)])
    'digits: total variation from the nearest posterior, by a classifier, median over cases: at least 0.40 \
at first fit (1 of 2 REFUTED)'
    """
    stops: dict[str, list[Case]] = {}
    for case in cases:
        if "stopping" in case.conditions:  # not where images are not installed
            stops.setdefault(case.conditions["stopping"], []).append(case)
    parts = []
    for stop, some in stops.items():
        value = headline_of(some).value
        refuted = sum(case.verdict == Verdict.REFUTED for case in some)
        shown = "nothing measured" if value is None else f"at least {value:.2f}"
        parts.append(f"{shown} at {stop} ({refuted} of {len(some)} REFUTED)")
    systems = dict.fromkeys(case.name.split(", ")[0] for some in stops.values() for case in some)
    beginning = "total variation from the nearest posterior, by a classifier, median over cases"
    return f"{' and '.join(systems)}: {beginning}: {', '.join(parts)}" if parts else ""


def graphs_of(cases: Sequence[Case], fits: Mapping[str, Fit]) -> list[Graph | Curve]:
    """Bounds and closeness of every case at both posteriors, and distance against temperature."""
    known = [case for case in cases if case.numbers]
    labels = [two_lines(case.name) for case in known]

    def series(name: str) -> dict[str, list[Number]]:
        return {
            where: [number_named(case, f"{name}, {where}") or Number("", None, None, None) for case in known]
            for where in (NEAREST, BAYES)
        }

    graphs: list[Graph | Curve] = [
        Graph(
            "How far endpoints are from a posterior, at least",
            "Total variation that a classifier shows, its intervals for all distances at once; a lower "
            "end beyond the line refutes.",
            "total variation, at least",
            labels,
            series(BOUND),
            0.25,
        ),
        Graph(
            "How close endpoints come, between prior and posterior",
            "Closeness in energy distance: 1 is as close as the posterior to itself, 0 as far as the prior.",
            "closeness",
            labels,
            series(CLOSENESS),
            1.0,
        ),
    ]
    for system in dict.fromkeys(name.split(", ")[0] for name in fits):
        some = {name: fit for name, fit in fits.items() if name.startswith(f"{system}, ") and fit.member}
        curve = _distances(system, some)
        if curve is not None:
            graphs.append(curve)
    return graphs


def _distances(system: str, fits: Mapping[str, Fit]) -> Curve | None:
    """Squared energy distance against temperature, each arm at its nearest prior scale."""
    lines: dict[str, dict[float, float]] = {}
    for name, fit in fits.items():
        assert fit.member is not None
        found = fit.fits[fit.member.scale]
        label = f"{name.split(', ', 1)[1]}, prior scale {fit.member.scale:g}"
        lines[label] = dict(zip(found.betas.tolist(), found.distances.tolist(), strict=True))
    betas = sorted({beta for line in lines.values() for beta in line})
    if not betas:
        return None
    return Curve(
        f"{system}: which temperature is nearest",
        "Squared energy distance between endpoints and the posterior at each inverse temperature.",
        "inverse temperature",
        "squared energy distance",
        betas,
        {name: [Number("", line.get(beta), None, None) for beta in betas] for name, line in lines.items()},
        log_x=True,
    )


def two_lines(name: str) -> str:
    """The name of a case on two lines.

    >>> two_lines("digits, sgd, first fit, nearest posterior")
    'digits, sgd,\\nfirst fit'
    """
    system, optimiser, stop, *_ = name.split(", ")
    return f"{system}, {optimiser},\n{stop}"


def published_of(cases: Sequence[Case]) -> list[Published]:
    """What others found for the same quantities, beside ours on other data."""
    case = next((c for c in cases if c.name == f"digits, sgd, matched loss, {NEAREST}" and c.numbers), None)

    def ours(name: str) -> str:
        one = number_named(case, name) if case else None
        if one is None:
            return "not measured in this preset"
        return f"{number(one.value)} {interval(one.low, one.high)} ({OTHER_DATA})"

    agreement, variation = ours(f"{AGREEMENT}, {BAYES}"), ours(f"{VARIATION}, {BAYES}")
    rows = [
        Published(f"{what} of {arm} with long HMC, CIFAR-10", theirs, WILSON, mine)
        for arm, pair in (
            ("a deep ensemble", ("0.917", "0.104")),
            ("SGLD", ("0.918", "0.106")),
            ("SGHMC", ("0.922", "0.105")),
        )
        for what, theirs, mine in zip(
            ("agreement", "total variation"),
            pair,
            (agreement, variation) if arm == "a deep ensemble" else ("not measured", "not measured"),
            strict=True,
        )
    ]
    halves = ours(f"agreement of halves of the chains, {BAYES}")
    return [
        *rows,
        Published(
            "share of CIFAR-10 test images on which three long HMC chains agree", "0.90", SHARMA, halves
        ),
        Published(
            "accuracy of the posterior's average, MNIST 0 against 1, 5 training images",
            "0.663; rejection-sampled nets 0.675 ± 0.011; trained nets 0.497 to 0.979 by label scale",
            BERNSTEIN,
            "not measured",
        ),
    ]
