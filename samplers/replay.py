"""Numbered prior draws made again from their numbers, and recorded.

A rejection sampler keeps the numbers of what it accepts and nothing else: eight bytes a
draw, whatever the network. Up to rounding the parameters come out as they were.
"""

from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from .draws import Draws, Inputs, Observe, joined
from .lanes import lane_mesh, map_lanes
from .numbered import Numbers, draw_one, fitting_block, numbers_of
from .options import check_count, check_key
from .target import Key, Target, fit_statistics


def replay(
    key: Key,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    numbers: np.ndarray,
    *,
    num_chains: int = 1,
    group: int = 1024,
    keep_params: bool = False,
) -> Draws:
    """The prior draws with these ``numbers`` ``(n,)``, dealt to ``num_chains`` chains in turn.

    ``group`` draws are recorded at a time, padded where fewer are left, so that one
    compilation serves any number. Raises ``ValueError`` unless ``num_chains`` divides
    the number of draws.

    >>> from models import bayesian_model, bernoulli, boolean_task, gaussian_prior, majority, mlp
    >>> from samplers import posterior
    >>> network = mlp([3, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), bernoulli())
    >>> target = posterior(model, boolean_task(0, majority(3), num_train=4).train, num_data=4)
    >>> draws = replay(jax.random.key(0), target, lambda params, x: {}, None, np.array([4, 7]), num_chains=2)
    >>> draws.stats["proposal"].tolist()
    [[4], [7]]
    """
    check_key(key)
    check_count(num_chains=num_chains, group=group)
    if len(numbers) % num_chains:
        raise ValueError(f"{len(numbers)} draws cannot be dealt to {num_chains} equal chains")
    group = -(-group // num_chains) * num_chains
    mesh = lane_mesh(group)
    block = fitting_block(target, jax.tree.leaves(target.data)[0].shape[0])
    pieces = []
    for first in range(0, max(1, len(numbers)), group):  # no draws still have names and shapes
        wanted = np.asarray(numbers[first : first + group], np.int64)
        padded = np.concatenate([wanted, np.zeros(group - len(wanted), np.int64)])
        recorded = _record(observe, keep_params, target, inputs, key, numbers_of(padded), mesh, block)
        recorded[1]["proposal"] = padded
        observed, stats, params = jax.tree.map(partial(_deal, len(wanted), num_chains), recorded)
        pieces.append(Draws(observed, stats, params, ["ok"] * num_chains))
    return joined(pieces, axis=1)


def _deal(count: int, num_chains: int, leaf: Any) -> np.ndarray:
    """The first ``count`` rows in turn to chains, ``(chain, draw, ...)``."""
    rows = np.asarray(leaf)[:count]
    return np.swapaxes(rows.reshape(count // num_chains, num_chains, *rows.shape[1:]), 0, 1)


@partial(jax.jit, static_argnames=("observe", "keep_params", "mesh", "block"))
def _record(
    observe: Observe,
    keep_params: bool,
    target: Target,
    inputs: Inputs,
    key: Key,
    numbers: Numbers,
    mesh: Mesh,
    block: int,
) -> Any:
    def one(shared: Any, number: Numbers) -> Any:
        target, inputs, key = shared
        params = draw_one(target.sample_prior, target.prior_scale, key, number)
        return observe(params, inputs), fit_statistics(target, params), params if keep_params else None

    return map_lanes(one, (target, inputs, key), numbers, mesh=mesh, block=block)
