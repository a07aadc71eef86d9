"""Pictures of ``grokking_is_search``: posterior mass and transition time on one axis of data share."""

from collections.abc import Callable, Sequence
from functools import partial

from .claim import Case, Curve, Graph, Number
from .grokking_rule import LATE, LOCAL

type Find = Callable[[Case], Number]
SHARE = "share of all pairs that is given"
GAP = Number("", None, None, None)


def pictures(cases: Sequence[Case], max_steps: int) -> list[Graph | Curve]:
    """Mass beside transition time, the free-energy difference, and times and delays of every method."""
    graphs: list[Graph | Curve] = []
    for modulus in dict.fromkeys(case.conditions["modulus"] for case in cases):
        some = [case for case in cases if case.conditions["modulus"] == modulus]
        graphs += [_mass_and_time(some, max_steps), _differences(some), _times(some, max_steps)]
    return [*graphs, _delays(cases)]


def _mass_and_time(cases: Sequence[Case], max_steps: int) -> Curve:
    """The two sides of the claim: what the posterior holds, and when SGD gets there."""
    series = {
        f"posterior mass, beta {beta:g}": _along(
            cases, beta, lambda case: _certified(case, "posterior mass that generalises")
        )
        for beta in _betas(cases)
    }
    first = _betas(cases)[0]
    series["SGD: transition time"] = _along(
        cases, first, lambda case: scaled(named(case, "sgd: time to know the others"), max_steps)
    )
    series["SGD: networks that grok"] = _along(cases, first, _grokking)
    missing = [
        case.name for case in cases if _certified(case, "posterior mass that generalises").value is None
    ]
    never = [
        f"{case.conditions['data share']:g}"
        for case in cases
        if case.conditions["beta"] == first and named(case, "sgd: time to know the others").value is None
    ]
    return Curve(
        f"Posterior mass of the rule, and when SGD finds it, modulo {cases[0].conditions['modulus']}",
        "Mass of networks that fit and know the others, where chains certify it, with 95 % intervals; the "
        f"Kaplan-Meier median step at which SGD knows them, as a share of the {max_steps:,} steps of a run; "
        "and the share of SGD's networks that did. "
        + _gaps("No certified mass", missing)
        + _gaps("Half of SGD's networks or more never got there at share", never),
        SHARE,
        "share",
        _shares(cases),
        series,
        0.5,
    )


def _differences(cases: Sequence[Case]) -> Curve:
    name = "F of memorising less F of generalising"
    endless = [
        case.name
        for case in cases
        if _passed(case) and None in (named(case, name).low, named(case, name).high)
    ]
    return Curve(
        f"Which basin is heavier, modulo {cases[0].conditions['modulus']}",
        "Difference of free energies with 95 % intervals, above the line where the rule is heavier; "
        "certified cases only. "
        + _gaps("One basin was never or hardly seen, so that the difference has no end", endless),
        SHARE,
        "nats",
        _shares(cases),
        {
            f"beta {beta:g}": _along(cases, beta, lambda case: _certified(case, name))
            for beta in _betas(cases)
        },
        0.0,
    )


def _times(cases: Sequence[Case], max_steps: int) -> Curve:
    first = _betas(cases)[0]
    arms = [arm for arm in LOCAL if named(cases[0], f"{arm}: time to know the others") is not GAP]
    series = {
        f"{arm}: {what}": _along(cases, first, partial(_time, name=f"{arm}: {name}"))
        for arm in arms
        for what, name in (("fits", "time to fit its pairs"), ("knows", "time to know the others"))
    }
    return Curve(
        f"When training fits, and when it knows the rest, modulo {cases[0].conditions['modulus']}",
        f"Kaplan-Meier medians with 95 % intervals, runs of {max_steps:,} steps, SGLD at beta {first:g}. A "
        "line that ends: half of the networks or more never got there; the table has their numbers.",
        SHARE,
        "steps",
        _shares(cases),
        series,
        log_y=True,
    )


def _delays(cases: Sequence[Case]) -> Graph:
    return Graph(
        "How late is the rule?",
        "Times as long to generalise as to memorise, with 95 % intervals; beyond the "
        "line is late. No point: half of the runs or more did not generalise, which is late, or did not "
        "memorise, which is open; see the table.",
        "times as long",
        [case.name for case in cases],
        {
            method: [
                _positive(named(case, f"{method}: times as long to generalise as to memorise"))
                for case in cases
            ]
            for method in (*LOCAL, "tempered")
        },
        LATE,
        log=True,
    )


def named(case: Case, name: str) -> Number:
    """The number of this name, a gap where there is none."""
    return next((one for one in case.numbers if one.name == name), GAP)


def scaled(found: Number, whole: float) -> Number:
    """A number and its interval in shares of ``whole``."""
    return found._replace(
        value=_over(found.value, whole), low=_over(found.low, whole), high=_over(found.high, whole), unit=""
    )


def _over(value: float | None, whole: float) -> float | None:
    return None if value is None else value / whole


def _time(case: Case, name: str) -> Number:
    return _positive(named(case, name))


def _positive(found: Number) -> Number:
    """What a logarithmic axis can show."""
    value, low, high = (None if one is None or one <= 0 else one for one in found[1:4])
    return Number(found.name, value, low, high)


def _grokking(case: Case) -> Number:
    """The share of SGD's networks that knew the others within the run."""
    for one in case.numbers:
        if one.name.startswith("sgd: runs of ") and one.name.endswith("that never generalised"):
            num = case.conditions["networks an arm"]
            return Number("share that groks", 1 - (one.value or 0.0) / num, None, None)
    return GAP


def _certified(case: Case, name: str) -> Number:
    return named(case, name) if _passed(case) else GAP


def _passed(case: Case) -> bool:
    return all(check.passed for check in case.checks)


def _along(cases: Sequence[Case], beta: float, find: Find) -> list[Number]:
    return [find(case) for case in cases if case.conditions["beta"] == beta]


def _betas(cases: Sequence[Case]) -> list[float]:
    return list(dict.fromkeys(case.conditions["beta"] for case in cases))


def _shares(cases: Sequence[Case]) -> list[float]:
    return list(dict.fromkeys(case.conditions["data share"] for case in cases))


def _gaps(what: str, names: Sequence[str]) -> str:
    return f"{what}: {'; '.join(names)}. " if names else ""
