"""What holds of any key, count, target and option of the drivers, tried on random ones.

Shapes and everything else that compiles are few and fixed: keys, counts and numbers vary.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplers import (
    Draws,
    Stop,
    hmc,
    logdensity,
    loss,
    objective,
    optimise,
    optimiser,
    posterior,
    sample,
    sgld,
    tempered_pass,
)
from samplers.draws import Saved
from samplers.numbered import numbers_of
from samplers.options import check_count, check_key, check_positive, check_share
from samplers.stopping import check_stop, record_steps

from .problems import MODEL, PROBE, line, outputs

SEEDS = st.integers(0, 2**32 - 1)
NUMBERS = st.floats() | st.integers(-5, 10**6)
TARGET = line().target
POINT = MODEL.init(jax.random.key(5))
SGLD, SGD = sgld(0.01, num_warmup=3), optimiser(optax.sgd(0.01), batch_size=2, name="sgd")


def drawn(seed: int, num_draws: int, **options: Any) -> Draws:
    return sample(
        jax.random.key(seed),
        SGLD,
        TARGET,
        outputs,
        PROBE,
        num_chains=2,
        num_draws=num_draws,
        chunk=3,
        **options,
    )


def trained(seed: int, num_endpoints: int, **options: Any) -> Draws:
    stop = Stop("budget", max_steps=20)
    return optimise(
        jax.random.key(seed), SGD, TARGET, outputs, PROBE,
        num_endpoints=num_endpoints, stop=stop, chunk=4, lanes=2, block=2, **options,
    )  # fmt: skip


def same(one: Draws, other: Draws) -> None:
    jax.tree.map(np.testing.assert_array_equal, one._asdict(), other._asdict())


@given(SEEDS, st.integers(1, 8), st.integers(1, 8))
def test_fewer_draws_are_the_first_of_more(seed: int, one: int, other: int) -> None:
    """Bit for bit, and so is a run that was saved and went on."""
    few, many = sorted((one, other))
    saves: list[Saved] = []
    short, whole = drawn(seed, few, save=saves.append), drawn(seed, many)
    for name, values in whole.observed.items():
        assert values.shape[:2] == (2, many)
        np.testing.assert_array_equal(values[:, :few], short.observed[name])
    if few < many:
        rest = drawn(seed, many, saved=saves[-1])
        np.testing.assert_array_equal(rest.observed["f"], whole.observed["f"][:, few:])


@given(SEEDS, st.integers(4, 9), st.integers(4, 9))
def test_an_endpoint_is_the_same_among_any_number(seed: int, one: int, other: int) -> None:
    few, many = sorted((one, other))
    short, whole = trained(seed, few), trained(seed, many)
    for name, values in whole.stats.items():
        assert values.shape[:2] == (many, 1)
        np.testing.assert_array_equal(values[:few], short.stats[name])
    assert whole.status == ["ok"] * many


@given(SEEDS)
def test_equal_keys_give_equal_draws_and_others_do_not(seed: int) -> None:
    same(drawn(seed, 3), drawn(seed, 3))
    assert not np.array_equal(drawn(seed, 3).observed["f"], drawn(seed + 1, 3).observed["f"])


@given(NUMBERS, NUMBERS)
def test_a_target_is_sound_or_refused(num_data: float, beta: float) -> None:
    single = np.finfo(np.float32)
    least, most = float(single.tiny), float(single.max)
    if not (least <= num_data <= most and 0 <= beta <= most):
        with pytest.raises(ValueError, match=r"(num_data|beta) must be"):
            posterior(MODEL, TARGET.data, num_data=num_data, beta=beta)
        return
    target = posterior(MODEL, TARGET.data, num_data=num_data, beta=beta)
    assert float(target.num_data) == np.float32(num_data)
    assert float(target.beta) == np.float32(beta)
    assert np.isfinite([target.num_data, target.beta]).all()


@given(st.floats(0.1, 1000), st.floats(1e-3, 1e3))
def test_the_objective_is_the_logdensity_a_datum(num_data: float, beta: float) -> None:
    """``J_1 = -log p / (beta N)``, ``log p = log pi - beta N L``."""
    target = posterior(MODEL, TARGET.data, num_data=num_data, beta=beta)
    value, risk = float(logdensity(target, POINT)), float(loss(target, POINT))
    assert value == pytest.approx(float(MODEL.log_prior(POINT)) - beta * num_data * risk, rel=1e-4)
    assert float(objective(target, POINT, prior_weight=1.0)) == pytest.approx(
        -value / (beta * num_data), rel=1e-4
    )


@given(NUMBERS)
def test_options_are_checked_by_their_rule(value: float) -> None:
    rules: list[tuple[Any, bool]] = [
        (lambda: check_count(n=value), 1 <= value < math.inf and value == int(value)),  # type: ignore[arg-type]
        (lambda: check_positive(x=value), 0 < value < math.inf),
        (lambda: check_share(x=value), 0 < value < 1),
        (lambda: hmc(target_acceptance_rate=value), 0 < value < 1),
        (lambda: hmc(num_warmup=value), 1 <= value < math.inf and value == int(value)),
        (lambda: sgld(value), 0 < value < math.inf),
    ]
    for call, allowed in rules:
        if allowed:
            call()
        else:
            with pytest.raises(ValueError, match=r"must be|must lie"):
                call()


@given(
    NUMBERS | st.text(max_size=3) | st.none() | st.binary(max_size=3) | st.lists(st.integers(), max_size=2)
)
def test_only_keys_are_keys(value: Any) -> None:
    for wrong in (value, jnp.zeros(2, jnp.uint32)):
        with pytest.raises(TypeError, match="key must be a random key of jax, got"):
            check_key(wrong)
    check_key(jax.random.key(3))


@given(
    st.lists(NUMBERS, max_size=4).filter(
        lambda b: [0.0, *b] != sorted({0.0, *b}) or not b or b[-1] == math.inf
    )
)
def test_ladders_rise_or_are_refused(betas: list[float]) -> None:
    with pytest.raises(ValueError, match="betas must rise"):
        tempered_pass(jax.random.key(0), TARGET, outputs, PROBE, betas=betas, num_chains=1, num_particles=2)


@given(
    st.sampled_from(["first_fit", "loss", "budget", "fit", ""]),
    st.integers(-3, 10**6),
    st.floats(),
    st.integers(-3, 10**6),
)
def test_a_rule_is_sound_or_refused(rule: Any, extra: int, threshold: float, most: int) -> None:
    stop = Stop(rule, extra, threshold, most)
    known = rule == "budget" or (rule == "loss" and math.isfinite(threshold))  # a regression never fits
    if not (known and extra >= 0 and most >= 1):
        with pytest.raises(ValueError, match=r"rule|max_steps|extra_steps|threshold|first_fit"):
            check_stop(stop, TARGET)
        return
    check_stop(stop, TARGET)
    steps = record_steps(stop, 50)
    assert (steps[0], steps[-1]) == (0, most)
    assert steps == sorted(set(steps))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5))
def test_numbers_of_draws_come_back_from_their_words(numbers: list[int]) -> None:
    epoch, within = (np.asarray(word, np.uint64) for word in numbers_of(numbers))
    assert [(int(high) << 32) + int(low) for high, low in zip(epoch, within, strict=True)] == numbers
