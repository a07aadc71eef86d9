"""The nulls: calibrated under equal laws, powerful under planted shifts."""

import numpy as np
import pytest
from scipy.stats import binom

from compare import (
    Outcome,
    Sample,
    averaged_disagreement,
    averaged_total_variation,
    compare_samples,
    energy,
    judge,
)

MIXING = np.random.default_rng(1).normal(size=(4, 12))
DISTANCES = [energy(), averaged_total_variation()]


def networks(rng: np.random.Generator, num: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """Smooth random classifiers: a 4-dimensional Gaussian pushed through a softmax."""
    logits = ((rng.normal(size=(num, 4)) * scale + shift + 1) @ MIXING).reshape(num, 4, 3)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def sample(probabilities: np.ndarray, num_chains: int | None = None) -> Sample:
    units = np.arange(len(probabilities))
    return Sample(probabilities, units if num_chains is None else units % num_chains)


def run(seed: int, shift: float) -> dict[str, Outcome]:
    rng = np.random.default_rng(seed)
    reference, ceiling = sample(networks(rng, 400), 8), sample(networks(rng, 200, scale=6.0))
    arms = {"arm": sample(networks(rng, 200, shift))}
    found = compare_samples(arms, reference, ceiling, DISTANCES, seed=seed, num_resamples=300)
    return {c.name: c.outcome for c in found["arm"]}


def test_equal_laws_are_never_called_different() -> None:
    """40 repetitions of two distances at a joint level of 5 %, itself at the margin's edge.

    Under equal laws DIFFERENT needs an excess beyond the margin, far rarer than 2.5 %;
    more than 9 alarms in 40 would have probability below 1e-5 even at 5 %.
    """
    alarms = sum(Outcome.DIFFERENT in run(seed, shift=0.0).values() for seed in range(40))
    assert alarms <= binom.isf(1e-5, 40, 0.05)
    assert alarms == 0  # seen: none


def test_a_shifted_law_is_called_different() -> None:
    """A shift of one latent standard deviation: detected in every one of 10 repetitions."""
    for seed in range(10):
        assert run(seed, shift=1.0)["energy distance"] == Outcome.DIFFERENT


def test_a_large_equal_sample_is_called_equivalent() -> None:
    rng = np.random.default_rng(0)
    reference, ceiling = sample(networks(rng, 4000), 8), sample(networks(rng, 1000, scale=6.0))
    arms = {"arm": sample(networks(rng, 1500))}
    found = compare_samples(arms, reference, ceiling, DISTANCES, seed=0, num_resamples=200)
    assert {c.outcome for c in found["arm"]} == {Outcome.EQUIVALENT}


def test_no_interval_of_a_share_reaches_beyond_one() -> None:
    rng = np.random.default_rng(0)
    reference, ceiling = sample(networks(rng, 40), 8), sample(networks(rng, 40, scale=6.0))
    arms = {"arm": sample(networks(rng, 20, -4.0, scale=4.0))}
    found = compare_samples(arms, reference, ceiling, [averaged_disagreement()], seed=0)["arm"][0]
    assert found.distance.mean < found.distance.high == 1


def test_intervals_of_the_excess_cover_their_expectation() -> None:
    """Coverage of a true excess that is known by a large simulation, 40 repetitions.

    The joint level is 95 %, so each of two intervals covers with at least 97.5 %; fewer
    than 33 of 40 has probability below 1e-5.
    """
    rng = np.random.default_rng(7)
    big = [networks(rng, 3000, shift) for shift in (0.0, 0.5)]
    across = _mean_distance(big[0], big[1])
    truth = 1 - (_mean_distance(big[0], big[0]) + _mean_distance(big[1], big[1])) / (2 * across)
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        reference, ceiling = sample(networks(rng, 400), 8), sample(networks(rng, 200, scale=6.0))
        arms = {"arm": sample(networks(rng, 200, 0.5))}
        found = compare_samples(arms, reference, ceiling, [energy()], seed=seed, num_resamples=300, family=2)[
            "arm"
        ][0]
        covered += found.excess.low <= truth <= found.excess.high
    assert covered >= binom.ppf(1e-5, 40, 0.975)


def test_sizes_are_matched_and_reported() -> None:
    rng = np.random.default_rng(0)
    reference, ceiling = sample(networks(rng, 80), 8), sample(networks(rng, 500))
    arms = {"arm": sample(networks(rng, 300))}
    (found,) = compare_samples(arms, reference, ceiling, [energy()], seed=0, num_resamples=50)["arm"]
    assert (found.num_left, found.num_right) == (40, 40)


def test_a_comparison_is_a_function_of_its_seed_and_not_of_the_other_arms() -> None:
    rng = np.random.default_rng(0)
    arm, reference, ceiling = (
        sample(networks(rng, 60)),
        sample(networks(rng, 80), 4),
        sample(networks(rng, 60)),
    )
    more = {"other": sample(networks(rng, 30)), "arm": arm}
    first, again, other = (
        compare_samples({"arm": arm}, reference, ceiling, DISTANCES, seed=seed, num_resamples=50)
        for seed in (1, 1, 2)
    )
    assert repr(first) == repr(again)
    assert repr(first) != repr(other)
    among = compare_samples(more, reference, ceiling, DISTANCES, seed=1, num_resamples=50)["arm"]
    for alone, beside in zip(first["arm"], among, strict=True):
        assert np.allclose([*alone.distance, *alone.floor], [*beside.distance, *beside.floor], atol=1e-5)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.1, 0.1, Outcome.EQUIVALENT),
        (-0.1, 0.11, Outcome.INCONCLUSIVE),
        (0.11, 0.2, Outcome.DIFFERENT),
        (float("nan"), 0.2, Outcome.INCONCLUSIVE),
        (0.2, float("inf"), Outcome.INCONCLUSIVE),
    ],
)
def test_judge(low: float, high: float, expected: Outcome) -> None:
    assert judge(low, high, margin=0.1) == expected


def test_samples_that_cannot_be_compared_are_refused() -> None:
    rng = np.random.default_rng(0)
    good, reference = sample(networks(rng, 20)), sample(networks(rng, 20), 4)
    broken = networks(rng, 20)
    broken[3, 0, 0] = np.nan
    cases = {
        "at least two networks": (sample(networks(rng, 1)), reference, good),
        "different probes": (sample(networks(rng, 20)[:, :2]), reference, good),
        "not finite": (sample(broken), reference, good),
        "at least two chains": (good, sample(networks(rng, 20), 1), good),
    }
    for message, (left, right, ceiling) in cases.items():
        with pytest.raises(ValueError, match=message):
            compare_samples({"arm": left}, right, ceiling, [energy()], seed=0)


def _mean_distance(a: np.ndarray, b: np.ndarray) -> float:
    flat = [x.reshape(len(x), -1).astype(float) / 2 for x in (a, b)]  # sqrt of 4 probes
    squared = (flat[0] ** 2).sum(1)[:, None] + (flat[1] ** 2).sum(1)[None] - 2 * flat[0] @ flat[1].T
    return float(np.sqrt(np.maximum(squared, 0)).mean())


def test_networks_without_a_chain_of_their_own_are_refused() -> None:
    """Earlier the networks beyond the last number were left out in silence."""
    values = np.random.default_rng(0).dirichlet(np.ones(3), size=(8, 5)).astype(np.float32)
    whole, cut = Sample(values, np.arange(8)), Sample(values, np.arange(3))
    with pytest.raises(ValueError, match=r"the number of its chain, got \(3,\) numbers for 8 networks"):
        compare_samples({"arm": cut}, whole, None, [energy()], seed=0)
