"""Networks on images: planted endpoints get the verdict they deserve, a broken control none."""

from typing import Any

import numpy as np
import pytest

import thermalize.claims.posterior_networks as claim
from compare import Arm, Outcome, Verdict, scalars
from models.datasets import MissingExtra
from thermalize.claims.network_case import (
    MARGIN,
    SECOND,
    Met,
    checks_of,
    judge,
    meet,
    named_outcomes,
    numbers_of,
    verdict_of,
)
from thermalize.claims.network_family import gates_of, next_scale
from thermalize.claims.network_presets import AMOUNTS
from thermalize.claims.network_report import headline_of, published_of
from thermalize.claims.network_systems import NAMED, Member, NetworkSystem, load_system
from thermalize.family import Fit, Rung, fit_family, ladder, rung_of

type Array = np.ndarray
TARGETS = np.array([0, 1, 0, 1])
TILT = np.array([1.0, -1.0, 0.5, -0.5])


def arm(
    seed: int, chains: int, draws: int, spread: float = 1.0, shift: float = 0.0, *, one: bool = False
) -> Arm:
    """Log odds on four probes, normal about half of the truth; of networks that are independent or chains."""
    rng = np.random.default_rng(seed)
    odds = -TILT + shift + spread * rng.normal(size=(chains, draws, 4))
    right = (1 / (1 + np.exp(-odds))).astype(np.float32)
    p = np.stack([1 - right, right], axis=-1)
    return Arm(p, one, scalars(p, TARGETS))


PRIOR, FAR = arm(1, 1, 300, 6.0, one=True), arm(2, 100, 1, 0.1, 3.0, one=True)
POSTERIOR, OTHER = arm(3, 800, 1, one=True), arm(4, 200, 1, 0.2, one=True)
HERE = Member(1.0, 1.0)


def against(arms: dict[str, Arm], reference: Arm, control: Arm, margin: Arm, *, prior: Arm = PRIOR) -> Met:
    """Arms, a control and an impostor against a reference."""
    return meet(arms, HERE, reference, {SECOND: control}, prior, {MARGIN: margin}, seed=0)


@pytest.fixture(scope="module")
def met() -> Met:
    return against({"same": POSTERIOR, "narrow": OTHER}, arm(0, 8, 200), arm(5, 8, 200), FAR)


def rungs() -> list[Rung]:
    """Spread ``beta^-1/2``: the endpoints of spread 1 are at 1."""
    found = [(beta, arm(50 + i, 4, 200, beta**-0.5)) for i, beta in enumerate(ladder(0.5, 2.0))]
    return [rung_of(beta, one, np.zeros((4, 200))) for beta, one in found]


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_family({1.0: rungs()}, POSTERIOR.probabilities[:, 0], seed=0)


def test_another_law_is_refuted_and_of_a_sample_nothing_is_said_that_was_not_shown(
    met: Met, fit: Fit
) -> None:
    checks = checks_of(met)
    assert all(check.passed for check in checks), checks
    verdict, reason = verdict_of("narrow", met, fit, checks)
    assert verdict == Verdict.REFUTED, reason
    assert "a classifier shows a total variation of at least 0." in reason
    assert verdict_of("same", met, fit, checks)[0] == Verdict.INCONCLUSIVE  # too few to show equality
    assert fit.member is not None
    assert fit.member.beta.low < 1 < fit.member.beta.high


@pytest.mark.certify
def test_a_posterior_sample_is_supported_where_there_are_enough_draws(fit: Fit) -> None:
    """All of five named behaviours equivalent: power above 0.9 each at these sizes; one fixed seed."""
    prior = arm(1, 1, 4000, 6.0, one=True)  # no distance is measured with more networks than the ceiling has
    met = against({"same": arm(3, 4000, 1, one=True)}, arm(0, 8, 800), arm(5, 8, 700), FAR, prior=prior)
    verdict, reason = verdict_of("same", met, fit, checks_of(met))
    assert verdict == Verdict.SUPPORTED, reason


def test_numbers_name_both_posteriors_and_the_line_of_accuracy(met: Met, fit: Fit) -> None:
    numbers = {one.name: one for one in numbers_of("same", POSTERIOR, met, met, fit, TARGETS)}
    for where in ("nearest posterior", "Bayes' posterior"):
        assert numbers[f"agreement of averages, {where}"].value == 1.0
        assert (
            numbers[f"agreement that accuracy alone implies, {where}"].value == 1.0
        )  # both are always right
        closeness = numbers[f"closeness in energy distance, {where}"].value
        assert closeness is not None
        assert abs(closeness - 1) < 0.05
        for name in NAMED:
            assert f"{name}: Wasserstein distance, {where}" in numbers
        bound = numbers[f"total variation at least, by a classifier, {where}"]
        assert bound.low == 0, bound  # below chance, a classifier shows nothing


def test_a_control_that_differs_withholds_the_verdict(fit: Fit) -> None:
    """Its spread is 0.6 of the truth's: the energy distance shows that at these sizes in every run."""
    off = against({"narrow": OTHER}, arm(0, 8, 100), arm(6, 8, 100, 0.6), FAR)
    verdict, reason = verdict_of("narrow", off, fit, checks_of(off))
    assert verdict == Verdict.INCONCLUSIVE
    assert f"{SECOND} at beta 1" in reason


