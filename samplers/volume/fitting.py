r"""The prior's share without a training error, by integration over the weight of an error.

.. math::

    \log P(\text{errors} = 0) = \log Z(c) + \log P_c(\text{errors} = 0), \qquad
    p_c \propto \pi\, e^{-c\, \text{errors}}, \qquad
    \log Z(c) = -\int_0^c \mathrm E_s[\text{errors}]\, ds,

exactly, for any weight ``c``: the integral as in ``thermodynamic.py``, the last share that of
the particles at ``c``. A large ``c`` needs no such share but ends in one long step, over which
no rule integrates what decays like ``e^-c``; at a few nats both parts are easy. The moves are
those of the prior alone, since a count of errors has no gradient.

The product of levels of errors (``levels.py``) estimates the same number from other passes by
another identity.

Sources: Gelman and Meng 1998, section 2 (integral).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from ..draws import Inputs, Progress, silent
from ..elliptical import elliptical_moves
from ..moves import Moves
from ..options import check_positive
from ..population import populations
from ..target import Data, Key, Params, Target
from .estimate import unavailable
from .thermodynamic import TemperedEvidence, combined, passes

type Array = jax.Array


def fit_evidence(
    key: Key,
    target: Target,
    *,
    moves: Moves | None = None,
    num_passes: int = 4,
    num_particles: int = 300,
    target_ess: float = 0.8,
    max_stages: int = 300,
    nats_per_error: float = 4.0,
    progress: Progress = silent,
) -> TemperedEvidence:
    """The log share of the prior that fits all labels, nats, by integral and by product of weights.

    ``target.beta`` plays no part. No estimate, with the reason, if a pass did not arrive or none
    of its particles is without error. Raises ``ValueError`` for targets without labels, moves that need
    a gradient, and as :func:`thermodynamic_evidence`.

    >>> from models import Batch, bayesian_model, bernoulli, gaussian_prior, mlp
    >>> from samplers import posterior
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), bernoulli())
    >>> target = posterior(model, Batch(jnp.ones((3, 1)), jnp.array([1, 1, 1])), num_data=3)
    >>> found = fit_evidence(jax.random.key(0), target, num_particles=200)
    >>> bool(abs(found.integral.value - np.log(0.5)) < 0.3)  # by symmetry
    True
    """
    if target.errors is None:
        raise ValueError("a share of the prior that fits needs labels: this likelihood is a regression")
    check_positive(nats_per_error=nats_per_error)
    chosen = moves or elliptical_moves()
    if chosen.needs_gradient:
        raise ValueError(f"{chosen.name} moves follow a gradient, and a count of errors has none")
    weighed = replace(target, log_likelihood=_minus(target.errors), beta=jnp.asarray(nats_per_error))
    draws, _ = populations(
        key,
        passes(chosen, num_particles, target_ess, max_stages),
        weighed,
        _nothing,
        (),
        num_chains=num_passes,
        min_ancestors=1,  # as for levels: moves renew particles, and the passes give the error
        progress=progress,
    )
    # The mean loss of a target of errors is their share.
    fitting = np.mean(np.asarray(draws.stats["loss"]) * float(target.num_data) < 0.5, axis=1)
    if not (fitting > 0).all():
        nothing = unavailable(f"no particle fits all labels at {nats_per_error:g} nats an error")
        return TemperedEvidence(nothing, nothing, float("nan"), [])
    return combined(draws, np.log(fitting))


@cache
def _minus(errors: Callable[[Params, Data], Array]) -> Callable[[Params, Data], Array]:
    return lambda params, data: -errors(params, data).astype(float)


def _nothing(params: Params, inputs: Inputs) -> dict[str, Array]:
    return {}
