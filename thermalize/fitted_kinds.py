"""Approximations that are fitted once a chain and then drawn from independently.

A user would ask how far they are from the posterior; as arms they get the same verdict as
everything else. Tables only; nothing here imports jax.
"""

from .kinds import Kind, batch, sampler
from .options import Option, positive, positive_integer


def _fits(num_fits: int, num_draws: int = 50) -> dict[str, Option]:
    return {
        "num_chains": positive_integer("the number of fits, each from a start of its own", num_fits),
        "num_draws": positive_integer("the number of draws of each fit", num_draws, 200),
    }


def _adam(num_steps: int, learning_rate: float = 0.01) -> dict[str, Option]:
    return {
        "num_steps": positive_integer("the number of steps of Adam", num_steps),
        "learning_rate": positive("the step size of Adam", learning_rate),
    }


FITTED: dict[str, Kind] = {
    "laplace": sampler(
        "a Gaussian at a mode, as wide as the Gauss-Newton curvature says",
        "MacKay 1992; Daxberger et al. 2021",
        _fits(16),
        {
            **_adam(2000),
            "damping": positive("the least curvature, in units of the prior's smallest precision", 1.0),
            "max_dense": positive_integer(
                "the number of parameters beyond which the curvature is diagonal", 2000
            ),
        },
        exact=False,
    ),
    "mean_field": sampler(
        "variational inference with independent parameters",
        "Blundell et al. 2015",
        _fits(16),
        {
            **_adam(3000),
            "num_samples": positive_integer("the number of draws that a step averages over", 2),
            "mode_steps": positive_integer("the number of steps to the mode that the fit starts from", 500),
            "first_scale": positive("the standard deviation of all parameters at the start", 0.05),
        },
        exact=False,
    ),
    "swag": sampler(
        "a Gaussian with the moments of SGD's iterates",
        "Maddox et al. 2019",
        _fits(32),
        {
            "learning_rate": positive("the step size of SGD", 0.05),
            **batch(32),
            "num_training_steps": positive_integer("the number of steps before the first snapshot", 2000),
            "num_snapshots": positive_integer("the number of snapshots", 100),
            "steps_per_snapshot": positive_integer("the number of steps between two snapshots", 20),
            "rank": Option(
                "integer",
                "the number of last snapshots kept for covariances",
                20,
                None,
                lambda n: n >= 2,
                "at least 2",
            ),
            "momentum": Option(
                "number", "the momentum of SGD", 0.9, None, lambda x: 0 <= x < 1, "from 0 to below 1"
            ),
        },
        exact=False,
    ),
}
