"""What distances see of resamples: against scipy, brute force, and all pairs at once."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from compare import Kernel, Numbers, Sample, scalar_wasserstein
from compare.distances import gaussian, itself
from compare.tables import Orders, Pairs, pairwise_distances, shares

KERNELS = [Kernel(itself), Kernel(gaussian)]


def sample(seed: int, num: int, classes: int = 3) -> Sample:
    rng = np.random.default_rng(seed)
    networks = rng.dirichlet(np.ones(classes), size=(num, 5)).astype(np.float32)
    return Sample(networks, np.arange(num), {"score": rng.gamma(2.0, size=num)})


def resamples(seed: int, num: int, size: int, repeats: int = 7, replace: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(num, size, replace=replace) for _ in range(repeats)])


@pytest.mark.parametrize("classes", [2, 3])
def test_means_of_pairs_equal_those_of_each_resample_written_out(classes: int) -> None:
    samples = {"left": sample(0, 30, classes), "right": sample(1, 20, classes)}
    of_left, of_right = resamples(2, 30, 12), resamples(3, 20, 15)
    pairs = Pairs(samples, reference="right", seed=0)
    found = pairs.seen(KERNELS, "left", of_left, "right", of_right)
    x, y = (samples[name].probabilities for name in ("left", "right"))
    for kernel, (across, within_left, within_right) in zip(KERNELS, found, strict=True):
        for r, (a, b) in enumerate(zip(of_left, of_right, strict=True)):
            table = kernel.of(pairwise_distances(x[a], y[b]), pairs.scale)
            assert across[r] == pytest.approx(table.mean(), abs=1e-5)
            for chosen, networks, within in ((a, x, within_left[r]), (b, y, within_right[r])):
                # A network drawn twice meets itself, as in any bootstrap of a U-statistic
                # with shares: only the share of draws that meet themselves is left out.
                counts = np.bincount(chosen, minlength=len(networks)) / len(chosen)
                full = kernel.of(pairwise_distances(networks, networks), pairs.scale)
                np.fill_diagonal(full, 0)
                assert within == pytest.approx(counts @ full @ counts / (1 - counts @ counts), abs=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_means_of_one_sample_against_itself_equal_double_sums_in_double_precision(classes: int) -> None:
    """As for a floor: across two resamples and within each, in two groups, from the same tables."""
    same = sample(0, 60, classes)
    pairs = Pairs({"same": same}, reference="same", seed=0, most=30)
    of_left, of_right = resamples(2, 60, 25), resamples(3, 60, 40)
    found = pairs.seen(KERNELS, "same", of_left, "same", of_right)
    x = same.probabilities.astype(float)
    distances = np.sqrt(np.sum((x[:, None] - x[None]) ** 2, axis=(2, 3)) / 5)
    for kernel, means in zip(KERNELS, found, strict=True):
        table = kernel.of(distances, pairs.scale)
        for r, chosen in enumerate(zip(of_left, of_right, strict=True)):
            left, right = (np.bincount(some, minlength=60) / len(some) for some in chosen)
            for (a, b), mean in zip([(left, right), (left, left), (right, right)], means, strict=True):
                total = 0.0
                weight = 0.0
                for group in pairs.groups["same"]:
                    shares_of_pairs = np.outer(a[group], b[group])
                    if a is b:
                        np.fill_diagonal(shares_of_pairs, 0)
                    total += np.sum(shares_of_pairs * table[np.ix_(group, group)])
                    weight += np.sum(shares_of_pairs)
                assert mean[r] == pytest.approx(total / weight, abs=2e-6)


def test_groups_leave_out_pairs_but_no_network_and_change_no_expectation() -> None:
    """Many networks against few: 60 deals of 90 against 25 average to the sums over all pairs.

    The mean of 60 deals lies within 4.5 standard errors: false alarm below 1e-5 for each of five.
    """
    samples = {"many": sample(0, 90), "few": sample(1, 25), "also": sample(2, 60)}
    everyone = {name: np.arange(len(s.chain))[None] for name, s in samples.items()}

    def seen(other: str, most: int, seed: int) -> list[float]:
        pairs = Pairs(samples, reference="few", seed=seed, most=most)
        groups = pairs.groups["many"]
        assert sorted(np.concatenate(groups).tolist()) == list(range(90))
        assert max(map(len, groups)) <= most
        found = pairs.seen(KERNELS[:1], "many", everyone["many"], other, everyone[other])
        return [float(values[0]) for values in found[0]]

    for other in ("few", "also"):
        whole = np.array(seen(other, 1000, 0))
        parts = np.array([seen(other, 30, seed) for seed in range(60)])
        error = parts.std(axis=0) / np.sqrt(60)
        assert (np.abs(parts.mean(axis=0) - whole) <= 4.5 * error + 1e-6).all()
        assert parts[:, 1].std() > 0  # pairs were left out


@pytest.mark.parametrize("num_right", [20, 70])
def test_every_network_changes_every_mean_that_it_belongs_to(num_right: int) -> None:
    """Groups of 30 of 90 against one group, or against three: none is passed over."""
    plain = {"left": sample(0, 90), "right": sample(1, num_right)}
    everyone = [np.arange(len(s.chain))[None] for s in plain.values()]

    def seen(samples: dict[str, Sample]) -> list[float]:
        pairs = Pairs(samples, reference="right", seed=0, most=30)
        (found,) = pairs.seen(KERNELS[:1], "left", everyone[0], "right", everyone[1])
        return [float(values[0]) for values in found]

    before = seen(plain)
    for name, place, changed in (("left", 90, (0, 1)), ("right", num_right, (0, 2))):
        for unit in range(place):
            p = plain[name].probabilities.copy()
            p[unit] = [9.0, 0.0, 0.0]
            after = seen(plain | {name: plain[name]._replace(probabilities=p)})
            assert [a > b + 1e-4 for a, b in zip(after, before, strict=True)] == [
                i in changed for i in range(3)
            ]


def test_groups_are_dealt_by_seed_and_name() -> None:
    samples = {"many": sample(0, 40), "few": sample(1, 9)}
    first, again, other = (Pairs(samples, reference="few", seed=s, most=30).groups["many"] for s in (0, 0, 1))
    assert [len(group) for group in first] == [20, 20]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    pairs = Pairs(samples, reference="few", seed=0, most=30)
    assert len(pairs.groups["few"]) == 1
    assert len(set(pairs.some["many"].tolist())) == 30
    networks = samples["many"].probabilities[pairs.some["many"]]
    table = pairwise_distances(networks, networks)
    np.fill_diagonal(table, 0)
    assert np.array_equal(pairs.block("many", "many"), table)


def test_distances_along_a_line_equal_those_of_scipy_resample_by_resample() -> None:
    samples = {"left": sample(0, 30), "right": sample(1, 20)}
    numbers = Numbers(lambda s: np.stack([s.scalars["score"], s.probabilities[:, 0, 0]], axis=1))
    of_left, of_right = resamples(2, 30, 12, 60), resamples(3, 20, 15, 60)
    orders = Orders(samples, numbers, reference="right", seed=0)
    ((found, scale),) = orders.seen([numbers], "left", of_left, "right", of_right)
    values = {name: numbers.of(s) for name, s in samples.items()}
    assert np.allclose(scale, values["right"].std(axis=0))
    for r, (a, b) in enumerate(zip(of_left, of_right, strict=True)):
        for line in range(2):
            exact = wasserstein_distance(values["left"][a, line], values["right"][b, line])
            assert found[r, line] == pytest.approx(exact, abs=1e-5)


def test_a_scalar_that_a_sample_lacks_or_that_does_not_vary_is_said() -> None:
    numbers = scalar_wasserstein("norm").sees
    assert isinstance(numbers, Numbers)
    with pytest.raises(ValueError, match=r"no scalar behaviour 'norm', only \['score'\]"):
        numbers.of(sample(0, 5))
    assert np.isnan(scalar_wasserstein("norm").between(np.ones((1, 1)), np.zeros(1))).all()


def test_lines_of_many_networks_are_taken_from_a_subset() -> None:
    samples = {"many": sample(0, 40), "few": sample(1, 9)}
    numbers = Numbers(lambda s: s.probabilities.reshape(len(s.chain), -1))
    taken = Orders(samples, numbers, reference="few", seed=0, most=15 * 20).samples
    assert (len(taken["many"].chain), len(taken["few"].chain)) == (20, 9)
    kept = taken["many"].chain
    assert len(set(kept.tolist())) == 20
    assert np.array_equal(taken["many"].probabilities, samples["many"].probabilities[kept])
    assert np.array_equal(taken["many"].scalars["score"], samples["many"].scalars["score"][kept])


def test_shares_are_counts_over_the_size() -> None:
    chosen = resamples(0, 10, 4)
    assert np.allclose(shares(chosen, 10), [np.bincount(row, minlength=10) / 4 for row in chosen])
