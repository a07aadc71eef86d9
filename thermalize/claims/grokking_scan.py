r"""How first passages move with each dial around one share: settings, operations and networks, one at a time.

The base is SGD as the cases train it. Each row changes one thing; runs that never get there are censored
and counted, medians are Kaplan and Meier's. No verdict rests on these rows. Networks that are not of
quadratic units are fitted by cross-entropy with AdamW, as published work trains them, and start at the
law of ``gaussian_prior``.

Sources: Power et al. 2022 (operations); Liu et al. 2022 (scale of the start, rates and decay); Nanda
et al. 2023 (the transformer).
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import jax

from compare import Median
from models import Likelihood, Network, categorical, mlp, one_hot_gaussian, pair_transformer
from models.modular import Operation
from samplers.draws import Progress, share_of

from ..passage_table import Condition, Row, passage_table
from ..wording import interval, number
from .claim import Graph, Number, Sampled, Table
from .grokking_kinetic import ACCURACY, Training, condition_of, stored
from .grokking_posterior import Setting, network_of

RATES, BATCHES, DECAYS = (0.25, 0.5, 2.0), (8, 16, 64, None), (0.0, 1e-4, 3e-4, 3e-3)
START_SCALES = (0.5, 1.0, 2.0)
OPERATIONS: tuple[Operation, ...] = ("subtraction", "multiplication", "division")
QUADRATIC, ONE_HOT, TRANSFORMER = "quadratic units", "one-hot MLP of 64", "one-block transformer"
RATE = 0.003  # of AdamW where units are not quadratic
COLUMNS = [
    "Changed",
    "Setting",
    "Network",
    "Steps to fit the pairs",
    "Steps to know the others",
    "Times as long",
    "Never fitted",
    "Never knew",
    "Diverged",
]


class Varied(NamedTuple):
    """One row before it is run: what differs from the base, and what is trained."""

    dial: str
    setting: str
    network: str
    condition: Condition


class Scanned(NamedTuple):
    """One row with what was found."""

    varied: Varied
    row: Row


def variations(setting: Setting, share: float) -> list[Varied]:
    """The base, then one thing changed at a time."""
    base = condition_of(setting, "sgd", share, 1.0)
    adamw = condition_of(setting, "adamw", share, 1.0)
    other = adamw._replace(learning_rate=RATE, init_scale=1.0)

    def changed(dial: str, shown: object, condition: Condition, network: str = QUADRATIC) -> Varied:
        return Varied(dial, str(shown), network, condition)

    return [
        changed("nothing", f"SGD, rate {base.learning_rate:g}, decay {base.decay:g}", base),
        *(changed("learning rate", f"{rate:g}", base._replace(learning_rate=rate)) for rate in RATES),
        *(changed("batch size", size or "all pairs", base._replace(batch_size=size)) for size in BATCHES),
        *(changed("weight decay", f"{decay:g}", base._replace(decay=decay)) for decay in DECAYS),
        *(
            changed("scale of the start", f"{scale:g}", base._replace(init_scale=scale))
            for scale in START_SCALES
        ),
        *(changed("operation", one, base._replace(operation=one)) for one in OPERATIONS),
        changed("network", "AdamW", adamw),
        changed("network", "AdamW", other, ONE_HOT),
        changed("network", "AdamW", other, TRANSFORMER),
    ]


def parts_of(setting: Setting, network: str) -> tuple[Network, Likelihood]:
    """A network of the scan and what it is fitted by."""
    p = setting.modulus
    match network:
        case "one-hot MLP of 64":
            return mlp((2 * p, 64, p), "relu"), categorical()
        case "one-block transformer":
            return pair_transformer(p, 32, num_heads=4, hidden=64), categorical()
    return network_of(setting), one_hot_gaussian()


def scan(
    key: jax.Array,
    setting: Setting,
    rows: Sequence[Varied],
    training: Training,
    seed: int,
    progress: Progress,
) -> list[Scanned]:
    """Train every row, a program a network."""
    found: list[Scanned] = []
    groups = [list(group) for _, group in groupby(rows, key=lambda one: one.network)]
    for place, group in enumerate(groups):
        network, likelihood = parts_of(setting, group[0].network)
        trained = passage_table(
            jax.random.fold_in(key, place),
            network,
            likelihood,
            [one.condition for one in group],
            num_networks=training.num_networks,
            max_steps=training.max_steps,
            num_looks=training.num_looks,
            accuracy=ACCURACY,
            seed=seed,
            progress=share_of(progress, place, len(groups)),
        )
        found += [Scanned(*pair) for pair in zip(group, trained, strict=True)]
    return found


def scan_table(found: Sequence[Scanned], share: float, max_steps: int) -> Table:
    """A row each, with intervals and the runs that never got there."""
    rows = [
        [
            *one.varied[:3],
            *(_words(median) for median in (one.row.memorised, one.row.generalised, one.row.delay)),
            *(
                f"{count} of {one.row.num_networks}"
                for count in (one.row.num_never_memorised, one.row.num_never_generalised, one.row.num_failed)
            ),
        ]
        for one in found
    ]
    return Table(
        f"First passages around share {share:g}",
        "One thing changed at a time; Kaplan-Meier medians with 95 % intervals, runs of "
        f"{max_steps:,} steps, those that never got there censored and counted. No verdict rests on it.",
        COLUMNS,
        rows,
    )


def scan_graph(found: Sequence[Scanned], share: float, max_steps: int) -> Graph:
    """When networks fit and when they know the rest, row by row."""
    never = [_label(one) for one in found if one.row.generalised.value is None]
    text = (
        f"Kaplan-Meier medians with 95 % intervals at share {share:g}; an interval without an end is drawn "
        f"to the {max_steps:,} steps of a run, the line."
    )
    if never:
        text += f" Half of the networks or more never knew the others, so no point: {'; '.join(never)}."
    return Graph(
        "What makes the rule late?",
        text,
        "steps",
        [_label(one) for one in found],
        {
            "fits its pairs": [_number(one.row.memorised, max_steps) for one in found],
            "knows the others": [_number(one.row.generalised, max_steps) for one in found],
        },
        float(max_steps),
        log=True,
    )


def scan_samples(found: Sequence[Scanned]) -> list[Sampled]:
    """What every network of every row knew at every look."""
    return [
        stored("scan-" + "-".join(one.varied[:3]).replace(", ", "-").replace(" ", "_"), one.row)
        for one in found
    ]


def _label(one: Scanned) -> str:
    dial, shown, network, _ = one.varied
    return f"{network}, {shown}" if dial == "network" else f"{dial}: {shown}"


def _words(median: Median) -> str:
    if median.value is None:
        return "half never did"
    if median.low is not None and median.high is None:
        return f"{number(median.value)} [{number(median.low)}, beyond the run]"
    return f"{number(median.value)} {interval(median.low, median.high)}"


def _number(median: Median, max_steps: int) -> Number:
    """On a logarithmic axis: from step 1, and to the end of the run where an interval has none."""
    if median.value is None:
        return Number("", None, None, None)
    low, high = median.low or 1.0, float(max_steps) if median.high is None else median.high
    return Number("", max(median.value, 1.0), max(low, 1.0), high)
