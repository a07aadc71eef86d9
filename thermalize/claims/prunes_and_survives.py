r"""Claim: good subnetworks inside explain why networks can be pruned and survive damage.

Trained networks, draws of the posterior and networks never trained are cut, knocked about and rounded in
graded strength (``damage.py``), and tickets from iterative pruning with rewinding are set against
random tickets of equal size (``tickets.py``). The best subnetworks that a search finds in networks of
every arm, weights held, stand beside (``strong_tickets.py``). The verdict is of the trained networks;
the posterior's draws are shown where their gates are passed, and otherwise the page says which was not.

Sources: LeCun, Denker and Solla 1990; Han et al. 2015; Frankle and Carbin 2019; Ramanujan et al. 2020.
"""

import zlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import bulk_ess, thinned
from samplers.draws import Progress, share_of, silent

from .claim import TOGETHER, Case, Claim, Curve, Evidence, Graph, Preset, Sampled
from .damage import Arm, accuracies_when_cut, arm_of
from .image_arms import (
    CITATIONS,
    EVERY_IMAGE,
    OPTIMISERS,
    STOPS,
    Chains,
    System,
    count,
    drawn,
    flat,
    gates,
    system,
    trained,
    usable,
)
from .names import STATEMENTS
from .strong_tickets import Search, Strong, stored_strong, strong_graphs, strong_tickets
from .survival_cases import (
    DRAWS,
    ENDPOINTS,
    INITIAL,
    case_of,
    headline_of,
    plain,
    published_of,
    stored_arm,
    stored_tickets,
)
from .survival_pictures import Pictured, damage_curves, ticket_curves, verdict_graph
from .survival_rule import RULE, cut_controls, enough, ticket_controls
from .tickets import tickets

type Array = np.ndarray
SOURCES = [
    "LeCun, Denker and Solla 1990",
    "Han et al. 2015",
    "Frankle and Carbin 2019",
    "Ramanujan et al. 2020",
    "Metropolis et al. 1953; Kawasaki 1966",
    "Owen 2007",
]


class Sizes(NamedTuple):
    """How much a preset runs."""

    tasks: tuple[str, ...]
    optimisers: tuple[str, ...]
    num_probe: int
    num_endpoints: int
    num_tickets: int
    num_steps: int  # of training with tickets
    chains: Chains
    most_draws: int  # thinned draws that are damaged
    num_initial: int
    search: Search  # for strong tickets, in each arm


