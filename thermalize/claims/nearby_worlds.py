r"""Claim: networks that do well in training do well in nearby environments.

Networks are tested on images that were shifted in graded strength and keep their label.
Two things are asked. Across the networks of one arm: does accuracy on clean images rank them
as accuracy on shifted images does? The correlation is freed of the noise of a finite probe
(``compare.corrected_rank_correlation``). And between arms: are trained networks and draws of
the posterior equally accurate, in every world?

Source: Hendrycks and Dietterich 2019 (graded corruptions); Miller et al. 2021 (accuracies in
and out of distribution); Izmailov et al. 2021 (posterior draws under shift).
"""

import zlib
from typing import Any, NamedTuple

import jax
import numpy as np

from compare import Verdict
from compare.disattenuated import FEWEST
from samplers import Draws
from samplers.draws import Progress, share_of

from .claim import TOGETHER, Case, Check, Claim, Evidence, Number, Preset, Published, Sampled, settled
from .image_arms import (
    CITATIONS,
    EVERY_IMAGE,
    OPTIMISERS,
    STOPS,
    Chains,
    System,
    count,
    system,
    trained,
    usable,
)
from .names import STATEMENTS
from .nearby_pictures import correlation_graph, distances_between, world_curves
from .nearby_reference import Reference, reference_of
from .nearby_rule import (
    DRAWS,
    ENDPOINTS,
    LEVEL,
    RULE,
    Correlations,
    as_numbers,
    judge,
    ranked,
    together,
)
from .worlds import (
    GRADES,
    Seen,
    World,
    gaps,
    mean_of_endpoints,
    seen,
    worlds,
)

type Array = np.ndarray
SOURCES = ["Hendrycks and Dietterich 2019", "Miller et al. 2021", "Izmailov et al. 2021", "Spearman 1904"]


class Sizes(NamedTuple):
    """How much a preset runs."""

    tasks: tuple[str, ...]
    optimisers: tuple[str, ...]
    grades: tuple[int, ...]
    num_probe: int
    num_endpoints: int
    chains: Chains
    most_draws: int  # thinned draws that are looked at network by network


