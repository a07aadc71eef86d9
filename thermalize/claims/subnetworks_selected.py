r"""Claim: a random network is a grab bag of subnetworks; training strengthens those that help.

Networks are trained and, at checkpoints, thousands of random subnetworks of each are looked at: how good
they are alone, and how much of the network's strength they hold (``subnetworks.py``). If training selects,
subnetworks that are better at initialisation grow more than others of equal strength; and by the Price
equation the mean quality rises because the good ones grow (selection), not because all of them
change for the better (transmission).

Sources: Price 1970; Lande and Arnold 1983; Frankle and Carbin 2019 (the remark's "winning" subnetworks).
"""

import zlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import Verdict, selection_slope
from samplers import train_from
from samplers.draws import Progress, share_of

from .claim import TOGETHER, Case, Check, Claim, Evidence, Number, Preset, Sampled, settled
from .image_arms import OPTIMISERS, Params, System, some, system
from .names import STATEMENTS
from .selection_pictures import selection_curves, verdict_graph
from .selection_rule import FEWEST, RULE, Selection, controls, judge, mean_of, selection_of
from .subnetworks import Of, Subnetworks, subnetworks

type Array = np.ndarray
HIDDEN, NUM_PROBE = 64, 10  # the probe is not looked at: quality is that on the training images
SOURCES = ["Alpaydin and Kaynak 1998", "Price 1970", "Lande and Arnold 1983", "Frankle and Carbin 2019"]


class Sizes(NamedTuple):
    """How much a preset runs."""

    tasks: tuple[str, ...]
    optimisers: tuple[str, ...]
    bags: tuple[tuple[Of, float], ...]  # what subnetworks are made of, and the share that they keep
    num_networks: int
    num_masks: int
    steps: tuple[int, ...]  # checkpoints


