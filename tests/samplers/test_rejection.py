"""Rejection from the prior against its own prior draws, number by number; streams, budgets, refusals."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binomtest

from models import (
    Batch,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    boolean_labels,
    boolean_task,
    gaussian,
    gaussian_prior,
    input_rows,
    majority,
    mlp,
)
from samplers import Draws, Rejection, Target, posterior, prior_functions, reject, replay

KEY = jax.random.key(0)
NETWORK = mlp([3, 8, 1], "relu")
MODEL = bayesian_model(NETWORK, gaussian_prior(NETWORK), bernoulli())
TASK = boolean_task(1, majority(3), num_train=4)
TARGET = posterior(MODEL, TASK.train, num_data=4)
INPUTS = jnp.asarray(boolean_inputs(3))


def record_labels(params: Any, inputs: jax.Array) -> dict[str, jax.Array]:
    return {"labels": boolean_labels(NETWORK)(params, inputs)}


def kept(**options: Any) -> tuple[Draws, Rejection]:
    return reject(KEY, TARGET, record_labels, INPUTS, **options)


@pytest.fixture(scope="module")
def run() -> tuple[Draws, Rejection]:
    return kept(num_proposals=1 << 17, keep_params=True)


def test_zero_one_keeps_exactly_the_prior_draws_that_fit(run: tuple[Draws, Rejection]) -> None:
    """The same numbered draws, looked at as functions: equal one by one, so the law is the prior's."""
    draws, record = run
    key_prior = jax.random.split(KEY)[0]
    packed = prior_functions(key_prior, MODEL, boolean_labels(NETWORK), INPUTS, 1 << 17)
    labels = np.unpackbits(packed, axis=1)
    rows = input_rows(TASK.train.inputs)
    fits = (labels[:, rows] == np.asarray(TASK.train.targets)).all(axis=1)
    assert 1000 < fits.sum() < 1 << 15
    np.testing.assert_array_equal(draws.stats["proposal"][0], np.flatnonzero(fits))
    np.testing.assert_array_equal(draws.observed["labels"][0], labels[fits])
    assert (record.accepted, record.proposed) == (fits.sum(), 1 << 17)
    assert draws.stats["train_error"].max() == 0
    assert draws.status == ["ok"]


def test_kept_parameters_are_those_recorded(run: tuple[Draws, Rejection]) -> None:
    draws, _ = run
    for k in (0, 5):
        params = jax.tree.map(lambda leaf, k=k: jnp.asarray(leaf[0, k]), draws.params)
        np.testing.assert_array_equal(boolean_labels(NETWORK)(params, INPUTS), draws.observed["labels"][0, k])


@pytest.mark.parametrize("options", [{"chunk": 1000}, {"block": 8}], ids=str)
def test_result_does_not_depend_on_chunks_and_blocks(
    run: tuple[Draws, Rejection], options: dict[str, int]
) -> None:
    draws, record = kept(num_proposals=1 << 15, **options)
    expected = run[0].stats["proposal"][0]
    np.testing.assert_array_equal(draws.stats["proposal"][0], expected[expected < 1 << 15])
    assert record.proposed == 1 << 15


def test_it_stops_at_the_last_draw_needed_and_deals_to_chains(run: tuple[Draws, Rejection]) -> None:
    draws, record = kept(num_accepted=120, num_chains=4)
    numbers = run[0].stats["proposal"][0, :120]
    np.testing.assert_array_equal(draws.stats["proposal"], numbers.reshape(30, 4).T)
    np.testing.assert_array_equal(
        draws.observed["labels"], np.swapaxes(run[0].observed["labels"][0, :120].reshape(30, 4, 8), 0, 1)
    )
    assert (record.accepted, record.proposed) == (120, numbers[-1] + 1)
    assert draws.status == ["ok"] * 4


