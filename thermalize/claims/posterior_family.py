r"""The family of posteriors by inverse temperature and prior scale, and the member nearest to endpoints.

For every prior scale ``s`` one tempered pass gives draws of the Gibbs posteriors
``pi_s(theta) exp(-beta N L)`` at a ladder of ``beta``, with and without the condition of no training
error; the zero-one posterior is the prior's draws that fit. A scale multiplies all
parameters, so one network with the scale for a further input serves all scales with one
compilation.

The nearest member is chosen on one half of the endpoints and measured on the other, so that the
choice is not rewarded for noise. The lower bound is the least over *all* members: whichever is truly
nearest, its own bound is not below that, so no choice can go wrong.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import (
    FunctionCounts,
    VariationBounds,
    count_functions,
    fitting_functions,
    merge_counts,
    rhat_and_ess,
    subsample,
    thinned,
    unpack_labels,
    variation_bounds,
)
from compare.variation_bounds import halves
from models import Batch, Network, boolean_labels
from samplers import Draws
from samplers.draws import Observe

type Array = np.ndarray

GIBBS = "Gibbs"
SCALES = (0.5, 1.0, 2**0.5, 2.0, 2**1.5, 4.0)
FEWEST_DRAWS = 400  # of a member: fewer are not searched
SEARCHED = 1600  # draws of each member at most in the search
RAREST = 0.01  # share of the rarer label of an input whose mixing is judged
LARGEST_RHAT = 1.05  # of a member; references pass stricter gates


class Member(NamedTuple):
    """One posterior of the family, by nearly independent draws."""

    law: str
    beta: float | None  # None: the zero-one posterior has none
    scale: float
    counts: FunctionCounts


class Nearest(NamedTuple):
    """The member nearest to the endpoints, seen by the half that did not choose it."""

    member: Member
    distance: float  # plug-in total variation
    low: float  # least lower bound of all members
    high: float
    edge: bool  # nothing was searched beyond it


class Thinned(NamedTuple):
    """Functions of chains, thinned to what they are worth, with what that rests on."""

    functions: Array  # (chain, draw, num_bytes)
    rhat: float  # largest over the labels of all inputs that vary
    ess: float  # smallest
    failed: list[str]  # what chains that failed say

    def counts(self, chains: slice = slice(None)) -> FunctionCounts:
        """The functions of some of the chains."""
        return count_functions(self.functions[chains].reshape(-1, self.functions.shape[-1]))


def thinned_functions(draws: Draws, num_inputs: int) -> Thinned:
    """Thin draws that observed ``function`` to the bulk effective sample size of the worst label."""
    functions = np.asarray(draws.observed["function"])
    labels = unpack_labels(functions, num_inputs).astype(float)
    share = labels.mean(axis=(0, 1))
    rhat, ess = rhat_and_ess(labels[..., np.minimum(share, 1 - share) >= RAREST])
    known = np.isfinite(rhat) & np.isfinite(ess)
    worth = float(ess[known].min()) if known.any() else float(labels.shape[0] * labels.shape[1])
    num_chains, num_draws = functions.shape[:2]
    kept = thinned(num_chains, num_draws, worth)
    failed = [sentence for sentence in draws.status if sentence != "ok"]
    return Thinned(functions[:, kept], float(rhat[known].max()) if known.any() else 1.0, worth, failed)


@cache
def function_of(network: Network) -> Observe:
    """What is recorded of a network: its labels of all inputs, packed; one callable, compiled once."""
    labels = boolean_labels(network)
    return lambda params, inputs: {"function": jnp.packbits(labels(params, inputs))}


@cache
def scaled_network(network: Network) -> Network:
    """The same network with one further input, by which all its parameters are multiplied.

    That input must be the same for all examples.

    >>> from models import mlp
    >>> network = mlp([2, 3, 1], "relu")
    >>> params, x = network.init(jax.random.key(0)), jnp.array([1.0, -1.0])
    >>> scaled = scaled_network(network).apply(params, jnp.array([1.0, -1.0, 1.0]))
    >>> bool(jnp.allclose(scaled, network.apply(params, x)))
    True
    """

    def scaled(params: Any, scale: jax.Array) -> Any:
        return jax.tree.map(lambda leaf: scale * leaf, params)

    def apply(params: Any, x: jax.Array) -> jax.Array:  # (d_in + 1,) -> (d_out,)
        return network.apply(scaled(params, x[-1]), x[:-1])

    def apply_columns(params: Any, x: jax.Array) -> jax.Array:  # (d_in + 1, n) -> (d_out, n)
        assert network.apply_columns is not None
        return network.apply_columns(scaled(params, x[-1, 0]), x[:-1])

    return Network(network.init, apply, None if network.apply_columns is None else apply_columns)


def with_scale(inputs: Any, scale: float) -> jax.Array:
    """Inputs ``(m, d_in)`` with the scale as a further column.

    >>> with_scale(jnp.zeros((2, 1)), 0.5).tolist()
    [[0.0, 0.5], [0.0, 0.5]]
    """
    array = jnp.asarray(inputs)
    return jnp.concatenate([array, jnp.full((len(array), 1), scale, array.dtype)], axis=1)


def batch_with_scale(batch: Batch, scale: float) -> Batch:
    return Batch(with_scale(batch.inputs, scale), batch.targets)


def gibbs_members(
    betas: Sequence[float],
    rungs: Sequence[Draws],
    scale: float,
    rows: Array,
    labels: Array,
    num_inputs: int,
) -> list[Member]:
    """The members that one pass gives, those left out that cannot be trusted."""
    found: list[Member] = []
    for beta, draws in zip(betas, rungs, strict=True):
        rung = thinned_functions(draws, num_inputs)
        if rung.failed or rung.rhat > LARGEST_RHAT:
            continue
        every = rung.counts()
        kinds = [(GIBBS, every), (f"{GIBBS} given no training error", _fitting(every, rows, labels))]
        found += [
            Member(law, beta, scale, counts)
            for law, counts in kinds
            if counts is not None and counts.total >= FEWEST_DRAWS
        ]
    return found


def zero_one_draws(prior: FunctionCounts, rows: Array, labels: Array) -> FunctionCounts | None:
    """Exact draws of the zero-one posterior from functions of draws of the prior; ``None`` if none fits.

    The prior is the same with the sign of the last layer turned, which turns every label. So a
    network and its negative are both draws; at most one of them fits, and those that do are independent.

    >>> prior = FunctionCounts(np.array([[0b00000000], [0b11110000]], np.uint8), np.array([3, 1]))
    >>> found = zero_one_draws(prior, np.array([0, 1]), np.array([1, 1]))
    >>> None if found is None else found.counts.tolist()
    [1, 3]
    """
    negative = FunctionCounts(~prior.packed, prior.counts)
    return _fitting(merge_counts([prior, negative]), rows, labels)


def zero_one_member(functions: FunctionCounts, scale: float, rows: Array, labels: Array) -> list[Member]:
    """The zero-one posterior at a scale from functions of its prior, if enough of them fit."""
    counts = zero_one_draws(functions, rows, labels)
    if counts is None or counts.total < FEWEST_DRAWS:
        return []
    return [Member("zero-one", None, scale, counts)]


def nearest_of(trained: FunctionCounts, members: Sequence[Member], rng: np.random.Generator) -> Nearest:
    """The member that a classifier tells least from one half of the endpoints, measured on the other."""
    choose, measure = halves(trained, rng)
    seeds = rng.integers(2**31, size=(2, len(members)))
    alike = min(member.counts.total for member in members)  # as many of each, or few draws look near

    def bounds(half: FunctionCounts, size: int, row: Array) -> list[VariationBounds]:
        return [
            variation_bounds(half, subsample(member.counts, size, rng), seed=int(seed))
            for member, seed in zip(members, row, strict=True)
        ]

    choosing, measured = bounds(choose, min(alike, SEARCHED), seeds[0]), bounds(measure, SEARCHED, seeds[1])
    place = int(np.argmin([found.held_out for found in choosing]))
    best = measured[place]
    low = min(found.low for found in measured)
    return Nearest(members[place], best.distance, low, best.high, at_edge(members[place], members))


def at_edge(member: Member, members: Sequence[Member]) -> bool:
    """Whether the search ends here: no member of smaller and larger scale, or none colder, or none hotter.

    Given no training error the hottest has a neighbour, the zero-one posterior.

    >>> counts = FunctionCounts(np.array([[1]], np.uint8), np.array([5]))
    >>> members = [Member("Gibbs", b, s, counts) for s in (0.5, 1.0, 2.0) for b in (1.0, 2.0, 4.0)]
    >>> [at_edge(member, members) for member in members[:5]]
    [True, True, True, True, False]
    """
    scales = {other.scale for other in members}
    if member.scale in (min(scales), max(scales)):
        return True
    if member.beta is None:
        return False
    alike = [
        other.beta
        for other in members
        if (other.law, other.scale) == (member.law, member.scale) and other.beta is not None
    ]
    return member.beta == max(alike) or (member.law == GIBBS and member.beta == min(alike))


def _fitting(counts: FunctionCounts, rows: Array, labels: Array) -> FunctionCounts | None:
    try:
        return fitting_functions(counts, rows, labels)
    except ValueError:
        return None  # no draw fits
