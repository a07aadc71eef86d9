r"""The Metropolis-adjusted Langevin algorithm.

.. math:: \theta' = \theta + \epsilon \nabla\log p(\theta) + \sqrt{2\epsilon}\,\xi

accepted with the Metropolis-Hastings probability of this asymmetric proposal.
Law: the posterior of the target, exactly invariant. Warm-up: dual averaging of
``epsilon`` towards an acceptance rate of 0.574, the optimum in high dimension; then the
step size is frozen. It does not precondition: one step size serves every parameter.

Sources: Roberts and Tweedie 1996, section 1.4; Roberts and Rosenthal 1998, theorem 2
(0.574); Hoffman and Gelman 2014, section 3.2 (dual averaging).
"""

from functools import cache, partial
from typing import Any

import blackjax
import jax
import jax.numpy as jnp
from blackjax.adaptation.step_size import dual_averaging_adaptation

from .kernel import Info, Kernel, Sampler
from .options import check_count, check_share
from .target import Key, Params, Target, logdensity


@cache
def mala(
    num_warmup: int = 1000,
    target_acceptance_rate: float = 0.574,
    num_steps_per_draw: int = 50,
) -> Sampler:
    """MALA, its step size tuned by dual averaging.

    One transition costs one gradient, so a recorded draw takes many. Raises
    ``ValueError`` for counts below one and for a rate outside 0 to 1.

    >>> mala().law
    'the posterior, exactly invariant'
    """
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw)
    check_share(target_acceptance_rate=target_acceptance_rate)
    transition = blackjax.mala.build_kernel()

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, dict[str, Any]]:
        logp = partial(logdensity, target)
        begin, update, final = dual_averaging_adaptation(target_acceptance_rate)

        def step(carry: Any, key: Key) -> tuple[Any, None]:
            state, adaptation = carry
            state, info = transition(key, state, logp, jnp.exp(adaptation.log_step_size))
            rate = jnp.nan_to_num(info.acceptance_rate)  # a proposal without a density is refused
            return (state, update(adaptation, rate)), None

        adaptation = jax.tree.map(jnp.asarray, begin(1.0))
        (state, adaptation), _ = jax.lax.scan(
            step, (blackjax.mala.init(position, logp), adaptation), jax.random.split(key, num_warmup)
        )
        return state.position, {"step_size": final(adaptation)}

    def kernel(target: Target, tuning: dict[str, Any]) -> Kernel:
        logp = partial(logdensity, target)

        def step(key: Key, state: Any) -> tuple[Any, Info]:
            state, info = transition(key, state, logp, tuning["step_size"])
            return state, {
                "acceptance_rate": jnp.nan_to_num(info.acceptance_rate),
                "step_size": tuning["step_size"],
            }

        return Kernel(lambda key, position: blackjax.mala.init(position, logp), step, lambda s: s.position)

    law = "the posterior, exactly invariant"
    citation = "Roberts and Tweedie 1996; Roberts and Rosenthal 1998"
    return Sampler("mala", law, citation, warmup, kernel, num_steps_per_draw)
