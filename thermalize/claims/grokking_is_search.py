r"""Claim: the rule has more volume than memory, but greedy local search finds it late.

Addition modulo a small prime, a share of all pairs given. *Static*: the posterior masses of networks
that fit and know the other pairs, and of those that fit and do not, from chains started in both
basins and at the prior. *Kinetic*: first passages of gradient descent, SGD, AdamW and SGLD,
and of tempered chains. A claim about both needs both: masses that chains do not certify give no verdict.

Source: Power et al. 2022 (grokking); Gromov 2023 (the network).
"""

import zlib
from typing import Any, NamedTuple

import jax
import numpy as np

from samplers.draws import Progress, share_of

from ..basins import Weighed
from ..passage_table import Arm, Row
from .claim import TOGETHER, Case, Check, Claim, Evidence, Number, Preset, Sampled, settled
from .grokking_kinetic import RATES, gradients_per_draw, passing, tempered, trained
from .grokking_kinetic import stored as stored_row
from .grokking_pictures import pictures
from .grokking_planted import planted_checks
from .grokking_posterior import Setting, network_of, task_of
from .grokking_published import published
from .grokking_rule import RULE, Passing, as_numbers, heavier, judge
from .grokking_scan import scan, scan_graph, scan_samples, scan_table, variations
from .grokking_sizes import SIZES, Sizes
from .grokking_static import gate_checks, mass_numbers, stored, weighed
from .names import STATEMENTS

type Array = np.ndarray
SOURCES = [
    "Power et al. 2022",
    "Gromov 2023",
    "Kaplan and Meier 1958",
    "Geyer 1991",
    "Vehtari et al. 2021",
    "Liu et al. 2022",
]


