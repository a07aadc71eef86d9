"""Samplers that follow the gradient without a Metropolis test, mostly a minibatch's.

Tables only; nothing here imports jax.
"""

from .kinds import Kind, batch, chains, sampler
from .options import Option, fraction, natural, positive, positive_integer, word

PRECONDITIONING = ("none", "frozen", "adaptive")
_ANCHOR = {"anchor_steps": natural("the steps of Adam to the anchor of control variates; 0 does without", 0)}


def _time(step_size: float, friction: float) -> dict[str, Option]:
    return {
        "step_size": positive("the time step; its square acts like a learning rate", step_size),
        "friction": positive("the rate at which momentum is forgotten", friction),
    }


STOCHASTIC: dict[str, Kind] = {
    "mclmc": sampler(
        "microcanonical Langevin, biased by its step size",
        "Robnik et al. 2023; Robnik and Seljak 2024",
        chains(1000, 50),
        {"desired_energy_variance": positive("the energy variance per dimension that warm-up aims at", 5e-4)},
        exact=False,
    ),
    "sgld": sampler(
        "stochastic gradient Langevin dynamics, biased by its step size",
        "Welling and Teh 2011",
        chains(1000, 100),
        {
            "step_size": positive("the step size on the log density; a preconditioner multiplies it", 1e-4),
            **batch(32),
            "decay_power": fraction("the power with which steps shrink; 0 keeps them", 0.0),
            "decay_steps": positive_integer("the number of steps after which shrinking sets in", 1000),
            **_ANCHOR,
            "preconditioning": word(
                "RMSprop's scaling of steps, found in warm-up or kept up", "none", PRECONDITIONING
            ),
            "preconditioner_decay": Option(
                "number",
                "the memory of the preconditioner",
                0.99,
                None,
                lambda x: 0 <= x < 1,
                "from 0 to below 1",
            ),
            "preconditioner_offset": positive("the number added to the root mean square gradient", 1e-5),
            "cycle_steps": natural("the steps of a cycle of the step size; 0 does without cycles", 0),
            "exploration": Option(
                "number",
                "the share of each cycle without noise",
                0.25,
                None,
                lambda x: 0 <= x < 1,
                "from 0 to below 1",
            ),
        },
        exact=False,
    ),
    "underdamped": sampler(
        "Langevin dynamics with momentum, biased by its step size squared",
        "Leimkuhler and Matthews 2013, BAOAB",
        chains(2000, 100),
        {**_time(0.01, 1.0), **batch(0), **_ANCHOR},
        exact=False,
    ),
    "sghmc": sampler(
        "stochastic gradient HMC, biased by minibatch noise",
        "Chen, Fox and Guestrin 2014; Leimkuhler and Matthews 2013",
        chains(200, 10),
        {
            **_time(0.003, 5.0),
            "num_integration_steps": positive_integer("the number of steps of a trajectory", 25),
            **batch(32),
            **_ANCHOR,
        },
        exact=False,
    ),
    "sgnht": sampler(
        "Langevin dynamics whose friction adapts to minibatch noise",
        "Ding et al. 2014; Leimkuhler and Shang 2016",
        chains(2000, 200),
        {
            **_time(0.0025, 5.0),
            "thermostat_mass": positive("the inertia of the friction", 1.0),
            **batch(32),
            **_ANCHOR,
        },
        exact=False,
    ),
}
