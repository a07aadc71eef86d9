r"""When trained networks fit their pairs, and when they first know the rest: grokking in steps.

A network has memorised at its first step without an error on the given pairs. It has generalised
when its share of right answers to the asked ones is first seen at ``accuracy`` or more. Training
knows nothing of those, so they are looked at from outside, at steps that grow in
proportion: a time is known up to the step between two looks, and what was reached and lost
between them is not seen. Networks that do neither are censored at their end and counted.

One step serves gradient descent, SGD, AdamW and SGLD, its settings being data, so that one program
serves every condition of a network:

.. math:: \theta \leftarrow \theta - \eta\,(u + \lambda \theta) + \sqrt{2 \eta T}\, \xi

with ``u`` the gradient of the mean loss or Adam's step by it, and ``T`` zero for all but SGLD.

Sources: Power et al. 2022 (the delay between both); Loshchilov and Hutter 2019 (AdamW).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh

from compare import Passages, first_passages
from models import Batch
from samplers.dials import ADAM, row_weights
from samplers.lanes import lane_mesh, map_lanes

from .pairs import Pairs

type Array = jax.Array
type Params = Any
NEVER = -1


class Learner(NamedTuple):
    """What is compiled: a network's starts and its loss. The same functions, the same program."""

    start: Callable[[Array], Params]  # from a key
    log_likelihood: Callable[[Params, Batch], Array]  # (n,) nats
    errors: Callable[[Params, Batch], Array]  # (n,) bool


class Dials(NamedTuple):
    """How a network is trained, ``()`` each: data."""

    learning_rate: Array | float
    decay: Array | float  # of weights: decoupled from Adam's step, the gradient of an L2 penalty without Adam
    start_scale: Array | float  # factor on the start
    batch_size: Array | int  # drawn with replacement; 0: all given pairs
    adam: Array | bool  # whether Adam steps
    temperature: Array | float  # of the noise, nats per datum; 0: none


class Lane(NamedTuple):
    """One network in training."""

    params: Params
    adam: Any  # state of Adam
    fitted_at: Array  # step, NEVER before
    failed_at: Array


class Times(NamedTuple):
    """What some networks reached, and when."""

    memorised: Passages  # first step without a training error, exact
    generalised: Passages  # first look at which the asked pairs were known
    looks: np.ndarray  # (look,) steps
    probe_accuracy: np.ndarray  # (network, look) shares
    status: list[str]  # of every network at its last look

    @property
    def num_never_memorised(self) -> int:
        return int((~self.memorised.seen).sum())

    @property
    def num_never_generalised(self) -> int:
        return int((~self.generalised.seen).sum())

    @property
    def num_failed(self) -> int:
        """Networks that diverged, which are censored where they did."""
        return sum(sentence != "ok" for sentence in self.status)


def grokking_times(
    key: Array,
    learner: Learner,
    pairs: Pairs,
    dials: Dials,
    *,
    num_networks: int,
    max_steps: int,
    num_looks: int = 40,
    accuracy: float = 0.95,
    block: int = 8,
) -> Times:
    """Train networks for ``max_steps`` steps, ``block`` side by side on a device.

    Raises ``ValueError`` for counts below one, fewer than 10 steps, or an accuracy outside (0, 1].

    >>> from models import bayesian_model, categorical, gaussian_prior, modular_task, quadratic_pairs
    >>> from thermalize.pairs import pairs_of
    >>> network = quadratic_pairs(5, 12)
    >>> model = bayesian_model(network, gaussian_prior(network), categorical())
    >>> learner = Learner(model.init, model.log_likelihood, model.errors)
    >>> times = grokking_times(jax.random.key(0), learner, pairs_of(modular_task(0, 5, train_share=0.8)),
    ...                        Dials(0.01, 0.0, 1.0, 0, True, 0.0),
    ...                        num_networks=2, max_steps=200, num_looks=3)
    >>> times.looks.tolist(), times.probe_accuracy.shape, times.num_never_memorised
    ([10, 40, 200], (2, 3), 0)
    """
    if num_networks < 1 or block < 1:
        raise ValueError(f"num_networks and block must be at least 1, got {num_networks} and {block}")
    if not 0 < accuracy <= 1:
        raise ValueError(f"accuracy must lie in (0, 1], got {accuracy}: it is the share of asked pairs known")
    looks = look_steps(max_steps, num_looks)
    settings = Dials(*(jnp.asarray(setting) for setting in dials))
    fitted, failed, known = jax.tree.map(
        np.asarray,
        _train(learner, settings, pairs, key, np.arange(num_networks), looks, lane_mesh(num_networks), block),
    )
    met = fitted != NEVER
    end = np.where(met, fitted, np.where(failed == NEVER, max_steps, failed))
    steps = np.where(failed[:, None] == NEVER, looks, np.minimum(looks, failed[:, None]))
    return Times(
        Passages(end, np.where(met, fitted - 1, end), met),
        first_passages(known >= accuracy, steps),
        looks,
        known,
        ["ok" if at == NEVER else f"diverged: loss not finite at step {at}" for at in failed.tolist()],
    )


