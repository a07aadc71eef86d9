"""The claim ``posterior_sample`` on the small Boolean systems, whose posteriors are exact.

Three comparisons for each target and optimiser: endpoints at first fit against the zero-one
posterior, and endpoints some steps later against the zero-one posterior and against the Gibbs
posterior at the same mean training loss.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from compare import FunctionCounts, count_functions, merge_counts
from models import Task, boolean_inputs, boolean_labels, boolean_task
from samplers import prior_functions
from samplers.draws import Progress, share_of

from .boolean import CITATIONS, System, system
from .claim import Case, Check, Evidence, Preset, Sampled
from .learning import table_of
from .posterior_family import SCALES, Member, scaled_network, with_scale, zero_one_draws, zero_one_member
from .posterior_gibbs import BETAS, Gibbs, Size, gibbs_of, rows_and_labels, scaled_model
from .posterior_impostors import HOT, PRIOR, Functions, functions_of, impostors_of
from .posterior_pages import cases_shown
from .posterior_rule import FEWEST, Posterior, case_of
from .posterior_trained import SETTINGS, STOP_NAMES, Trained, train

type Array = np.ndarray

NUM_TRAIN = {3: 4, 4: 8, 5: 12}
MOST_TIMES = 4  # that the prior is drawn from
TARGETS = ("single bit", "majority", "parity", "random")
SOURCES = [*CITATIONS, "Mingard et al. 2021", "Del Moral, Doucet and Jasra 2006", "Duane et al. 1987"]
type Plan = dict[int, dict[str, list[str]]]  # bits, targets, optimisers

PLANS: dict[Preset, Plan] = {
    "smoke": {3: {"majority": ["sgd"]}},
    "quick": {4: {"majority": ["sgd"]}},
    "full": {
        3: {"majority": ["sgd", "adam"], "parity": ["sgd"]},
        4: {"single bit": ["sgd"], "majority": ["gd", "sgd", "momentum", "adam"], "random": ["sgd"]},
        5: {"majority": ["sgd"]},
    },
    "paper": {bits: {target: ["gd", "sgd", "momentum", "adam"] for target in TARGETS} for bits in (3, 4, 5)},
}


class Sizes(NamedTuple):
    """What a preset draws."""

    prior: dict[int, int]  # networks of the prior drawn at a time, by bits
    scaled: int  # of every other prior scale
    endpoints: int
    gibbs: Size


SIZES: dict[Preset, Sizes] = {
    "smoke": Sizes({3: 1 << 17}, 1 << 17, 500, Size((0.5, 1.0, 2.0), 200, 0, 0, (1.0, 8.0, 64.0))),
    "quick": Sizes({4: 1 << 21}, 1 << 17, 1500, Size((0.5, 1.0, 2.0), 400, 0, 0, BETAS[:11:2])),
    "full": Sizes({3: 1 << 22, 4: 1 << 24, 5: 1 << 24}, 1 << 20, 4000, Size(SCALES, 800, 8, 4)),
    "paper": Sizes({3: 1 << 26, 4: 1 << 28, 5: 1 << 28}, 1 << 26, 100_000, Size(SCALES, 2000, 64, 32)),
}


class Prior(NamedTuple):
    """Functions of the prior: two halves at scale one, and those of other scales."""

    halves: tuple[FunctionCounts, FunctionCounts]
    scaled: dict[float, FunctionCounts]


def evidence(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Train and sample every system on every target, and judge each."""
    cases: list[Case] = []
    samples: list[Sampled] = []
    data: list[Array] = []
    plan, sizes = PLANS[preset], SIZES[preset]
    num_parts = len(plan) + 2 * sum(map(len, plan.values()))
    part = 0
    for bits, targets in plan.items():
        chosen = system(bits)
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 100 + bits), 4)
        tasks = {}
        for target in targets:
            key_task = jax.random.fold_in(keys[1], TARGETS.index(target))  # the same data in every preset
            tasks[target] = boolean_task(key_task, table_of(target, bits), NUM_TRAIN[bits])
        prior = prior_of(keys[0], chosen, list(tasks.values()), sizes, share_of(progress, part, num_parts))
        part += 1
        for target, optimisers in targets.items():
            place, task = TARGETS.index(target), tasks[target]
            data += [np.asarray(leaf) for leaf in task.train]
            of_task = share_of(progress, part, num_parts)
            trained = {
                name: train(
                    jax.random.fold_in(keys[2], place), chosen, task, name, sizes.endpoints,
                    share_of(of_task, turn, len(optimisers)),
                )
                for turn, name in enumerate(optimisers)
            }  # fmt: skip
            losses = {name: stops[-1].loss for name, stops in trained.items()}
            gibbs = gibbs_of(
                jax.random.fold_in(keys[3], place), chosen, task, losses, sizes.gibbs,
                share_of(progress, part + 1, num_parts),
            )  # fmt: skip
            part += 2
            for name, stops in trained.items():
                label = f"{chosen.name}, {target}, {name}"
                cases += cases_of(label, chosen, task, name, prior, stops, gibbs, seed)
                samples += [
                    Sampled(
                        f"{label}, {stop}".replace(", ", "-").replace(" ", "_"),
                        {"function": one.functions[:, None]},
                        "not known in general",
                    )
                    for stop, one in zip(STOP_NAMES, stops, strict=True)
                ]
    return cases_shown("the small Boolean systems", cases, samples, data, SOURCES)