STEPS = (0, 10, 20, 50, 100, 200, 500, 1000, 2000)
BAGS: tuple[tuple[Of, float], ...] = (("weights", 0.5), ("weights", 0.2), ("units", 0.5))
SIZES: dict[Preset, Sizes] = {
    "smoke": Sizes(("digits",), ("sgd",), (("weights", 0.5),), 6, 24, (0, 10, 20)),
    "quick": Sizes(("digits",), ("sgd",), (("weights", 0.5),), 12, 1000, STEPS),
    "full": Sizes(("digits", "digits-binary"), ("sgd", "adam"), BAGS, 16, 2000, STEPS),
    "paper": Sizes(("digits", "digits-binary"), ("sgd", "adam"), BAGS, 64, 10_000, (*STEPS, 5000, 10_000)),
}


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Train networks of every task and optimiser, and judge every kind of subnetwork."""
    sizes = SIZES[preset]
    cases: list[Case] = []
    samples: list[Sampled] = []
    data: list[Array] = []
    graphs: list[Any] = []
    num_parts, part = len(sizes.tasks) * len(sizes.optimisers) * len(sizes.bags), 0
    for name in sizes.tasks:
        chosen = system(name, seed, NUM_PROBE, HIDDEN)
        data += [np.asarray(leaf) for leaf in chosen.task.train]
        key_start, key_rest = jax.random.split(
            jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))
        )
        starts = jax.vmap(chosen.network.init)(jax.random.split(key_start, sizes.num_networks))
        for place, optimiser in enumerate(sizes.optimisers):
            key_train, key_masks, key_walk = jax.random.split(jax.random.fold_in(key_rest, place), 3)
            draws = train_from(key_train, OPTIMISERS[optimiser], chosen.target, starts, sizes.steps)
            usable = np.flatnonzero([status == "ok" for status in draws.status])
            paths = some(draws.params, usable)
            for turn, (of, kept) in enumerate(sizes.bags):
                label = f"{name}, {optimiser}, {kept:g} of {of}"
                trained, walked = _measured(
                    jax.random.fold_in(key_masks, turn),
                    key_walk,
                    chosen,
                    paths,
                    len(usable),
                    (of, kept, sizes.num_masks),
                    share_of(progress, part, num_parts),
                )
                part += 1
                conditions = chosen.conditions() | {
                    "optimiser": optimiser,
                    "stopping": f"fixed budget of {sizes.steps[-1]} steps",
                    "subnetworks": f"{sizes.num_masks} of each network, {kept:g} of the {of} of every layer",
                    "networks": sizes.num_networks,
                    "of which failed": sizes.num_networks - len(usable),
                }
                del conditions["probe images"]
                cases.append(case_of(label, conditions, trained, walked, seed))
                if cases[-1].numbers:
                    graphs += selection_curves(label, sizes.steps, trained)
                    arm = label.replace(", ", "-").replace(" ", "_")
                    samples.append(Sampled(arm, _stored(trained), "not known in general"))
    return Evidence(cases, _headline(cases), [verdict_graph(cases), *graphs], samples, data, SOURCES, [])


def _measured(
    key: jax.Array,
    key_walk: jax.Array,
    chosen: System,
    paths: Params,
    num: int,
    bag: tuple[Of, float, int],
    progress: Progress,
) -> tuple[list[Subnetworks], list[Subnetworks]]:
    """Subnetworks of networks ``(network, checkpoint, ...)``, and of the same gone equally far at random."""
    of, kept, num_masks = bag
    trained, walked = [], []
    for number in range(num):
        one = jax.tree.map(lambda leaf, i=number: jnp.asarray(leaf[i]), paths)
        walk = random_walk(jax.random.fold_in(key_walk, number), one)
        # The walk's end is one checkpoint more: the same masks look at both.
        path = jax.tree.map(lambda leaf, end: jnp.concatenate([leaf, end[1:]]), one, walk)
        found = subnetworks(jax.random.fold_in(key, number), chosen.target, path, num_masks, kept, of)
        trained.append(found._replace(quality=found.quality[:, :-1], strength=found.strength[:, :-1]))
        ends = found.quality[:, [0, -1]], found.strength[:, [0, -1]]
        walked.append(found._replace(quality=ends[0], strength=ends[1]))
        progress(number + 1, num)
    return trained, walked


def random_walk(key: jax.Array, path: Params) -> Params:
    """First of the checkpoints ``(checkpoint, ...)``, and the same gone as far as the last, at random.

    Leaf by leaf the steps are normal, with the root mean square that training's have.
    """
    leaves, structure = jax.tree.flatten(path)
    ends = []
    for leaf, key_leaf in zip(leaves, jax.random.split(key, len(leaves)), strict=True):
        far = jnp.sqrt(jnp.mean((leaf[-1] - leaf[0]) ** 2))
        ends.append(jnp.stack([leaf[0], leaf[0] + far * jax.random.normal(key_leaf, leaf[0].shape)]))
    return jax.tree.unflatten(structure, ends)


def case_of(
    label: str, conditions: dict[str, Any], trained: list[Subnetworks], walked: list[Subnetworks], seed: int
) -> Case:
    """The case of one optimiser and kind of subnetwork, from those of every network."""
    enough = Check("networks that trained", len(trained) >= FEWEST, f"{len(trained)}, needed {FEWEST}")
    if not enough.passed:
        verdict, reason = settled(Verdict.INCONCLUSIVE, "", [enough])
        return Case(label, conditions, verdict, reason, [], [enough])
    found = selection_of(trained, walked, seed)
    slope, difference = mean_of(found.slope), mean_of(found.lead)
    checks = [enough, *controls(found, _planted(trained, seed))]
    verdict, reason = settled(*judge(slope, difference), checks)
    return Case(label, conditions, verdict, reason, _numbers(found, trained), checks)


def _planted(trained: list[Subnetworks], seed: int) -> Array:
    """Slopes where a tenth of the variance of growth is given by quality, the rest by chance."""
    rng = np.random.default_rng([seed, 1])
    before, quality = (
        np.stack([getattr(each, what)[:, 0] for each in trained]) for what in ("strength", "quality")
    )
    scale, centred = before.std(-1, keepdims=True), quality - quality.mean(-1, keepdims=True)
    growth = 0.3 * centred / centred.std(-1, keepdims=True) + 0.95 * rng.normal(size=before.shape)
    return np.asarray(selection_slope(before, before + scale * growth, quality))


def _numbers(found: Selection, trained: list[Subnetworks]) -> list[Number]:
    nats = "nats per image"
    lost = float(sum(each.lost.sum() for each in trained))
    return [
        mean_of(found.slope).number("selection slope"),
        mean_of(found.lead).number("selection less size of transmission", nats),
        mean_of(found.change).number("change of mean quality", nats),
        mean_of(found.selection).number("of which selection", nats),
        mean_of(found.transmission).number("of which transmission", nats),
        mean_of(found.permuted).number("selection slope, masks permuted"),
        mean_of(found.chance).number("selection slope, weights gone at random"),
        Number("subnetworks with a layer empty or no path to an output", lost, None, None),
    ]


def _stored(trained: list[Subnetworks]) -> dict[str, Array]:
    """Quality and strength of every subnetwork, ``(network, mask, checkpoint)``."""
    return {name: np.stack([getattr(each, name) for each in trained]) for name in ("quality", "strength")}


def _headline(cases: list[Case]) -> Number:
    name = "selection slope, least of all cases"
    known = [case.numbers[0] for case in cases if case.numbers]
    if not known:
        return Number(name, None, None, None)
    return min(known, key=lambda number: number.value or 0.0)._replace(name=name)


CLAIM = Claim(
    id="subnetworks_selected",
    statement=STATEMENTS["subnetworks_selected"],
    source="the first remark: a random network is a grab bag of subnetworks that training selects from",
    estimand=(
        "slope of a random subnetwork's strength after training on its quality at initialisation, at equal "
        "strength; selection and transmission terms of the Price equation for the mean quality"
    ),
    rule=f"{RULE} {TOGETHER}",
    run=run,
)
