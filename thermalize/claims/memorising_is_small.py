r"""Claim: memorising needs nearly all parameters, hence a small volume; a pattern leaves most free.

The same inputs get labels of which a share is random. Two estimators say how much of the
prior fits them, ``log P(no training error)``: the product of levels of errors, and the
integral along ever sharper losses, there and back. The evidence of the Gibbs posterior at
``beta = 1``, ``log E exp(-N L)``, stands beside them and decides nothing. At networks
trained to a small loss, the learning coefficient in a tether of one prior standard
deviation says how many directions are stiff, and cutting weights how many are needed. Draws
of the data are the units: each is measured at every noise, and steps between noises are
differences within units.

Sources: Zhang et al. 2017 (random labels); Watanabe 2013 and Lau et al. 2025 (learning
coefficients); Mingard et al. 2021 (evidence and generalisation).
"""

import jax
import numpy as np

from samplers import reject
from samplers.draws import Progress

from .claim import TOGETHER, Case, Check, Claim, Evidence, Number, Preset, Sampled, settled
from .input_span import span_of
from .memorising_cells import Units, measure_cells
from .memorising_measures import (
    ACCURACY,
    COEFFICIENT,
    GIBBS,
    INTEGRAL,
    LEVELS,
    NEEDED,
    NEEDED_AT_RANDOM,
    TRAINED,
    UNITS,
    Effort,
    by_integration,
    by_levels,
    in_range,
)
from .memorising_pages import correlations, curve, headline, sentence, slug
from .memorising_systems import NUM_TRAIN, System, noisy_tasks, reduced_target, system
from .names import STATEMENTS
from .trends import Trend, judge, rank_correlation, table_of, trend

type Array = np.ndarray

