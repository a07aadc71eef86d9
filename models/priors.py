r"""Priors over the parameters of any network, from numpyro distributions.

.. math:: \operatorname{sd}(w) = s_w / \sqrt{d_{in}}, \qquad \operatorname{sd}(b) = s_b

Weights are the leaves with two or more axes, the last but one being the fan-in
``d_in``; biases have one axis. The scale is the standard deviation in every family, so
that families can be compared. Scaling with the fan-in keeps the variance of a layer's
outputs independent of its width.

Sources: Neal 1996, section 2.1 (scaling); Fortuin et al. 2022 (heavy tails).
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.flatten_util import ravel_pytree

type Params = Any
type Key = jax.Array
type Array = jax.Array


class HasInit(Protocol):
    @property
    def init(self) -> Callable[[Key], Params]: ...


class Prior(NamedTuple):
    """Independent laws, one a leaf of the parameters.

    ``distributions`` has the structure of the parameters with one numpyro
    distribution a leaf (batch shape = leaf shape); ``scale`` the same structure
    with standard deviations if the prior is a centred Gaussian, else ``None``.
    """

    name: str
    distributions: Any
    log_prob: Callable[[Params], Array]  # -> () nats
    sample: Callable[[Key], Params]
    scale: Params | None


def gaussian_prior(
    network: HasInit, weight_scale: float = 1.0, bias_scale: float = 1.0, fan_in: bool = True
) -> Prior:
    r"""Centred Gaussian prior, :math:`w \sim N(0, s_w^2 / d_{in})`, :math:`b \sim N(0, s_b^2)`.

    ``fan_in=False`` gives every weight the standard deviation ``weight_scale``. Equal
    arguments return the same object. Raises ``ValueError`` for a scale that is not
    positive and finite.

    >>> from models import mlp
    >>> prior = gaussian_prior(mlp([4, 3, 2]))
    >>> [leaf["w"].tolist()[0][0] for leaf in prior.scale]
    [0.5, 0.5773502588272095]
    """
    return _gaussian(network.init, _scales(weight_scale, bias_scale, fan_in), _precision())


def laplace_prior(
    network: HasInit, weight_scale: float = 1.0, bias_scale: float = 1.0, fan_in: bool = True
) -> Prior:
    r"""Laplace prior, :math:`p(w) = \exp(-\sqrt 2\,|w| / s) / (\sqrt 2\,s)`, standard deviation ``s``.

    Arguments and errors are those of :func:`gaussian_prior`.

    >>> from models import mlp
    >>> prior = laplace_prior(mlp([4, 3, 2]))
    >>> [round(float(leaf["w"].variance[0, 0]), 4) for leaf in prior.distributions]
    [0.25, 0.3333]
    """
    return _laplace(network.init, _scales(weight_scale, bias_scale, fan_in), _precision())


def student_t_prior(
    network: HasInit,
    weight_scale: float = 1.0,
    bias_scale: float = 1.0,
    fan_in: bool = True,
    degrees_of_freedom: float = 5.0,
) -> Prior:
    r"""Student-t prior of ``nu`` degrees of freedom, scaled to the standard deviation ``s``.

    .. math:: p(w) \propto \Bigl(1 + \frac{w^2}{(\nu - 2) s^2}\Bigr)^{-(\nu + 1) / 2}

    Arguments and errors are those of :func:`gaussian_prior`, and ``ValueError`` unless
    ``degrees_of_freedom`` exceeds 2: below that the standard deviation does not exist.

    >>> from models import mlp
    >>> prior = student_t_prior(mlp([4, 3, 2]), degrees_of_freedom=3.0)
    >>> [round(float(leaf["w"].variance[0, 0]), 4) for leaf in prior.distributions]
    [0.25, 0.3333]
    """
    if not (2 < degrees_of_freedom < float("inf")):
        raise ValueError(
            f"degrees_of_freedom must exceed 2 and be finite, got {degrees_of_freedom}: at 2 and below the "
            "law has no standard deviation to scale; for an infinite number use gaussian_prior"
        )
    scales = _scales(weight_scale, bias_scale, fan_in)
    return _student_t(network.init, scales, float(degrees_of_freedom), _precision())


def independent_prior(name: str, distributions: Any, scale: Params | None = None) -> Prior:
    """A prior from a tree of numpyro distributions, one a leaf of the parameters.

    Each distribution has the batch shape of its leaf. ``scale`` is the tree of standard
    deviations of a centred Gaussian prior and must be left out for any other.

    >>> prior = independent_prior("cauchy", {"w": dist.Cauchy(jnp.zeros((2, 3)), 1.0)})
    >>> prior.sample(jax.random.key(0))["w"].shape
    (2, 3)
    """

    def is_law(node: Any) -> bool:
        return isinstance(node, dist.Distribution)

    laws = jax.tree.leaves(distributions, is_leaf=is_law)
    structure: Any = jax.tree.structure(distributions, is_leaf=is_law)

    def log_prob(params: Params) -> Array:
        leaves = structure.flatten_up_to(params)
        return jnp.stack([law.log_prob(leaf).sum() for law, leaf in zip(laws, leaves, strict=True)]).sum()

    def sample(key: Key) -> Params:
        keys = jax.random.split(key, len(laws))
        return structure.unflatten([law.sample(k) for law, k in zip(laws, keys, strict=True)])

    return Prior(name, distributions, log_prob, sample, scale)


type Init = Callable[[Key], Params]
type Precision = jnp.dtype


class _Scales(NamedTuple):
    weight: float
    bias: float
    fan_in: bool


def _scales(weight: float, bias: float, fan_in: bool) -> _Scales:
    numbers = jnp.finfo(_precision())
    for name, value in {"weight_scale": weight, "bias_scale": bias}.items():
        if not float(numbers.tiny) <= value <= float(numbers.max):
            raise ValueError(
                f"{name} must be positive and finite, got {value} in {numbers.dtype}: it is a standard "
                "deviation; to hold parameters at zero leave them out of the network"
            )
    return _Scales(float(weight), float(bias), bool(fan_in))


def _precision() -> Precision:
    """The default float type: part of a cached prior's identity, for its arrays have it."""
    return jnp.zeros(()).dtype