def prior_of(
    key: jax.Array, chosen: System, tasks: Sequence[Task], sizes: Sizes, progress: Progress
) -> Prior:
    """Draw the functions of the prior, at every scale of the family.

    At scale one again and again until enough fit every task, ``MOST_TIMES`` at most. When to stop depends
    on how many fit and not on which, so that those that do stay exact draws of their posterior.
    """
    scales = [scale for scale in sizes.gibbs.scales if scale != 1]
    inputs, labels = boolean_inputs(chosen.num_bits), boolean_labels(scaled_network(chosen.network))
    keys = jax.random.split(key, len(scales) + 1)
    num_parts = len(scales) + MOST_TIMES

    def drawn(key: jax.Array, scale: float, num: int, part: int) -> Array:
        return prior_functions(
            key,
            scaled_model(chosen.network),
            labels,
            with_scale(inputs, scale),
            num,
            progress=share_of(progress, part, num_parts),
        )

    scaled = {
        scale: count_functions(drawn(keys[place], scale, sizes.scaled, place))
        for place, scale in enumerate(scales)
    }
    parts: list[list[FunctionCounts]] = [[], []]
    for turn in range(MOST_TIMES):
        key_turn = jax.random.fold_in(keys[-1], turn)
        packed = drawn(key_turn, 1.0, sizes.prior[chosen.num_bits], len(scales) + turn)
        for half, functions in zip(parts, np.array_split(packed, 2), strict=True):
            half.append(count_functions(functions))
        one, other = map(merge_counts, parts)
        if all(fewest_fitting((one, other), task) >= FEWEST for task in tasks):
            break
    return Prior((one, other), scaled)


def fewest_fitting(halves: tuple[FunctionCounts, FunctionCounts], task: Task) -> int:
    """How many exact draws of a task's posterior the smaller half has."""
    found = [zero_one_draws(half, *rows_and_labels(task)) for half in halves]
    return min(0 if counts is None else counts.total for counts in found)


def cases_of(
    label: str,
    chosen: System,
    task: Task,
    name: str,
    prior: Prior,
    stops: list[Trained],
    gibbs: Gibbs,
    seed: int,
) -> list[Case]:
    """All cases of one target and optimiser."""
    rows, labels = rows_and_labels(task)
    among = functions_of(chosen, rows, labels, {PRIOR: prior.halves[1], HOT: gibbs.hot})
    zero_one, missing = zero_one_of(prior, gibbs, among)
    conditions = {
        "system": chosen.name,
        "widths": chosen.widths,
        "prior and start": "weights N(0, 1 / fan-in), biases N(0, 1)",
        "training inputs": len(labels),
        "optimiser": name,
        "settings": SETTINGS[name],
    }
    rounds: list[tuple[str, Trained, str, Posterior | None, list[Check], Mapping[str, Any]]] = [
        (STOP_NAMES[0], stops[0], "zero-one", zero_one, missing, {}),
        (STOP_NAMES[1], stops[1], "zero-one", zero_one, missing, {}),
    ]
    if name in gibbs.matched:
        beta, reference, control, gates = gibbs.matched[name]
        impostors, enough = impostors_of(reference, among)
        cold = Posterior(
            reference, control, impostors, members_of(prior, rows, labels, gibbs), [*gates, enough]
        )
        beta_used = {"inverse temperature": round(beta, 3)}
        rounds.append((STOP_NAMES[1], stops[1], "Gibbs at matched loss", cold, [], beta_used))
    return [
        case_of(
            f"{label}, {stop}, {law}",
            conditions
            | {
                "stopping": stop,
                "endpoints": len(one.met),
                "mean training loss of endpoints": round(one.loss, 5),
                "posterior": law,
                "posterior draws": reference.reference.total if reference else 0,
            }
            | dict(more),
            one.counts,
            reference,
            [*gates, one.gate],
            num_inputs=chosen.num_inputs,
            seed=seed,
        )
        for stop, one, law, reference, gates, more in rounds
    ]


def members_of(prior: Prior, rows: Array, labels: Array, gibbs: Gibbs) -> list[Member]:
    """The whole family: Gibbs posteriors and, where enough draws fit, zero-one posteriors."""
    found = list(gibbs.members)
    for scale, counts in {1.0: prior.halves[0], **prior.scaled}.items():
        found += zero_one_member(counts, scale, rows, labels)
    return found


def zero_one_of(prior: Prior, gibbs: Gibbs, among: Functions) -> tuple[Posterior | None, list[Check]]:
    """The zero-one posterior by rejection, and the gate on how many draws it has."""
    rows, labels = among.rows, among.labels
    reference, control = (zero_one_draws(half, rows, labels) for half in prior.halves)
    num = 0 if reference is None or control is None else min(reference.total, control.total)
    drawn = sum(half.total for half in prior.halves)
    detail = f"{num}, needed {FEWEST}; {drawn} networks of the prior drawn, each with its negative"
    gate = Check("exact draws of the posterior in a half", num >= FEWEST, detail)
    if reference is None or control is None or not gate.passed:
        return None, [gate]
    impostors, enough = impostors_of(reference, among)
    return Posterior(reference, control, impostors, members_of(prior, rows, labels, gibbs), [enough]), [gate]