EVERY = ["boolean-5", "boolean-7", "digits", "mnist-binary"]
SYSTEMS: dict[Preset, list[str]] = {"smoke": EVERY[:1], "quick": EVERY[:1], "full": EVERY, "paper": EVERY}
WIDTHS: dict[Preset, list[int]] = {"smoke": [4], "quick": [8], "full": [8, 32], "paper": [16, 64]}
NOISES: dict[Preset, list[float]] = {
    "smoke": [0.0, 1.0],
    "quick": [0.0, 0.25, 0.5, 1.0],
    "full": [0.0, 0.25, 0.5, 1.0],
    "paper": [0.0, 0.25, 0.5, 1.0],
}
NUM_UNITS: dict[Preset, int] = {"smoke": 3, "quick": 6, "full": 7, "paper": 64}
EFFORT: dict[Preset, Effort] = {
    "smoke": Effort(100, 4, 100, 200, 4),
    "quick": Effort(200, 10, 100, 300, 4),
    "full": Effort(200, 12, 200, 300, 8),
    "paper": Effort(4000, 32, 1000, 1000, 64),
}
CONTROL_PROPOSALS = 1 << 19
CONTROL_REPEATS = 8
MARGIN = 0.5  # nats
BESIDE = (NEEDED_AT_RANDOM, ACCURACY, TRAINED, GIBBS)
EVIDENCES, OTHERS = (LEVELS, INTEGRAL), (COEFFICIENT, NEEDED)
CITATIONS = [
    "Zhang et al. 2017",
    "Au and Beck 2001; Cérou et al. 2012",
    "Gelman and Meng 1998; Friel, Hurn and Wyse 2014; Crooks 2000",
    "Watanabe 2013; Lau et al. 2025",
    "Han et al. 2015",
]


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Measure every system at every noise on every draw of the data, and judge each system."""
    noises, effort = NOISES[preset], EFFORT[preset]
    key_control, key_units = jax.random.split(jax.random.key(seed))
    control = evidence_control(key_control, system("boolean-5", WIDTHS[preset][0]), effort)
    chosen = [(name, width) for name in SYSTEMS[preset] for width in WIDTHS[preset]]
    cells = measure_cells(key_units, chosen, noises, NUM_UNITS[preset], effort, progress)
    cases, samples = [], []
    tables: dict[str, dict[str, Array]] = {}
    for cell in cells:
        label = cell.system.label
        case, tables[label] = case_of(cell.system, noises, cell.units, control, seed)
        cases.append(case)
        arrays = {slug(measure): table for measure, table in tables[label].items()}
        samples.append(Sampled(slug(label), arrays, "one chain a draw of the data, one draw a noise"))
    progress(1, 1)
    curves = [curve(measure, noises, cases) for measure in (*EVIDENCES, GIBBS, *OTHERS, ACCURACY)]
    return Evidence(
        cases,
        headline(cases),
        [*curves, correlations(cases, tables, seed)],
        samples,
        [leaf for cell in cells for leaf in cell.data],
        CITATIONS,
        [],
        sentence(cases),
    )


def evidence_control(key: jax.Array, chosen: System, effort: Effort) -> Check:
    """Both estimators of evidence, means over repeats, against exact rejection on labels without noise."""
    key_data, key_exact, key_estimates = jax.random.split(key, 3)
    (task,) = noisy_tasks(chosen.name, key_data, [0.0])
    target = reduced_target(chosen, task, span_of(task.train.inputs))
    _, record = reject(
        key_exact, target, lambda params, x: {}, (), law="zero_one", num_proposals=CONTROL_PROPOSALS
    )
    keys = jax.random.split(key_estimates, (CONTROL_REPEATS, 2))
    levels = [by_levels(key, target, effort)[1] for key in keys[:, 0]]
    integrals = [in_range(by_integration(key, target, effort))[0] for key in keys[:, 1]]
    name, exact = "evidence against rejection", record.log_evidence
    found = [[value for value in values if value is not None] for values in (levels, integrals)]
    if exact is None or min(map(len, found)) < CONTROL_REPEATS / 2:
        return Check(name, False, "rejection or an estimator gave no number")
    means = [float(np.mean(values)) for values in found]
    passed = max(abs(mean - exact) for mean in means) < MARGIN
    said = f"levels {means[0]:.2f}, integration {means[1]:.2f}, exact {exact:.2f} nats"
    return Check(name, passed, f"{said}, margin {MARGIN}")


def case_of(
    chosen: System, noises: list[float], units: Units, control: Check, seed: int
) -> tuple[Case, dict[str, Array]]:
    """The case of one system, and all its measures ``(unit, noise)``."""
    values = [[one.values for one in unit] for unit in units]
    tables = {name: table_of(values, name) for name in UNITS}
    evidences = [trend(name, tables[name], -1, UNITS[name]) for name in EVIDENCES]
    others = [trend(name, tables[name], 1, UNITS[name]) for name in OTHERS]
    verdict, reason = settled(*judge(evidences, others), [control])
    rng = np.random.default_rng(seed)
    beside = [trend(name, tables[name], 1, UNITS[name]) for name in BESIDE]
    numbers = [number for found in (*evidences, *others, *beside) for number in _numbers(found, noises)]
    numbers.append(rank_correlation(tables[LEVELS], tables[ACCURACY], rng))
    left_out = [
        f"draw {place}, noise {noise:.0%}: {name}: {why}"
        for place, unit in enumerate(units)
        for noise, one in zip(noises, unit, strict=True)
        for name, why in one.reasons.items()
    ]
    conditions = {
        "system": chosen.name,
        "width": chosen.width,
        "training inputs": NUM_TRAIN[chosen.name],
        "draws of the data": len(units),
        "label noise": ", ".join(f"{noise:.0%}" for noise in noises),
        "left out": "; ".join(left_out) or "nothing",
    }
    return Case(chosen.label, conditions, verdict, reason, numbers, [control]), tables


def _numbers(found: Trend, noises: list[float]) -> list[Number]:
    levels = [
        level._replace(name=f"{found.name}, noise {noise:.0%}")
        for level, noise in zip(found.levels, noises, strict=True)
    ]
    return [*levels, found.whole._replace(name=f"{found.name}, change")]


CLAIM = Claim(
    id="memorising_is_small",
    statement=STATEMENTS["memorising_is_small"],
    source="the second remark: memorising uses nearly all parameters and so has a small volume",
    estimand=(
        "log evidence of the training labels, which is that of the prior's share without a training error, "
        "in nats; learning coefficient at networks trained to a loss of 0.0001 nats; share of weights "
        "needed, which is one less the share that can be cut, smallest first, before training error moves; "
        "for label noise 0, 25, 50 and 100 %"
    ),
    rule=(
        "Units are draws of the data, each measured at every noise; 95 % intervals of Student's t for "
        "differences within units, together for all steps between neighbouring noises. SUPPORTED: at every "
        "step the evidence falls by both of its estimators, and learning coefficient and share of weights "
        "needed rise. REFUTED: from no noise to most the evidence rises by both, or both others fall. "
        "PARTLY: the evidence falls by both from no noise to most and at no step rises, but not all else "
        "holds. "
        "INCONCLUSIVE: anything else, estimators of evidence that put the noises in different orders, either "
        "of them missing for more than a quarter of the draws of the data, or a control that came out wrong. "
        f"{TOGETHER}"
    ),
    run=run,
)
