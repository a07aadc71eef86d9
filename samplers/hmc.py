r"""Hamiltonian Monte Carlo with window adaptation, and its no-U-turn variant.

Law: the posterior of the target, exactly invariant (Metropolis correction). Warm-up is
Stan's: dual averaging of the step size, diagonal mass matrix from growing windows; its
draws are discarded and the adapted values frozen, so that recorded draws are a Markov
chain. Needs a differentiable logdensity: with ReLU the leapfrog loses its order. A
trajectory of fixed length can return to its start: on a three-dimensional Gaussian 9
steps, nearly a period, mixed worse than 3. The effective sample size shows it.

Sources: Duane et al. 1987; Neal 2011, section 5.3; Hoffman and Gelman 2014, algorithm 6.
"""

from functools import cache, partial
from typing import Any

import blackjax

from .kernel import Info, Kernel, Sampler
from .options import check_count, check_share
from .target import Key, Params, Target, logdensity


@cache
def hmc(
    num_integration_steps: int = 100,
    num_warmup: int = 300,
    target_acceptance_rate: float = 0.8,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """HMC with a fixed number of leapfrog steps, tuned by window adaptation.

    Raises ``ValueError`` for counts below one and for a rate outside 0 to 1.

    >>> hmc(num_integration_steps=32).name
    'hmc'
    """
    return _adapted(
        "hmc",
        "Duane et al. 1987; Neal 2011",
        blackjax.hmc,
        {"num_integration_steps": num_integration_steps},
        num_warmup,
        target_acceptance_rate,
        num_steps_per_draw,
    )


@cache
def nuts(
    max_num_doublings: int = 10,
    num_warmup: int = 300,
    target_acceptance_rate: float = 0.8,
    num_steps_per_draw: int = 1,
) -> Sampler:
    """The no-U-turn sampler: HMC that chooses its trajectory length.

    A trajectory has at most ``2 ** max_num_doublings - 1`` leapfrog steps. Raises
    ``ValueError`` for counts below one and for a rate outside 0 to 1.

    >>> nuts().name
    'nuts'
    """
    return _adapted(
        "nuts",
        "Hoffman and Gelman 2014",
        blackjax.nuts,
        {"max_num_doublings": max_num_doublings},
        num_warmup,
        target_acceptance_rate,
        num_steps_per_draw,
    )


def _adapted(
    name: str,
    citation: str,
    algorithm: Any,
    options: dict[str, int],
    num_warmup: int,
    target_acceptance_rate: float,
    num_steps_per_draw: int,
) -> Sampler:
    check_count(num_warmup=num_warmup, num_steps_per_draw=num_steps_per_draw, **options)
    check_share(target_acceptance_rate=target_acceptance_rate)

    def warmup(key: Key, target: Target, position: Params) -> tuple[Params, dict[str, Any]]:
        adaptation = blackjax.window_adaptation(
            algorithm,
            partial(logdensity, target),
            target_acceptance_rate=target_acceptance_rate,
            adaptation_info_fn=lambda *_: None,  # keep nothing: warm-up memory stays flat
            **options,
        )
        (state, tuned), _ = adaptation.run(key, position, num_warmup)
        return state.position, {k: tuned[k] for k in ("step_size", "inverse_mass_matrix")}

    def kernel(target: Target, tuning: dict[str, Any]) -> Kernel:
        transition = algorithm.build_kernel()
        logp = partial(logdensity, target)

        def step(key: Key, state: Any) -> tuple[Any, Info]:
            state, info = transition(key, state, logp, **tuning, **options)
            stats = {
                "acceptance_rate": info.acceptance_rate,
                "diverging": info.is_divergent,
                "n_steps": info.num_integration_steps,
                "energy": info.energy,
                "step_size": tuning["step_size"],
            }
            return state, stats

        return Kernel(
            lambda key, position: algorithm.init(position, logp),
            step,
            lambda state: state.position,
            lambda state: state.logdensity_grad,
        )

    law = "the posterior, exactly invariant"
    return Sampler(name, law, citation, warmup, kernel, num_steps_per_draw)
