"""Each measurement does the work it says, at a size that takes no time."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from numpyro.infer.util import log_density

from benchmarks import driver, machine, sampling, sampling_numpyro, training
from benchmarks.protocol import WARM_UP, Measurement
from benchmarks.workloads import LEAPFROG_STEPS, boolean_rows, step_flops, training_rows
from samplers import Stop, logdensity

SMALL: dict[str, Any] = {"widths": [3, 16, 1], "num_train": 5}
# One program for all of ours: eight chains, four draws at a time.
FEW: dict[str, Any] = {"num_chains": 8, "burn_in": 2, "kept": 2}


def test_training_rows_are_some_of_all_rows() -> None:
    inputs, values = boolean_rows(4)
    assert values.tolist() == [bin(number >> 1).count("1") % 2 for number in range(16)]
    some, theirs = training_rows(4, 9)
    numbers = (some @ [8, 4, 2, 1]).astype(int)
    assert len(set(numbers.tolist())) == 9
    assert theirs.tolist() == values[numbers].tolist()
    assert inputs.dtype == some.dtype == np.float32


def test_arithmetic_of_a_step_counts_each_product() -> None:
    """Two layers by hand: two products of 2 B d e each for the first, three for the second."""
    batch, first, second = 4, 3 * 5, 5 * 2
    assert step_flops([3, 5, 2], batch) == 2 * batch * (2 * first + 3 * second)


def test_ours_and_lockstep_train_the_same_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a look after every step, as ours, mean steps to fit agree: four standard errors, 1e-4."""
    monkeypatch.setattr(training, "CHECK_EVERY", 1)
    ours = training.ours(**SMALL, num_endpoints=512, chunk=64)
    ours(WARM_UP)
    found = ours(0)
    assert (found["endpoints"], found["unfit"]) == (512, 0)
    assert [seen for seen, _, _ in found["growth"]] == list(range(64, 513, 64))
    seconds = [spent for _, spent, _ in found["growth"]]
    assert 0 < seconds[0] < seconds[-1] <= found["seconds"]
    assert 10 < found["growth"][0][2] <= found["peak"] + 1
    peer = training.lockstep(**SMALL, num_endpoints=500, lanes=64)
    peer(WARM_UP)
    theirs = peer(0)
    assert (theirs["endpoints"], theirs["unfit"]) == (512, 0)
    spread = 31.0  # standard deviation of steps to fit, measured; their mean is 44
    assert abs(found["steps"] - theirs["steps"]) / 512 < 4 * spread * (2 / 512) ** 0.5


def test_a_budget_is_the_stopping_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Stop] = []
    monkeypatch.setattr(training, "optimise", lambda *_, stop, **options: asked.append(stop))
    training.ours(**SMALL, num_endpoints=64, chunk=64, budget=20)(0)
    assert asked == [Stop("budget", max_steps=20)]


@pytest.mark.certify
def test_a_budget_is_spent_to_the_last_step() -> None:
    run = training.ours(**SMALL, num_endpoints=64, chunk=64, budget=20)
    assert run(0)["steps"] == 64 * 20


class Clock:
    """A clock that moves only when told to, so that a busy machine changes nothing."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sampling, "time", clock)
    return clock


def test_the_slope_leaves_fixed_costs_out(clock: Clock) -> None:
    """Each call costs 50 ms, each draw 2 ms: 10 draws more take 20 ms, not 70."""

    def draw(repeat: int, number: int) -> np.ndarray:
        clock.now += 0.05 + 0.002 * number
        return np.zeros(number)

    found = sampling.slope(draw, 3, 5, 15)(0)
    assert found["gradients"] == 3 * 10 * LEAPFROG_STEPS
    assert found["seconds"] == pytest.approx(0.02)
    assert found["naive_seconds"] == pytest.approx(0.08)


def test_a_slope_that_is_lost_in_noise_is_refused(clock: Clock) -> None:
    def draw(repeat: int, number: int) -> None:
        clock.now += 0.01 / number

    run = sampling.slope(draw, 1, 1, 4)
    with pytest.raises(ValueError, match="no slope"):
        run(0)


def test_numpyros_own_model_has_the_density_of_ours() -> None:
    """At eight draws of the prior, up to a constant."""
    target, _, _ = sampling.problem()

    @jax.jit
    @jax.vmap
    def densities(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        params = target.sample_prior(key)
        theirs, _ = log_density(sampling_numpyro.model, (), {}, sampling_numpyro.sites(params))
        return logdensity(target, params), theirs

    ours, theirs = densities(jax.random.split(jax.random.key(0), 8))
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(
    "rival",
    [
        sampling.ours,
        pytest.param(sampling_numpyro.own, marks=pytest.mark.certify),  # slow to compile
        pytest.param(sampling_numpyro.lent, marks=pytest.mark.certify),
    ],
)
def test_chains_of_all_rivals_run(rival: Callable[..., Measurement]) -> None:
    run = rival(**FEW, few_draws=4, num_draws=8)
    assert run(WARM_UP)["gradients"] == 8 * 4 * LEAPFROG_STEPS


def test_effective_draws_of_all_rivals() -> None:
    for rival in (sampling.ours_effective, sampling.blackjax_effective):
        run = rival(**FEW, num_draws=4)
        assert run(WARM_UP) == {}
        found = run(0)
        assert found["draws"] == 32
        assert 0 < found["effective"] <= 32 * np.log10(32) + 1e-9  # arviz caps at n log10(n)
        assert found["seconds"] > 0


def test_independent_draws_are_all_effective() -> None:
    """Standard normals, 4 x 500: every draw counts; the median of 20 is within 15 %, 1e-6."""
    draws = np.random.default_rng(0).standard_normal((4, 500, 20, 1))
    found = sampling.effective(lambda repeat: draws)(0)
    assert found["effective"] == pytest.approx(2000, rel=0.15)


def test_driver_and_bare_scan_draw_as_many() -> None:
    for run in (driver.driven(8, 4, 2, 2), driver.bare(8, 4, False, 2, 2), driver.bare(8, 4, True, 2, 2)):
        found = run(0)
        assert found["draws"] == 32
        assert found["seconds"] > 0


def test_the_machine() -> None:
    assert machine.sgemm(size=32, products=2)(0)["gflops"] > 0
    assert machine.devices()(0)["platform"] == "cpu"