SIZES: dict[Preset, Sizes] = {
    "smoke": Sizes(("digits",), ("sgd",), (4,), 60, 24, Chains(2, 20, 40), 24),
    "quick": Sizes(("digits",), ("sgd",), (1, 2, 3, 4), EVERY_IMAGE, 256, Chains(16, 250), 512),
    "full": Sizes(
        ("digits", "digits-binary"), ("sgd", "adam"), (1, 2, 3, 4), EVERY_IMAGE, 1200, Chains(16, 400), 1024
    ),
    "paper": Sizes(
        ("digits", "digits-binary"), ("sgd", "adam"), (1, 2, 3, 4), EVERY_IMAGE, 4000, Chains(64, 1000), 4000
    ),
}


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Sample the posterior of every task, train on it, and judge each optimiser at each stop."""
    sizes = SIZES[preset]
    parts: list[tuple[Case, list[Sampled], list[Any]]] = []
    data: list[Array] = []
    num_parts, part = len(sizes.tasks) * (1 + len(sizes.optimisers)), 0
    for name in sizes.tasks:
        chosen = system(name, seed, sizes.num_probe)
        data += [np.asarray(leaf) for leaf in (*chosen.task.train, *chosen.task.probe)]
        key_worlds, key_draws, key_prior, key_train = jax.random.split(
            jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode())), 4
        )
        near = worlds(key_worlds, chosen.task, tuple(GRADES), sizes.grades)
        reference = reference_of(
            key_draws,
            key_prior,
            chosen,
            near,
            sizes.chains,
            sizes.most_draws,
            seed,
            share_of(progress, part, num_parts),
        )
        part += 1
        matched = float(reference.draws.stats["loss"].mean())
        for place, optimiser in enumerate(sizes.optimisers):
            found = trained(
                jax.random.fold_in(key_train, place),
                chosen,
                OPTIMISERS[optimiser],
                sizes.num_endpoints,
                matched,
                share_of(progress, part, num_parts),
            )
            part += 1
            for stop, draws in zip(STOPS, found, strict=True):
                label = f"{name}, {optimiser}, {stop}"
                conditions = {"optimiser": optimiser, "stopping": stop, "matched training loss": matched}
                parts.append(_case(label, conditions, chosen, near, draws, reference, seed))
    cases = [case for case, _, _ in parts]
    graphs = [correlation_graph(cases), *(graph for _, _, graphs in parts for graph in graphs)]
    samples = [sampled for _, both, _ in parts for sampled in both]
    return Evidence(cases, _headline(cases), graphs, samples, data, [*CITATIONS, *SOURCES], _published(cases))


def _case(
    label: str,
    conditions: dict[str, Any],
    chosen: System,
    near: list[World],
    draws: Draws,
    reference: Reference,
    seed: int,
) -> tuple[Case, list[Sampled], list[Any]]:
    params = usable(draws)
    num = count(params)
    conditions = (
        chosen.conditions()
        | conditions
        | {
            "endpoints": len(draws.status),
            "endpoints that met their stop": num,
            "posterior draws looked at": reference.found.right.shape[1],
        }
    )
    enough = Check("endpoints that met their stop", num >= FEWEST, f"{num}, needed {FEWEST}")
    if not enough.passed:
        verdict, reason = settled(Verdict.INCONCLUSIVE, "", [enough])
        return Case(label, conditions, verdict, reason, [], [enough]), [], []
    found = seen(chosen.network, params, near, chosen.labels)
    between = gaps(mean_of_endpoints(found), reference.mean)
    endpoint_ranks, rank_checks = ranked(ENDPOINTS, found, seed)
    ranks = Correlations(endpoint_ranks, reference.ranks)
    checks = [enough, *rank_checks, *reference.checks]
    verdict, reason = settled(*judge(ranks, between), checks)
    distances = distances_between(found, reference.found, len(reference.draws.status), seed)
    level = together(LEVEL, len(near))
    numbers = [
        *as_numbers(ENDPOINTS, ranks.endpoints),
        *as_numbers(DRAWS, ranks.draws),
        *(
            Number(f"{ENDPOINTS} less {DRAWS}, {w.name}", gap.value, *gap.interval(level), unit="accuracy")
            for w, gap in zip(near, between, strict=True)
        ),
        *(
            Number(f"total variation between arms above its floor, {w.name}", *d.excess, unit="share")
            for w, d in zip(near, distances, strict=True)
        ),
    ]
    arm = label.replace(", ", "-").replace(" ", "_")
    samples = [
        Sampled(arm, _stored(found, (num, 1)), "not known in general"),
        Sampled(f"{arm}-posterior", _stored(reference.found, (1, -1)), "the posterior, exactly invariant"),
    ]
    pictures = world_curves(label, near, found, reference.found, between, distances, seed)
    return Case(label, conditions, verdict, reason, numbers, checks), samples, pictures


def _stored(found: Seen, shape: tuple[int, int]) -> dict[str, Array]:
    """Accuracy, log score and calibration error in every world, ``(chain, draw, world)``."""
    values = {
        "accuracy": found.right.mean(-1),
        "log_score": found.log_score,
        "calibration": found.calibration,
    }
    return {name: value.T.reshape(*shape, len(value)) for name, value in values.items()}


def _headline(cases: list[Case]) -> Number:
    """The least correlation of any case and arm that has one."""
    known = [n for c in cases for n in (c.numbers[0], c.numbers[4]) if c.numbers and n.value is not None]
    name = "rank correlation of clean and shifted accuracy, least of all arms and cases"
    if not known:
        return Number(name, None, None, None)
    return min(known, key=lambda number: number.value or 0.0)._replace(name=name)


def _published(cases: list[Case]) -> list[Published]:
    known = [case for case in cases if case.numbers]
    ranks = "; ".join(
        f"{case.name}: {_two(case.numbers[0].value)} and {_two(case.numbers[4].value)}" for case in known
    )
    shifted = [
        [n.value for n in case.numbers if n.unit == "accuracy" and n.value is not None] for case in known
    ]
    points = "; ".join(
        f"{case.name}: {100 * float(np.mean(values[1:])):+.1f}"
        for case, values in zip(known, shifted, strict=True)
    )
    return [
        Published(
            "rank of accuracies in and out of distribution",
            "close to one line over networks of many architectures and training times, for many shifts",
            "Miller et al. 2021",
            ranks or "not measured in this preset",
        ),
        Published(
            "accuracy under corruptions, trained networks less posterior samples, in points",
            "positive: averages of posterior samples lose more under corruptions than trained networks",
            "Izmailov et al. 2021",
            points or "not measured in this preset",
        ),
    ]


def _two(value: float | None) -> str:
    return "noise alone" if value is None else f"{value:.2f}"


CLAIM = Claim(
    id="nearby_worlds",
    statement=STATEMENTS["nearby_worlds"],
    source="the first remark: what does well in training does well nearby",
    estimand=(
        "rank correlation of clean and shifted accuracy over endpoints and over posterior draws; difference "
        "of the arms' accuracies, calibration and total variation of averaged predictions, by kind and "
        "strength of the shift"
    ),
    rule=f"{RULE} {TOGETHER}",
    run=run,
)
