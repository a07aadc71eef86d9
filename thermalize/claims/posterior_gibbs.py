"""References of the claim ``posterior_sample`` on Boolean systems, and the family about them.

The zero-one posterior is exact: draws of the prior that fit. Gibbs posteriors come from
independent populations of a tempered pass (one half of them the reference, the other the
control). At the coldest of them other populations must agree, which choose all their temperatures themselves
and move by few and long trajectories where the first make many short ones. Chains that start from the
prior would not do: where the posterior is cold each stays in the function that it fell into.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import FunctionCounts, compare_functions
from models import (
    Batch,
    Model,
    Network,
    Task,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    gaussian_prior,
    input_rows,
)
from samplers import Target, hmc_moves, populations, posterior, smc, tempered_pass
from samplers.draws import Observe, Progress, joined, share_of

from .boolean import System
from .claim import Check
from .posterior_family import (
    Member,
    Thinned,
    batch_with_scale,
    function_of,
    gibbs_members,
    scaled_network,
    thinned_functions,
    with_scale,
)
from .posterior_rule import EQUAL, FEWEST, RESAMPLES

type Array = np.ndarray

MAX_RHAT = 1.01
LOSS_WITHIN = 0.15  # of the endpoints' mean loss, relatively
SHORT, LONG = hmc_moves(4, 10), hmc_moves(3, 25)  # of the two methods: transitions at a stage, steps of each
BETAS = tuple(2.0**power for power in range(13))  # of the family


class Size(NamedTuple):
    """How much is drawn for one task."""

    scales: tuple[float, ...]  # prior scales of the family
    particles: int  # of each population
    populations: int  # of the references at matched loss, a multiple of four; 0: no such reference
    second: int  # populations of the second method, half as large
    betas: tuple[float, ...] = BETAS  # of the family


class Gibbs(NamedTuple):
    """The Gibbs posteriors that a task asks for."""

    hot: FunctionCounts  # at inverse temperature one
    matched: dict[str, "Matched"]  # by optimiser
    members: list[Member]


class Matched(NamedTuple):
    """The Gibbs posterior whose mean training loss is that of some endpoints."""

    beta: float
    reference: FunctionCounts
    control: FunctionCounts
    gates: list[Check]


def gibbs_of(
    key: jax.Array, chosen: System, task: Task, losses: dict[str, float], size: Size, progress: Progress
) -> Gibbs:
    """Sample the family, and all posteriors that endpoints of these mean losses, by optimiser, call for."""
    rows, labels = rows_and_labels(task)
    keys = jax.random.split(key, len(size.scales) + 2)
    num_parts = len(size.scales) + 2
    members: list[Member] = []
    hot, curve = None, np.zeros(0)
    for place, scale in enumerate(size.scales):
        rungs = tempered_pass(
            keys[place],
            *asked(chosen, task, scale),
            betas=size.betas,
            num_chains=2,
            num_particles=size.particles,
            moves=SHORT,
            progress=share_of(progress, place, num_parts),
        )
        members += gibbs_members(size.betas, rungs, scale, rows, labels, chosen.num_inputs)
        if scale == 1:
            hot = thinned_functions(rungs[0], chosen.num_inputs).counts()
            curve = np.array([rung.stats["loss"].mean() for rung in rungs])
    if hot is None:
        raise ValueError(f"the prior scale 1, that of the start of training, must be among {size.scales}")
    if not size.populations:
        return Gibbs(hot, {}, members)
    betas = {name: matching_beta(np.array(size.betas), curve, loss) for name, loss in losses.items()}
    ladder = sorted(set(betas.values()))
    at_scale_one = asked(chosen, task, 1.0)
    pairs = size.populations // 2  # two populations at a time, as in the family: compiled once
    passes = [
        tempered_pass(
            jax.random.fold_in(keys[-2], turn),
            *at_scale_one,
            betas=ladder,
            num_chains=2,
            num_particles=size.particles,
            moves=SHORT,
            progress=share_of(share_of(progress, num_parts - 2, num_parts), turn, pairs),
        )
        for turn in range(pairs)
    ]
    found = [joined(list(rungs), axis=0) for rungs in zip(*passes, strict=True)]
    drawn = {
        beta: thinned_functions(rung, chosen.num_inputs) for beta, rung in zip(ladder, found, strict=True)
    }
    means = {beta: float(rung.stats["loss"].mean()) for beta, rung in zip(ladder, found, strict=True)}
    last = share_of(progress, num_parts - 1, num_parts)
    second = second_method(keys[-1], chosen, task, ladder[-1], drawn[ladder[-1]], size, last)
    half = size.populations // 2
    matched = {
        name: Matched(
            beta,
            drawn[beta].counts(slice(half)),
            drawn[beta].counts(slice(half, None)),
            [*gates_of(drawn[beta], half), loss_gate(means[beta], losses[name]), second],
        )
        for name, beta in betas.items()
    }
    return Gibbs(hot, matched, members)


def second_method(
    key: jax.Array, chosen: System, task: Task, beta: float, drawn: Thinned, size: Size, progress: Progress
) -> Check:
    """Populations with a ladder of their own, moved otherwise, must show the same functions equally often."""
    draws, _ = populations(
        key,
        smc(LONG, size.particles // 2),
        posterior(chosen.model, task.train, num_data=len(task.train.targets), beta=beta),
        function_of(chosen.network),
        jnp.asarray(boolean_inputs(chosen.num_bits)),
        num_chains=size.second,
        progress=progress,
    )
    found = thinned_functions(draws, chosen.num_inputs)
    excess = compare_functions(drawn.counts(), found.counts(), seed=0, num_resamples=RESAMPLES).excess
    trusted = not found.failed and found.rhat <= MAX_RHAT and found.ess >= FEWEST
    return Check(
        "a second method agrees (populations of long trajectories)",
        trusted and excess.high <= EQUAL,
        f"at beta {beta:.3g} total variation {excess.mean:.3f} [{excess.low:.3f}, {excess.high:.3f}] "
        f"above the floor, at most {EQUAL:g}; its R-hat {found.rhat:.4f}, effective draws {found.ess:.0f}"
        f"{'; ' + found.failed[0] if found.failed else ''}",
    )


def gates_of(drawn: Thinned, half: int) -> list[Check]:
    """The gates of any reference, over the labels of all inputs."""
    num = min(drawn.counts(some).total for some in (slice(half), slice(half, None)))
    return [
        Check("largest R-hat of labels", drawn.rhat <= MAX_RHAT, f"{drawn.rhat:.4f}, at most {MAX_RHAT}"),
        Check("effective draws in a half", num >= FEWEST, f"{num}, needed {FEWEST}"),
        Check("no population failed", not drawn.failed, drawn.failed[0] if drawn.failed else "none"),
    ]


def loss_gate(found: float, wanted: float) -> Check:
    """The posterior's mean training loss is that of the endpoints."""
    passed = abs(np.log(found / wanted)) <= LOSS_WITHIN
    return Check("training loss is matched", bool(passed), f"{found:.3g} beside {wanted:.3g} nats per datum")


