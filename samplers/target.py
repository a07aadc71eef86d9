r"""What is optimised and what is sampled: the one file that holds every sign, N and beta.

.. math::

    L(\theta) &= -\tfrac1n \sum_{i=1}^{n} \log p(y_i \mid x_i, \theta)
        && \text{loss, nats per datum} \\
    \log \tilde p(\theta) &= \log \pi(\theta) - \beta N L(\theta)
        && \text{logdensity, nats} \\
    J_w(\theta) &= L(\theta) - \frac{w}{\beta N} \log \pi(\theta)
        && \text{objective, nats per datum}

``J_1`` is the negative logdensity divided by ``beta N``: with ``prior_weight = 1``
an optimiser minimises exactly the potential that the samplers sample, with 0 the
risk alone. ``beta = 1`` is Bayes, ``beta -> inf`` conditions on fit. A cold
posterior, whose prior is tempered too, is the same family with the prior's
standard deviation multiplied by ``sqrt(T)``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp

type Array = jax.Array
type Key = jax.Array
type Params = Any  # a pytree of arrays
type Data = Any  # a pytree of arrays with the example axis first


class Potential(Protocol):
    """What a model must offer; ``models.Model`` does, so may a user's own object."""

    @property
    def log_prior(self) -> Callable[[Params], Array]: ...
    @property
    def log_likelihood(self) -> Callable[[Params, Data], Array]: ...
    @property
    def errors(self) -> Callable[[Params, Data], Array] | None: ...
    @property
    def sample_prior(self) -> Callable[[Key], Params]: ...
    @property
    def prior_scale(self) -> Params | None: ...


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["data", "num_data", "beta", "prior_scale"],
    meta_fields=["log_prior", "log_likelihood", "errors", "sample_prior"],
)
@dataclass(frozen=True)
class Target:
    """The posterior ``pi(theta) exp(-beta N L(theta))``, unnormalised.

    A pytree whose functions are static and whose data, ``N`` and ``beta`` are traced:
    another data set of the same shape or another ``beta`` never recompiles, and
    ``beta`` may be vmapped.
    """

    log_prior: Callable[[Params], Array]  # -> () nats
    log_likelihood: Callable[[Params, Data], Array]  # -> (n,) nats
    errors: Callable[[Params, Data], Array] | None  # -> (n,) bool, None: no labels
    sample_prior: Callable[[Key], Params]
    data: Data
    num_data: Array  # N, ()
    beta: Array  # ()
    prior_scale: Params | None  # standard deviations if the prior is a centred Gaussian


def posterior(model: Potential, data: Data, *, num_data: float, beta: float = 1.0) -> Target:
    """The target of a model on data, at inverse temperature ``beta``.

    ``num_data`` is N and must be given: it is never inferred from a batch. Raises
    ``ValueError`` if it is not positive or ``beta`` is negative, if one of them is not finite, and for
    data without rows or whose arrays differ in their number.
    """
    numbers = jnp.finfo(jnp.zeros(()).dtype)  # of the precision that it is used in
    if not float(numbers.tiny) <= num_data <= float(numbers.max):
        raise ValueError(f"num_data must be positive and finite, got {num_data}")
    rows = sorted({len(leaf) for leaf in jax.tree.leaves(data) if jnp.ndim(leaf)})  # numbers serve all rows
    if len(rows) != 1 or 0 in rows:
        raise ValueError(
            f"all arrays of the data need the same number of rows, at least one, got {rows or 'no arrays'}: "
            "inputs and targets have the example axis first"
        )
    if not 0 <= beta <= float(numbers.max):
        raise ValueError(f"beta must be finite and not negative, got {beta}")
    return Target(
        log_prior=model.log_prior,
        log_likelihood=model.log_likelihood,
        errors=model.errors,
        sample_prior=model.sample_prior,
        data=data,
        num_data=jnp.asarray(float(num_data)),
        beta=jnp.asarray(float(beta)),
        prior_scale=model.prior_scale,
    )


def loss(target: Target, params: Params, batch: Data | None = None) -> Array:
    """Mean negative log likelihood, nats per datum, over the batch or all data."""
    return -jnp.mean(target.log_likelihood(params, target.data if batch is None else batch))


def logdensity(target: Target, params: Params, batch: Data | None = None) -> Array:
    """Log posterior up to a constant, nats; with a batch its unbiased estimate."""
    return target.log_prior(params) - target.beta * target.num_data * loss(target, params, batch)


def objective(target: Target, params: Params, batch: Data | None = None, *, prior_weight: float) -> Array:
    """What an optimiser minimises, nats per datum: ``L - w / (beta N) log pi``."""
    risk = loss(target, params, batch)
    if prior_weight == 0:
        return risk
    return risk - prior_weight / (target.beta * target.num_data) * target.log_prior(params)


def training_errors(target: Target, params: Params) -> Array:
    """Number of training labels predicted wrongly, ``()`` integer."""
    if target.errors is None:
        raise ValueError("training errors need labels: this likelihood is a regression")
    return jnp.sum(target.errors(params, target.data))


def fit_statistics(target: Target, params: Params) -> dict[str, Array]:
    """``lp`` (nats), ``loss`` (nats per datum) and, with labels, ``train_error`` (a share)."""
    stats = {"lp": logdensity(target, params), "loss": loss(target, params)}
    if target.errors is not None:
        stats["train_error"] = jnp.mean(target.errors(params, target.data))
    return stats


def draw_batch(key: Key, data: Data, batch_size: int | None) -> Data:
    """``batch_size`` examples drawn with replacement; all of them for ``None``.

    Independent draws need no epoch state, so a step depends on its key alone.
    """
    if batch_size is None:
        return data
    num_rows = jax.tree.leaves(data)[0].shape[0]
    rows = jax.random.randint(key, (batch_size,), 0, num_rows)
    return jax.tree.map(lambda leaf: leaf[rows], data)
