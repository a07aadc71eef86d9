"""What a target is made of: batches of its data, and numbers that it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
from samplers import posterior
from samplers.target import draw_batch


def test_batches_are_drawn_uniformly_with_replacement_and_rows_stay_whole() -> None:
    """Chi-square on 7 rows; one false alarm in 100,000."""
    data = Batch(jnp.arange(7.0)[:, None] * 10, jnp.arange(7))
    batch = draw_batch(jax.random.key(0), data, 7000)
    np.testing.assert_array_equal(batch.inputs[:, 0], 10 * batch.targets)
    counts = np.bincount(batch.targets, minlength=7)
    assert stats.chisquare(counts).pvalue > 1e-5
    assert draw_batch(jax.random.key(0), data, None) is data


@pytest.mark.parametrize(
    ("num_data", "beta", "message"),
    [(0, 1.0, "num_data .* got 0"), (7, -1.0, "beta .* got -1.0"), (7, float("inf"), "beta .* got inf")],
)
def test_impossible_targets_are_refused(num_data: float, beta: float, message: str) -> None:
    network = mlp([3, 1])
    model = bayesian_model(network, gaussian_prior(network), gaussian())
    with pytest.raises(ValueError, match=message):
        posterior(model, Batch(jnp.zeros((7, 3)), jnp.zeros(7)), num_data=num_data, beta=beta)
