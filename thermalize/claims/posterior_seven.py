"""The claim ``posterior_sample`` on seven bits, in the setting of Mingard et al. 2021.

A 7-40-40-1 network learns 32 of 128 labels. Rejection from the prior is out of reach, so the zero-one
posterior comes from two methods that share nothing but the question: populations that descend from the
prior by levels of training errors, moved by Crank-Nicolson steps, and elliptical slice chains that start
where gradient descent ends. Functions outnumber draws: a histogram can show no equality here. The bounds of a
classifier can refute, and named behaviours are tested for equality one by one.

Source: Mingard et al. 2021, section 3 and figures (setting and published probabilities).
"""

import jax
import numpy as np

from models import Task, boolean_task
from samplers.draws import Progress, share_of

from .boolean import CITATIONS, System, system
from .claim import Case, Evidence, Preset, Published, Sampled
from .learning import table_of
from .posterior_behaviours import differences
from .posterior_gibbs import rows_and_labels
from .posterior_pages import cases_shown, number_of
from .posterior_rule import Posterior, case_of
from .posterior_trained import SETTINGS, STOP_NAMES, Trained, train
from .seven_reference import Size, posterior_of

type Array = np.ndarray

NUM_TRAIN = 32
SOURCES = [
    *CITATIONS,
    "Mingard et al. 2021",
    "Au and Beck 2001",
    "Cotter et al. 2013",
    "Murray, Adams and MacKay 2010",
]
MINGARD = "Mingard et al. 2021, figures of the 7-bit system, approximate"


FULL = Size(1000, 1 << 14, 8, 500, 60, 16, 800, 80, (0.5, 1.0, 2.0, 4.0), 300)
SIZES: dict[Preset, Size] = {
    "full": FULL,
    "paper": FULL._replace(
        endpoints=100_000, populations=64, particles=4000, moves=200, chains=1024, draws=200, steps=200
    ),
}
TARGETS: dict[Preset, list[str]] = {
    "smoke": [],
    "quick": [],
    "full": ["single bit", "majority"],
    "paper": ["single bit", "majority", "parity", "random"],
}
OPTIMISERS: dict[Preset, list[str]] = {
    "smoke": [],
    "quick": [],
    "full": ["sgd"],
    "paper": ["gd", "sgd", "momentum", "adam"],
}


def evidence(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Train and sample on every target of the preset, and judge each."""
    cases: list[Case] = []
    samples: list[Sampled] = []
    data: list[Array] = []
    chosen, targets = system(7), TARGETS[preset]
    for place, target in enumerate(targets):
        number = TARGETS["paper"].index(target)  # the same data in every preset
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 107), number)
        key_task, key_train, key_posterior = jax.random.split(key, 3)
        table = table_of(target, 7)
        task = boolean_task(key_task, table, NUM_TRAIN)
        data += [np.asarray(leaf) for leaf in task.train]
        size, parts = SIZES[preset], 1 + len(OPTIMISERS[preset])
        of_task = share_of(progress, place, len(targets))
        reference = posterior_of(key_posterior, chosen, task, size, share_of(of_task, 0, parts))
        for turn, name in enumerate(OPTIMISERS[preset]):
            stops = train(
                jax.random.fold_in(key_train, turn),
                chosen,
                task,
                name,
                size.endpoints,
                share_of(of_task, 1 + turn, parts),
            )
            label = f"{chosen.name}, {target}, {name}"
            for stop, one in zip(STOP_NAMES, stops, strict=True):
                cases.append(
                    judged(f"{label}, {stop}, zero-one", chosen, task, table, name, one, reference, seed)
                )
                arm = f"{label}, {stop}".replace(", ", "-").replace(" ", "_")
                samples.append(Sampled(arm, {"function": one.functions[:, None]}, "not known in general"))
    return cases_shown("seven bits, 32 training points", cases, samples, data, SOURCES, published(cases))


def judged(
    name: str,
    chosen: System,
    task: Task,
    table: Array,
    optimiser: str,
    one: Trained,
    posterior: Posterior,
    seed: int,
) -> Case:
    """One case, with the differences of named behaviours among its numbers."""
    conditions = {
        "system": chosen.name,
        "widths": chosen.widths,
        "prior and start": "weights N(0, 1 / fan-in), biases N(0, 1)",
        "training inputs": NUM_TRAIN,
        "optimiser": optimiser,
        "settings": SETTINGS[optimiser],
        "endpoints": len(one.met),
        "mean training loss of endpoints": round(one.loss, 5),
        "posterior": "zero-one",
        "posterior draws": posterior.reference.total,
    }
    case = case_of(
        name, conditions, one.counts, posterior, [one.gate], num_inputs=chosen.num_inputs, seed=seed
    )
    if one.counts is None:
        return case
    rows, _ = rows_and_labels(task)
    more = differences(one.counts, posterior.reference, chosen, table, rows)
    return case._replace(numbers=[*case.numbers, *more])


def published(cases: list[Case]) -> list[Published]:
    """What Mingard et al. report of the most probable functions, beside ours; their targets are others."""
    rows = []
    for theirs, what in (
        ("about 0.5 against 0.066", "one target"),
        ("about 0.8 against 0.14", "another target"),
    ):
        rows.append(
            Published(
                "7-40-40-1, 32 of 128 labels, zero training error: probability of the most probable function "
                f"under SGD against the posterior ({what} of theirs; targets differ from ours)",
                theirs,
                MINGARD,
                _most_probable(cases),
            )
        )
    return rows


def _most_probable(cases: list[Case]) -> str:
    name = "probability of the endpoints' most frequent function, "
    found = []
    for case in cases:
        ours, theirs = (number_of(case, name + law).value for law in ("endpoints", "posterior"))
        if "first fit" in case.name and ours is not None and theirs is not None:
            found.append(f"{ours:.2f} against {theirs:.3f} ({case.name.split(', ')[1]})")
    return "; ".join(found) or "not measured in this preset"