def test_an_impostor_that_is_none_and_a_reference_that_is_split_withhold_the_verdict(fit: Fit) -> None:
    reference = arm(0, 8, 100)
    split = reference.probabilities.copy()
    split[:4] = arm(8, 4, 100, shift=1.0).probabilities
    untrusted = reference._replace(probabilities=split, scalars=scalars(split, TARGETS))
    bad = against({"narrow": OTHER}, untrusted, arm(5, 8, 100), arm(7, 100, 1, one=True))
    verdict, reason = verdict_of("narrow", bad, fit, checks_of(bad))
    assert verdict == Verdict.INCONCLUSIVE
    assert "largest R-hat at beta 1" in reason
    assert f"{MARGIN} at beta 1" in reason


SAME, DIFFERENT, OPEN = Outcome.EQUIVALENT, Outcome.DIFFERENT, Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("bound", "apart", "named", "searched", "verdict"),
    [
        (0.25, True, [SAME, SAME], True, Verdict.REFUTED),
        (0.25, True, [SAME, SAME], False, Verdict.INCONCLUSIVE),
        (0.24, True, [SAME, SAME], True, Verdict.PARTLY),
        (0.1, True, [DIFFERENT, DIFFERENT], True, Verdict.INCONCLUSIVE),
        (0.0, False, [SAME, DIFFERENT], True, Verdict.PARTLY),
        (0.0, False, [SAME, OPEN], True, Verdict.INCONCLUSIVE),
        (0.0, False, [SAME, SAME], False, Verdict.SUPPORTED),
    ],
)
def test_the_rule(bound: float, apart: bool, named: list[Outcome], searched: bool, verdict: Verdict) -> None:
    outcomes = dict(zip(("accuracy", "entropy"), named, strict=True))
    assert judge(bound, apart, outcomes, searched)[0] == verdict


def test_an_equivalence_counts_only_where_the_control_has_it(met: Met) -> None:
    same = met.found.comparisons["same"]
    unsure = [c._replace(outcome=Outcome.INCONCLUSIVE) for c in met.found.comparisons[SECOND]]
    assert set(named_outcomes(same, unsure).values()) == {Outcome.INCONCLUSIVE}
    assert len(named_outcomes(same, same)) == 1 + len(NAMED)


def test_a_scale_that_fails_is_left_out_at_an_end_and_withholds_the_verdict_between_others() -> None:
    good = [rung_of(beta, arm(60 + i, 4, 200), np.zeros((4, 200))) for i, beta in enumerate((0.5, 1.0, 2.0))]
    bad = [rung._replace(trust=rung.trust._replace(passed=False)) for rung in good]
    gates = gates_of({0.5: good, 1.0: bad, 2.0: good, 4.0: bad})
    assert [gate.passed for gate in gates] == [True, False, True, True]
    assert gates[3].detail == "at 0 of 3 inverse temperatures, needed 3: left out of the search"
    assert not any(gate.passed for gate in gates_of({1.0: bad}))


@pytest.mark.parametrize(
    ("searched", "widest", "expected"),
    [
        ((0.5, 1.0, 2.0), (0.125, 8.0), None),  # the nearest, of scale 1, has neighbours
        ((1.0, 2.0), (0.125, 8.0), 0.5),
        ((0.5, 1.0), (0.125, 8.0), 2.0),
        ((1.0, 2.0), (1.0, 8.0), None),  # no further than allowed
    ],
)
def test_the_search_widens_where_the_nearest_is_at_an_end(
    searched: tuple[float, ...], widest: tuple[float, float], expected: float | None, fit: Fit
) -> None:
    assert next_scale([fit], searched, widest) == expected


@pytest.fixture(scope="module")
def smoke() -> Any:
    """The smoke preset, with one system more, whose images are missing."""

    def load(key: Any, setting: Any) -> NetworkSystem:
        if setting.name == "mnist-binary":
            raise MissingExtra("run `pip install 'thermalize[mnist]'`")
        return load_system(key, setting)

    seen: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claim, "load_system", load)
        amount = AMOUNTS["smoke"]
        more = [*amount.systems, amount.systems[0]._replace(name="mnist-binary")]
        patch.setitem(AMOUNTS, "smoke", amount._replace(systems=more))
        return claim.evidence("smoke", 0, lambda done, total, note="": seen.append(done / total)), seen


@pytest.mark.certify
def test_smoke_has_a_case_a_stop_and_says_what_is_not_installed(smoke: Any) -> None:
    found, seen = smoke
    names = [case.name for case in found.cases]
    assert names[0] == "digits-binary, sgd, first fit, nearest posterior"
    assert names[-1] == "mnist-binary, not installed, nearest posterior"
    missing = found.cases[-1]
    assert missing.verdict == Verdict.INCONCLUSIVE
    assert "thermalize[mnist]" in missing.reason
    assert all(case.verdict in set(Verdict) for case in found.cases)
    assert [sampled.arm for sampled in found.samples][:2] == [
        "digits-binary-hmc",
        "digits-binary-sgd-first_fit",
    ]
    assert seen == sorted(seen)
    assert {row.source for row in found.published} >= {"Wilson et al. 2022", "Sharma et al. 2023"}


def test_without_numbers_nothing_is_invented() -> None:
    assert headline_of([]).value is None
    assert {row.ours for row in published_of([])} <= {"not measured in this preset", "not measured"}
