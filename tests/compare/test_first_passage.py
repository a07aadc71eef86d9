"""First passages: published data, Kaplan-Meier written out, coverage, and what no look may do."""

import numpy as np
import pytest
from scipy.stats import binom

from compare import Passages, first_passages, log_rank, median_passage, median_ratio, not_seen_yet

# Weeks to relapse under 6-mercaptopurine and placebo, a minus for censored: Freireich et al. 1963.
DRUG = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
EARLY = [2, 4, 6, 8, 10, 12]


def of(weeks: list[int]) -> Passages:
    signed = np.array(weeks)
    return Passages(abs(signed), abs(signed) - 1, signed > 0)


def written_out(passages: Passages, at: float) -> tuple[float, float, float]:
    """Kaplan-Meier and the 95 % interval on the log(-log) scale, one run after the other."""
    share, greenwood = 1.0, 0.0
    for time in sorted(set(passages.steps[passages.seen].tolist())):
        if time > at:
            break
        going = sum(passages.steps >= time)
        saw = sum((passages.steps == time) & passages.seen)
        share *= 1 - saw / going
        greenwood += saw / (going * (going - saw)) if going > saw else 0.0
    if share in (0.0, 1.0):
        return share, share, share
    reach = 1.959964 * np.sqrt(greenwood) / abs(np.log(share))
    return share, share ** np.exp(reach), share ** np.exp(-reach)


def test_published_medians_and_log_rank() -> None:
    """Medians 23 and 8 weeks, log-rank chi-square 16.79: Kleinbaum and Klein 2012, chapter 2."""
    assert (median_passage(of(DRUG)).value, median_passage(of(PLACEBO)).value) == (23, 8)
    assert log_rank(of(DRUG), of(PLACEBO)) == pytest.approx(4.17e-5, rel=0.01)  # of 16.79, one degree
    assert log_rank(of(DRUG), of(DRUG)) == pytest.approx(1.0)


@pytest.mark.parametrize("weeks", [DRUG, PLACEBO, [5, 5, -7, 9], [-5, 8, 8], EARLY])
def test_shares_and_medians_written_out(weeks: list[int]) -> None:
    passages = of(weeks)
    at = np.arange(40)
    by_hand = np.array([written_out(passages, float(time)) for time in at])
    np.testing.assert_allclose(not_seen_yet(passages, at), by_hand[:, 0], atol=1e-12)
    found = median_passage(passages)
    first = [next((t for t in at if by_hand[t, column] <= 0.5 + 1e-12), None) for column in range(3)]
    assert (found.value, found.low, found.high) == tuple(first)


def test_the_interval_covers_the_median_of_censored_runs() -> None:
    """40 runs of median 100, a third censored at random: 95 % +- what 1,000 repetitions allow at 1e-5."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        true, end = rng.exponential(100 / np.log(2), 40), rng.exponential(300, 40)
        found = median_passage(Passages(np.minimum(true, end), np.zeros(40), true <= end))
        covered += (found.low or 0) <= 100 <= (np.inf if found.high is None else found.high)
    assert binom.ppf(1e-5, 1000, 0.94) <= covered <= binom.ppf(1 - 1e-5, 1000, 0.97)


def test_leaving_censored_runs_out_would_lie() -> None:
    rng = np.random.default_rng(1)
    true = rng.exponential(100 / np.log(2), 4000)
    passages = Passages(np.minimum(true, 120), np.zeros(4000), true <= 120)
    found = median_passage(passages).value
    assert found is not None
    assert abs(found - 100) < 12  # 5 standard errors
    assert np.median(true[passages.seen]) < 55


def test_looks_bound_the_passage() -> None:
    seen = np.array([[0, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]], bool)
    found = first_passages(seen, np.array([0, 10, 20, 50]))
    assert found.steps.tolist() == [20, 0, 50, 50]
    assert found.before.tolist() == [10, -1, 50, 20]
    assert found.seen.tolist() == [True, True, False, True]
    ended = first_passages(seen[2:3], np.array([[0, 10, 13, 13]]))  # a run that ended early, at 13
    assert (ended.steps.tolist(), ended.seen.tolist()) == ([13], [False])


def test_few_passages_give_no_median_and_none_gives_no_end() -> None:
    few = median_passage(of([5, -9, -9, -9, -9, -9]))
    assert (few.value, few.high) == (None, None)
    none = of([-9] * 6)
    assert median_passage(none) == (None, None, None)
    assert log_rank(none, none) == 1.0
    assert log_rank(of([3] * 20), of([-9] * 20)) < 1e-6


def test_a_ratio_of_medians_with_planted_delay() -> None:
    """Covered in 95 % of cases, 1e-5; later runs that were cut short make the upper end endless."""
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        quick = rng.lognormal(3, 0.3, 32)
        slow = 10 * rng.lognormal(3, 0.3, 32)
        every = np.ones(32, bool)
        found = median_ratio(
            Passages(slow, slow, every), Passages(quick, quick, every), rng, num_resamples=400
        )
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 10 <= found.high
    assert covered >= binom.ppf(1e-5, 200, 0.93)
    for num_seen in (32, 20):  # by the medians themselves, whatever order runs and censored ones come in
        late = Passages(slow, slow, rng.permutation(32) < num_seen)
        found = median_ratio(late, Passages(quick, quick, every), rng, num_resamples=1)
        expected = median_passage(late).value, median_passage(Passages(quick, quick, every)).value
        assert None not in (found.value, *expected)
        assert found.value == expected[0] / expected[1]  # type: ignore[operator]
    quick, slow = np.full(16, 10), np.full(16, 1000)
    early = Passages(quick, quick - 1, np.ones(16, bool))
    late = Passages(slow, slow - 100, np.arange(16) < 9)
    found = median_ratio(late, early, rng)
    assert (found.value, found.low, found.high) == (90, 90, None)  # the look before, not the look
    assert median_ratio(early, Passages(slow, slow, np.zeros(16, bool)), rng) == (None, None, None)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="looks must rise"):
        first_passages(np.zeros((1, 2), bool), np.array([5, 3]))
    with pytest.raises(ValueError, match=r"got \(2,\) and \(2,\)"):
        first_passages(np.zeros(2, bool), np.array([1, 2]))
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        median_passage(of(DRUG), 95)
    with pytest.raises(ValueError, match="passages of no runs"):
        median_passage(Passages(*(np.zeros(0, kind) for kind in (int, int, bool))))
    with pytest.raises(ValueError, match="the same runs are needed, got 21 and 4"):
        median_ratio(of(DRUG), of([1, 2, 3, 4]), np.random.default_rng(0))