def matching_beta(betas: Array, losses: Array, wanted: float) -> float:
    """Where a decreasing curve of mean losses reaches ``wanted``, log-linear; beyond its end ``1 / beta``.

    A loss above the curve's first gives the first inverse temperature.

    >>> betas, losses = np.array([1.0, 4.0, 16.0]), np.array([0.4, 0.2, 0.1])
    >>> [matching_beta(betas, losses, wanted) for wanted in (0.1, 0.01, 0.9)]
    [16.0, 160.0, 1.0]
    """
    falling = np.minimum.accumulate(losses)
    if wanted < falling[-1]:
        return float(betas[-1] * falling[-1] / wanted)
    found = np.interp(-np.log(wanted), -np.log(falling), np.log(betas))
    return round(float(np.exp(found)), 9)


def rows_and_labels(task: Task) -> tuple[Array, Array]:
    """Where the training inputs stand among all inputs, and their labels."""
    return input_rows(np.asarray(task.train.inputs)), np.asarray(task.train.targets)


@cache
def scaled_model(plain: Network) -> Model:
    """The network's model with the prior scale as a further input."""
    network = scaled_network(plain)
    return bayesian_model(network, gaussian_prior(network), bernoulli())


def asked(chosen: System, task: Task, scale: float) -> tuple[Target, Observe, jax.Array]:
    """What a tempered pass at a prior scale is asked: the same functions whatever the scale."""
    data: Batch = batch_with_scale(task.train, scale)
    target = posterior(scaled_model(chosen.network), data, num_data=len(task.train.targets))
    return (
        target,
        function_of(scaled_network(chosen.network)),
        with_scale(boolean_inputs(chosen.num_bits), scale),
    )
