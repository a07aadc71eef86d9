"""The claim ``posterior_sample`` on seven bits, in the setting of Mingard et al. 2021.

A 7-40-40-1 network learns 32 of 128 labels. Rejection from the prior is out of reach, so the zero-one
posterior comes from two methods that share nothing but the question: populations that descend from the
prior by levels of training errors, moved by Crank-Nicolson steps, and elliptical slice chains that start
where gradient descent ends. Functions outnumber draws: a histogram can show no equality here. The bounds of a
classifier can refute, and named behaviours are tested for equality one by one.

Source: Mingard et al. 2021, section 3 and figures (setting and published probabilities).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import FunctionCounts, count_functions
from models import Task, boolean_inputs, boolean_labels, boolean_task
from samplers import (
    crank_nicolson_moves,
    hmc_moves,
    level_smc,
    populations,
    posterior,
    sample,
    tempered_pass,
    zero_one_slice,
)
from samplers.draws import Progress, share_of

from .boolean import CITATIONS, System, functions_of_prior, system
from .claim import Case, Check, Evidence, Preset, Published, Sampled
from .learning import table_of
from .posterior_behaviours import differences
from .posterior_boolean import max_margin_counts
from .posterior_family import Member, Thinned, gibbs_members, thinned_functions
from .posterior_gibbs import BETAS, MAX_RHAT, asked, rows_and_labels
from .posterior_pages import cases_shown, number_of
from .posterior_rule import FEWEST, Posterior, case_of
from .posterior_trained import SETTINGS, STOP_NAMES, Trained, train

type Array = np.ndarray

NUM_TRAIN = 32
MOST_ERRORS = 5.0  # standard errors between the averaged labels of two methods
SOURCES = [
    *CITATIONS,
    "Mingard et al. 2021",
    "Au and Beck 2001",
    "Cotter et al. 2013",
    "Murray, Adams and MacKay 2010",
]
MINGARD = "Mingard et al. 2021, figures of the 7-bit system, approximate"


class Size(NamedTuple):
    """How much is drawn for one target."""

    endpoints: int
    prior: int
    populations: int
    particles: int
    moves: int  # Crank-Nicolson steps at every level
    chains: int
    draws: int  # of each chain
    steps: int  # slice steps between them
    scales: tuple[float, ...]  # of the family; none: not searched
    family_particles: int


FULL = Size(1000, 1 << 14, 8, 500, 60, 64, 100, 40, (0.5, 1.0, 2.0), 400)
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
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 107), place)
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


def posterior_of(key: jax.Array, chosen: System, task: Task, size: Size, progress: Progress) -> Posterior:
    """The zero-one posterior by two methods, its impostors and its family."""
    keys = jax.random.split(key, 4 + len(size.scales))
    parts = 3 + len(size.scales)
    down = descended(keys[0], chosen, task, 1.0, size.populations, size.particles, size.moves)
    progress(1, parts)
    along = chained(keys[1], chosen, task, size, share_of(progress, 1, parts))
    prior = count_functions(functions_of_prior(keys[2], chosen, size.prior, share_of(progress, 2, parts)))
    rows, labels = rows_and_labels(task)
    members: list[Member] = []
    hot: FunctionCounts | None = None
    for place, scale in enumerate(size.scales):
        found, rung = family_at(keys[4 + place], chosen, task, scale, size)
        members += found
        hot = rung if scale == 1 else hot
        progress(4 + place, parts)
    impostors = {"the prior": prior, "the max-margin function": max_margin_counts(chosen, rows, labels)}
    if hot is not None:
        impostors["the posterior at inverse temperature 1"] = hot
    return Posterior(
        down.counts(), along.counts(), impostors, members, gates_of(down, along, chosen.num_inputs)
    )


def descended(
    key: jax.Array, chosen: System, task: Task, scale: float, num: int, particles: int, moves: int
) -> Thinned:
    """Populations that come down from the prior by levels of training errors, at a prior scale."""
    target, observe, inputs = asked(chosen, task, scale)
    sampler = level_smc(crank_nicolson_moves(moves), particles)
    draws, _ = populations(key, sampler, target, observe, inputs, num_chains=num)
    return thinned_functions(draws, chosen.num_inputs)


def chained(key: jax.Array, chosen: System, task: Task, size: Size, progress: Progress) -> Thinned:
    """Slice chains that start where gradient descent ends."""
    labels = boolean_labels(chosen.network)
    draws = sample(
        key,
        zero_one_slice(20 * size.steps, size.steps),
        posterior(chosen.model, task.train, num_data=NUM_TRAIN),
        lambda params, inputs: {"function": jnp.packbits(labels(params, inputs))},
        jnp.asarray(boolean_inputs(chosen.num_bits)),
        num_chains=size.chains,
        num_draws=size.draws,
        block=8,
        progress=progress,
    )
    lost = (np.asarray(draws.stats["train_error"]) > 0).any(axis=1)
    status = ["never fitted" if missed else said for missed, said in zip(lost, draws.status, strict=True)]
    return thinned_functions(draws._replace(status=status), chosen.num_inputs)


def family_at(
    key: jax.Array, chosen: System, task: Task, scale: float, size: Size
) -> tuple[list[Member], FunctionCounts]:
    """The members at one prior scale, and the draws at inverse temperature one."""
    key_pass, key_levels = jax.random.split(key)
    rows, labels = rows_and_labels(task)
    target, observe, inputs = asked(chosen, task, scale)
    rungs = tempered_pass(
        key_pass,
        target,
        observe,
        inputs,
        betas=BETAS,
        num_chains=2,
        num_particles=size.family_particles,
        moves=hmc_moves(3, 8),
    )
    members = gibbs_members(BETAS, rungs, scale, size.scales, rows, labels, chosen.num_inputs)
    down = descended(key_levels, chosen, task, scale, 2, size.family_particles, size.moves)
    edge = scale in (min(size.scales), max(size.scales))
    if not down.failed:
        members.append(Member("zero-one", None, scale, down.counts(), edge))
    return members, thinned_functions(rungs[0], chosen.num_inputs).counts()


def gates_of(down: Thinned, along: Thinned, num_inputs: int) -> list[Check]:
    """Both methods mix, and they agree in the averaged label of every input."""
    found = []
    for name, one in (("populations", down), ("chains", along)):
        detail = f"R-hat {one.rhat:.4f}, at most {MAX_RHAT}; effective draws {one.ess:.0f}, needed {FEWEST}"
        passed = one.rhat <= MAX_RHAT and one.ess >= FEWEST and not one.failed
        found.append(
            Check(f"{name} mix", passed, f"{detail}; {one.failed[0] if one.failed else 'none failed'}")
        )
    apart = label_errors(down.counts(), along.counts(), num_inputs)
    detail = f"averaged labels at most {apart:.1f} standard errors apart, allowed {MOST_ERRORS:g}"
    return [*found, Check("both methods agree", apart <= MOST_ERRORS, detail)]


def label_errors(left: FunctionCounts, right: FunctionCounts, num_inputs: int) -> float:
    """Largest difference of averaged labels over all inputs, in standard errors.

    >>> one, other = (FunctionCounts(np.array([[0], [128]], np.uint8), np.array(c)) for c in
    ...               ([50, 50], [60, 40]))
    >>> round(label_errors(one, other, 8), 2)
    1.43
    """
    p, q = (c.counts / c.total @ np.unpackbits(c.packed, axis=-1, count=num_inputs) for c in (left, right))
    variance = p * (1 - p) / left.total + q * (1 - q) / right.total
    least = 1 / min(left.total, right.total) ** 2  # of one draw: an input that never varies has no error
    return float(np.max(np.abs(p - q) / np.sqrt(np.maximum(variance, least))))


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
