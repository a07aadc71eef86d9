r"""Claim: training chooses the simplest hypothesis available.

A network learns a Boolean function from half of its inputs. All functions that give the
right labels there are enumerated: the hypotheses available. The zero-one posterior, the
prior given no training error, says which of them the volume of parameters favours; an
endpoint of training is one of them. How simple are the endpoints, among all that fit and
beside the posterior?

Source: Mingard et al. 2021, sections 2 and 5; Lempel and Ziv 1976 (complexity).
"""

import jax
import numpy as np

from compare import FunctionCounts, Verdict, count_functions, fitting_functions
from models import Task, boolean_task, input_rows
from samplers.draws import Progress, share_of

from .boolean import CITATIONS, System, completions, complexities, functions_of_prior, system
from .claim import TOGETHER, Case, Check, Claim, Evidence, Graph, Number, Preset, Sampled, settled
from .learning import STOP_NAMES, endpoints_of, table_of
from .names import STATEMENTS
from .simplicity import LEVEL, Hypotheses, controls, judge, kind_of, numbers_of, percentile

type Array = np.ndarray
FEWEST = 400  # exact draws of the posterior, in each half
TARGETS: dict[Preset, list[str]] = {
    "smoke": ["single bit"],
    "quick": ["single bit", "majority"],
    "full": ["single bit", "majority", "parity", "random"],
    "paper": ["single bit", "majority", "parity", "random"],
}
DRAWS: dict[Preset, dict[int, int]] = {
    "smoke": {3: 1 << 16},
    "quick": {3: 1 << 18, 4: 1 << 20, 5: 1 << 22},
    "full": {3: 1 << 22, 4: 1 << 26, 5: 1 << 26},
    "paper": {3: 1 << 24, 4: 1 << 28, 5: 1 << 30},
}
ENDPOINTS: dict[Preset, int] = {"smoke": 200, "quick": 1000, "full": 4000, "paper": 100_000}
OPTIMISERS: dict[Preset, list[str]] = {
    "smoke": ["sgd"],
    "quick": ["sgd"],
    "full": ["gd", "sgd", "adam"],
    "paper": ["gd", "sgd", "adam"],
}


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Train and sample every system on every target, and judge each."""
    cases: list[Case] = []
    samples: list[Sampled] = []
    data: list[Array] = []
    num_parts = len(DRAWS[preset]) * (1 + len(TARGETS[preset]) * len(OPTIMISERS[preset]))
    parts = 0
    for num_bits in DRAWS[preset]:
        chosen = system(num_bits)
        key_prior, key_tasks, key_train = jax.random.split(
            jax.random.fold_in(jax.random.key(seed), num_bits), 3
        )
        prior = functions_of_prior(
            key_prior, chosen, DRAWS[preset][num_bits], share_of(progress, parts, num_parts)
        )
        middle = len(prior) // 2
        halves = count_functions(prior[:middle]), count_functions(prior[middle:])
        parts += 1
        for place, target in enumerate(TARGETS[preset]):
            task = boolean_task(
                jax.random.fold_in(key_tasks, place), table_of(target, num_bits), chosen.num_inputs // 2
            )
            data += [np.asarray(leaf) for leaf in task.train]
            for name in OPTIMISERS[preset]:
                key = jax.random.fold_in(key_train, place)
                endpoints = endpoints_of(
                    key, chosen, task, name, ENDPOINTS[preset], share_of(progress, parts, num_parts)
                )
                parts += 1
                found = _cases(chosen, task, target, name, halves, endpoints, seed)
                cases += [case for case, _ in found]
                samples += [sampled for _, sampled in found]
    return Evidence(
        cases, _headline(cases), [_graph(cases)], samples, data, [*CITATIONS, "Mingard et al. 2021"], []
    )


def _cases(
    chosen: System,
    task: Task,
    target: str,
    name: str,
    halves: tuple[FunctionCounts, FunctionCounts],
    endpoints: list[tuple[Array, Array]],
    seed: int,
) -> list[tuple[Case, Sampled]]:
    rows, labels = input_rows(np.asarray(task.train.inputs)), np.asarray(task.train.targets)
    packed = completions(rows, labels, chosen.num_inputs)
    available = Hypotheses(packed, complexities(packed, chosen.num_inputs))
    reference, control = (_fitting(half, rows, labels) for half in halves)
    found = []
    for stop, (functions, met) in zip(STOP_NAMES, endpoints, strict=True):
        rng = np.random.default_rng([seed, chosen.num_bits])
        fits = met & np.isin(numbers_of(functions), numbers_of(packed))
        label = f"{chosen.name}, {target}, {name}, {stop}"
        case = _case(label, available, reference, control, functions[fits], rng)
        conditions = {
            "system": chosen.name,
            "widths": chosen.widths,
            "target": target,
            "training inputs": len(labels),
            "optimiser": name,
            "stopping": stop,
            "endpoints": len(met),
            "endpoints that fit": int(fits.sum()),
            "posterior draws": reference.total if reference else 0,
        }
        arrays = {"function": functions[:, None], "met_its_rule": met[:, None]}
        sampled = Sampled(label.replace(", ", "-").replace(" ", "_"), arrays, "not known in general")
        found.append((case._replace(conditions=conditions), sampled))
    return found


def _fitting(half: FunctionCounts, rows: Array, labels: Array) -> FunctionCounts | None:
    try:
        return fitting_functions(half, rows, labels)
    except ValueError:
        return None  # no draw fits: said by the gate


def _case(
    label: str,
    available: Hypotheses,
    reference: FunctionCounts | None,
    control: FunctionCounts | None,
    endpoints: Array,
    rng: np.random.Generator,
) -> Case:
    num = min(reference.total if reference else 0, control.total if control else 0)
    gate = Check("exact draws of the posterior", num >= FEWEST, f"{num} in a half, needed {FEWEST}")
    some = Check(
        "endpoints that fit", len(endpoints) >= FEWEST // 4, f"{len(endpoints)}, needed {FEWEST // 4}"
    )
    if not (gate.passed and some.passed and reference and control):
        verdict, reason = settled(Verdict.INCONCLUSIVE, "", [gate, some])
        return Case(label, {}, verdict, reason, [], [gate, some])
    trained = kind_of(count_functions(endpoints), available, rng)
    sampled = kind_of(reference, available, rng)
    numbers = [
        Number("endpoints that are least complex", *trained.least, unit="share"),
        Number("posterior draws that are least complex", *sampled.least, unit="share"),
        Number("endpoints' median complexity", *trained.median, unit="bits"),
        Number("posterior's 25th percentile of complexity", *sampled.quartile, unit="bits"),
        Number(
            "percentile of endpoints in the posterior",
            *percentile(count_functions(endpoints), reference, available, rng, LEVEL),
            unit="share",
        ),
    ]
    checks = [gate, some, *controls(available, reference, control, rng)]
    verdict, reason = settled(*judge(trained, sampled), checks)
    return Case(label, {}, verdict, reason, numbers, checks)


def _headline(cases: list[Case]) -> Number:
    """The percentile in the posterior, its median over the cases that have one, and their range."""
    values = [case.numbers[4].value for case in cases if case.numbers]
    name, unit = "percentile of endpoints in the posterior, median over cases", "share; interval: range"
    if not values:
        return Number(name, None, None, None, unit)
    found = np.array(values, float)
    return Number(name, float(np.median(found)), float(found.min()), float(found.max()), unit)


def _graph(cases: list[Case]) -> Graph:
    known = [case for case in cases if case.numbers]
    return Graph(
        "How simple endpoints are, as percentiles of the posterior's complexity",
        "Mean percentile with 95 % intervals: 0.5 is as simple as the posterior's draws, less is simpler.",
        "percentile in the posterior",
        [_short(case.name) for case in known],
        {"endpoints": [case.numbers[4] for case in known]},
        0.5,
    )


def _short(name: str) -> str:
    """The name of a case on two lines.

    >>> _short("boolean-3, majority, sgd, first fit")
    'boolean-3, majority,\\nsgd, first fit'
    """
    system, target, *rest = name.split(", ")
    return f"{system}, {target},\n{', '.join(rest)}"


CLAIM = Claim(
    id="training_picks_simplest",
    statement=STATEMENTS["training_picks_simplest"],
    source="the second remark: training finds the simplest hypothesis",
    estimand=(
        "share of endpoints that are a least complex function among all that fit; complexity of endpoints "
        "in the zero-one posterior's; all functions that fit are enumerated"
    ),
    rule=(
        "SUPPORTED: the endpoints' median complexity lies below the posterior's 25th percentile, 95 % "
        "intervals apart, or a least complex function is the most frequent one of both, in 95 % of "
        "resamples. REFUTED: the median lies at or above that percentile, intervals apart, and a least "
        "complex function is not the most frequent one of one of them, in 95 % of resamples. "
        f"INCONCLUSIVE: anything else, fewer than {FEWEST} exact draws of the posterior in a half, or a "
        f"control that came out wrong. {TOGETHER}"
    ),
    run=run,
)
