"""Every kernel of the package, optimisers and samplers alike, with small options.

A new kernel is added here, and the conformance tests judge it.
"""

from typing import NamedTuple

import optax

from samplers import (
    Sampler,
    adjusted_mclmc,
    hmc,
    mala,
    mclmc,
    numpyro_nuts,
    nuts,
    optimiser,
    prior_draws,
    sghmc,
    sgld,
    sgnht,
    underdamped,
)


class Entry(NamedTuple):
    sampler: Sampler
    exact: bool = False  # leaves the posterior exactly invariant
    uses_key: bool = True
    uses_beta: bool = True


TABLE: dict[str, Entry] = {
    "gradient descent": Entry(optimiser(optax.sgd(0.01), name="gd"), uses_key=False, uses_beta=False),
    "sgd": Entry(optimiser(optax.sgd(0.01), batch_size=4, name="sgd"), uses_beta=False),
    "momentum": Entry(optimiser(optax.sgd(0.01, momentum=0.9), 4, 1.0, name="momentum")),
    "adam": Entry(optimiser(optax.adam(0.01), 4, 1.0, name="adam")),
    "prior": Entry(prior_draws(), uses_beta=False),
    "hmc": Entry(hmc(3, num_warmup=100), exact=True),
    "nuts": Entry(nuts(6, num_warmup=100), exact=True),
    "numpyro nuts": Entry(numpyro_nuts(6, num_warmup=100), exact=True),
    "mala": Entry(mala(num_warmup=200, num_steps_per_draw=5), exact=True),
    "adjusted mclmc": Entry(adjusted_mclmc(4.0, num_warmup=150, num_steps_per_draw=1), exact=True),
    "mclmc": Entry(mclmc(num_warmup=300, num_steps_per_draw=5)),
    "langevin": Entry(sgld(0.005, num_warmup=100, num_steps_per_draw=5)),
    "sgld": Entry(sgld(0.001, batch_size=4, decay_power=0.55, num_warmup=10, num_steps_per_draw=5)),
    "preconditioned sgld": Entry(sgld(0.001, batch_size=4, num_warmup=10, preconditioning="adaptive")),
    "underdamped": Entry(underdamped(0.02, num_warmup=100)),
    "sghmc": Entry(sghmc(0.02, num_integration_steps=3, batch_size=4, num_warmup=20)),
    "sgnht": Entry(sgnht(0.02, batch_size=4, num_warmup=100)),
}
