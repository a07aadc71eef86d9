"""The model's log density and gradient against numpyro's, of the same model written in numpyro.

In double precision the two agree to rounding, so that the tolerance of 1e-10 leaves no
room for a wrong scale, sign or sum. Each case has its own network, data and parameters.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.infer.util import log_density

from models import (
    Batch,
    Likelihood,
    Network,
    Prior,
    bayesian_model,
    bernoulli,
    categorical,
    gaussian,
    gaussian_prior,
    laplace_prior,
    mlp,
    student_t_prior,
)

type Array = jax.Array
WEIGHT_SCALE, BIAS_SCALE, NOISE_SCALE, FREEDOM = 1.3, 0.7, 0.4, 5.0

# Written from the definitions of the laws: standard deviation s, nothing shared with models.priors.
PRIOR_LAWS: dict[str, Callable[[float], dist.Distribution]] = {
    "gaussian": lambda s: dist.Normal(0.0, s),
    "laplace": lambda s: dist.Laplace(0.0, np.sqrt(s**2 / 2)),
    "student_t": lambda s: dist.StudentT(FREEDOM, 0.0, np.sqrt(s**2 * (FREEDOM - 2) / FREEDOM)),
}
TARGET_LAWS: dict[str, Callable[[Array], dist.Distribution]] = {
    "categorical": lambda outputs: dist.Categorical(logits=outputs),
    "bernoulli": lambda outputs: dist.Bernoulli(logits=outputs[:, 0]),
    "gaussian": lambda outputs: dist.Normal(outputs[:, 0], NOISE_SCALE),
}
LIKELIHOODS: dict[str, tuple[Likelihood, int]] = {
    "categorical": (categorical(), 3),
    "bernoulli": (bernoulli(), 1),
    "gaussian": (gaussian(NOISE_SCALE), 1),
}


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def _prior(name: str, network: Network) -> Prior:
    match name:
        case "gaussian":
            return gaussian_prior(network, WEIGHT_SCALE, BIAS_SCALE)
        case "laplace":
            return laplace_prior(network, WEIGHT_SCALE, BIAS_SCALE)
        case _:
            return student_t_prior(network, WEIGHT_SCALE, BIAS_SCALE, degrees_of_freedom=FREEDOM)


def _batch(name: str) -> Batch:
    rng = np.random.default_rng(3)
    targets = {
        "categorical": rng.integers(0, 3, 7),
        "bernoulli": rng.integers(0, 2, 7),
        "gaussian": rng.normal(size=7),
    }[name]
    return Batch(jnp.asarray(rng.normal(size=(7, 4))), jnp.asarray(targets))


def _numpyro_log_density(prior: str, likelihood: str, params: Any, batch: Batch) -> Array:
    """The same model with ``numpyro.sample`` sites; the network is written out again here."""
    widths = [4, 5, LIKELIHOODS[likelihood][1]]

    def program() -> None:
        h = batch.inputs
        for layer, (d_in, d_out) in enumerate(pairwise(widths)):
            law = PRIOR_LAWS[prior](WEIGHT_SCALE / np.sqrt(d_in)).expand([d_in, d_out]).to_event(2)
            w = numpyro.sample(f"{layer}.w", law)
            b = numpyro.sample(f"{layer}.b", PRIOR_LAWS[prior](BIAS_SCALE).expand([d_out]).to_event(1))
            h = h @ w + b[None, :]
            h = jnp.tanh(h) if layer == 0 else h
        with numpyro.plate("data", len(batch.targets)):
            numpyro.sample("y", TARGET_LAWS[likelihood](h), obs=batch.targets)

    sites = {f"{i}.{name}": leaf for i, layer in enumerate(params) for name, leaf in layer.items()}
    density, _ = log_density(program, (), {}, sites)
    return density


# The two enter the density as a sum: pairs that name each once are enough.
@pytest.mark.parametrize(("prior", "likelihood"), list(zip(PRIOR_LAWS, LIKELIHOODS, strict=True)))
def test_log_density_and_gradient_equal_numpyros(prior: str, likelihood: str) -> None:
    law, d_out = LIKELIHOODS[likelihood]
    network = mlp([4, 5, d_out])
    model = bayesian_model(network, _prior(prior, network), law)
    batch = _batch(likelihood)
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    rng = np.random.default_rng(11)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), shapes)

    def ours(params: Any) -> Array:
        return model.log_prior(params) + model.log_likelihood(params, batch).sum()

    def theirs(params: Any) -> Array:
        return _numpyro_log_density(prior, likelihood, params, batch)

    def both(params: Any) -> Any:
        return jax.value_and_grad(ours)(params), jax.value_and_grad(theirs)(params)

    mine, yours = jax.jit(both)(params)
    assert mine[0].dtype == jnp.float64
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10), mine, yours)
    assert all(float(np.abs(leaf).max()) > 1e-3 for leaf in jax.tree.leaves(mine[1]))  # not vacuous


@pytest.mark.parametrize("likelihood", list(LIKELIHOODS))
def test_the_likelihood_stays_exact_at_extreme_outputs(likelihood: str) -> None:
    """Outputs of +-1e4: no overflow, and the same value and gradient as the closed form."""
    law, d_out = LIKELIHOODS[likelihood]
    outputs = np.array([1e4, -1e4, 0.0][:d_out])[:, None]
    target = jnp.asarray(np.array([1.0]) if likelihood == "gaussian" else np.array([0]))
    exact = {"categorical": (0.0, 0.0), "bernoulli": (-1e4, -1.0)}.get(
        likelihood,
        (
            -((1e4 - 1.0) ** 2) / (2 * NOISE_SCALE**2) - np.log(NOISE_SCALE * np.sqrt(2 * np.pi)),
            -(1e4 - 1.0) / NOISE_SCALE**2,
        ),
    )
    value, slope = jax.jit(jax.value_and_grad(lambda o: law.log_prob(o, target).sum()))(outputs)
    np.testing.assert_allclose([float(value), float(slope[0, 0])], exact, rtol=1e-12, atol=1e-12)
