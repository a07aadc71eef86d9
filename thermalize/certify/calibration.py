r"""Simulation-based calibration: the whole sampler, warm-up included.

Parameters ``theta*`` from the prior, labels from the network with these parameters, then a chain
from a fresh prior start. Given the labels ``theta*`` is one more posterior draw, so its rank
among ``L`` nearly independent draws of the chain is uniform on ``0 .. L`` in every functional.

The error is the largest distance between the ranks' distribution function and the uniform
one. With ``n`` simulations and ``K`` functionals it exceeds

.. math:: \epsilon = \sqrt{\log(2 K / \alpha) / (2 n)}

with probability at most ``alpha``, whatever ``n``; a distance of ``2 epsilon`` at most is found
with probability 0.99.

Sources: Talts et al. 2018, algorithm 1; Massart 1990 (the constant of the inequality).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from samplers import Sampler, Target
from samplers.target import Key, loss

from .check import FALSE_ALARM, POWER, Check
from .exact import whole_run
from .joint import ALL_ROWS
from .networks import boolean_target, draw_labels, log_odds, with_labels

type Array = jax.Array

NUM_DRAWS = 31
NAMES = ("log odds at 0", "log odds at 7", "loss", "log prior")


def calibration_check(
    key: Key, sampler: Sampler, *, num_simulations: int = 512, target: Target | None = None
) -> Check:
    """Ranks of the truth among the draws of as many chains as there are simulations."""
    judge = boolean_target(ALL_ROWS)
    aim = judge if target is None else target
    ranks = np.asarray(_ranks(sampler, aim, judge, key, num_simulations))  # (simulation, functional)
    grid = np.arange(NUM_DRAWS + 1)
    found = (ranks[None] <= grid[:, None, None]).mean(axis=1)  # (rank, functional)
    distance = np.abs(found - ((grid + 1) / (NUM_DRAWS + 1))[:, None])
    worst = np.unravel_index(np.argmax(distance), distance.shape)
    allowed = float(np.sqrt(np.log(2 * len(NAMES) / FALSE_ALARM) / (2 * num_simulations)))
    missed = float(np.sqrt(np.log(2 / (1 - POWER)) / (2 * num_simulations)))
    return Check(
        sampler=sampler.name,
        law=f"calibration over {num_simulations} data sets, 3-4-1 network, warm-up included",
        error=float(distance.max()),
        detectable=allowed + missed,
        false_alarm=FALSE_ALARM,
        passed=bool(distance.max() <= allowed),
        detail=f"ranks of {NAMES[worst[1]]} are {distance.max():.3f} from uniform, {allowed:.3f} allowed",
    )


@partial(jax.jit, static_argnames=("sampler", "num_simulations"))
def _ranks(sampler: Sampler, aim: Target, judge: Target, key: Key, num_simulations: int) -> Array:
    def functionals(target: Target, params: object) -> Array:
        odds = log_odds(params)
        return jnp.stack([odds[0], odds[7], loss(target, params), target.log_prior(params)])

    def one(key: Key) -> Array:
        key_truth, key_labels, key_start, key_warmup, key_init, key_run = jax.random.split(key, 6)
        truth = judge.sample_prior(key_truth)
        labels = draw_labels(key_labels, truth)
        judged = with_labels(judge, labels)
        drawn = whole_run(
            (key_warmup, key_init, key_run),
            sampler,
            with_labels(aim, labels),
            judge.sample_prior(key_start),
            partial(functionals, judged),
            NUM_DRAWS,
        )
        return jnp.sum(drawn < functionals(judged, truth)[None], axis=0)

    return jax.vmap(one)(jax.random.split(key, num_simulations))
