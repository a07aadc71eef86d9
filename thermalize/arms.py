"""The kinds of arm there are: what each does, its options and their defaults.

Tables only; nothing here imports jax. ``build.py`` makes samplers from validated options.
"""

from .kinds import KEEP, Kind, batch
from .optimisers import OPTIMISERS
from .options import Option, fraction, positive, positive_integer, probability


def _chains(num_warmup: int = 300, num_steps_per_draw: int = 1, num_draws: int = 300) -> dict[str, Option]:
    return {
        "num_chains": positive_integer("the number of chains", 8, 8),
        "num_draws": positive_integer("the number of recorded draws of each chain", num_draws, 1000),
        "num_warmup": positive_integer(
            "the number of warm-up steps of each chain", num_warmup, 3 * num_warmup
        ),
        "num_steps_per_draw": positive_integer(
            "the number of transitions between two recorded draws", num_steps_per_draw
        ),
    }


def _accept(rate: float = 0.8) -> dict[str, Option]:
    return {"target_acceptance_rate": probability("the acceptance rate that warm-up aims at", rate)}


def _sampler(
    description: str, citation: str, chains: dict[str, Option], settings: dict[str, Option], *, exact: bool
) -> Kind:
    return Kind("sampler", description, citation, {**chains, **settings, **KEEP}, exact=exact)


_DOUBLINGS = {"max_num_doublings": positive_integer("the largest number of doublings of the trajectory", 10)}
SAMPLERS: dict[str, Kind] = {
    "hmc": _sampler(
        "Hamiltonian Monte Carlo, window adaptation",
        "Duane et al. 1987; Neal 2011",
        _chains(300, 2, 400),
        {"num_integration_steps": positive_integer("the number of leapfrog steps", 25)} | _accept(),
        exact=True,
    ),
    "nuts": _sampler(
        "the no-U-turn sampler, window adaptation",
        "Hoffman and Gelman 2014",
        _chains(),
        _DOUBLINGS | _accept(),
        exact=True,
    ),
    "numpyro_nuts": _sampler(
        "the no-U-turn sampler of another library, the referee",
        "Hoffman and Gelman 2014; Phan et al. 2019",
        _chains(),
        _DOUBLINGS | _accept(),
        exact=True,
    ),
    "mala": _sampler(
        "Metropolis-adjusted Langevin algorithm",
        "Roberts and Tweedie 1996; Roberts and Rosenthal 1998",
        _chains(1000, 50),
        _accept(0.574),
        exact=True,
    ),
    "adjusted_mclmc": _sampler(
        "microcanonical Langevin with Metropolis test",
        "Robnik et al. 2023; Robnik et al. 2025",
        _chains(300, 5),
        {"mean_num_integration_steps": positive("the mean number of integration steps", 10.0)} | _accept(0.9),
        exact=True,
    ),
    "mclmc": _sampler(
        "microcanonical Langevin, biased by its step size",
        "Robnik et al. 2023; Robnik and Seljak 2024",
        _chains(1000, 50),
        {"desired_energy_variance": positive("the energy variance per dimension that warm-up aims at", 5e-4)},
        exact=False,
    ),
    "sgld": _sampler(
        "stochastic gradient Langevin dynamics, biased by its step size",
        "Welling and Teh 2011",
        _chains(1000, 100),
        {
            "step_size": positive("the step size on the log density", 1e-4),
            **batch(32),
            "decay_power": fraction("the power with which steps shrink; 0 keeps them", 0.0),
            "decay_steps": positive_integer("the number of steps after which shrinking sets in", 1000),
        },
        exact=False,
    ),
}

PRIOR = Kind(
    "prior",
    "independent draws of the prior: the ceiling of every comparison",
    "",
    {
        "num_chains": positive_integer("the number of groups of draws", 8),
        "num_draws": positive_integer("the number of draws in each group", 64, 256),
    }
    | KEEP,
)

KINDS: dict[str, Kind] = {**OPTIMISERS, **SAMPLERS, "prior": PRIOR}
