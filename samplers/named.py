"""Optimisers of optax by name, for settings that come from a file.

Law: as for :func:`optimiser`, not known in general.
"""

from functools import cache

import optax

from .kernel import Sampler
from .sgd import optimiser

LINEAR = {"sgd"}  # momentum is a sum of past gradients, Nesterov's too


@cache
def optax_optimiser(
    name: str,
    learning_rate: float,
    settings: tuple[tuple[str, float | bool], ...] = (),
    batch_size: int | None = None,
    prior_weight: float = 0.0,
    citation: str = "",
) -> Sampler:
    """The optimiser ``optax.<name>`` with the given settings, as a kernel.

    ``settings`` are pairs of optax's argument names and values. Equal arguments return
    the same object, so that nothing compiles twice. Raises ``ValueError`` for a name
    that optax does not have or settings that it does not take. The sampler is ``linear``
    for SGD, with or without momentum, as long as no prior pulls at the parameters.

    >>> optax_optimiser("sgd", 0.1, (("momentum", 0.9),), batch_size=32).name
    'sgd'
    """
    make = getattr(optax, name, None)
    if make is None:
        raise ValueError(f"optax has no optimiser {name!r}")
    try:
        transform = make(learning_rate, **dict(settings))
    except TypeError as error:
        raise ValueError(f"optax.{name} does not take these settings: {error}") from error
    sampler = optimiser(transform, batch_size, prior_weight, name, citation)
    return sampler._replace(linear=name in LINEAR and prior_weight == 0)
