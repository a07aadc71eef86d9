r"""Claim: simpler hypotheses have a larger volume of parameters.

The prior draws functions of random networks. ``P(f)`` is the probability of a function, its
volume; ``K(f)`` its Lempel-Ziv complexity. A function with few ones is both simple and
likely, so what counts is the correlation among functions with equally many ones, and how
much simpler the prior's functions are than the same tables with their labels dealt out
anew (the class-frequency baseline).

Functions are chosen by one half of the draws and their probabilities measured by the other,
so that those that were chosen for being lucky do not stay so.

Source: Valle-Perez, Camargo and Louis 2019, section 3; Mingard et al. 2021, section 3.
"""

import jax
import numpy as np

from compare import (
    StratifiedCorrelation,
    Verdict,
    count_functions,
    counts_of,
    stratified_rank_correlation,
    unpack_labels,
)
from samplers.draws import Progress, within

from .baseline import Excess, excess_of, shuffled, shuffled_within
from .boolean import CITATIONS, System, complexities, functions_of_prior, system
from .claim import TOGETHER, Case, Check, Claim, Curve, Evidence, Graph, Number, Preset, Sampled, settled
from .names import STATEMENTS

type Array = np.ndarray
LEVEL, CONTROL_LEVEL = 0.99, 0.999
OFTEN = 10  # times that a function must be seen in one half to be measured in the other
FEWEST = 30  # functions, below which no correlation is read
NUM_BASELINE = 4096  # draws compared with their own shuffles
MOST = 20_000  # functions, the most frequent ones
DRAWS: dict[Preset, dict[int, int]] = {
    "smoke": {3: 1 << 15},
    "quick": {3: 1 << 20, 4: 1 << 20, 5: 1 << 20, 7: 1 << 18},
    "full": {3: 1 << 22, 4: 1 << 24, 5: 1 << 24, 7: 1 << 22},
    "paper": {3: 1 << 24, 4: 1 << 27, 5: 1 << 28, 7: 1 << 26},
}


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Sample every system's prior and judge it."""
    cases, samples, points = [], [], []
    wanted, drawn = sum(DRAWS[preset].values()), 0
    for num_bits in DRAWS[preset]:
        num = DRAWS[preset][num_bits]
        chosen = system(num_bits)

        key = jax.random.fold_in(jax.random.key(seed), num_bits)
        packed = functions_of_prior(key, chosen, num, within(progress, drawn, wanted))
        drawn += num
        case, complexity = _case(packed, chosen, seed)
        cases.append(case)
        samples.append(_sampled(packed, complexity, chosen))
        points.append(case.numbers)
    labels = [case.name for case in cases]
    graphs: list[Graph | Curve] = [
        Graph(
            "Rank correlation of probability and complexity",
            "Among functions with equally many ones, with 99 % intervals: below zero, simpler functions are "
            "more probable.",
            "partial rank correlation",
            labels,
            {"prior": [numbers[0] for numbers in points], "control": [numbers[3] for numbers in points]},
            0.0,
        ),
        Graph(
            "Complexity of the prior's functions, less that of their shuffles",
            "Bits, with 99 % intervals: below zero, the prior's functions are simpler than their numbers of "
            "ones explain.",
            "bits",
            labels,
            {"prior": [numbers[1] for numbers in points], "control": [numbers[4] for numbers in points]},
            0.0,
        ),
    ]
    headline = max(points, key=lambda numbers: _or_zero(numbers[0].value))[0]
    return Evidence(cases, headline, graphs, samples, [], CITATIONS, [])


def _case(packed: Array, chosen: System, seed: int) -> tuple[Case, Array]:
    """One system judged; also the complexities of its first draws."""
    rng = np.random.default_rng([seed, chosen.num_bits])
    middle = len(packed) // 2
    first, second = count_functions(packed[:middle]), count_functions(packed[middle:])
    often = np.flatnonzero(first.counts >= OFTEN)
    often = often[np.argsort(-first.counts[often], kind="stable")[:MOST]]
    functions = first.packed[often]
    probability = counts_of(second, functions) / second.total
    complexity = complexities(functions, chosen.num_inputs)
    ones = unpack_labels(functions, chosen.num_inputs).sum(axis=1)
    found = stratified_rank_correlation(probability, complexity, ones, level=LEVEL)

    mixed = shuffled_within(complexity, ones, rng)
    chance = stratified_rank_correlation(probability, mixed, ones, level=CONTROL_LEVEL)
    drawn = packed[: min(NUM_BASELINE, middle)]
    once, twice = shuffled(drawn, chosen.num_inputs, rng), shuffled(drawn, chosen.num_inputs, rng)
    drawn_k, once_k, twice_k = (complexities(each, chosen.num_inputs) for each in (drawn, once, twice))
    excess = excess_of(drawn_k, once_k)
    null, planted = excess_of(once_k, twice_k), excess_of(np.minimum(once_k, twice_k), once_k)
    slope = _slope(probability, complexity, rng)
    numbers = [
        Number("partial rank correlation", found.value, found.low, found.high),
        Number("complexity less that of shuffles", excess.mean, *excess.interval(LEVEL), unit="bits"),
        slope,
        Number("partial rank correlation, complexities shuffled", chance.value, chance.low, chance.high),
        Number(
            "complexity of shuffles less that of others",
            null.mean,
            *null.interval(CONTROL_LEVEL),
            unit="bits",
        ),
        Number("functions measured", float(len(functions)), None, None),
        Number("share of draws that they make up", float(probability.sum()), None, None),
    ]
    checks = _checks(len(functions), chance, null, planted)
    verdict, reason = settled(*judge(found, excess), checks)
    conditions = {
        "system": chosen.name,
        "widths": chosen.widths,
        "activation": "relu",
        "prior": "weights N(0, 1 / fan-in), biases N(0, 1)",
        "draws": len(packed),
    }
    return Case(chosen.name, conditions, verdict, reason, numbers, checks), drawn_k


