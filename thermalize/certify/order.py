r"""Errors of the integrators, by their order in the step size.

- HMC at a fixed length of trajectory: the share of refused proposals falls as the square of
  the step, ``r = 1 - E[a] = c e^2 + c' e^4 + O(e^6)``, because the energy error's variance
  falls as its fourth power. Extrapolated to step zero from three steps nothing is left,
  ``(64 r(e/4) - 20 r(e/2) + r(e)) / 45 = O(e^6)``: a term of first order would stay.
- Unadjusted MCLMC has no Metropolis test. Its variance is off by ``c e^2``: extrapolated from
  two steps, ``(4 v(e/2) - v(e)) / 3``, it is the exact one, here of a unit Gaussian, although
  each of the two alone misses it.

Sources: Neal 2011, section 5.2.3 (order of the leapfrog); Betancourt, Byrne and Girolami
2014, section 2 (acceptance at stationarity); Robnik and Seljak 2024 (bias of MCLMC).
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from samplers import Kernel, Target, hmc, mclmc
from samplers.target import Key

from .check import Check, Moment, check_moments
from .networks import boolean_draws, boolean_target

type Array = jax.Array

LENGTH, NUM_LONG_STEPS = 0.8, 8  # of a trajectory, in units of the prior
NUM_DIMS, MCLMC_STEP, MCLMC_LENGTH = 10, 3.0, 4.0


def acceptance_order_check(key: Key, *, num_chains: int = 16384) -> Check:
    """HMC from exact draws with steps ``e``, ``e/2`` and ``e/4``: refusals at step zero."""
    draws = boolean_draws(num_chains, "gibbs").params
    num_parameters = sum(leaf[0].size for leaf in jax.tree.leaves(draws))

    def make(num_steps: int, target: Target) -> Kernel:
        tuning = {
            "step_size": jnp.asarray(LENGTH / num_steps),
            "inverse_mass_matrix": jnp.ones(num_parameters),
        }
        return hmc(num_steps).kernel(target, tuning)

    refused = [
        1 - np.asarray(_acceptance(partial(make, num), boolean_target(), draws, key), np.float64)
        for num in (NUM_LONG_STEPS, 2 * NUM_LONG_STEPS, 4 * NUM_LONG_STEPS)
    ]
    extrapolated = (64 * refused[2] - 20 * refused[1] + refused[0]) / 45
    moments = [Moment("refusals at step zero", extrapolated, 0.0)]
    check = check_moments("hmc", "leapfrog: refusals fall as the square of the step", moments)
    return replace(
        check,
        detail=f"refused {refused[0].mean():.4f} and at half the step {refused[1].mean():.4f}"
        + "; "
        + check.detail,
    )


@partial(jax.jit, static_argnames=("make_kernel",))
def _acceptance(make_kernel: partial[Kernel], target: Target, draws: object, key: Key) -> Array:
    kernel = make_kernel(target)

    def one(key: Key, start: object) -> Array:
        key_init, key_step = jax.random.split(key)
        return kernel.step(key_step, kernel.init(key_init, start))[1]["acceptance_rate"]

    num_chains = jax.tree.leaves(draws)[0].shape[0]
    return jax.vmap(one)(jax.random.split(key, num_chains), draws)


def microcanonical_bias_check(key: Key, *, num_chains: int = 512, num_draws: int = 400) -> Check:
    """Unadjusted MCLMC on a unit Gaussian: the variance, extrapolated to step zero."""
    key_full, key_half = jax.random.split(key)
    variances = [
        np.asarray(_variance(key, jnp.asarray(MCLMC_STEP / share), num_chains, share * num_draws), np.float64)
        for key, share in ((key_full, 1), (key_half, 2))
    ]
    moments = [Moment("variance at step zero", (4 * variances[1] - variances[0]) / 3, 1.0)]
    check = check_moments("mclmc", "bias of second order: the variance at step zero is exact", moments)
    return replace(
        check,
        detail=f"variance {variances[0].mean():.4f} and at half the step {variances[1].mean():.4f}"
        + "; "
        + check.detail,
    )


@partial(jax.jit, static_argnames=("num_chains", "num_draws"))
def _variance(key: Key, step_size: Array, num_chains: int, num_draws: int) -> Array:
    target = Target(
        log_prior=lambda theta: -jnp.sum(theta**2) / 2,
        log_likelihood=lambda theta, data: 0 * data,
        errors=None,
        sample_prior=lambda key: jax.random.normal(key, (NUM_DIMS,)),
        data=jnp.zeros(1),
        num_data=jnp.ones(()),
        beta=jnp.ones(()),
        prior_scale=jnp.ones(NUM_DIMS),
    )
    kernel = mclmc().kernel(target, {"step_size": step_size, "length": jnp.asarray(MCLMC_LENGTH)})

    def one(key: Key) -> Array:
        key_start, key_init, key_run = jax.random.split(key, 3)

        def step(state: object, key: Key) -> tuple[object, Array]:
            state, _ = kernel.step(key, state)
            return state, jnp.mean(kernel.position(state) ** 2)

        start = kernel.init(key_init, target.sample_prior(key_start))
        _, squares = jax.lax.scan(step, start, jax.random.split(key_run, num_draws))
        return squares[num_draws // 4 :].mean()

    return jax.vmap(one)(jax.random.split(key, num_chains))
