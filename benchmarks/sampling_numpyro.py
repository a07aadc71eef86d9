"""Workload 2 by numpyro, all chains vectorised: given this project's potential, and in its own words.

The same law, starting points, step size, number of leapfrog steps and unit mass matrix as
in :mod:`.sampling`. The two peers differ in who wrote the density: a fast one lent to
numpyro shows what the drivers are worth, numpyro's own shows what its users get.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer import HMC, MCMC

from samplers import logdensity

from .protocol import Measurement
from .sampling import BURN_IN, KEPT, problem, slope, starts
from .workloads import LEAPFROG_STEPS, STEP_SIZE

type Params = Any


def lent(
    num_chains: int, few_draws: int, num_draws: int, burn_in: int = BURN_IN, kept: int = KEPT
) -> Measurement:
    """``numpyro.infer.HMC`` on this project's potential, ``chain_method="vectorized"``."""
    target, _, _ = problem()
    return _measured(
        {"potential_fn": lambda params: -logdensity(target, params)},
        lambda params: params,
        (num_chains, few_draws, num_draws, burn_in, kept),
    )


def own(
    num_chains: int, few_draws: int, num_draws: int, burn_in: int = BURN_IN, kept: int = KEPT
) -> Measurement:
    """The same by a numpyro model, ``chain_method="vectorized"``."""
    return _measured({"model": model}, sites, (num_chains, few_draws, num_draws, burn_in, kept))


def model() -> None:
    """The posterior of workload 2 as a numpyro model."""
    target, _, _ = problem()
    inputs, targets = target.data
    layers = jax.eval_shape(target.sample_prior, jax.random.key(0))
    values = inputs
    for number, layer in enumerate(layers):
        d_in, d_out = layer["w"].shape
        weights = numpyro.sample(f"w{number}", dist.Normal(0, d_in**-0.5).expand([d_in, d_out]).to_event(2))
        bias = numpyro.sample(f"b{number}", dist.Normal(0, 1).expand([d_out]).to_event(1))
        values = values @ weights + jnp.expand_dims(bias, 0)
        values = values if number == len(layers) - 1 else jnp.tanh(values)
    with numpyro.plate("datum", len(inputs)):
        numpyro.sample("y", dist.Bernoulli(logits=values[:, 0]), obs=targets)


def sites(params: Params) -> dict[str, jax.Array]:
    """This project's parameters under the names of the numpyro model."""
    return {f"{name}{number}": layer[name] for number, layer in enumerate(params) for name in ("w", "b")}


def _measured(
    density: dict[str, Any], named: Callable[[Params], Any], sizes: tuple[int, int, int, int, int]
) -> Measurement:
    num_chains, few_draws, num_draws, burn_in, kept = sizes
    start = starts(burn_in, kept)

    def chains(number: int) -> MCMC:
        kernel = HMC(
            **density,
            step_size=STEP_SIZE,
            num_steps=LEAPFROG_STEPS,
            trajectory_length=None,
            adapt_step_size=False,
            adapt_mass_matrix=False,
        )
        return MCMC(
            kernel,
            num_warmup=0,
            num_samples=number,
            num_chains=num_chains,
            chain_method="vectorized",
            progress_bar=False,
        )

    made = {number: chains(number) for number in (few_draws, num_draws)}

    def draw(repeat: int, number: int) -> Any:
        key_start, key_run = jax.random.split(jax.random.key(repeat + 1))
        first = jax.vmap(start)(jax.random.split(key_start, num_chains))
        made[number].run(key_run, init_params=jax.vmap(named)(first))
        return made[number].get_samples()

    return slope(draw, num_chains, few_draws, num_draws)