def look_steps(max_steps: int, num_looks: int) -> np.ndarray:
    """At most so many steps from 10 to ``max_steps``, in proportion, at tens.

    >>> look_steps(1000, 5).tolist()
    [10, 30, 100, 320, 1000]
    """
    if max_steps < 10 or num_looks < 1:
        raise ValueError(
            f"max_steps must be at least 10 and num_looks at least 1, got {max_steps} and {num_looks}"
        )
    tens = np.round(np.geomspace(10, max_steps, num_looks) / 10).astype(int) * 10
    return np.unique([*tens[tens < max_steps], max_steps])


@partial(jax.jit, static_argnames=("learner", "mesh", "block"))
def _train(
    learner: Learner,
    dials: Dials,
    pairs: Pairs,
    key: Array,
    numbers: Array,
    looks: Array,
    mesh: Mesh,
    block: int,
) -> tuple[Array, Array, Array]:
    """First fit and first failure ``(network,)``, and the share of asked pairs known ``(network, look)``."""

    def one(shared: tuple[Dials, Pairs, Array, Array], number: Array) -> tuple[Array, Array, Array]:
        dials, pairs, key, looks = shared
        key_start, key_run = jax.random.split(jax.random.fold_in(key, number))
        params = jax.tree.map(lambda leaf: dials.start_scale * leaf, learner.start(key_start))

        def look(carry: tuple[Array, Lane], until: Array) -> tuple[tuple[Array, Lane], Array]:
            done, lane = carry
            lane = jax.lax.fori_loop(done, until, partial(step, learner, dials, pairs, key_run), lane)
            wrong = learner.errors(lane.params, pairs.batch)
            lane = lane._replace(fitted_at=_fitted(pairs, lane, wrong, until))
            known = jnp.sum(~wrong & pairs.asked) / jnp.sum(pairs.asked)
            return (until, lane), jnp.where(lane.failed_at == NEVER, known, 0.0)

        never = jnp.asarray(NEVER)
        begin = jnp.zeros((), looks.dtype), Lane(params, ADAM.init(params), never, never)
        (_, lane), known = jax.lax.scan(look, begin, looks)
        return lane.fitted_at, lane.failed_at, known

    found: tuple[Array, Array, Array] = map_lanes(
        one, (dials, pairs, key, looks), numbers, mesh=mesh, block=block
    )
    return found


def step(learner: Learner, dials: Dials, pairs: Pairs, key: Array, at: Array, lane: Lane) -> Lane:
    """Step ``at`` of one network, and what the network before it got right; none of one that has failed.

    The dials are those of all networks side by side, so that ``cond`` computes one branch and not both.
    """
    key_batch, key_noise = jax.random.split(jax.random.fold_in(key, at))
    num_rows = len(pairs.targets)
    weights = jax.lax.cond(
        dials.batch_size > 0,
        lambda: row_weights(key_batch, jnp.asarray(dials.batch_size), pairs.num_given, num_rows),
        lambda: pairs.given / pairs.num_given,
    )

    def risk(params: Params) -> Array:
        return -jnp.sum(weights * learner.log_likelihood(params, pairs.batch))

    value, slope = jax.value_and_grad(risk)(lane.params)
    failed_at = jnp.where((lane.failed_at == NEVER) & ~jnp.isfinite(value), at, lane.failed_at)
    lane = lane._replace(failed_at=failed_at)
    lane = lane._replace(fitted_at=_fitted(pairs, lane, learner.errors(lane.params, pairs.batch), at))
    update, adam = jax.lax.cond(dials.adam, lambda: ADAM.update(slope, lane.adam), lambda: (slope, lane.adam))
    flat, unravel = ravel_pytree(lane.params)
    noise = unravel(
        jax.lax.cond(
            dials.temperature > 0,
            lambda: jax.random.normal(key_noise, flat.shape, flat.dtype),
            lambda: jnp.zeros_like(flat),
        )
    )
    size = jnp.sqrt(2 * dials.learning_rate * dials.temperature)
    params = jax.tree.map(
        lambda w, u, xi: jnp.where(
            failed_at == NEVER, w - dials.learning_rate * (u + dials.decay * w) + size * xi, w
        ),
        lane.params,
        update,
        noise,
    )
    return lane._replace(params=params, adam=adam)


def _fitted(pairs: Pairs, lane: Lane, wrong: Array, at: Array) -> Array:
    """The step of the first fit, ``at`` if it is now."""
    fits = ~jnp.any(wrong & pairs.given) & (lane.failed_at == NEVER)
    return jnp.where((lane.fitted_at == NEVER) & fits, at, lane.fitted_at)
