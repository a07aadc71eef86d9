"""What drivers and targets refuse before anything is compiled: the value is named, with what to do."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from models import Batch, boolean_labels, mlp
from samplers import (
    Stop,
    hmc,
    optimise,
    optimiser,
    populations,
    posterior,
    prior_draws,
    prior_functions,
    reject,
    replay,
    sample,
    sample_from,
    sghmc,
    sgnht,
    smc,
    tempered_pass,
    zero_one_slice,
)
from samplers.target import Data

from .problems import MODEL, PROBE, line, outputs

KEY, TARGET = jax.random.key(0), line().target
CHAINS: dict[str, Any] = {"num_chains": 1, "num_draws": 1}
BUDGET = Stop("budget", max_steps=10)
# Of no type that the functions take.
SEED: Any = 1
HALF: Any = 0.5
ENDLESS: Any = float("inf")
HMC: Any = hmc()
LABELS = boolean_labels(mlp([2, 1]))


def on(inputs: Any, targets: Any) -> Callable[[], Any]:
    data: Data = Batch(inputs, targets)
    return lambda: posterior(MODEL, data, num_data=4)


def trained(sampler: Any, key: Any = KEY, stop: Stop = BUDGET) -> Any:
    return optimise(key, sampler, TARGET, outputs, PROBE, num_endpoints=1, stop=stop)


def drawn(key: Any, sampler: Any, **counts: Any) -> Any:
    return sample(key, sampler, TARGET, outputs, PROBE, **(CHAINS | counts))


REFUSED: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("a seed for a key", lambda: drawn(0, prior_draws()), TypeError, "got 0: make one .* jax.random.key"),
    ("an old key", lambda: drawn(jax.random.PRNGKey(0), prior_draws()), TypeError, "must be a random key"),
    (
        "many keys",
        lambda: drawn(jax.random.split(KEY, 3), prior_draws()),
        ValueError,
        r"keys of shape \(3,\)",
    ),
    ("a seed in training", lambda: trained(optimiser(optax.sgd(0.1)), key=3), TypeError, "got 3"),
    (
        "a seed of populations",
        lambda: populations(SEED, smc(), TARGET, outputs, PROBE, num_chains=1),
        TypeError,
        "got 1",
    ),
    (
        "a seed of a ladder",
        lambda: tempered_pass(SEED, TARGET, outputs, PROBE, betas=[1.0], num_chains=1, num_particles=2),
        TypeError,
        "got 1",
    ),
    ("a seed of rejection", lambda: reject(SEED, TARGET, outputs, PROBE, num_accepted=1), TypeError, "got 1"),
    (
        "a seed of a replay",
        lambda: replay(SEED, TARGET, outputs, PROBE, np.array([1]), num_chains=1),
        TypeError,
        "got 1",
    ),
    ("a seed of functions", lambda: prior_functions(SEED, MODEL, LABELS, PROBE, 8), TypeError, "got 1"),
    (
        "a seed from starts",
        lambda: sample_from(SEED, prior_draws(), TARGET, jnp.zeros((1, 3)), [0]),
        TypeError,
        "got 1",
    ),
    ("a population for chains", lambda: drawn(KEY, smc()), TypeError, "got a PopulationSampler: run popul"),
    (
        "a population in training",
        lambda: trained(smc()),
        TypeError,
        "got a PopulationSampler: run populations",
    ),
    (
        "chains for a population",
        lambda: populations(KEY, HMC, TARGET, outputs, PROBE, num_chains=1),
        TypeError,
        "got a Sampler: run chains by samplers.sample",
    ),
    ("a tuned sampler in training", lambda: trained(hmc()), ValueError, "hmc is tuned by a warm-up"),
    (
        "draws in training",
        lambda: trained(prior_draws()),
        ValueError,
        "prior does not tell diverging and grad_n",
    ),
    (
        "half an extra step",
        lambda: trained(optimiser(optax.sgd(0.1)), stop=Stop("loss", HALF)),
        ValueError,
        "extra_steps .* got 0.5",
    ),
    (
        "endless draws",
        lambda: drawn(KEY, prior_draws(), num_draws=float("inf")),
        ValueError,
        "num_draws.*got inf",
    ),
    ("no number of draws", lambda: drawn(KEY, prior_draws(), num_draws=float("nan")), ValueError, "got nan"),
    (
        "anchored for ever",
        lambda: sghmc(0.1, 4, anchor_steps=ENDLESS),
        ValueError,
        "anchor_steps .* got inf",
    ),
    (
        "anchored by halves",
        lambda: sgnht(0.1, 4, anchor_steps=1 + HALF),
        ValueError,
        "anchor_steps .* got 1.5",
    ),
    (
        "an endless step",
        lambda: zero_one_slice(learning_rate=float("inf")),
        ValueError,
        "learning_rate .* got inf",
    ),
    (
        "more inputs than targets",
        on(jnp.zeros((4, 2)), jnp.zeros(3)),
        ValueError,
        r"number of rows.*got \[3, 4\]",
    ),
    ("no rows", on(jnp.zeros((0, 2)), jnp.zeros(0)), ValueError, r"at least one, got \[0\]"),
    ("numbers for data", on(1.0, 1.0), ValueError, r"number of rows.*got no arrays"),
    (
        "endless data",
        lambda: posterior(MODEL, TARGET.data, num_data=float("inf")),
        ValueError,
        "num_data must be positive and finite, got inf",
    ),
]


@pytest.mark.parametrize(
    ("call", "kind", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused_in_words(call: Callable[[], Any], kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        call()
