r"""Priors over the parameters of any network, from numpyro distributions.

Weights (leaves with two or more axes) get the standard deviation
``weight_scale / sqrt(fan_in)``, biases (one axis) ``bias_scale``. The scale is the
standard deviation in every family, so that families can be compared.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpyro.distributions as dist

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
    r"""Centred Gaussian prior, :math:`w \sim N(0, s_w^2 / \mathrm{fan\,in})`, :math:`b \sim N(0, s_b^2)`.

    >>> from models import mlp
    >>> prior = gaussian_prior(mlp([4, 3, 2]))
    >>> [leaf["w"].tolist()[0][0] for leaf in prior.scale]
    [0.5, 0.5773502588272095]
    """
    scale = _scales(network, weight_scale, bias_scale, fan_in)
    return _independent("gaussian", jax.tree.map(lambda s: dist.Normal(jnp.zeros_like(s), s), scale), scale)


def laplace_prior(
    network: HasInit, weight_scale: float = 1.0, bias_scale: float = 1.0, fan_in: bool = True
) -> Prior:
    r"""Laplace prior with density :math:`\propto \exp(-\sqrt 2\,|w| / s)`, standard deviation ``s``."""
    scale = _scales(network, weight_scale, bias_scale, fan_in)
    laws = jax.tree.map(lambda s: dist.Laplace(jnp.zeros_like(s), s / math.sqrt(2)), scale)
    return _independent("laplace", laws, None)


def student_t_prior(
    network: HasInit,
    weight_scale: float = 1.0,
    bias_scale: float = 1.0,
    fan_in: bool = True,
    degrees_of_freedom: float = 5.0,
) -> Prior:
    """Student-t prior scaled to the stated standard deviation.

    Raises ``ValueError`` unless ``degrees_of_freedom > 2``: below that the
    standard deviation does not exist.
    """
    if not degrees_of_freedom > 2:
        raise ValueError(
            f"degrees_of_freedom must exceed 2 for a standard deviation to exist, got {degrees_of_freedom}"
        )
    shrink = math.sqrt((degrees_of_freedom - 2) / degrees_of_freedom)
    scale = _scales(network, weight_scale, bias_scale, fan_in)
    laws = jax.tree.map(lambda s: dist.StudentT(degrees_of_freedom, jnp.zeros_like(s), s * shrink), scale)
    return _independent("student_t", laws, None)


def _scales(network: HasInit, weight_scale: float, bias_scale: float, fan_in: bool) -> Params:
    for name, value in {"weight_scale": weight_scale, "bias_scale": bias_scale}.items():
        if not (0 < value < float("inf")):
            raise ValueError(f"{name} must be positive and finite, got {value}")

    def scale(leaf: jax.ShapeDtypeStruct) -> Array:
        if len(leaf.shape) < 2:
            return jnp.full(leaf.shape, bias_scale, leaf.dtype)
        return jnp.full(leaf.shape, weight_scale / math.sqrt(leaf.shape[-2] if fan_in else 1), leaf.dtype)

    return jax.tree.map(scale, jax.eval_shape(network.init, jax.random.key(0)))


def _independent(name: str, distributions: Any, scale: Params | None) -> Prior:
    def is_law(node: Any) -> bool:
        return isinstance(node, dist.Distribution)

    laws = jax.tree.leaves(distributions, is_leaf=is_law)
    structure: Any = jax.tree.structure(distributions, is_leaf=is_law)

    def log_prob(params: Params) -> Array:
        leaves = structure.flatten_up_to(params)
        return sum((law.log_prob(leaf).sum() for law, leaf in zip(laws, leaves, strict=True)), jnp.zeros(()))

    def sample(key: Key) -> Params:
        keys = jax.random.split(key, len(laws))
        return structure.unflatten([law.sample(k) for law, k in zip(laws, keys, strict=True)])

    return Prior(name, distributions, log_prob, sample, scale)