SIZES: dict[Preset, Sizes] = {
    "smoke": Sizes(("digits",), ("sgd",), 60, 24, 24, 20, Chains(2, 20, 40), 24, 24, Search(4, 20, 40)),
    "quick": Sizes(
        ("digits",), ("sgd",), EVERY_IMAGE, 128, 64, 2000, Chains(16, 300), 128, 128, Search(12, 300, 2500)
    ),
    "full": Sizes(
        ("digits", "digits-binary"),
        ("sgd", "adam"),
        EVERY_IMAGE,
        400,
        128,
        2000,
        Chains(16, 400),
        400,
        128,
        Search(20, 400, 4000),
    ),
    "paper": Sizes(
        ("digits", "digits-binary"),
        ("sgd", "adam"),
        EVERY_IMAGE,
        4000,
        1024,
        5000,
        Chains(64, 1000),
        4000,
        1024,
        Search(256, 5000, 100_000),
    ),
}


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Damage the networks of every arm of every task, look for tickets, and judge each optimiser and stop."""
    sizes = SIZES[preset]
    cases: list[Case] = []
    pictured: list[Pictured] = []
    samples: list[Sampled] = []
    data: list[Array] = []
    graphs: list[Graph | Curve] = []
    num_parts, part = len(sizes.tasks) * (1 + 3 * len(sizes.optimisers)), 0
    for name in sizes.tasks:
        chosen = system(name, seed, sizes.num_probe)
        data += [np.asarray(leaf) for leaf in (*chosen.task.train, *chosen.task.probe)]
        key_draws, key_initial, key_train = jax.random.split(
            jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode())), 3
        )
        beside, strong, matched, gate = _beside(
            key_draws, key_initial, chosen, sizes, share_of(progress, part, num_parts)
        )
        part += 1
        arms, all_tickets = dict(beside), {}
        for place, optimiser in enumerate(sizes.optimisers):
            key_ends, key_damage, key_tickets, key_strong = jax.random.split(
                jax.random.fold_in(key_train, place), 4
            )
            sampler = OPTIMISERS[optimiser]
            part_ends, part_tickets, part_strong = (share_of(progress, part + i, num_parts) for i in range(3))
            ends = trained(key_ends, chosen, sampler, sizes.num_endpoints, matched, part_ends)
            found = tickets(key_tickets, chosen, sampler, sizes.num_tickets, sizes.num_steps, part_tickets)
            part += 3
            all_tickets[optimiser] = found
            for turn, (stop, draws) in enumerate(zip(STOPS, ends, strict=True)):
                params, label = usable(draws), f"{name}, {optimiser}, {stop}"
                conditions = {
                    "optimiser": optimiser,
                    "stopping": stop,
                    "matched training loss": matched,
                    "endpoints": len(draws.status),
                    "endpoints that met their stop": count(params),
                    "networks that looked for tickets": found.num,
                    "of which failed": found.num_failed,
                    "stopping of tickets": f"fixed budget of {sizes.num_steps} steps",
                    "search for strong tickets": sizes.search.words(),
                    DRAWS: gate,
                }
                checks = enough(count(params), found)
                arm, searched = None, {each: strong[each] for each in beside}
                if all(check.passed for check in checks):
                    arm = arm_of(jax.random.fold_in(key_damage, turn), chosen, params)
                    key_search, part_search = (
                        jax.random.fold_in(key_strong, turn),
                        share_of(part_strong, turn, len(STOPS)),
                    )
                    best = strong_tickets(key_search, chosen, params, sizes.search, part_search)
                    strong[f"{optimiser}, {stop}"] = best
                    searched = {ENDPOINTS: best} | searched
                    checks += [*cut_controls(chosen, params), *ticket_controls(found)]
                    arms[f"{optimiser}, {stop}"] = arm
                    samples.append(Sampled(plain(label), stored_arm(arm, chosen), "not known in general"))
                cases.append(
                    case_of(
                        label, chosen.conditions() | conditions, chosen, arm, found, beside, searched, checks
                    )
                )
            samples.append(
                Sampled(plain(f"{name}, {optimiser}, tickets"), stored_tickets(found), "not known in general")
            )
        samples += [
            Sampled(plain(f"{name}, {each}"), stored_arm(arm, chosen), law)
            for each, law in ((DRAWS, "the posterior, exactly invariant"), (INITIAL, "the prior"))
            if (arm := beside.get(each)) is not None
        ]
        samples += [
            Sampled(plain(f"{name}, {each}, strong tickets"), stored_strong(best), "not known in general")
            for each, best in strong.items()
        ]
        pictured.append(Pictured(name, arms, all_tickets, chosen.labels))
        graphs += [*strong_graphs(name, strong), *ticket_curves(pictured[-1]), *damage_curves(pictured[-1])]
    return Evidence(
        cases,
        headline_of(cases),
        [verdict_graph(cases), *graphs],
        samples,
        data,
        [*CITATIONS, *SOURCES],
        published_of(pictured),
    )


def _beside(
    key_draws: jax.Array, key_initial: jax.Array, chosen: System, sizes: Sizes, progress: Progress
) -> tuple[dict[str, Arm], dict[str, Strong], float, str]:
    """Arms beside the trained one, their strong tickets, the posterior's mean training loss, its gates."""
    key_chains, key_damage, key_strong = jax.random.split(key_draws, 3)
    inputs = jnp.asarray(chosen.task.probe.inputs), chosen.task.probe.targets
    observe = accuracies_when_cut(chosen.network.apply)
    draws = drawn(key_chains, chosen, observe, inputs, sizes.chains, progress)
    right = draws.observed["accuracy"]
    num_chains, num_draws = right.shape[:2]
    behaviours = np.concatenate(
        [right, draws.observed["probabilities"].reshape(num_chains, num_draws, -1)], axis=-1
    )
    missed = [check for check in gates(draws, behaviours) if not check.passed]
    arms, strong = {}, {}
    if not missed:
        effective = float(np.nanmin(bulk_ess(right)))
        keep = thinned(num_chains, num_draws, min(effective, sizes.most_draws))
        networks = flat(jax.tree.map(lambda leaf: leaf[:, keep], draws.params))
        arms[DRAWS] = arm_of(key_damage, chosen, networks)
        strong[DRAWS] = strong_tickets(key_strong, chosen, networks, sizes.search, silent)
    key_prior, key_cut, key_search = jax.random.split(key_initial, 3)
    prior = jax.vmap(chosen.model.sample_prior)(jax.random.split(key_prior, sizes.num_initial))
    arms[INITIAL] = arm_of(key_cut, chosen, prior)
    strong[INITIAL] = strong_tickets(key_search, chosen, prior, sizes.search, silent)
    gate = "; ".join(f"{check.name}: {check.detail}" for check in missed)
    return (
        arms,
        strong,
        float(draws.stats["loss"].mean()),
        f"left out: {gate}" if gate else "all gates passed",
    )


CLAIM = Claim(
    id="prunes_and_survives",
    statement=STATEMENTS["prunes_and_survives"],
    source="the first remark: good subnetworks are why networks can be pruned and survive damage",
    estimand=(
        "change of accuracy against the share of weights cut, units knocked out, noise and bits a weight, "
        "for endpoints, posterior draws and initial networks; accuracy of tickets from iterative pruning "
        "with rewinding less that of random tickets of equal size; accuracy of the best subnetworks that a "
        "search over masks finds in the networks of every arm, weights held"
    ),
    rule=f"{RULE} {TOGETHER}",
    run=run,
)