class Cell(NamedTuple):
    """All that was found at one share and temperature."""

    setting: Setting
    share: float
    beta: float
    weighed: Weighed
    began: list[Check]
    rows: dict[Arm, Row]
    tempered: Passing


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Weigh basins and train at every share and temperature, and judge each."""
    return evidence(SIZES[preset], seed, progress)


def evidence(sizes: Sizes, seed: int, progress: Progress) -> Evidence:
    """The evidence of these sizes."""
    cells: list[Cell] = []
    samples: list[Sampled] = []
    data: list[Array] = []
    planted = planted_checks(jax.random.fold_in(jax.random.key(seed), zlib.crc32(b"planted")))
    num_parts, part = len(sizes.settings) * len(sizes.shares) + 1, 0
    for setting in sizes.settings:
        network_of(setting)  # refused before anything runs
        for share in sizes.shares:
            task = task_of(setting, share, seed)
            data += [np.asarray(leaf) for leaf in (*task.train, *task.probe)]
            found, kept = _cells(sizes, setting, share, seed, share_of(progress, part, num_parts))
            part += 1
            cells += found
            samples += kept
    cases = [case_of(cell, planted, sizes) for cell in cells]
    graphs, tables = pictures(cases, sizes.training.max_steps), []
    if sizes.scan is not None:
        setting, max_steps = sizes.settings[0], sizes.training.max_steps
        key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(b"scan"))
        rows = variations(setting, sizes.scan)
        found_rows = scan(key, setting, rows, sizes.training, seed, share_of(progress, part, num_parts))
        tables.append(scan_table(found_rows, sizes.scan, max_steps))
        graphs.append(scan_graph(found_rows, sizes.scan, max_steps))
        samples += scan_samples(found_rows)
    progress(1, 1)
    return Evidence(cases, _headline(cases), graphs, samples, data, SOURCES, published(cases), tables=tables)


def _cells(
    sizes: Sizes, setting: Setting, share: float, seed: int, progress: Progress
) -> tuple[list[Cell], list[Sampled]]:
    """The cells of one share: what does not know the temperature is trained once."""
    name = f"modulo {setting.modulus}, share {share:g}"
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))
    task = task_of(setting, share, seed)
    arms = sizes.training.arms
    fixed = [arm for arm in arms if arm != "sgld"]
    hot = [arm for arm in arms if arm == "sgld"]
    num_parts, part = len(fixed) + len(sizes.betas) * (len(hot) + 2), 0
    samples: list[Sampled] = []

    def train(place: int, arm: Arm, beta: float, label: str) -> Row:
        nonlocal part
        step = share_of(progress, part, num_parts)
        part += 1
        row = trained(jax.random.fold_in(key, place), setting, arm, share, beta, sizes.training, seed, step)
        samples.append(stored_row(_arm(f"{label} {arm}"), row))
        return row

    cold = {arm: train(place, arm, 1.0, name) for place, arm in enumerate(fixed)}
    cells = []
    for turn, beta in enumerate(sizes.betas):
        label = f"{name}, beta {beta:g}"
        key_tempered, key_chains = jax.random.split(jax.random.fold_in(key, 100 + turn))
        rows = cold | {arm: train(200 + turn, arm, beta, label) for arm in hot}
        search, draws = tempered(
            key_tempered, setting, share, beta, sizes.tempering, seed, share_of(progress, part, num_parts)
        )
        found, began = weighed(
            key_chains, setting, task, beta, sizes.chains, share_of(progress, part + 1, num_parts)
        )
        part += 2
        law = "a tempered search from the start, not yet its law"
        samples += [stored(_arm(f"{label} posterior"), found)]
        samples += [Sampled(_arm(f"{label} tempered"), dict(draws.observed), law)]
        cells.append(Cell(setting, share, beta, found, began, rows, search))
    return cells, samples


def case_of(cell: Cell, planted: list[Check], sizes: Sizes) -> Case:
    """The case of one share and temperature."""
    local = {arm: passing(row) for arm, row in cell.rows.items()}
    ratio = cell.weighed.basins.log_ratio
    checks = [*planted, *cell.began, *gate_checks(cell.weighed)]
    verdict, reason = settled(*judge(heavier(ratio.low, ratio.high), local, cell.tempered), checks)
    numbers = [
        *mass_numbers(cell.weighed),
        *(number for arm, found in local.items() for number in as_numbers(arm, found, "steps")),
        *as_numbers("tempered", cell.tempered, "draws"),
        Number("tempered: gradients a draw", float(gradients_per_draw(sizes.tempering)), None, None),
    ]
    setting = cell.setting
    name = f"modulo {setting.modulus}, share {cell.share:g}, beta {cell.beta:g}"
    return Case(name, _conditions(cell, sizes), verdict, reason, numbers, checks)


def _conditions(cell: Cell, sizes: Sizes) -> dict[str, Any]:
    setting, chains, hot = cell.setting, sizes.chains, sizes.tempering
    rates: dict[str, str] = {
        arm: f"learning rate {rate:g}, decay {setting.decay if decay is None else decay:g}"
        + (f", batches of {batch}" if batch else ", all pairs")
        for arm, (rate, decay, batch) in RATES.items()
        if arm in cell.rows
    }
    return {
        "modulus": setting.modulus,
        "data share": cell.share,
        "beta": cell.beta,
        "units": setting.width,
        "weight decay": setting.decay,
        "scale of training's starts": setting.init_scale,
        **rates,
        "networks an arm": sizes.training.num_networks,
        "stopping": f"fixed budget of {sizes.training.max_steps} steps",
        "chains": f"{chains.num_chains} from each of 3 starts, {chains.num_draws} draws of "
        f"{chains.num_integration_steps} leapfrog steps, {chains.num_warmup} of warm-up",
        "tempered chains": f"{hot.num_chains}, {hot.num_draws} draws, {hot.num_temperatures} temperatures "
        f"from {hot.hottest:g} beta and the prior",
    }


def _headline(cases: list[Case]) -> Number:
    """The least certain case counts for nothing: the largest difference among those certified."""
    name = "F of memorising less F of generalising, largest of the certified cases"
    known = [
        case.numbers[0]
        for case in cases
        if all(check.passed for check in case.checks) and case.numbers[0].value is not None
    ]
    if not known:
        return Number(name, None, None, None, "nats")
    return max(known, key=lambda number: number.value or 0.0)._replace(name=name)


def _arm(label: str) -> str:
    return label.replace(", ", "-").replace(" ", "_")


CLAIM = Claim(
    id="grokking_is_search",
    statement=STATEMENTS["grokking_is_search"],
    source="the first remark: late generalisation where the simple algorithm is fiddly to find",
    estimand=(
        "free-energy difference of networks that fit and memorise and of those that fit and generalise, by "
        "data share and inverse temperature; first-passage times to either of gradient descent, SGD, AdamW, "
        "SGLD and tempered chains"
    ),
    rule=f"{RULE} {TOGETHER}",
    run=run,
)