def test_a_sink_gets_every_draw_once_in_order(run: tuple[Draws, Rejection]) -> None:
    pieces: list[tuple[int, Draws]] = []
    done: list[tuple[int, int]] = []
    draws, record = kept(
        num_proposals=1 << 17,
        num_chains=2,
        chunk=1 << 14,
        sink=lambda piece, first: pieces.append((first, piece)),
        progress=lambda *counts: done.append(counts),
    )
    assert draws == Draws({}, {}, None, ["ok", "ok"])
    assert len(pieces) > 1
    numbers = np.concatenate([piece.stats["proposal"] for _, piece in pieces], axis=1)
    whole = record.accepted // 2 * 2  # an odd one out is left undealt
    np.testing.assert_array_equal(numbers.T.reshape(-1), run[0].stats["proposal"][0, :whole])
    lengths = [piece.stats["proposal"].shape[1] for _, piece in pieces]
    assert [first for first, _ in pieces] == [0, *np.cumsum(lengths)[:-1]]
    assert (done[0], done[-1]) == ((0, 1 << 17), (1 << 17, 1 << 17))


def test_a_budget_that_is_spent_is_said_and_what_was_kept_returned() -> None:
    draws, record = kept(num_accepted=10_000, max_proposals=1 << 14)
    assert draws.status == [f"budget of 16384 proposals spent: {record.accepted} of 10000 draws accepted"]
    assert draws.stats["lp"].shape == (1, record.accepted)
    assert record.reason == "ok"


def test_nothing_accepted_bounds_the_evidence_from_above() -> None:
    """Three proposals of contradictory labels: no estimate, never minus infinity, still names and shapes."""
    twice = Batch(jnp.concatenate([INPUTS[:1]] * 2), jnp.array([0, 1]))
    target = posterior(MODEL, twice, num_data=2)
    draws, record = reject(KEY, target, record_labels, INPUTS, num_proposals=3, num_chains=2)
    assert (record.log_evidence, record.standard_error, record.log_low) == (None, None, None)
    assert record.log_high == pytest.approx(np.log(binomtest(0, 3).proportion_ci(method="exact").high))
    assert draws.observed["labels"].shape == (2, 0, 8)
    assert draws.status == ["none of 3 proposals accepted: the evidence is bounded from above only"] * 2
    with pytest.raises(ValueError, match=r"of 65536 none was accepted .* use level_smc"):
        reject(KEY, target, record_labels, INPUTS, num_accepted=1)


def test_replay_makes_any_numbered_draw_again(run: tuple[Draws, Rejection]) -> None:
    numbers = run[0].stats["proposal"][0, [3, 0, 7]]
    again = replay(jax.random.split(KEY)[0], TARGET, record_labels, INPUTS, numbers, group=4)
    np.testing.assert_array_equal(again.observed["labels"][0], run[0].observed["labels"][0, [3, 0, 7]])
    np.testing.assert_allclose(again.stats["lp"][0], run[0].stats["lp"][0, [3, 0, 7]], rtol=1e-5)
    with pytest.raises(ValueError, match="3 draws cannot be dealt to 2 equal chains"):
        replay(KEY, TARGET, record_labels, INPUTS, numbers, num_chains=2)


REGRESSION = posterior(
    bayesian_model(mlp([1, 1]), gaussian_prior(mlp([1, 1])), gaussian()),
    Batch(jnp.ones((1, 1)), jnp.ones(1)),
    num_data=1,
)


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (TARGET, {}, "give exactly one of num_accepted and num_proposals, got None and None"),
        (TARGET, {"num_accepted": 1, "num_proposals": 1}, "give exactly one of num_accepted"),
        (TARGET, {"num_accepted": 0}, "num_accepted must be a whole number of at least 1, got 0"),
        (TARGET, {"num_accepted": 5, "num_chains": 2}, "num_accepted must be a multiple of num_chains = 2"),
        (
            TARGET,
            {"num_proposals": 10, "max_proposals": 5},
            "num_proposals must be at most max_proposals = 5",
        ),
        (TARGET, {"num_proposals": 10, "law": "zero"}, "law must be 'zero_one' or 'gibbs', got 'zero'"),
        (TARGET, {"num_proposals": 10, "block": 3}, "block must be a power of two, got 3"),
        (TARGET, {"num_proposals": 10, "level": 1.0}, "level must lie strictly between 0 and 1"),
        (REGRESSION, {"num_proposals": 10}, "the zero-one law needs labels: this likelihood is a regression"),
    ],
)
def test_refusals(target: Target, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reject(KEY, target, record_labels, INPUTS, **options)
