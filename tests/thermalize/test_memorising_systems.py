"""Systems of label noise: the span of the training inputs loses nothing, noise is nested."""

import itertools

import jax
import numpy as np
import pytest

from thermalize.claims.input_span import Span, span_of
from thermalize.claims.memorising_systems import (
    lifted,
    noisy_tasks,
    reduced_target,
    restricted,
    system,
    whole_target,
)

NOISE = [0.0, 0.25, 0.5, 1.0]


@pytest.mark.parametrize("name", ["digits", pytest.param("mnist-binary", marks=pytest.mark.certify)])
def test_the_span_of_the_training_inputs_loses_nothing(name: str) -> None:
    chosen = system(name, 8)
    (task,) = noisy_tasks(name, jax.random.key(0), [0.25])
    span = span_of(task.train.inputs)
    assert isinstance(span, Span)
    reduced, whole = reduced_target(chosen, task, span), whole_target(chosen, task)
    z, x = np.asarray(reduced.data.inputs), np.asarray(task.train.inputs)
    # Covariances of the first layer's sums under either prior.
    assert np.allclose(z @ z.T / z.shape[1], x @ x.T / x.shape[1], atol=1e-4)
    params = chosen.whole.init(jax.random.key(1))
    few = restricted(params, span)
    assert np.allclose(
        reduced.log_likelihood(few, reduced.data), whole.log_likelihood(params, whole.data), atol=1e-4
    )
    many = jax.vmap(chosen.reduced.init)(jax.random.split(jax.random.key(2), 400))
    wide = lifted(jax.random.key(3), many, span)
    outputs = [
        jax.vmap(target.log_likelihood, (0, None))(p, target.data)
        for p, target in ((many, reduced), (wide, whole))
    ]
    assert np.allclose(outputs[0], outputs[1], atol=1e-4)
    # Unit prior in every direction: 400 x 8 draws of each of d weights, 5 standard errors over all of them.
    first = np.asarray(wide[0]["w"])
    scaled = first * np.sqrt(first.shape[1])
    assert np.var(scaled) == pytest.approx(1, abs=5 * np.sqrt(2 / scaled.size))
    away = np.asarray(jax.random.normal(jax.random.key(4), (first.shape[1],)))
    along = np.einsum("d,edw->ew", away / np.linalg.norm(away), scaled)
    assert np.var(along) == pytest.approx(1, abs=5 * np.sqrt(2 / along.size))


def test_inputs_no_larger_than_their_number_stay_as_they_are() -> None:
    (task,) = noisy_tasks("boolean-5", jax.random.key(0), [0.0])
    assert span_of(task.train.inputs) is None
    params = system("boolean-5", 4).whole.init(jax.random.key(0))
    assert restricted(params, None) is params
    assert lifted(jax.random.key(1), params, None) is params


def test_noise_is_nested_and_leaves_the_probe_alone() -> None:
    tasks = noisy_tasks("digits", jax.random.key(5), NOISE)
    clean = np.asarray(tasks[0].train.targets)
    changed = [np.asarray(task.train.targets) != clean for task in tasks]
    assert all((less <= more).all() for less, more in itertools.pairwise(changed))
    assert changed[0].sum() == 0 < changed[1].sum() < changed[3].sum()
    for task in tasks:
        assert (np.asarray(task.train.inputs) == np.asarray(tasks[0].train.inputs)).all()
        assert (np.asarray(task.probe.targets) == np.asarray(tasks[0].probe.targets)).all()
