"""The posterior's side of ``nearby_worlds``: its draws in all worlds, and whether they can be trusted."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import CorrectedCorrelation, bulk_ess, thinned
from compare.disattenuated import FEWEST
from samplers import Draws
from samplers.draws import Progress

from .claim import Check
from .image_arms import Chains, System, drawn, flat, gates
from .nearby_rule import DRAWS, agreement_controls, ranked
from .worlds import Mean, Seen, World, accuracies_in_worlds, gaps, mean_of_chains, mean_of_endpoints, seen

NUM_PRIOR = 128  # networks


class Reference(NamedTuple):
    """The posterior of one task, looked at in all worlds."""

    draws: Draws
    found: Seen  # of thinned draws
    mean: Mean
    ranks: CorrectedCorrelation
    checks: list[Check]


def reference_of(
    key: jax.Array,
    key_prior: jax.Array,
    chosen: System,
    near: list[World],
    chains: Chains,
    most_draws: int,
    seed: int,
    progress: Progress,
) -> Reference:
    """Sample the posterior, and look at ``most_draws`` effective draws network by network."""
    inputs = jnp.stack([world.inputs for world in near]), chosen.task.probe.targets
    observe = accuracies_in_worlds(chosen.network.apply)
    draws = drawn(key, chosen, observe, inputs, chains, progress)
    accuracy = draws.observed["accuracy"]
    num_chains, num_draws = accuracy.shape[:2]
    behaviours = np.concatenate(
        [accuracy, draws.observed["probabilities"].reshape(num_chains, num_draws, -1)], axis=-1
    )
    checks = gates(draws, behaviours)
    effective = float(np.nan_to_num(np.nanmin(bulk_ess(accuracy)), nan=num_chains))
    # Of fewer networks there is no correlation; the gate on sample size withholds the verdict then.
    keep = thinned(num_chains, num_draws, min(max(effective, FEWEST + num_chains - 1), most_draws))
    params = flat(jax.tree.map(lambda leaf: leaf[:, keep], draws.params))
    found = seen(chosen.network, params, near, chosen.labels)
    right = found.right.reshape(len(near), num_chains, len(keep), -1)
    first, second = (
        mean_of_chains(accuracy[half::2], right[:, half::2].reshape(len(near), -1, right.shape[-1]))
        for half in (0, 1)
    )
    mean = mean_of_chains(accuracy, found.right)
    untrained = jax.vmap(chosen.model.sample_prior)(jax.random.split(key_prior, NUM_PRIOR))
    clean = mean_of_endpoints(seen(chosen.network, untrained, near[:1], chosen.labels))
    at_clean = Mean(mean.accuracy[:1], mean.variance[:1], mean.by_image[:1])
    ranks, rank_checks = ranked(DRAWS, found, seed)
    agreement = agreement_controls(gaps(first, second), gaps(clean, at_clean)[0])
    return Reference(draws._replace(params=None), found, mean, ranks, [*checks, *rank_checks, *agreement])
