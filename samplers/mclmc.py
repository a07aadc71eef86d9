r"""Microcanonical Langevin Monte Carlo, without and with Metropolis test.

Isokinetic dynamics: a momentum of unit length is turned by the gradient and, slowly,
by noise,

.. math:: d\theta = u\,dt, \qquad
    du = (1 - u u^\top)\Bigl(\tfrac{1}{d-1}\nabla\log p(\theta)\,dt + \eta\,dW\Bigr)

which leaves the posterior invariant in continuous time. One transition of ``mclmc`` is
one step of the second-order minimal-norm integrator (two gradients), and the noise
makes the momentum forget its direction over a length ``L``.

Law of ``mclmc``: the posterior up to a bias of second order in the step size, which
vanishes with the variance of the energy error per dimension; that variance is recorded
(``energy_variance``) and warm-up sets the step size so that its mean is
``desired_energy_variance``. For Gaussian targets it bounds the error of the covariance
(Robnik et al. 2024). Law of ``adjusted_mclmc``: the posterior, exactly invariant; it
draws a fresh momentum, integrates a random number of steps without noise and accepts
with the Metropolis probability of the energy error.

Sources: Robnik et al. 2023, section 3 (dynamics); Robnik and Seljak 2024, section 3
(noise); Robnik et al. 2024, arXiv 2412.08876 (bias); Robnik et al. 2025, arXiv 2503.01707
(the adjusted sampler).
"""

from functools import cache, partial
from typing import Any

import blackjax
import jax
from blackjax.mcmc import adjusted_mclmc_dynamic
from blackjax.mcmc import mclmc as unadjusted
from blackjax.mcmc.dynamic_hmc import DynamicHMCState
from blackjax.mcmc.hmc import HMCState
from blackjax.util import pytree_size

from .kernel import Info, Kernel, Sampler
from .options import check_count, check_positive, check_share
from .target import Key, Params, Target, logdensity

type Array = jax.Array


@cache
def mclmc(
    num_warmup: int = 1000,
    desired_energy_variance: float = 5e-4,
    num_steps_per_draw: int = 50,
) -> Sampler:
    """Unadjusted MCLMC, its step size and decoherence length found in warm-up.

    A third of the warm-up each finds the step size, the size of the posterior and the
    autocorrelation that sets ``L``; the last third's positions are kept in memory.
    Raises ``ValueError`` for counts below one, for fewer than 30 warm-up steps and for
    an energy variance that is not positive.

    >>> mclmc().law
    'the posterior up to a discretisation bias'
    """
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)
    check_positive(desired_energy_variance=desired_energy_variance)
    if num_warmup < 30:
        raise ValueError(f"num_warmup must be at least 30, ten for each phase, got {num_warmup}")
    transition = unadjusted.build_kernel()

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, dict[str, Any]]:
        key_init, key_tune = jax.random.split(key)
        logp = partial(logdensity, target)
        state, tuned, _ = blackjax.mclmc_find_L_and_step_size(
            transition,
            num_warmup,
            unadjusted.init(position, logp, key_init),
            key_tune,
            logdensity_fn=logp,
            frac_tune1=1 / 3,
            frac_tune2=1 / 3,
            frac_tune3=1 / 3,
            desired_energy_var=desired_energy_variance,
            diagonal_preconditioning=False,
        )
        return state.position, {"step_size": tuned.step_size, "length": tuned.L}

    def kernel(target: Target, tuning: dict[str, Any]) -> Kernel:
        logp = partial(logdensity, target)

        def step(key: Key, state: Any) -> tuple[Any, Info]:
            state, info = transition(key, state, logp, 1.0, tuning["length"], tuning["step_size"])
            return state, {
                "diverging": ~info.nonans,
                "energy_error": info.energy_change,
                "energy_variance": info.energy_change**2 / pytree_size(state.position),
                "step_size": tuning["step_size"],
            }

        def init(key: Key, position: Params) -> Any:
            return unadjusted.init(position, logp, key)

        return Kernel(init, step, lambda state: state.position)

    law = "the posterior up to a discretisation bias"
    citation = "Robnik et al. 2023; Robnik and Seljak 2024"
    return Sampler("mclmc", law, citation, warmup, kernel, num_steps_per_draw)


@cache
def adjusted_mclmc(
    mean_num_integration_steps: float = 10.0,
    num_warmup: int = 300,
    target_acceptance_rate: float = 0.9,
    num_steps_per_draw: int = 5,
) -> Sampler:
    """Metropolis-adjusted MCLMC with trajectories of random length.

    A third of the warm-up each finds a first step size, the size of the posterior and
    the final step size by dual averaging. Raises ``ValueError`` for counts below one, for a mean
    number of steps that does not exceed 1.1, for fewer than 30 warm-up transitions
    and for a rate outside 0 to 1.

    >>> adjusted_mclmc().law
    'the posterior, exactly invariant'
    """
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)
    check_share(target_acceptance_rate=target_acceptance_rate)
    if not 1.1 < mean_num_integration_steps < float("inf"):
        raise ValueError(f"mean_num_integration_steps must exceed 1.1, got {mean_num_integration_steps}")
    if num_warmup < 30:
        raise ValueError(f"num_warmup must be at least 30, ten for each phase, got {num_warmup}")
    adjusted = adjusted_mclmc_dynamic.build_kernel(
        adjusted_mclmc_dynamic.make_random_trajectory_length_fn(True),
        next_random_arg_fn=lambda key: key,  # forgotten: `transition` brings a new one each time
    )

    def transition(
        rng_key: Key,
        state: HMCState,
        logdensity_fn: Any,
        step_size: Array,
        inverse_mass_matrix: Any = 1.0,
        integration_steps_params: tuple[Any, ...] = (mean_num_integration_steps,),
    ) -> tuple[HMCState, Any]:
        key_length, key_move = jax.random.split(rng_key)
        moved, info = adjusted(
            key_move,
            DynamicHMCState(*state, key_length),
            logdensity_fn,
            step_size,
            inverse_mass_matrix=inverse_mass_matrix,
            integration_steps_params=integration_steps_params,
        )
        return HMCState(*moved[:3]), info

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, dict[str, Any]]:
        logp = partial(logdensity, target)
        state, tuned, _ = blackjax.adjusted_mclmc_find_L_and_step_size(
            transition,
            logp,
            num_warmup,
            blackjax.hmc.init(position, logp),
            key,
            target=target_acceptance_rate,
            frac_tune1=1 / 3,  # runs twice, before and after the size is known
            frac_tune2=1 / 3,
            diagonal_preconditioning=False,
            target_num_integration_steps=mean_num_integration_steps,
        )
        return state.position, {"step_size": tuned.step_size}

    def kernel(target: Target, tuning: dict[str, Any]) -> Kernel:
        logp = partial(logdensity, target)

        def step(key: Key, state: HMCState) -> tuple[HMCState, Info]:
            state, info = transition(key, state, logp, tuning["step_size"])
            return state, {
                "acceptance_rate": info.acceptance_rate,
                "diverging": info.is_divergent,
                "n_steps": info.num_integration_steps,
                "step_size": tuning["step_size"],
            }

        def init(key: Key, position: Params) -> HMCState:
            return blackjax.hmc.init(position, logp)

        return Kernel(init, step, lambda state: state.position)

    law = "the posterior, exactly invariant"
    citation = "Robnik et al. 2023; Robnik et al. 2025"
    return Sampler("adjusted_mclmc", law, citation, warmup, kernel, num_steps_per_draw)
