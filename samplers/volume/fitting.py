r"""The prior's share without a training error, as an evidence that any estimator of evidences can take.

.. math::

    \log P(\text{errors} = 0) = \lim_{c \to \infty} \log \mathrm E_\pi\, e^{-c\, \text{errors}}

At ``c`` nats an error what is counted too much is ``P(1) e^-c / P(0)`` and less: at 20 nats
below a thousandth wherever fitting all labels is not a million times rarer than missing one. The
integral over ``c`` of the mean number of errors and the product of levels of errors
(``levels.py``) are two estimators of this number that share nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp

from ..target import Data, Params, Target

type Array = jax.Array

NATS_PER_ERROR = 20.0


def errors_target(target: Target, nats_per_error: float = NATS_PER_ERROR) -> Target:
    """The law ``pi(theta) exp(-nats_per_error * errors)``, which has no gradient.

    Raises ``ValueError`` for a target without labels.

    >>> from models import Batch, bayesian_model, bernoulli, gaussian_prior, mlp
    >>> from samplers import logdensity, posterior
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), bernoulli())
    >>> target = posterior(model, Batch(jnp.ones((3, 1)), jnp.array([1, 1, 0])), num_data=3)
    >>> params = network.init(jax.random.key(0))
    >>> harm = logdensity(errors_target(target), params) - target.log_prior(params)
    >>> float(harm) in (-20.0, -40.0)  # one input with both labels
    True
    """
    if target.errors is None:
        raise ValueError("a share of the prior that fits needs labels: this likelihood is a regression")
    return replace(target, log_likelihood=_minus(target.errors), beta=jnp.asarray(nats_per_error))


@cache
def _minus(errors: Callable[[Params, Data], Array]) -> Callable[[Params, Data], Array]:
    return lambda params, data: -errors(params, data).astype(float)
