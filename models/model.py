r"""A network, a prior and a likelihood, joined into one model.

.. math:: \log p(\theta) + \sum_i \log p(y_i \mid x_i, \theta)

A :class:`Model` holds pure functions only. It knows nothing of samplers or
optimisers: what those need is exactly the four callables listed here.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax

from .likelihoods import Likelihood
from .priors import Prior
from .span import Span, apply_in_span, data, enter, gram, leave

type Params = Any  # a pytree of arrays
type Key = jax.Array
type Array = jax.Array


class Batch(NamedTuple):
    """Labelled examples; every leaf has the example axis first."""

    inputs: Array  # (n, d_in)
    targets: Array  # (n,) integers for classes, floats for regression


class Network(NamedTuple):
    """A pure function of parameters and ONE example; callers vmap over examples.

    ``apply_columns`` is the same function of many examples, one a column, for networks
    that can compute it faster than ``vmap`` does; ``None`` means ``vmap(apply)``.
    ``apply_products`` is the same function of the products ``x @ params[0]["w"]`` instead
    of ``x``, for networks that are lists of layers and see ``x`` in these products alone.
    """

    init: Callable[[Key], Params]
    apply: Callable[[Params, Array], Array]  # (d_in,) -> (d_out,)
    apply_columns: Callable[[Params, Array], Array] | None = None  # (d_in, n) -> (d_out, n)
    apply_products: Callable[[Params, Array], Array] | None = None  # (h,) -> (d_out,)


class Model(NamedTuple):
    """Network, prior and likelihood behind the callables that samplers use.

    Units: ``log_prior`` and ``log_likelihood`` are in nats, the latter per
    example with shape ``(n,)``. ``errors`` is ``(n,)`` booleans, true where the
    predicted label is wrong, or ``None`` where labels do not exist (regression).
    ``prior_scale`` holds the standard deviations of a centred Gaussian prior,
    leaf by leaf, or ``None`` for any other prior. ``span`` is the same model in
    coordinates for its first layer that are cheaper where training inputs are few,
    ``None`` for networks without ``apply_products``.
    """

    init: Callable[[Key], Params]  # the initialisation law of training
    apply: Callable[[Params, Array], Array]  # (d_in,) -> (d_out,)
    log_prior: Callable[[Params], Array]  # -> ()
    log_likelihood: Callable[[Params, Batch], Array]  # -> (n,)
    errors: Callable[[Params, Batch], Array] | None  # -> (n,) bool
    sample_prior: Callable[[Key], Params]
    prior_scale: Params | None
    likelihood: Likelihood
    span: Span | None = None


def bayesian_model(
    network: Network,
    prior: Prior,
    likelihood: Likelihood,
    init: Callable[[Key], Params] | None = None,
) -> Model:
    """Join a network, a prior over its parameters and a likelihood of its outputs.

    Training starts from a draw of the prior unless another law ``init`` is given,
    so that optimised and sampled networks begin alike. Equal parts give equal
    functions, so that a model built again does not compile again. Raises ``ValueError`` for a
    prior or an ``init`` over other parameters than the network's.

    >>> from models import Batch, bayesian_model, categorical, gaussian_prior, mlp
    >>> import jax.numpy as jnp
    >>> network = mlp([2, 4, 3])
    >>> model = bayesian_model(network, gaussian_prior(network), categorical())
    >>> batch = Batch(jnp.zeros((5, 2)), jnp.zeros(5, int))
    >>> model.log_likelihood(model.init(jax.random.key(0)), batch).shape
    (5,)
    """
    _check_same(network.init, prior.sample, "the prior is over")
    if init is not None:
        _check_same(network.init, init, "init draws")
    log_likelihood, errors = _data_functions(network, likelihood)
    return Model(
        init=prior.sample if init is None else init,
        apply=network.apply,
        log_prior=prior.log_prob,
        log_likelihood=log_likelihood,
        errors=errors,
        sample_prior=prior.sample,
        prior_scale=prior.scale,
        likelihood=likelihood,
        span=_span(network, likelihood),
    )


@cache
def _check_same(init: Callable[[Key], Params], sample: Callable[[Key], Params], does: str) -> None:
    """Both must draw the same leaves."""
    ours, theirs = (_leaves(jax.eval_shape(law, jax.random.key(0))) for law in (init, sample))
    if ours != theirs:
        raise ValueError(
            f"the network has the parameters {ours}, {does} {theirs}: "
            "make it from this network, as gaussian_prior(network) is"
        )


def _leaves(params: Params) -> dict[str, tuple[int, ...]]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    return {jax.tree_util.keystr(path): leaf.shape for path, leaf in leaves}


type OfBatch = Callable[[Params, Batch], Array]  # -> (n,)


@cache
def _data_functions(network: Network, likelihood: Likelihood) -> tuple[OfBatch, OfBatch | None]:
    def outputs(params: Params, batch: Batch) -> Array:  # (d_out, n): see likelihoods.py for why
        if network.apply_columns is None:
            return jax.vmap(network.apply, (None, 0), out_axes=-1)(params, batch.inputs)
        return network.apply_columns(params, batch.inputs.T)

    def log_likelihood(params: Params, batch: Batch) -> Array:
        return likelihood.log_prob(outputs(params, batch), batch.targets)

    label = likelihood.label
    if label is None:
        return log_likelihood, None

    def errors(params: Params, batch: Batch) -> Array:
        return label(outputs(params, batch)) != batch.targets

    return log_likelihood, errors


@cache
def _span(network: Network, likelihood: Likelihood) -> Span | None:
    if network.apply_products is None:
        return None
    in_span = Network(network.init, apply_in_span(network))
    return Span(*_data_functions(in_span, likelihood), gram, enter, leave, data)
