"""The classifier test: exact p-values, a valid bound, power."""

import numpy as np
import pytest
from scipy.stats import kstest

from compare import Outcome, Sample, classifier_two_sample_test
from tests.compare.test_nulls import networks, sample


def _one_hot(rng: np.random.Generator, num: int, law: list[float]) -> np.ndarray:
    return np.eye(len(law), dtype=np.float32)[rng.choice(len(law), size=(num, 1), p=law)]


def test_p_values_are_uniform_under_equal_laws() -> None:
    """Randomised at ties, 400 repetitions, Kolmogorov-Smirnov at 1e-5.

    The plain p-value is discrete and so at least as large as a uniform one: its share
    below any level may not exceed the level.
    """
    p_values = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        samples = sample(networks(rng, 40)), sample(networks(rng, 80), 4), sample(networks(rng, 40))
        _, trial = classifier_two_sample_test(*samples, seed=seed, num_floor=1)
        p_values.append(trial.p_value)
    assert kstest(p_values, "uniform", alternative="greater").pvalue > 1e-5


def test_the_bound_never_exceeds_a_known_total_variation() -> None:
    """Two laws over three functions at total variation 0.3: 60 lower bounds at 97.5 %
    exceed it at most 9 times, except with probability below 1e-5."""
    exceeded = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        left = sample(_one_hot(rng, 200, [0.2, 0.3, 0.5]))
        reference = sample(_one_hot(rng, 400, [0.5, 0.3, 0.2]), 4)
        ceiling = sample(_one_hot(rng, 200, [0.0, 0.0, 1.0]))
        found, _ = classifier_two_sample_test(left, reference, ceiling, seed=seed, num_floor=1)
        exceeded.append(found.distance.low > 0.3)
    assert sum(exceeded) <= 9
    assert sum(exceeded) < 60  # the bound is not vacuous the other way: see the power test


def test_a_far_law_is_called_different_and_equality_is_never_claimed() -> None:
    rng = np.random.default_rng(0)
    reference, ceiling = sample(networks(rng, 800), 8), sample(networks(rng, 400, scale=6.0))
    far, _ = classifier_two_sample_test(sample(networks(rng, 400, 1.5)), reference, ceiling, seed=0)
    near, _ = classifier_two_sample_test(sample(networks(rng, 400)), reference, ceiling, seed=0)
    assert (far.outcome, near.outcome) == (Outcome.DIFFERENT, Outcome.INCONCLUSIVE)
    assert abs(near.floor.mean) < 0.1
    assert near.floor.low < near.distance.mean < near.floor.high


def test_the_callers_arrays_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    samples = [sample(networks(rng, 40)), sample(networks(rng, 80), 4), sample(networks(rng, 40))]
    before = [s.probabilities.copy() for s in samples]
    classifier_two_sample_test(*samples, seed=0, num_floor=2)
    assert all(np.array_equal(s.probabilities, b) for s, b in zip(samples, before, strict=True))


def test_too_few_chains_or_networks_are_refused() -> None:
    rng = np.random.default_rng(0)
    good = sample(networks(rng, 40))
    with pytest.raises(ValueError, match="four reference chains"):
        classifier_two_sample_test(good, sample(networks(rng, 40), 2), good, seed=0)
    few = Sample(networks(rng, 6), np.arange(6))
    with pytest.raises(ValueError, match="eight networks"):
        classifier_two_sample_test(few, sample(networks(rng, 40), 4), good, seed=0)