@cache
def _gaussian(init: Init, scales: _Scales, precision: Precision) -> Prior:
    scale = _deviations(init, scales)
    laws = jax.tree.map(lambda s: dist.Normal(jnp.zeros_like(s), s), scale)
    return independent_prior("gaussian", laws, scale)._replace(sample=partial(_gaussian_draw, scale))


def _gaussian_draw(scale: Params, key: Key) -> Params:
    """All leaves from one vector of normals: XLA compiles that ten times faster than a draw a leaf."""
    flat, unravel = ravel_pytree(scale)
    drawn: Params = unravel(flat * jax.random.normal(key, flat.shape, flat.dtype))
    return drawn


@cache
def _laplace(init: Init, scales: _Scales, precision: Precision) -> Prior:
    laws = jax.tree.map(
        lambda s: dist.Laplace(jnp.zeros_like(s), s / math.sqrt(2)), _deviations(init, scales)
    )
    return independent_prior("laplace", laws)


@cache
def _student_t(init: Init, scales: _Scales, degrees_of_freedom: float, precision: Precision) -> Prior:
    shrink = math.sqrt((degrees_of_freedom - 2) / degrees_of_freedom)
    laws = jax.tree.map(
        lambda s: dist.StudentT(degrees_of_freedom, jnp.zeros_like(s), s * shrink), _deviations(init, scales)
    )
    return independent_prior("student_t", laws)


def _deviations(init: Init, scales: _Scales) -> Params:
    """Standard deviations, leaf by leaf."""

    def deviation(leaf: jax.ShapeDtypeStruct) -> Array:
        if len(leaf.shape) < 2:
            return jnp.full(leaf.shape, scales.bias, leaf.dtype)
        fan_in = leaf.shape[-2] if scales.fan_in else 1
        return jnp.full(leaf.shape, scales.weight / math.sqrt(fan_in), leaf.dtype)

    return jax.tree.map(deviation, jax.eval_shape(init, jax.random.key(0)))
