"""The driver of optimisers, replayed by hand: one network at a time, one step at a time."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import samplers.training
from samplers import (
    Draws,
    Sampler,
    Stop,
    optimise,
    optimiser,
)
from samplers.draws import joined
from samplers.lanes import lane_mesh

from .problems import CLASSIFIER, PROBE, classes, line, outputs
from .trained import (
    CLASSES,
    KEY,
    NUM_ENDPOINTS,
    NUM_STEPS,
    TRACES,
    all_stops,
    at,
    close,
    first,
    fitted,
    replay,
    trained,
)


def test_first_fit_stops_at_the_first_step_without_training_errors() -> None:
    draws, expected = fitted(), first(replay().errors == 0)
    assert expected.min() > 0  # the test data ask for some training
    np.testing.assert_array_equal(draws.stats["steps_to_fit"][:, 0], expected)
    np.testing.assert_array_equal(draws.stats["steps"][:, 0], expected)
    close(draws.params, at(expected))
    assert draws.status == ["ok"] * NUM_ENDPOINTS
    assert not draws.stats["train_error"].any()


def test_what_is_recorded_belongs_to_the_endpoint() -> None:
    forward = jax.jit(jax.vmap(jax.vmap(CLASSIFIER.apply, (None, 0)), (0, None)))
    for draws in (fitted(), all_stops()["loss"], all_stops()["budget"]):
        params = jax.tree.map(lambda leaf: leaf[:, 0], draws.params)
        by_hand = forward(params, PROBE)
        np.testing.assert_allclose(draws.observed["logits"][:, 0], by_hand, rtol=1e-4, atol=1e-5)
        assert draws.observed["logits"].shape == (NUM_ENDPOINTS, 1, len(PROBE), 3)
        np.testing.assert_allclose(draws.stats["loss"][:, 0], draws.stats["loss_curve"][:, 0, -1], rtol=1e-5)


def test_extra_steps_follow_the_first_fit() -> None:
    fit = first(replay().errors == 0)
    draws = trained(Stop("first_fit", extra_steps=7, max_steps=NUM_STEPS))
    np.testing.assert_array_equal(draws.stats["steps_to_fit"][:, 0], fit)
    np.testing.assert_array_equal(draws.stats["steps"][:, 0], fit + 7)
    close(draws.params, at(fit + 7))


def test_extra_steps_that_the_limit_cuts_short_are_reported() -> None:
    fit = first(replay().errors == 0)
    draws = trained(Stop("first_fit", extra_steps=NUM_STEPS, max_steps=int(fit.max()) + 1))
    assert set(draws.status) == {
        f"reached max_steps = {fit.max() + 1} before its {NUM_STEPS} extra steps were done"
    }


def test_networks_that_do_not_fit_are_reported_and_kept() -> None:
    fit = first(replay().errors == 0)
    limit = int(np.median(fit))
    draws = trained(Stop("first_fit", max_steps=limit))
    late = fit > limit
    assert 0 < late.sum() < NUM_ENDPOINTS
    sentence = f"did not meet its stopping rule within {limit} steps"
    assert draws.status == [sentence if slow else "ok" for slow in late]
    np.testing.assert_array_equal(draws.stats["steps_to_fit"][:, 0], np.where(late, -1, fit))
    np.testing.assert_array_equal(draws.stats["steps"][:, 0], np.where(late, limit, fit))


def test_the_loss_curve_is_recorded_and_constant_after_the_end() -> None:
    fit, low = first(replay().errors == 0), first(replay().losses <= 0.3)
    ends = [(fitted(), fit, NUM_STEPS), (all_stops()["loss"], low, NUM_STEPS)]
    ends.append((all_stops()["budget"], np.full(NUM_ENDPOINTS, 60), 60))
    for draws, end, limit in ends:
        records = np.minimum(np.append(np.arange(0, limit, 40), limit), end[:, None])
        expected = np.take_along_axis(replay().losses, records, axis=1)
        np.testing.assert_allclose(draws.stats["loss_curve"][:, 0], expected, rtol=1e-3, atol=1e-5)


def test_a_loss_threshold_stops_at_the_first_step_at_or_below_it() -> None:
    expected = first(replay().losses <= 0.3)
    draws = all_stops()["loss"]
    np.testing.assert_array_equal(draws.stats["steps_to_fit"][:, 0], expected)
    close(draws.params, at(expected))
    assert set(all_stops()["never"].status) == {"did not meet its stopping rule within 33 steps"}


def test_a_budget_is_spent() -> None:
    draws = all_stops()["budget"]
    assert draws.stats["steps"].tolist() == [[60]] * NUM_ENDPOINTS
    close(draws.params, at(np.full(NUM_ENDPOINTS, 60)))
    assert draws.status == ["ok"] * NUM_ENDPOINTS


def test_an_endpoint_does_not_depend_on_those_beside_it_nor_on_groups_devices_and_the_sink(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """10 endpoints in groups of at most 4, on one device, streamed, equal the 10 trained at once on two."""
    assert lane_mesh(NUM_ENDPOINTS).size == 2
    expected = fitted()
    monkeypatch.setattr(samplers.training, "lane_mesh", lambda num_lanes: lane_mesh(1))
    pieces: list[tuple[int, Draws]] = []
    progress: list[tuple[int, int]] = []
    result = trained(
        Stop("first_fit", max_steps=NUM_STEPS),
        lanes=4,
        block=3,
        chunk=4,
        sink=lambda piece, at: pieces.append((at, piece)),
        progress=lambda done, total, note="": progress.append((done, total)),
    )
    assert [at for at, _ in pieces] == [0, 4, 8]
    together = joined([piece for _, piece in pieces], axis=0)
    assert result == Draws({}, {}, None, together.status)
    assert together.status == expected.status
    np.testing.assert_array_equal(together.stats["steps_to_fit"], expected.stats["steps_to_fit"])
    close((together.observed, together.params), (expected.observed, expected.params))
    assert progress[0] == (0, 10)
    assert progress[-1] == (10, 10)
    assert progress == sorted(progress)


def test_a_diverging_optimiser_is_reported_in_words() -> None:
    """A learning rate of a million overflows on a quadratic within a few steps."""
    wild = optimiser(optax.sgd(1e6), name="wild")
    draws = optimise(
        KEY, wild, line().target, outputs, PROBE, num_endpoints=3, stop=Stop("budget", max_steps=50)
    )
    failed_at = draws.stats["steps"][:, 0]
    assert (failed_at < 20).all()
    assert draws.status == [f"diverged: objective not finite at step {step}" for step in failed_at]
    assert draws.stats["diverging"].all()
    ended_too_early_to_see = optimise(
        KEY,
        wild,
        line().target,
        outputs,
        PROBE,
        num_endpoints=3,
        stop=Stop("budget", max_steps=int(failed_at[0]) - 1),
    )
    assert ended_too_early_to_see.status[0] == "ok"


def test_an_endpoint_with_outputs_that_are_not_finite_is_not_usable() -> None:
    observed = {"logits": np.array([[1.0, 2.0], [np.inf, 0.0]]), "labels": np.array([1, 0])}
    finite = samplers.training._finite(observed, 2)
    stats = {"steps_to_fit": np.array([-1, -1]), "steps": np.array([5, 5]), "loss": np.array([0.1, 0.1])}
    status = samplers.training._status(Stop("budget", max_steps=5), np.array([-1, -1]), stats, finite)
    assert status == ["ok", "diverged: outputs not finite after 5 steps"]


def test_other_numbers_data_and_betas_do_not_recompile() -> None:
    fitted()
    compiled = len(TRACES)
    assert compiled > 0
    other = replace(CLASSES.target, beta=jnp.asarray(2.0), data=classes(1).target.data)
    draws = trained(Stop(extra_steps=3, max_steps=35), other, jax.random.key(9))
    assert len(TRACES) == compiled
    assert (draws.stats["loss"] != fitted().stats["loss"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_endpoints": 0}, "num_endpoints .* got 0"),
        ({"lanes": 0}, "lanes .* got 0"),
        ({"record_every": -1}, "record_every .* got -1"),
        ({"record_every": 15}, "multiple of 10, got 15"),
        ({"chunk": 0}, "chunk .* got 0"),
        ({"stop": Stop(max_steps=0)}, "max_steps .* got 0"),
        ({"stop": Stop(extra_steps=-1)}, "extra_steps .* got -1"),
        ({"stop": Stop("loss", threshold=float("nan"))}, "threshold .* got nan"),
        ({"stop": Stop("never")}, "rule .* got 'never'"),  # type: ignore[arg-type]
    ],
)
def test_impossible_requests_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trained(**({"stop": Stop()} | options))


def test_first_fit_needs_labels() -> None:
    regression: Sampler = optimiser(optax.sgd(0.1))
    with pytest.raises(ValueError, match="first_fit needs labels"):
        optimise(KEY, regression, line().target, outputs, PROBE, num_endpoints=2, stop=Stop())