def judge(found: StratifiedCorrelation, excess: Excess) -> tuple[Verdict, str]:
    """The rule of the claim, for one system.

    >>> judge(StratifiedCorrelation(-0.5, -0.6, -0.4, 100, 3), Excess(-1.0, 0.1))[0].value
    'SUPPORTED'
    >>> judge(StratifiedCorrelation(0.1, 0.05, 0.2, 100, 3), Excess(-1.0, 0.1))[0].value
    'REFUTED'
    """
    low, high = excess.interval(LEVEL)
    if found.low is None or found.high is None:
        return Verdict.INCONCLUSIVE, "too few functions were seen often enough"
    words = (
        f"correlation {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], "
        f"{excess.mean:.2f} [{low:.2f}, {high:.2f}] bits beside the baseline"
    )
    if found.high < 0 and high < 0:
        return Verdict.SUPPORTED, words
    if found.low >= 0 or low >= 0:
        return Verdict.REFUTED, words
    return Verdict.INCONCLUSIVE, f"an interval holds zero: {words}"


def _checks(num: int, chance: StratifiedCorrelation, null: Excess, planted: Excess) -> list[Check]:
    low, high = null.interval(CONTROL_LEVEL)
    chance_ok = chance.low is not None and chance.high is not None and chance.low <= 0 <= chance.high
    return [
        Check("functions seen in both halves", num >= FEWEST, f"{num}, needed {FEWEST}"),
        Check("complexities shuffled within strata correlate with nothing", chance_ok, _words(chance)),
        Check("shuffles are no simpler than shuffles", low <= 0 <= high, f"[{low:.3f}, {high:.3f}] bits"),
        Check(
            "the simpler of two shuffles is found to be simpler",
            planted.interval(CONTROL_LEVEL)[1] < 0,
            f"{planted.mean:.3f} bits",
        ),
    ]


def _words(found: StratifiedCorrelation) -> str:
    return "not available" if found.low is None else f"[{found.low:.3f}, {found.high:.3f}]"


def _slope(probability: Array, complexity: Array, rng: np.random.Generator) -> Number:
    """Least squares slope of log2 P on K over the functions measured; functions are resampled."""
    name, unit = "slope of log2 P on K", "bits per bit"
    seen = probability > 0
    x, y = complexity[seen], np.log2(probability[seen])
    if len(x) < FEWEST or np.ptp(x) == 0:
        return Number(name, None, None, None, unit)
    rows = rng.integers(len(x), size=(500, len(x)))

    def slope(x: Array, y: Array) -> Array:
        x = x - x.mean(axis=-1, keepdims=True)
        return np.asarray((x * y).sum(axis=-1) / np.maximum((x * x).sum(axis=-1), 1e-12))

    low, high = np.quantile([float(slope(x[row], y[row])) for row in rows], [0.005, 0.995])
    return Number(name, float(slope(x, y)), float(low), float(high), unit)


def _sampled(packed: Array, complexity: Array, chosen: System) -> Sampled:
    num = len(complexity)
    variables = {"function": packed[None, :num], "complexity": complexity[None]}
    return Sampled(f"{chosen.name}-prior", variables, "functions under the prior, exactly, independent")


def _or_zero(value: float | None) -> float:
    return 0.0 if value is None else value


CLAIM = Claim(
    id="simple_is_large",
    statement=STATEMENTS["simple_is_large"],
    source="the second remark: a pattern leaves most parameters free",
    estimand=(
        "rank correlation of the probability of a function under the prior with its Lempel-Ziv complexity, "
        "among functions with equally many ones; slope of log2 P on K; complexity beside the class-frequency "
        "baseline"
    ),
    rule=(
        "SUPPORTED: the partial rank correlation and the complexity beside the baseline are both below zero, "
        "99 % intervals apart from it. REFUTED: one of the two is at or above zero with its whole interval. "
        f"INCONCLUSIVE: anything else, or a control that came out wrong. {TOGETHER}"
    ),
    run=run,
)
