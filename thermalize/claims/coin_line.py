"""The coin line, a part of the claim ``posterior_sample``: are trained networks posterior draws at one probe?

The posterior's answer is exact: the probability that a network of infinite width which labels the
whole line +1 labels the probe +1 too. The trained one is a share of networks, by width, steps
after the first fit, learning rate and factor on the initial parameters.

One probability has no rank correlation, so no case is PARTLY. The prior's scale cannot change a
posterior that sees signs only, so no search over it is needed.

Rule: see :mod:`.coin_rule`. Sources: see :mod:`.coin_system`.
"""

import jax
import numpy as np

from samplers.draws import Progress
from samplers.draws import share_of as part_of

from .claim import Case, Curve, Evidence, Graph, Number, Preset, Sampled, settled
from .coin_rule import Estimate, Exact, controls, distance_of, exact_of, judge, share_of_answers
from .coin_rule import share_of as share_of_draws
from .coin_system import Answers, Setting, line, random_networks, trained, trained_at_infinite_width

type Array = np.ndarray
STEPS = (0, 10, 100, 1000)  # after the first fit
JUDGED = (0, 1000)  # of these, those that are cases
PACES, SCALES = (1.0,), (0.5, 2.0)  # beside 0.25 and 1
POINTS: dict[Preset, list[int]] = {
    "smoke": [4],
    "quick": [4, 16],
    "full": [4, 8, 16],
    "paper": [4, 8, 16],
}
WIDTHS: dict[Preset, list[int]] = {
    "smoke": [16],
    "quick": [16],
    "full": [16, 64, 256],
    "paper": [16, 64, 256, 1024, 4096],
}
VARIED: dict[Preset, int | None] = {"smoke": None, "quick": 16, "full": 64, "paper": 256}  # width
NETWORKS: dict[Preset, int] = {"smoke": 200, "quick": 400, "full": 3000, "paper": 20_000}
AT_INFINITY: dict[Preset, int] = {"smoke": 500, "quick": 1000, "full": 10_000, "paper": 100_000}
DRAWS: dict[Preset, int] = {"smoke": 1 << 17, "quick": 1 << 19, "full": 1 << 22, "paper": 1 << 26}
PRIOR: dict[Preset, int] = {"smoke": 1 << 15, "quick": 1 << 16, "full": 1 << 19, "paper": 1 << 22}
CITATIONS = [
    "Cho and Saul 2009",
    "Jacot, Gabriel and Hongler 2018",
    "Lee et al. 2019",
    "Genz 1992",
    "Clopper and Pearson 1934",
]
type Shares = dict[Setting, list[Estimate]]  # one estimate for each of STEPS


