r"""Random-walk moves of a population: no gradient.

.. math::

    \theta' &= \theta + \epsilon\, s\, \xi
        && \text{random walk, } \log\alpha = \log \frac{\pi(\theta') g(\theta')}{\pi(\theta) g(\theta)} \\
    \theta' &= \sqrt{1 - \rho^2}\, \theta + \rho\, \nu,\ \nu \sim \pi
        && \text{preconditioned Crank-Nicolson, } \log\alpha = \log \frac{g(\theta')}{g(\theta)}

with ``s`` the particles' spread, ``xi`` standard normal. The second is reversible for the
Gaussian prior itself, so its acceptance does not fall with the number of parameters and
any fall comes from ``g`` alone. Where ``g`` is an indicator both stay inside the set.

Law: ``pi(theta) g(theta)``, exactly invariant at a fixed step size.

Sources: Roberts, Gelman and Gilks 1997 (acceptance 0.234); Cotter et al. 2013, section
4.1, where ``beta`` is our ``rho``.
"""

from collections.abc import Callable
from functools import cache

import jax
from blackjax.mcmc.random_walk import build_rmh
from blackjax.mcmc.random_walk import init as init_random_walk

from .elliptical import check_gaussian_prior, gaussian_like
from .kernel import Info, Kernel, State
from .moves import LogFactor, Moves, Tuning
from .options import check_count, check_share
from .target import Key, Params, Target

type Array = jax.Array


@cache
def random_walk_moves(num_steps: int = 30, target_acceptance_rate: float = 0.234) -> Moves:
    """Symmetric Gaussian steps in units of the particles' spread; any prior.

    >>> random_walk_moves().name
    'random_walk'
    """
    check_count(num_steps=num_steps)
    check_share(target_acceptance_rate=target_acceptance_rate)

    def kernel(target: Target, log_factor: LogFactor, tuning: Tuning) -> Kernel:
        def propose(key: Key, position: Params) -> Params:
            jump = gaussian_like(key, tuning.scale)
            return jax.tree.map(lambda x, dx: x + tuning.step_size * dx, position, jump)

        return _metropolis(lambda params: target.log_prior(params) + log_factor(params), propose)

    return Moves(
        "random_walk",
        "Metropolis et al. 1953; Roberts, Gelman and Gilks 1997",
        kernel,
        num_steps,
        first_step_size=lambda num_parameters: 2.38 * num_parameters**-0.5,
        target_acceptance_rate=target_acceptance_rate,
    )


@cache
def crank_nicolson_moves(num_steps: int = 30, target_acceptance_rate: float = 0.3) -> Moves:
    """Preconditioned Crank-Nicolson steps; centred Gaussian priors only.

    The tuned step size ``c`` gives ``rho = c / sqrt(1 + c^2)``, so ``rho < 1`` always.

    >>> crank_nicolson_moves().needs_gradient
    False
    """
    check_count(num_steps=num_steps)
    check_share(target_acceptance_rate=target_acceptance_rate)

    def kernel(target: Target, log_factor: LogFactor, tuning: Tuning) -> Kernel:
        check_gaussian_prior(target)
        shrinkage = jax.lax.rsqrt(1 + tuning.step_size**2)

        def propose(key: Key, position: Params) -> Params:
            fresh = gaussian_like(key, target.prior_scale)
            return jax.tree.map(lambda x, new: shrinkage * (x + tuning.step_size * new), position, fresh)

        return _metropolis(log_factor, propose)

    return Moves(
        "crank_nicolson",
        "Cotter et al. 2013",
        kernel,
        num_steps,
        first_step_size=lambda num_parameters: 1.0,
        target_acceptance_rate=target_acceptance_rate,
        check=check_gaussian_prior,
    )


def _metropolis(log_weight: LogFactor, propose: Callable[[Key, Params], Params]) -> Kernel:
    """Accept a proposal with probability ``min(1, exp(log_weight(new) - log_weight(old)))``."""
    transition = build_rmh()

    def init(key: Key, position: Params) -> State:
        return init_random_walk(position, log_weight)

    def step(key: Key, state: State) -> tuple[State, Info]:
        state, info = transition(key, state, log_weight, propose)
        return state, {"acceptance_rate": info.acceptance_rate}

    return Kernel(init, step, lambda state: state.position)
