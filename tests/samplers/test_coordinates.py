"""Networks trained in coordinates of their first layer against the same networks in their weights."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from models import Batch, bayesian_model, categorical, gaussian_prior, mlp
from models.span import Span
from samplers import Draws, Sampler, Stop, optimise, optimise_through, optimiser, posterior
from samplers.named import optax_optimiser

type Array = jax.Array

NUM_TRAIN, NUM_INPUTS = 24, 30
NETWORK = mlp([NUM_INPUTS, 6, 3])
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), categorical())
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(NUM_TRAIN + 4, NUM_INPUTS)).astype("f4")
DATA = Batch(jnp.asarray(INPUTS[:NUM_TRAIN]), jnp.asarray(RNG.integers(0, 3, NUM_TRAIN)))
TARGET = posterior(MODEL, DATA, num_data=NUM_TRAIN)
MOMENTUM = optax_optimiser("sgd", 0.02, (("momentum", 0.8), ("nesterov", True)), batch_size=5)
STOPS = [
    Stop("first_fit", max_steps=400),
    Stop("first_fit", extra_steps=9, max_steps=400),
    Stop("loss", threshold=0.3, max_steps=400),
    Stop("budget", max_steps=37),
]


def logits(params: Any, inputs: Array) -> dict[str, Array]:
    return {"logits": jax.vmap(MODEL.apply, (None, 0))(params, inputs)}


@functools.cache
def trained(coordinates: Span | None) -> list[Draws]:
    return optimise_through(
        jax.random.key(0),
        MOMENTUM,
        TARGET,
        logits,
        jnp.asarray(INPUTS[NUM_TRAIN:]),
        num_endpoints=7,
        stops=STOPS,
        coordinates=coordinates,
        lanes=4,
        block=2,
        record_every=20,
        keep_params=True,
    )


@pytest.mark.parametrize("at", range(len(STOPS)))
def test_same_keys_same_networks(at: int) -> None:
    plain, span = trained(None)[at], trained(MODEL.span)[at]
    assert plain.status == span.status == ["ok"] * 7
    for name in ("steps", "steps_to_fit", "train_error", "diverging"):
        np.testing.assert_array_equal(plain.stats[name], span.stats[name])
    assert len(np.unique(plain.stats["steps"])) > 3 or STOPS[at].rule == "budget"

    def close(a: np.ndarray, b: np.ndarray) -> None:
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)

    jax.tree.map(close, (plain.observed, plain.params), (span.observed, span.params))
    for name in ("lp", "loss", "loss_curve", "grad_norm"):
        close(plain.stats[name], span.stats[name])


@pytest.mark.parametrize(
    "sampler",
    [
        optax_optimiser("adam", 0.01, (), 5),
        optax_optimiser("sgd", 0.01, (), 5, prior_weight=1.0),
        optimiser(optax.sgd(0.01), 5, name="sgd"),  # a name proves nothing
    ],
)
def test_an_optimiser_that_may_leave_the_span_is_refused(sampler: Sampler) -> None:
    with pytest.raises(ValueError, match=f"sums of gradients, got the optimiser '{sampler.name}'"):
        optimise(
            jax.random.key(0),
            sampler,
            TARGET,
            logits,
            jnp.asarray(INPUTS[NUM_TRAIN:]),
            num_endpoints=1,
            stop=STOPS[0],
            coordinates=MODEL.span,
        )


LINEAR = (("sgd", ()), ("sgd", (("momentum", 0.9),)), ("sgd", (("momentum", 0.9), ("nesterov", True))))
OTHERS = (("adam", ()), ("sign_sgd", ()), ("lars", ()), ("adamw", ()), ("rmsprop", ()))


@pytest.mark.parametrize(("name", "settings"), [*LINEAR, *OTHERS])
def test_linear_is_what_commutes_with_a_linear_map(name: str, settings: Any) -> None:
    """Updates from gradients X^T D are X^T times the updates from D, whatever the parameters are."""
    transform = getattr(optax, name)(0.1, **dict(settings))
    rng, x = np.random.default_rng(1), jnp.asarray(INPUTS)
    few, many = jnp.asarray(rng.normal(size=(len(x), 2))), jnp.asarray(rng.normal(size=(NUM_INPUTS, 2)))
    state_few, state_many = transform.init(few), transform.init(many)
    off = 0.0
    for scale in (1e-3, 1.0, 1e3):
        slope = jnp.asarray(scale * rng.normal(size=few.shape))
        found, state_few = transform.update(slope, state_few, few)
        expected, state_many = transform.update(x.T @ slope, state_many, many)
        off = max(off, float(jnp.abs(x.T @ found - expected).max() / jnp.abs(expected).max()))
    commutes = off < 1e-5
    assert commutes == ((name, settings) in LINEAR) == optax_optimiser(name, 0.1, settings, 5).linear
