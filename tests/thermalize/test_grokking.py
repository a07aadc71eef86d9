"""Passage times of training: against a loop written out, planted ends, and runs that never get there."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from models import (
    bayesian_model,
    categorical,
    gaussian_prior,
    modular_task,
    periodic_weights,
    quadratic_pairs,
    regression_1d,
    scaled_init,
)
from thermalize.grokking import Dials, grokking_times, look_steps
from thermalize.pairs import pairs_of
from thermalize.passage_table import learner_of

type Array = np.ndarray
P = 5
NETWORK = quadratic_pairs(P, 3 * (P - 1))
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), categorical())
LEARNER = learner_of(NETWORK, categorical())
TASK = modular_task(0, P, train_share=0.8)
PAIRS = pairs_of(TASK)
DESCENT, STILL = (Dials(rate, 0.0, 1.0, 0, False, 0.0) for rate in (0.1, 1e-6))
KNOWS = periodic_weights(P)  # every pair, from the start


def test_steps_are_those_of_a_loop_written_out() -> None:
    """Gradient descent from one given start, its outputs written out in numpy; the gradient is jax's own."""
    first = scaled_init(gaussian_prior(NETWORK), 2.0)(jax.random.key(5))
    found = grokking_times(
        jax.random.key(0), LEARNER._replace(start=lambda key: first), PAIRS, DESCENT,
        num_networks=1, max_steps=320, num_looks=6, accuracy=0.3,
    )  # fmt: skip

    def right(params: list[dict[str, Array]], inputs: jax.Array, targets: jax.Array) -> float:
        outputs = (np.asarray(inputs) @ np.asarray(params[0]["w"])) ** 2 @ np.asarray(params[1]["w"])
        return float((outputs.argmax(axis=1) == np.asarray(targets)).mean())

    def mean_loss(params: list[dict[str, jax.Array]]) -> jax.Array:
        outputs = jnp.square(TASK.train.inputs @ params[0]["w"]) @ params[1]["w"]
        return optax.softmax_cross_entropy_with_integer_labels(outputs, TASK.train.targets).mean()

    gradient = jax.jit(jax.grad(mean_loss))
    params, fit, known = first, [], []
    for _ in range(321):
        fit.append(right(params, TASK.train.inputs, TASK.train.targets) == 1)
        known.append(right(params, TASK.probe.inputs, TASK.probe.targets))
        params = jax.tree.map(lambda leaf, slope: leaf - 0.1 * slope, params, gradient(params))
    assert 0 < fit.index(True) < 320  # it learns within the time
    assert found.memorised.steps.tolist() == [fit.index(True)]
    np.testing.assert_allclose(found.probe_accuracy[0], np.array(known)[found.looks], atol=1e-6)
    later = [int(look) for look in found.looks if known[look] >= 0.3]
    assert found.generalised.seen.tolist() == [bool(later)]
    assert found.generalised.steps[0] == (later[0] if later else 320)


def test_planted_starts_that_know_all_know_nothing_or_are_not_finite() -> None:
    def start(key: jax.Array) -> list[dict[str, jax.Array]]:
        factor = jnp.array([1.0, -1.0, jnp.inf])[jax.random.randint(key, (), 0, 3)]
        return [KNOWS[0], {"w": factor * KNOWS[1]["w"]}]

    found = grokking_times(
        jax.random.key(0), LEARNER._replace(start=start), PAIRS, STILL,
        num_networks=12, max_steps=50, num_looks=3,
    )  # fmt: skip
    failed = np.array(["diverged" in sentence for sentence in found.status])
    knows = found.memorised.seen
    nothing = ~knows & ~failed
    assert min(knows.sum(), failed.sum(), nothing.sum()) > 0
    assert (found.generalised.seen == knows).all()
    assert set(found.memorised.steps[knows].tolist()) == {0}
    assert set(found.generalised.steps[knows].tolist()) == {10}
    assert set(found.generalised.before[knows].tolist()) == {-1}
    for passages in (found.memorised, found.generalised):  # censored at their ends, and counted
        assert set(passages.steps[nothing].tolist()) == set(passages.before[nothing].tolist()) == {50}
        assert (passages.steps[failed] < 50).all()
    assert found.num_failed == failed.sum()
    assert found.num_never_memorised == found.num_never_generalised == (~knows).sum()


def test_looks_and_refusals() -> None:
    looks = look_steps(20_000, 40)
    assert (looks[0], looks[-1], len(np.unique(looks))) == (10, 20_000, len(looks))
    assert (looks % 10 == 0).all()
    assert look_steps(15, 3).tolist() == [10, 15]
    with pytest.raises(ValueError, match=r"max_steps must be at least 10 .* got 5"):
        look_steps(5, 3)
    for arguments, says in (
        ({"accuracy": 95}, r"accuracy must lie in \(0, 1\], got 95"),
        ({"num_networks": 0}, "num_networks and block must be at least 1, got 0 and 8"),
    ):
        with pytest.raises(ValueError, match=says):
            grokking_times(
                jax.random.key(0), LEARNER, PAIRS, STILL, **{"num_networks": 1, "max_steps": 10, **arguments}
            )
    with pytest.raises(ValueError, match="pairs are those of a modular task, got the task 'regression_1d'"):
        pairs_of(regression_1d(0))