def evidence(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """The exact values, the controls and the trained networks of every line, judged."""
    cases: list[Case] = []
    samples: list[Sampled] = []
    graphs: list[Graph | Curve] = []
    exacts: dict[int, Exact] = {}
    num_parts = len(POINTS[preset]) * (1 + len(WIDTHS[preset]) + len(settings(preset, 4)))
    parts = iter(range(num_parts))
    for num_points in POINTS[preset]:
        key_prior, key_train = jax.random.split(jax.random.fold_in(jax.random.key(seed), num_points))
        part_of(progress, next(parts), num_parts)(0, 1)
        exact = exacts[num_points] = exact_of(num_points, seed, DRAWS[preset])
        prior = {
            width: random_networks(
                jax.random.fold_in(key_prior, width),
                num_points,
                width,
                PRIOR[preset],
                part_of(progress, next(parts), num_parts),
            )
            for width in WIDTHS[preset]
        }
        shares: Shares = {}
        for place, setting in enumerate(settings(preset, num_points)):
            found = trained(
                jax.random.fold_in(key_train, place),
                setting,
                STEPS,
                NETWORKS[preset],
                part_of(progress, next(parts), num_parts),
            )
            shares[setting] = [share_of_answers(answers) for answers in found]
            cases += [
                case_of(setting, extra, answers, exact, prior[setting.width])
                for extra, answers in zip(STEPS, found, strict=True)
                if extra in JUDGED
            ]
            samples += [_sampled(setting, *pair) for pair in zip(STEPS, found, strict=True)]
        limit = trained_at_infinite_width(Setting(num_points, 0), STEPS, AT_INFINITY[preset], seed)
        given_fit = {width: positive[fits] for width, (fits, positive) in prior.items()}
        graphs += _curves(num_points, exact, shares, [share_of_answers(found) for found in limit], given_fit)
    data = [line(num_points) for num_points in POINTS[preset]]
    graphs.append(_graph(cases))
    return Evidence(cases, _headline(cases), graphs, samples, data, CITATIONS, [], _answer(cases, exacts))


def settings(preset: Preset, num_points: int) -> list[Setting]:
    """Every width, and at one of them other learning rates and initial scales.

    >>> [(each.width, each.pace, each.scale) for each in settings("quick", 4)]
    [(16, 0.25, 1.0), (16, 1.0, 1.0), (16, 0.25, 0.5), (16, 0.25, 2.0)]
    """
    found = [Setting(num_points, width) for width in WIDTHS[preset]]
    width = VARIED[preset]
    if width is not None:
        found += [Setting(num_points, width, pace=pace) for pace in PACES]
        found += [Setting(num_points, width, scale=scale) for scale in SCALES]
    return found


def case_of(setting: Setting, extra: int, answers: Answers, exact: Exact, prior: tuple[Array, Array]) -> Case:
    """One setting at one stop, judged; ``prior`` says which random networks fit and which are positive."""
    found = share_of_answers(answers)
    distance = distance_of(found, exact.integration)
    checks, control = controls(*prior, exact.integration)
    checks = [*exact.gates, *checks]
    verdict, reason = settled(*judge(distance), checks)
    conditions = {
        "training inputs": setting.num_points,
        "width": setting.width,
        "learning rate": setting.learning_rate,
        "learning rate, in units of the largest stable one": setting.pace,
        "initial scale": setting.scale,
        "stopping": _stop(extra),
        "networks": len(answers.met),
        "networks that met their stop": int(answers.met.sum()),
    }
    known = bool(answers.met.any())
    numbers = [
        _number("total variation of the label at the probe", distance if known else None),
        _number("trained networks that are positive at the probe", found if known else None),
        Number("exact posterior, by integration", *exact.integration[:3], unit="probability"),
        Number("exact posterior, by rejection", *exact.rejection[:3], unit="probability"),
        *(
            _number(f"total variation of {what}", one)
            for what, one in zip(("networks of the prior that fit", "the prior"), control, strict=False)
        ),
    ]
    return Case(f"{_name(setting)}, {_stop(extra)}", conditions, verdict, reason, numbers, checks)


def _name(setting: Setting) -> str:
    """The name of a setting: what differs from the usual is said.

    >>> _name(Setting(4, 16)), _name(Setting(4, 16, scale=2))
    ('coin line of 4, width 16', 'coin line of 4, width 16, initial scale 2')
    """
    name = f"coin line of {setting.num_points}, width {setting.width}"
    usual = Setting(setting.num_points, setting.width)
    name += f", learning rate x {setting.pace / usual.pace:g}" if setting.pace != usual.pace else ""
    return name + (f", initial scale {setting.scale:g}" if setting.scale != usual.scale else "")


def _stop(extra: int) -> str:
    return "first fit" if extra == 0 else f"{extra} steps on"


def _number(name: str, found: Estimate | None, unit: str = "probability") -> Number:
    value, low, high = found or (None, None, None)
    return Number(name, value, low, high, unit)


def _sampled(setting: Setting, extra: int, answers: Answers) -> Sampled:
    name = f"{_name(setting)}-{_stop(extra)}".replace(", ", "-").replace(" ", "_")
    arrays = {"positive_at_probe": answers.positive[:, None], "met_its_rule": answers.met[:, None]}
    return Sampled(name, arrays, "that of linearised training as the width grows")


def _curves(
    num_points: int, exact: Exact, shares: Shares, limit: list[Estimate], given_fit: dict[int, Array]
) -> list[Graph | Curve]:
    usual = {width: shares[Setting(num_points, width)] for width in given_fit}
    value, words = exact.integration.value, "with 95 % intervals; dashed is the exact posterior."
    by_step = {f"width {width}": found for width, found in usual.items()} | {"infinite width": limit}
    by_width = {_stop(extra): [found[STEPS.index(extra)] for found in usual.values()] for extra in JUDGED}
    by_width["prior given fit"] = [share_of_draws(positive) for positive in given_fit.values()]
    axis = "probability of +1 at the probe"

    def numbers(found: list[Estimate]) -> list[Number]:
        return [Number(axis, *one) for one in found]

    return [
        Curve(
            f"Coin line of {num_points}: what more training does",
            f"Share of trained networks that are positive at the probe, {words} A curve that crosses it "
            "agrees with it there in passing.",
            "steps after the first fit, and one",
            axis,
            [float(extra + 1) for extra in STEPS],
            {name: numbers(found) for name, found in by_step.items()},
            value,
            log_x=True,
        ),
        Curve(
            f"Coin line of {num_points}: what width does",
            f"Share of networks that are positive at the probe, {words}",
            "width",
            axis,
            [float(width) for width in given_fit],
            {name: numbers(found) for name, found in by_width.items()},
            value,
            log_x=True,
        ),
    ]


def _graph(cases: list[Case]) -> Graph:
    return Graph(
        "Coin line: how far trained networks are from the exact posterior",
        "Total variation of the label at the probe, with 95 % intervals; dashed is what may be called close.",
        "total variation",
        [case.name.replace(", ", ",\n", 1) for case in cases],
        {"trained": [case.numbers[0] for case in cases]},
        0.1,
    )


def _headline(cases: list[Case]) -> Number:
    """The largest total variation of all cases."""
    known = [case.numbers[0] for case in cases if case.numbers[0].value is not None]
    name = "largest total variation of the label at the coin line's probe"
    if not known:
        return Number(name, None, None, None, "probability")
    return max(known, key=lambda number: number.value or 0.0)._replace(name=name)


def _answer(cases: list[Case], exacts: dict[int, Exact]) -> str:
    """What was found, in words."""
    words = ", ".join(f"{exact.integration.value:.3f} (L = {points})" for points, exact in exacts.items())
    found = []
    for extra in JUDGED:
        values = [
            case.numbers[1].value
            for case in cases
            if case.conditions["stopping"] == _stop(extra) and case.numbers[1].value is not None
        ]
        found.append(f"{_stop(extra)} {min(values):.3f} to {max(values):.3f}" if values else _stop(extra))
    return f"coin line: exact posterior {words}; trained networks at {', '.join(found)}"
