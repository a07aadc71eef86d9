"""Populations that walk from the prior to the posterior: chain = population, draw = particle.

Their draws are equally weighted: the last stage resamples and then moves. A population
that descends from too few prior draws says so and is left out. Tables only; nothing here
imports jax.
"""

from .kinds import KEEP, Kind
from .options import Option, boolean, positive_integer, probability, word

MOVES = ("hmc", "elliptical_slice", "crank_nicolson", "random_walk")
FLAT_MOVES = MOVES[1:]  # those that need no gradient


def _populations(num_particles: int, moves: tuple[str, ...], num_moves: int) -> dict[str, Option]:
    return {
        "num_chains": positive_integer("the number of independent populations", 4, 8),
        "num_particles": positive_integer(
            "the number of particles, draws of the posterior, in each population",
            num_particles,
            4 * num_particles,
        ),
        "moves": word("how particles move within a stage", moves[0], moves),
        "num_moves": positive_integer("the number of moves of each particle in each stage", num_moves),
    }


POPULATIONS: dict[str, Kind] = {
    "smc": Kind(
        "population",
        "sequential Monte Carlo, tempered from the prior to the posterior",
        "Del Moral, Doucet and Jasra 2006; Duane et al. 1987; Buchholz, Chopin and Jacob 2021",
        {
            **_populations(256, MOVES, 2),
            "num_integration_steps": positive_integer("the number of leapfrog steps of a move", 10),
            "target_ess": probability("the share of effective particles that a stage keeps", 0.5),
            "max_stages": positive_integer("the number of stages after which it gives up", 200),
            **KEEP,
        },
    ),
    "level_smc": Kind(
        "population",
        "SMC by ever fewer training errors: the prior given zero errors, whatever beta",
        "Au and Beck 2001; Cérou et al. 2012; Murray, Adams and MacKay 2010",
        {
            **_populations(128, FLAT_MOVES, 5),
            "survival": probability("the share of particles that a level keeps", 0.5),
            "break_ties": boolean("whether the loss orders particles of equal training errors", True),
            "max_stages": positive_integer(
                "the number of levels after which it gives up; 30 halvings reach 1e-9 of the prior", 30, 500
            ),
            **KEEP,
        },
    ),
}
