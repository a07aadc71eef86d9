"""The classifier test: exact p-values, a valid bound, power."""

import numpy as np
import pytest
from scipy.stats import binom, kstest

from compare import Comparison, Outcome, Sample, TwoSampleTest, classifier_two_sample_test
from tests.compare.test_nulls import networks, sample


def _one_hot(rng: np.random.Generator, num: int, law: list[float]) -> np.ndarray:
    return np.eye(len(law), dtype=np.float32)[rng.choice(len(law), size=(num, 1), p=law)]


@pytest.fixture(autouse=True)
def _few_null_repetitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compare.two_sample.NUM_FLOOR", 2)
    monkeypatch.setattr("compare.two_sample.NUM_CEILING", 2)


def tried(
    left: np.ndarray, reference: np.ndarray, ceiling: np.ndarray, seed: int, num_chains: int = 4
) -> tuple[Comparison, TwoSampleTest]:
    arms = {"arm": sample(left)}
    return classifier_two_sample_test(arms, sample(reference, num_chains), sample(ceiling), seed=seed)["arm"]


@pytest.mark.parametrize("repeats", [400, pytest.param(10_000, marks=pytest.mark.certify)])
def test_p_values_are_uniform_under_equal_laws(repeats: int) -> None:
    """The p-value has steps; a uniform number between it and the next lower one is uniform exactly.

    Kolmogorov-Smirnov at 1e-5: with 10,000 repetitions a share of 5 % that is really 8 % is
    seen, with 400 one of 18 %. Without randomising, the share below any level may not exceed it.
    """
    rng = np.random.default_rng(0)
    steps, randomised = np.empty(repeats), np.empty(repeats)
    for r in range(repeats):
        arms = {"arm": sample(rng.normal(size=(16, 2, 1)))}
        reference = sample(rng.normal(size=(32, 2, 1)), 4)
        found = classifier_two_sample_test(arms, reference, None, seed=r)["arm"][1]
        assert found.p_more < found.p_value
        steps[r] = found.p_value
        randomised[r] = found.p_more + rng.random() * (found.p_value - found.p_more)
    assert kstest(randomised, "uniform").pvalue > 1e-5
    assert kstest(steps, "uniform", alternative="greater").pvalue > 1e-5


def test_the_smallest_detectable_bound_is_detected_as_often_as_said() -> None:
    """Accuracy at the smallest detectable bound, calls drawn from their binomial law.

    Power 0.99 by construction: of 20,000 draws at least 0.985 are DIFFERENT, false alarm below 1e-6;
    at a bound of the margin at most 2.5 % are, up to 4.5 standard errors.
    """
    rng = np.random.default_rng(0)
    found, trial = tried(networks(rng, 200), networks(rng, 800), networks(rng, 200), 0)
    num = trial.num_test

    def share(bound: float) -> float:
        calls = rng.binomial(num, (1 + bound) / 2, size=20_000)
        return float(np.mean(binom.sf(calls - 1, num, (1 + found.margin) / 2) <= 0.025))

    assert found.margin < found.power.detectable < 1
    assert 0.985 < share(found.power.detectable) < 0.998
    assert share(found.margin) < 0.025 + 4.5 * np.sqrt(0.025 / 20_000)
    assert found.tests.different == pytest.approx(
        binom.sf(round(trial.accuracy * num) - 1, num, (1 + found.margin) / 2)
    )


def test_the_bound_never_exceeds_a_known_total_variation() -> None:
    """Two laws over three functions at total variation 0.3: 60 lower bounds at 97.5 %
    exceed it at most 9 times, except with probability below 1e-5."""
    exceeded = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        laws = [(200, [0.2, 0.3, 0.5]), (400, [0.5, 0.3, 0.2]), (200, [0.0, 0.0, 1.0])]
        left, reference, ceiling = (_one_hot(rng, num, law) for num, law in laws)
        found, _ = tried(left, reference, ceiling, seed)
        exceeded.append(found.distance.low > 0.3)
    assert sum(exceeded) <= 9
    assert sum(exceeded) < 60  # the bound is not vacuous the other way: see the power test


def test_a_far_law_is_called_different_and_equality_is_never_claimed() -> None:
    rng = np.random.default_rng(0)
    reference, ceiling = networks(rng, 800), networks(rng, 400, scale=6.0)
    far, _ = tried(networks(rng, 400, 1.5), reference, ceiling, 0, num_chains=8)
    near, _ = tried(networks(rng, 400), reference, ceiling, 0, num_chains=8)
    assert (far.outcome, near.outcome) == (Outcome.DIFFERENT, Outcome.INCONCLUSIVE)
    assert abs(near.floor.mean) < 0.2
    assert near.distance.low < 0 < near.distance.high


def test_the_callers_arrays_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    samples = [sample(networks(rng, 40)), sample(networks(rng, 80), 4), sample(networks(rng, 40))]
    before = [s.probabilities.copy() for s in samples]
    classifier_two_sample_test({"arm": samples[0]}, *samples[1:], seed=0)
    assert all(np.array_equal(s.probabilities, b) for s, b in zip(samples, before, strict=True))


def test_too_few_chains_or_networks_are_refused() -> None:
    rng = np.random.default_rng(0)
    good = sample(networks(rng, 40))
    with pytest.raises(ValueError, match="four reference chains"):
        classifier_two_sample_test({"arm": good}, sample(networks(rng, 40), 2), good, seed=0)
    few = Sample(networks(rng, 6), np.arange(6))
    with pytest.raises(ValueError, match="eight networks"):
        classifier_two_sample_test({"arm": few}, sample(networks(rng, 40), 4), good, seed=0)
