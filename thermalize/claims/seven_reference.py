"""The zero-one posterior on seven bits by two methods, and the family about it.

Populations descend from the prior by levels of training errors, moved by Crank-Nicolson steps; elliptical
slice chains start where gradient descent ends. They share nothing but the question, and must agree in
the averaged label of every input.

Sources: Au and Beck 2001; Cotter et al. 2013; Murray, Adams and MacKay 2010.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import FunctionCounts, count_functions
from models import Task, boolean_inputs
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

from .boolean import System, functions_of_prior
from .claim import Check
from .posterior_family import (
    FEWEST_DRAWS,
    LARGEST_RHAT,
    Member,
    Thinned,
    function_of,
    gibbs_members,
    thinned_functions,
)
from .posterior_gibbs import BETAS, MAX_RHAT, asked, rows_and_labels
from .posterior_impostors import HOT, PRIOR, functions_of, impostors_of
from .posterior_rule import FEWEST, Posterior

type Array = np.ndarray

MOST_ERRORS = 5.0  # standard errors between the averaged labels of two methods


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
        key_pass, key_levels = jax.random.split(keys[4 + place])
        found, rung = gibbs_at(key_pass, chosen, task, scale, size)
        members += found
        if scale == 1:
            hot, cold = rung, down
        else:
            cold = descended(key_levels, chosen, task, scale, 2, size.family_particles, size.moves)
        members += coldest(cold, scale)
        progress(4 + place, parts)
    laws = {PRIOR: prior} if hot is None else {PRIOR: prior, HOT: hot}
    reference = down.counts()
    impostors, enough = impostors_of(reference, functions_of(chosen, rows, labels, laws))
    gates = [*gates_of(down, along, chosen.num_inputs), enough]
    return Posterior(reference, along.counts(), impostors, members, gates)


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
    draws = sample(
        key,
        zero_one_slice(20 * size.steps, size.steps),
        posterior(chosen.model, task.train, num_data=len(task.train.targets)),
        function_of(chosen.network),
        jnp.asarray(boolean_inputs(chosen.num_bits)),
        num_chains=size.chains,
        num_draws=size.draws,
        block=8,
        progress=progress,
    )
    lost = (np.asarray(draws.stats["train_error"]) > 0).any(axis=1)
    status = ["never fitted" if missed else said for missed, said in zip(lost, draws.status, strict=True)]
    return thinned_functions(draws._replace(status=status), chosen.num_inputs)


def gibbs_at(
    key: jax.Array, chosen: System, task: Task, scale: float, size: Size
) -> tuple[list[Member], FunctionCounts]:
    """The Gibbs posteriors at one prior scale, and the draws at inverse temperature one."""
    rows, labels = rows_and_labels(task)
    target, observe, inputs = asked(chosen, task, scale)
    rungs = tempered_pass(
        key,
        target,
        observe,
        inputs,
        betas=BETAS,
        num_chains=2,
        num_particles=size.family_particles,
        moves=hmc_moves(3, 8),
    )
    members = gibbs_members(BETAS, rungs, scale, rows, labels, chosen.num_inputs)
    return members, thinned_functions(rungs[0], chosen.num_inputs).counts()


def coldest(down: Thinned, scale: float) -> list[Member]:
    """The zero-one posterior at a prior scale as a member of the family, if its draws can be trusted."""
    zero_one = down.counts()
    trusted = not down.failed and down.rhat <= LARGEST_RHAT and zero_one.total >= FEWEST_DRAWS
    return [Member("zero-one", None, scale, zero_one)] if trusted else []


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
