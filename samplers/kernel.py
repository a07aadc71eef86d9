r"""The contract that every optimiser and every sampler fulfils.

A :class:`Kernel` is a Markov transition: ``(key, state) -> (state, info)``. State is
what the next step needs, info what a person may want to see. Optimisers are kernels
too: gradient descent is a transition that ignores most of its key.

A :class:`Sampler` is the recipe that makes kernels. Its two functions run inside
the jitted driver on a *traced* target, and for ONE chain; the driver vmaps them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from .target import Key, Params, Target

type Array = jax.Array
type State = Any
type Info = dict[str, Array]  # scalars under ArviZ's names for sample_stats
type Tuning = Any  # what warm-up found: a pytree, () where there is nothing to tune


class Kernel(NamedTuple):
    """One Markov transition, for one chain.

    ``step`` draws its own minibatch from its key. Each key is used once. A kernel whose state has the
    gradient of the logdensity on all data says so by ``gradient``, and it is not computed again.
    """

    init: Callable[[Key, Params], State]
    step: Callable[[Key, State], tuple[State, Info]]
    position: Callable[[State], Params]
    gradient: Callable[[State], Params] | None = None


class Sampler(NamedTuple):
    """How to tune and build a kernel for a target.

    ``warmup`` maps ``(key, target, position)`` to a position in the typical set and
    the tuning found; ``kernel`` maps ``(target, tuning)`` to a kernel. Make samplers
    in factories under ``functools.cache``: equal options then share one compilation.
    """

    name: str
    law: str  # the law targeted and the bias, in words
    citation: str
    warmup: Callable[[Key, Target, Params], tuple[Params, Tuning]]
    kernel: Callable[[Target, Tuning], Kernel]
    num_steps_per_draw: int = 1  # transitions between two recorded draws
    linear: bool = False  # an optimiser whose updates are sums of past gradients, whatever these are


def check_sampler(sampler: Sampler) -> None:
    """Raises ``TypeError`` for what is no :class:`Sampler`.

    >>> from samplers import smc
    >>> check_sampler(smc())
    Traceback (most recent call last):
    TypeError: a Sampler is needed, got a PopulationSampler: run populations by samplers.populations
    """
    if not isinstance(sampler, Sampler):
        raise TypeError(
            f"a Sampler is needed, got a {type(sampler).__name__}: run populations by samplers.populations"
        )


def check_optimiser(sampler: Sampler, target: Target, start: Callable[[Key], Params]) -> None:
    """Raises ``ValueError`` for a sampler that is tuned before it draws: training has no such phase."""
    tuning = jax.eval_shape(lambda key: sampler.warmup(key, target, start(key))[1], jax.random.key(0))
    if jax.tree.leaves(tuning):
        raise ValueError(
            f"{sampler.name} is tuned by a warm-up, which training does not have: draw from it by "
            "samplers.sample"
        )


def no_warmup(key: Key, target: Target, position: Params) -> tuple[Params, Tuning]:
    """The warm-up of kernels that have nothing to tune."""
    return position, ()
