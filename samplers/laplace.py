r"""Laplace's approximation: the Gaussian that fits the posterior at one mode.

.. math:: q(\theta) = N\bigl(\hat\theta,\ \tilde H^{-1}\bigr), \qquad
    \tilde H = V \max(\Lambda, \delta)\,V', \quad H(\hat\theta) = V \Lambda V'

Law: ``q``, drawn from independently; the posterior itself where that is Gaussian. Bias: one
mode only (each chain has its own), no skewness, and in directions that the data leave
undetermined a network's posterior is bounded by nonlinearity where ``q`` is not, so that
functions drawn from ``q`` fit worse than those of the posterior.

``H`` is the Hessian, or its Gauss-Newton approximation where the network's outputs are
given (``curvature.py``). A network's Hessian is singular along its symmetries and, short of
the exact mode, indefinite: eigenvalues are lifted to ``delta``, ``damping`` times the smallest
precision of the prior, which for a log-concave likelihood and a Gaussian prior bounds
the posterior's curvature from below anyway.

Sources: MacKay 1992, section 4; Ritter, Botev and Barber 2018; Daxberger et al. 2021,
section 2; Immer, Korzepa and Bauer 2021, section 3 (Gauss-Newton).
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .curvature import Outputs, gauss_newton, hessian
from .independent import independent_draws
from .kernel import Sampler
from .mode import find_mode
from .options import check_count, check_positive
from .target import Key, Params, Target

type Array = jax.Array

NUM_PRIOR_DRAWS = 256


class Gaussian(NamedTuple):
    centre: Params
    root: Array  # of the covariance: (d, d), or (d,) where it is diagonal


@cache
def laplace(
    num_steps: int = 2000,
    learning_rate: float = 0.01,
    damping: float = 1.0,
    outputs: Outputs | None = None,
    max_dense: int = 2000,
) -> Sampler:
    """Laplace's approximation at a mode found by ``num_steps`` steps of Adam.

    With ``outputs`` the curvature is Gauss-Newton, dense up to ``max_dense`` parameters
    and diagonal beyond; without, it is the dense Hessian. Raises ``ValueError`` for
    numbers that are not positive, and for more than ``max_dense`` parameters without
    ``outputs``.

    >>> laplace(num_steps=500).law
    'a Gaussian at a mode of the posterior'
    """
    check_count(num_steps=num_steps, max_dense=max_dense)
    check_positive(learning_rate=learning_rate, damping=damping)

    def fit(key: Key, target: Target, position: Params) -> tuple[Params, Gaussian]:
        size = ravel_pytree(position)[0].size
        if outputs is None and size > max_dense:
            raise ValueError(
                f"the Hessian of {size} parameters is larger than max_dense = {max_dense} allows: "
                "give outputs for a diagonal Gauss-Newton approximation, or raise max_dense"
            )
        centre = find_mode(target, position, num_steps, learning_rate)
        floor = damping * _prior_precision(key, target)
        if outputs is None:
            precision = hessian(target, centre)
        else:
            precision = gauss_newton(target, centre, outputs, diagonal=size > max_dense)
        if precision.ndim == 1:
            return centre, Gaussian(centre, 1 / jnp.sqrt(jnp.maximum(precision, floor)))
        values, vectors = jnp.linalg.eigh(precision)
        return centre, Gaussian(centre, vectors / jnp.sqrt(jnp.maximum(values, floor))[None])

    def draw(key: Key, fitted: Gaussian) -> Params:
        flat, unravel = ravel_pytree(fitted.centre)
        noise = jax.random.normal(key, flat.shape, flat.dtype)
        return unravel(flat + (fitted.root * noise if fitted.root.ndim == 1 else fitted.root @ noise))

    law = "a Gaussian at a mode of the posterior"
    return independent_draws("laplace", law, "MacKay 1992; Daxberger et al. 2021", fit, draw)


def _prior_precision(key: Key, target: Target) -> Array:
    """The smallest precision of a centred Gaussian prior, ``()``; else one over the mean variance."""
    if target.prior_scale is not None:
        return 1 / jnp.square(ravel_pytree(target.prior_scale)[0].max())
    draws = jax.vmap(lambda k: ravel_pytree(target.sample_prior(k))[0])(
        jax.random.split(key, NUM_PRIOR_DRAWS)
    )
    return 1 / jnp.mean(jnp.var(draws, axis=0))
