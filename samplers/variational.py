r"""Mean-field variational inference: the best Gaussian of independent parameters.

.. math:: q^* = \arg\min_q \mathrm{KL}(q \,\|\, p), \qquad
    q(\theta) = \prod_j N(\theta_j \mid \mu_j, \sigma_j^2)

Law: ``q*``, as far as the optimiser got, drawn from independently. Where the posterior is
Gaussian with precision ``H``, ``mu`` is its mean and ``sigma_j^2 = 1 / H_jj``, never more than
its variance: correlations are lost and widths underestimated. In a network ``q`` sits in
one of many modes (each chain has its own fit), and wide layers pull it to the prior.

The gradient is that of "sticking the landing": ``theta = mu + sigma xi`` and

.. math:: \nabla \bigl[\log q_{\bar\mu, \bar\sigma}(\theta) - \log \tilde p(\theta)\bigr],

with bars held constant, so that its noise vanishes where ``q`` equals the posterior.

Sources: Blundell et al. 2015, section 3.2; Roeder, Wu and Duvenaud 2017, section 3 (the
gradient); Turner and Sahani 2011 (the underestimation); Coker et al. 2022 (collapse to the
prior).
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from blackjax.util import generate_gaussian_noise

from .independent import independent_draws
from .kernel import Sampler
from .mode import find_mode
from .options import check_count, check_positive
from .target import Key, Params, Target, logdensity

type Array = jax.Array


class MeanField(NamedTuple):
    mean: Params
    scale: Params


@cache
def mean_field(
    num_steps: int = 3000,
    learning_rate: float = 0.01,
    num_samples: int = 4,
    mode_steps: int = 1000,
    first_scale: float = 0.05,
) -> Sampler:
    """Mean-field variational inference by Adam, its learning rate falling to zero along a cosine.

    ``mu`` starts from the position that ``mode_steps`` of Adam reach and ``sigma`` at
    ``first_scale``; each step averages over ``num_samples`` draws of ``q``. Raises
    ``ValueError`` for numbers that are not positive and finite.

    >>> mean_field().name
    'mean_field'
    """
    check_count(num_steps=num_steps, num_samples=num_samples, mode_steps=mode_steps)
    check_positive(learning_rate=learning_rate, first_scale=first_scale)

    def fit(key: Key, target: Target, position: Params) -> tuple[Params, MeanField]:
        transform = optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))
        mean = find_mode(target, position, mode_steps, learning_rate)
        log_scale = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.log(first_scale)), mean)
        first = (mean, log_scale)

        def divergence(fitted: tuple[Params, Params], key: Key) -> Array:
            held = _gaussian(*jax.lax.stop_gradient(fitted))

            def one(key: Key) -> Array:
                theta = _draw(key, _gaussian(*fitted))
                return _log_density(held, theta) - logdensity(target, theta)

            return jnp.mean(jax.vmap(one)(jax.random.split(key, num_samples)))

        def step(carry: tuple[Any, optax.OptState], key: Key) -> tuple[tuple[Any, optax.OptState], None]:
            fitted, state = carry
            updates, state = transform.update(jax.grad(divergence)(fitted, key), state)
            return (optax.apply_updates(fitted, updates), state), None

        keys = jax.random.split(key, num_steps)
        (fitted, _), _ = jax.lax.scan(step, (first, transform.init(first)), keys)
        return fitted[0], _gaussian(*fitted)

    law = "the closest Gaussian of independent parameters, in KL(q, p)"
    return independent_draws("mean_field", law, "Blundell et al. 2015", fit, _draw)


def _gaussian(mean: Params, log_scale: Params) -> MeanField:
    return MeanField(mean, jax.tree.map(jnp.exp, log_scale))


def _draw(key: Key, fitted: MeanField) -> Params:
    noise = generate_gaussian_noise(key, fitted.mean)
    return jax.tree.map(lambda mu, sigma, xi: mu + sigma * xi, fitted.mean, fitted.scale, noise)


def _log_density(fitted: MeanField, theta: Params) -> Array:
    """Up to a constant, which has no gradient."""
    z = jax.tree.map(lambda t, mu, sigma: (t - mu) / sigma, theta, fitted.mean, fitted.scale)
    return -0.5 * optax.tree.norm(z, squared=True)
