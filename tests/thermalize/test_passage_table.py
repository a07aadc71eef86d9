"""The arms of the kinetic table step as their formulas say, and rows count what never got there."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from compare import Passages
from models import gaussian, modular_task, one_hot_gaussian, quadratic_pairs
from samplers.dials import ADAM
from thermalize.grokking import NEVER, Lane, Times, step
from thermalize.pairs import pairs_of
from thermalize.passage_table import Arm, Condition, dials_of, learner_of, passage_table, row_of

P, RATE, DECAY, BETA = 5, 0.05, 0.2, 50.0
NETWORK, TASK = quadratic_pairs(P, 12), modular_task(0, P, train_share=0.6)
NUM = len(TASK.train.targets)
LEARNER, PAIRS = learner_of(NETWORK, one_hot_gaussian()), pairs_of(TASK)
START = NETWORK.init(jax.random.key(3))


def squared_error(params: Any) -> jax.Array:
    outputs = jnp.square(TASK.train.inputs @ params[0]["w"]) @ params[1]["w"]
    return jnp.sum((outputs - jax.nn.one_hot(TASK.train.targets, P)) ** 2) / (2 * NUM)


def moved(arm: Arm, num: int, batch: int | None = None) -> np.ndarray:
    """Where one step leads from ``START``, ``(key, parameter)``."""
    condition = Condition(arm, P, 0.6, RATE, DECAY, 1.0, batch, beta=BETA)
    dials = jax.tree.map(jnp.asarray, dials_of(condition, NUM))
    never = jnp.asarray(NEVER)

    @jax.jit
    def one(key: jax.Array) -> jax.Array:
        begin = Lane(START, ADAM.init(START), never, never)
        return ravel_pytree(step(LEARNER, dials, PAIRS, key, jnp.asarray(0), begin).params)[0]

    return np.asarray(jax.vmap(one)(jax.random.split(jax.random.key(0), num)), float)


SLOPE = np.asarray(ravel_pytree(jax.grad(squared_error)(START))[0], float)
THETA = np.asarray(ravel_pytree(START)[0], float)


@pytest.mark.parametrize("arm", ["gd", "sgd"])
def test_descent_has_the_decay_of_its_prior(arm: Arm) -> None:
    np.testing.assert_allclose(moved(arm, 1)[0], THETA - RATE * (SLOPE + DECAY * THETA), atol=1e-5)


def test_adamw_decays_beside_its_step() -> None:
    """Adam's first step is the sign of the slope of the loss alone."""
    clear = np.abs(SLOPE) > 1e-3
    wanted = THETA - RATE * (np.sign(SLOPE) + DECAY * THETA)
    np.testing.assert_allclose(moved("adamw", 1)[0][clear], wanted[clear], atol=1e-5)


def test_langevin_steps_have_the_same_drift_and_the_noise_of_beta() -> None:
    """4,000 steps of 180 parameters: 5 standard errors are passed with probability 1e-4 in all."""
    found = moved("sgld", 4000) - (THETA - RATE * (SLOPE + DECAY * THETA))
    variance = 2 * RATE / (BETA * NUM)
    assert np.abs(found.mean(axis=0)).max() < 5 * np.sqrt(variance / 4000)
    assert np.mean(found**2) == pytest.approx(variance, rel=5 * np.sqrt(2 / found.size))


def test_a_row_counts_censored_runs_and_has_no_median_without_half() -> None:
    steps = np.array([10, 20, 30, 40])
    early = Passages(steps, steps - 1, np.array([True, True, True, False]))
    late = Passages(np.array([400, 1000, 1000, 40]), np.array([300, 1000, 1000, 40]), steps == 10)
    times = Times(early, late, np.array([10, 1000]), np.zeros((4, 2)), ["ok", "ok", "ok", "diverged: loss"])
    row = row_of(Condition("gd", P, 0.6, RATE, DECAY, 1.0), times, np.random.default_rng(0))
    assert (row.num_networks, row.num_never_memorised, row.num_never_generalised) == (4, 1, 3)
    assert row.num_failed == 1
    assert row.memorised.value == 20
    assert (row.generalised.value, row.generalised.high) == (None, None)
    assert row.delay.value is None


def test_rows_keep_their_order() -> None:
    conditions = [Condition("gd", P, 0.6, 0.03, 0.1, 1.0), Condition("adamw", P, 0.6, 0.03, 0.1, 1.0)]
    rows = passage_table(
        jax.random.key(0),
        NETWORK,
        one_hot_gaussian(),
        conditions,
        num_networks=2,
        max_steps=100,
        num_looks=2,
    )
    assert [row.condition for row in rows] == conditions
    assert [row.num_networks for row in rows] == [2] * 2
    assert all(row.times.looks.tolist() == [10, 100] for row in rows)
    adamw = rows[1].memorised.value
    assert adamw is not None
    assert adamw < 100


def test_minibatches_are_of_given_pairs_and_right_on_average() -> None:
    """4,000 steps: 5 standard errors of the mean are passed with probability 1e-4 in all."""
    found = moved("sgd", 4000, 3)
    wanted = THETA - RATE * (SLOPE + DECAY * THETA)
    spread = found.std(axis=0)
    assert spread.max() > 0.01
    assert (np.abs(found.mean(axis=0) - wanted) < 5 * spread / np.sqrt(4000) + 1e-5).all()


def test_all_conditions_of_a_network_are_one_program() -> None:
    conditions = [
        Condition("sgd", P, 0.6, 0.03, 0.1, 1.0, 4),
        Condition("adamw", P, 0.8, 0.01, 1.0, 2.0),
        Condition("sgld", P, 0.5, 0.02, 0.0, 1.0, beta=9.0, operation="multiplication"),
        Condition("gd", P, 0.5, 0.02, 0.0, 1.0, operation="division"),
    ]
    compiled: list[str] = []

    def listen(event: str, duration_secs: float, **more: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(str(more.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(listen)
    rows = passage_table(
        jax.random.key(0),
        NETWORK,
        one_hot_gaussian(),
        conditions,
        num_networks=3,  # as in no other test: what is compiled already would not be seen
        max_steps=30,
        num_looks=3,
    )
    assert len(rows) == 4
    assert sum("_train" in name for name in compiled) == 1


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (Condition("gd", P, 0.6, 0.0, DECAY, 1.0), "learning_rate must be positive and finite, got 0"),
        (Condition("gd", P, 0.6, RATE, -1.0, 1.0), "decay must be finite and not negative, got -1"),
        (Condition("gd", P, 0.6, RATE, DECAY, -1.0), "init_scale must be positive and finite, got -1"),
        (Condition("sgd", P, 0.6, RATE, DECAY, 1.0, 16), "batch_size must be from 1 to the 15 given pairs"),
        (Condition("gd", 9, 0.6, RATE, DECAY, 1.0, operation="division"), "needs a prime modulus, got 9"),
        (Condition("gd", P, 0.999, RATE, DECAY, 1.0), "leaves no test pair"),
        (Condition("lion", P, 0.6, RATE, DECAY, 1.0), "arm must be gd, sgd, adamw or sgld, got 'lion'"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_refusals(condition: Condition, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        passage_table(
            jax.random.key(0), NETWORK, one_hot_gaussian(), [condition], num_networks=1, max_steps=10
        )


def test_a_likelihood_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="grokking needs classes"):
        learner_of(NETWORK, gaussian())
