"""The kinds of arm there are: what each does, its options and their defaults.

Tables only; nothing here imports jax. ``build.py`` makes samplers from validated options.
"""

from .fitted_kinds import FITTED
from .kinds import KEEP, Kind, chains, sampler
from .optimisers import OPTIMISERS
from .options import Option, positive, positive_integer, probability
from .population_kinds import POPULATIONS
from .stochastic_kinds import STOCHASTIC


def _accept(rate: float = 0.8) -> dict[str, Option]:
    return {"target_acceptance_rate": probability("the acceptance rate that warm-up aims at", rate)}


_DOUBLINGS = {"max_num_doublings": positive_integer("the largest number of doublings of the trajectory", 10)}
EXACT: dict[str, Kind] = {
    "hmc": sampler(
        "Hamiltonian Monte Carlo, window adaptation",
        "Duane et al. 1987; Neal 2011",
        chains(300, 2, 400),
        {"num_integration_steps": positive_integer("the number of leapfrog steps", 25)} | _accept(),
        exact=True,
    ),
    "nuts": sampler(
        "the no-U-turn sampler, window adaptation",
        "Hoffman and Gelman 2014",
        chains(),
        _DOUBLINGS | _accept(),
        exact=True,
    ),
    "numpyro_nuts": sampler(
        "the no-U-turn sampler of another library, the referee",
        "Hoffman and Gelman 2014; Phan et al. 2019",
        chains(),
        _DOUBLINGS | _accept(),
        exact=True,
    ),
    "mala": sampler(
        "Metropolis-adjusted Langevin algorithm",
        "Roberts and Tweedie 1996; Roberts and Rosenthal 1998",
        chains(1000, 50),
        _accept(0.574),
        exact=True,
    ),
    "adjusted_mclmc": sampler(
        "microcanonical Langevin with Metropolis test",
        "Robnik et al. 2023; Robnik et al. 2025",
        chains(300, 5),
        {"mean_num_integration_steps": positive("the mean number of integration steps", 10.0)} | _accept(0.9),
        exact=True,
    ),
    "parallel_tempering": sampler(
        "chains at many temperatures that swap; crosses between basins",
        "Geyer 1991; Syed et al. 2021; Duane et al. 1987; Neal 2011",
        chains(100, 1, 100, num_chains=4),
        {
            "num_temperatures": positive_integer(
                "the number of temperatures, the prior's and the posterior's included", 8, 20
            ),
            "hottest": probability("the lowest temperature's share of beta above the prior's 0", 1e-3),
            "num_integration_steps": positive_integer("the number of leapfrog steps", 20),
        },
        exact=True,
    ),
    "elliptical_slice": sampler(
        "elliptical slice sampling, for Gaussian priors; no gradient, no step size",
        "Murray, Adams and MacKay 2010",
        chains(2000, 30),
        {},
        exact=True,
    ),
}
SAMPLERS: dict[str, Kind] = {**EXACT, **STOCHASTIC, **POPULATIONS, **FITTED}

PRIOR = Kind(
    "prior",
    "independent draws of the prior: the ceiling of every comparison",
    "",
    {
        "num_chains": positive_integer("the number of groups of draws", 8),
        "num_draws": positive_integer("the number of draws in each group", 128, 256),
    }
    | KEEP,
)

KINDS: dict[str, Kind] = {**OPTIMISERS, **SAMPLERS, "prior": PRIOR}
