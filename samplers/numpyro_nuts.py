"""NUTS by numpyro on the same potential: the independent referee.

Law: the posterior of the target, exactly invariant. Nothing but the target's
logdensity is shared with :func:`samplers.nuts`: tree building, integrator and window
adaptation are another library's, so that a defect in one shows as a disagreement.

Sources: Hoffman and Gelman 2014, algorithm 6; Phan et al. 2019, section 2 (the iterative
tree building).
"""

from functools import cache
from typing import Any

import jax
from numpyro.infer.hmc import hmc as hamiltonian
from numpyro.infer.util import ParamInfo

from .kernel import Info, Kernel, Sampler
from .options import check_count, check_share
from .target import Key, Params, Target, logdensity


@cache
def numpyro_nuts(
    max_num_doublings: int = 10,
    num_warmup: int = 300,
    target_acceptance_rate: float = 0.8,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """numpyro's no-U-turn sampler; same options as :func:`samplers.nuts`.

    >>> numpyro_nuts().name
    'numpyro_nuts'
    """
    check_count(
        max_num_doublings=max_num_doublings, num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw
    )
    check_share(target_acceptance_rate=target_acceptance_rate)

    def functions(target: Target) -> tuple[Any, Any]:
        return hamiltonian(potential_fn=lambda params: -logdensity(target, params), algo="NUTS")

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, dict[str, Any]]:
        begin, transition = functions(target)
        state = begin(
            position,
            num_warmup,
            target_accept_prob=target_acceptance_rate,
            max_tree_depth=max_num_doublings,
            rng_key=key,
        )
        # Adaptation splits a key of its own and never uses it; without one it does not.
        state = state._replace(adapt_state=state.adapt_state._replace(rng_key=None))
        state = jax.lax.fori_loop(0, num_warmup, lambda _, state: transition(state), state)
        tuned = state.adapt_state
        return state.z, {"step_size": tuned.step_size, "inverse_mass_matrix": tuned.inverse_mass_matrix}

    def kernel(target: Target, tuning: dict[str, Any]) -> Kernel:
        def init(key: Key, position: Params) -> ParamInfo:
            potential, slope = jax.value_and_grad(lambda params: -logdensity(target, params))(position)
            return ParamInfo(position, potential, slope)

        def step(key: Key, state: ParamInfo) -> tuple[ParamInfo, Info]:
            # numpyro carries its key and tuning in its state; ours come from outside, so the
            # state is made anew around the point. No gradient is computed twice.
            begin, transition = functions(target)
            full = begin(
                state,
                0,
                **tuning,
                adapt_step_size=False,
                adapt_mass_matrix=False,
                max_tree_depth=max_num_doublings,
                rng_key=key,
            )
            full = transition(full)
            info = {
                "acceptance_rate": full.accept_prob,
                "diverging": full.diverging,
                "n_steps": full.num_steps,
                "energy": full.energy,
                "step_size": tuning["step_size"],
            }
            return ParamInfo(full.z, full.potential_energy, full.z_grad), info

        return Kernel(init, step, lambda state: state.z)

    law = "the posterior, exactly invariant"
    citation = "Hoffman and Gelman 2014; Phan et al. 2019"
    return Sampler("numpyro_nuts", law, citation, warmup, kernel, num_steps_per_draw)
