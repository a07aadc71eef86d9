r"""Mean-field variational inference: the best Gaussian of independent parameters.

.. math:: q^* = \arg\min_q \mathrm{KL}(q \,\|\, p), \qquad
    q(\theta) = \prod_j N(\theta_j \mid \mu_j, \sigma_j^2)

Law: ``q*``, as far as the optimiser got, drawn from independently. Where the posterior is
Gaussian with precision ``H``, ``mu`` is its mean and ``sigma_j^2 = 1 / H_jj``, never more than
its variance: correlations are lost and widths underestimated. In a network ``q`` sits in
one of many modes (each chain has its own fit), and wide layers pull it to the prior.

The gradient is that of Roeder, Wu and Duvenaud 2017 (sticking the landing), by blackjax.

Sources: Blundell et al. 2015, section 3.2; Turner and Sahani 2011 (the underestimation);
Coker et al. 2022 (collapse to the prior).
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from blackjax.util import generate_gaussian_noise
from blackjax.vi import meanfield_vi

from .independent import independent_draws
from .kernel import Sampler
from .mode import find_mode
from .options import check_count, check_positive
from .target import Key, Params, Target, logdensity


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
        state = meanfield_vi.MFVIState(mean, log_scale, transform.init((mean, log_scale)))

        def step(state: meanfield_vi.MFVIState, key: Key) -> tuple[meanfield_vi.MFVIState, None]:
            state, _ = meanfield_vi.step(key, state, partial(logdensity, target), transform, num_samples)
            return state, None

        state, _ = jax.lax.scan(step, state, jax.random.split(key, num_steps))
        return state.mu, MeanField(state.mu, jax.tree.map(jnp.exp, state.rho))

    def draw(key: Key, fitted: MeanField) -> Params:
        noise = generate_gaussian_noise(key, fitted.mean)
        return jax.tree.map(lambda mu, sigma, xi: mu + sigma * xi, fitted.mean, fitted.scale, noise)

    law = "the closest Gaussian of independent parameters, in KL(q, p)"
    return independent_draws("mean_field", law, "Blundell et al. 2015", fit, draw)
