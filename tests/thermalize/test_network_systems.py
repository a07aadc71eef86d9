"""Systems of networks on images: one program for every prior scale, inputs in their span, long training."""

import jax
import numpy as np
import pytest

from models import bayesian_model, bernoulli, gaussian_prior
from samplers import posterior
from samplers.target import logdensity
from thermalize.claims.network_presets import AMOUNTS
from thermalize.claims.network_samplers import max_margin
from thermalize.claims.network_systems import Member, load_system


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_prior_scale_is_the_same_prior_as_that_of_a_model_built_with_it(scale: float) -> None:
    more = AMOUNTS["smoke"].systems[0]._replace(num_probe=60)  # more images than pixels: samplers see pixels
    system = load_system(jax.random.key(0), more)
    direct = bayesian_model(system.network, gaussian_prior(system.network, scale, scale), bernoulli())
    target, train = system.target(Member(scale, 2.0)), system.task.train
    z = [system.model.init(jax.random.key(i)) for i in range(2)]
    theta = [jax.tree.map(lambda leaf: scale * leaf, one) for one in z]
    plain = posterior(direct, train, num_data=len(train.targets), beta=2.0)
    whitened, other = ([float(logdensity(t, p)) for p in at] for t, at in ((target, z), (plain, theta)))
    assert whitened[0] - whitened[1] == pytest.approx(other[0] - other[1], rel=1e-5)
    seen = system.whitened.observe(z[0], system.probes(scale))["logits"]
    expected = jax.vmap(direct.apply, (None, 0))(theta[0], jax.numpy.asarray(system.task.probe.inputs))
    assert np.allclose(seen, expected, rtol=1e-5)


def test_samplers_see_inputs_of_the_same_covariance_where_images_are_fewer_than_pixels() -> None:
    system = load_system(jax.random.key(0), AMOUNTS["smoke"].systems[0])
    pixels = np.concatenate([system.task.train.inputs, system.task.probe.inputs])
    seen = np.concatenate([system.seen.inputs, system.probed])
    assert seen.shape == (20, 20)
    assert pixels.shape == (20, 64)
    assert np.allclose(seen @ seen.T / 20, pixels @ pixels.T / 64, atol=1e-4)


def test_networks_far_past_their_first_fit_are_sure_of_themselves() -> None:
    system = load_system(jax.random.key(0), AMOUNTS["smoke"].systems[0])
    early, late = (
        float(np.mean(found.scalars["confidence"][found.usable]))
        for found in (max_margin(jax.random.key(1), system, 16, steps, lambda *_: None) for steps in (1, 300))
    )
    assert late > early + 0.1
