"""The claim ``posterior_sample``: planted laws get the verdict they deserve, wrong references get none."""

import re
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compare import FunctionCounts, Verdict
from models import boolean_inputs, boolean_labels, boolean_task, majority
from samplers import Draws
from thermalize.claims.boolean import system
from thermalize.claims.claim import Case, Check
from thermalize.claims.posterior_family import (
    Member,
    at_edge,
    gibbs_members,
    nearest_of,
    scaled_network,
    subsample,
    thinned_functions,
    with_scale,
)
from thermalize.claims.posterior_gibbs import asked, loss_gate, matching_beta
from thermalize.claims.posterior_impostors import Impostor
from thermalize.claims.posterior_pages import answer_of, cases_shown, number_of
from thermalize.claims.posterior_rule import Found, Posterior, case_of, judge

type Array = np.ndarray

EVERY = np.arange(16, dtype=np.uint8)[:, None]  # 16 functions of 3 bits, alike on four inputs
ENERGY = np.linspace(0, 2, 16)  # of each, to make a family exp(-beta energy)


def law(beta: float) -> Array:
    weights = np.exp(-beta * ENERGY)
    return np.asarray(weights / weights.sum())


def counted(p: Array, num: int, seed: int) -> FunctionCounts:
    counts = np.random.default_rng(seed).multinomial(num, p)
    return FunctionCounts(EVERY[counts > 0], counts[counts > 0])


POSTERIOR = law(1.5)
POINT = np.eye(16)[0]


def members(*betas: float) -> list[Member]:
    """A family in inverse temperature at scale one, and far laws at smaller and larger scales."""
    inner = [
        Member("Gibbs", beta, 1.0, counted(law(beta), 2000, 100 + place)) for place, beta in enumerate(betas)
    ]
    return [*inner, *(Member("zero-one", None, scale, counted(law(-9.0), 2000, 99)) for scale in (0.5, 2.0))]


FAMILY = members(-6.0, -1.0, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0)


def judged(
    endpoints: Array,
    *,
    num: int = 4000,
    num_reference: int = 40_000,
    control: Array = POSTERIOR,
    hot: Array | None = None,
    family: list[Member] = FAMILY,
) -> Case:
    others = {
        "the prior": counted(np.full(16, 1 / 16), 10_000, 3),
        "the max-margin function": counted(POINT, 10_000, 4),
        "the posterior at inverse temperature 1": counted(law(0.2) if hot is None else hot, 10_000, 5),
    }
    posterior = Posterior(
        counted(POSTERIOR, num_reference, 1),
        counted(control, num_reference, 2),
        {name: Impostor(counts, 0.4, 0.3, None) for name, counts in others.items()},
        family,
        [],
    )
    return case_of("case", {}, counted(endpoints, num, 6), posterior, [], num_inputs=8, seed=0)


def ranked(tv: float) -> Array:
    """A law in the posterior's order that has moved mass ``tv`` to its likeliest function."""
    keep = 1 - tv / (1 - POSTERIOR[0])
    return np.asarray(keep * POSTERIOR + (1 - keep) * POINT)


def test_the_posterior_itself_is_supported() -> None:
    case = judged(POSTERIOR)
    assert case.verdict == Verdict.SUPPORTED, case.reason
    assert all(check.passed for check in case.checks)
    assert number_of(case, "inverse temperature of the nearest posterior").value in {1.0, 1.5, 2.0}


def test_another_temperature_is_not_supported_and_its_temperature_is_found() -> None:
    case = judged(law(6.0), family=members(0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 12.0))
    assert case.verdict not in {Verdict.SUPPORTED, Verdict.REFUTED}, case.reason
    assert number_of(case, "inverse temperature of the nearest posterior").value == 6.0
    low = number_of(case, "total variation").low
    assert low is not None
    assert low > 0.25
    assert "at the best temperature" in case.reason or "ranks" in case.reason


def test_equal_ranks_do_not_hide_a_distance_from_every_posterior() -> None:
    """Total variation 0.3 to the likeliest function: ranks say 1, no temperature comes near."""
    far = np.roll(law(6.0), 8)  # the unlikely half of the functions: no member is near
    assert judged(far).verdict == Verdict.REFUTED
    case = judged(ranked(0.3))
    truth = np.abs(ranked(0.3) - POSTERIOR).sum() / 2
    shown = number_of(case, "total variation")
    assert shown.low is not None
    assert shown.high is not None
    assert shown.low < truth < shown.high
    assert truth == pytest.approx(0.3)
    assert case.verdict == Verdict.PARTLY, case.reason  # a colder posterior is within 0.25 of it
    ranks = number_of(case, "rank correlation of log probabilities").low
    assert ranks is not None
    assert ranks > 0.8


def test_the_best_at_the_edge_of_the_search_refutes_nothing() -> None:
    far = np.roll(law(6.0), 8)
    one_scale = [member for member in FAMILY if member.scale == 1]
    case = judged(far, family=one_scale)
    assert (case.verdict, "edge of the search" in case.reason) == (Verdict.INCONCLUSIVE, True)
    assert judged(far, family=[]).verdict == Verdict.INCONCLUSIVE
    assert [at_edge(member, FAMILY) for member in FAMILY] == [True, *[False] * 7, True, True, True]
    warmer = [member for member in FAMILY if member.beta != 6.0]  # the coldest could not be trusted
    assert at_edge(warmer[7], warmer)
    assert warmer[7].beta == 3.0


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        (partial(judged, num_reference=420, num=420), "too high to show equality|limits lie between"),
        (partial(judged, control=law(0.2)), "an independent exact sample is equal"),
        (partial(judged, hot=POSTERIOR), "the posterior at inverse temperature 1 is different"),
    ],
    ids=["too few draws", "a control that differs", "an impostor, said to be far, that is not found"],
)
def test_no_verdict(plant: Callable[[Array], Case], why: str) -> None:
    case = plant(POSTERIOR)
    assert case.verdict == Verdict.INCONCLUSIVE
    assert any(part in case.reason for part in why.split("|")), case.reason


def test_a_missing_reference_is_said() -> None:
    gate = Check("exact draws of the posterior in a half", False, "3, needed 400")
    case = case_of("case", {}, counted(POSTERIOR, 500, 0), None, [gate], num_inputs=8, seed=0)
    assert (case.verdict, case.numbers) == (Verdict.INCONCLUSIVE, [])
    assert case.reason == "exact draws of the posterior in a half: 3, needed 400"


def test_both_ends_of_the_rule() -> None:
    found = Found(0.0, 0.10, 0.05, None, None, False)
    assert judge(found)[0] == Verdict.SUPPORTED
    assert judge(found._replace(high=0.101))[0] == Verdict.INCONCLUSIVE
    assert judge(found._replace(floor=0.051))[0] == Verdict.INCONCLUSIVE
    far = Found(0.25, 0.6, 0.4, 0.9, 0.25, False)
    assert judge(far)[0] == Verdict.REFUTED
    assert judge(far._replace(nearest=0.24))[0] == Verdict.PARTLY
    assert judge(far._replace(edge=True, ranks=0.79))[0] == Verdict.INCONCLUSIVE
    assert judge(far._replace(nearest=None, ranks=None))[0] == Verdict.INCONCLUSIVE
    assert judge(far._replace(low=0.10, nearest=0.0))[0] == Verdict.INCONCLUSIVE


def test_the_nearest_member_is_measured_on_endpoints_that_did_not_choose_it() -> None:
    """60 members, all of the endpoints' own law: the best of them is no nearer than any other."""
    rng = np.random.default_rng(0)
    same = [Member("Gibbs", 1.0, 1.0, counted(POSTERIOR, 500, seed)) for seed in range(60)]
    found = [nearest_of(counted(POSTERIOR, 1000, 500 + turn), same, rng).distance for turn in range(10)]
    fresh = [
        np.abs(rng.multinomial(500, POSTERIOR) / 500 - rng.multinomial(500, POSTERIOR) / 500).sum() / 2
        for _ in range(400)
    ]
    assert np.mean(found) > np.mean(fresh) - 4 * np.std(fresh) / np.sqrt(10)


def test_the_stopping_rule_comes_first() -> None:
    first, later = (
        judged(p)._replace(name=f"boolean-3, majority, sgd, {stop}, zero-one")
        for p, stop in ((POSTERIOR, "first fit"), (ranked(0.3), "500 steps on"))
    )
    said = answer_of("planted", [first, later])
    assert said.startswith("planted: the answer depends on the stopping rule (bounds apart in 1 of 1 pairs")
    assert "; total variation, medians of its bounds, 0.00 to 0." in said
    assert re.search(r"at first fit \(1 case\), 0\.\d+ to 0\.\d+ 500 steps on \(1 case\)", said), said
    alike = later._replace(numbers=first.numbers)
    assert "stopping rule is not settled" in answer_of("planted", [first, alike])
    shown = cases_shown("planted", [first, later], [], [], [])
    assert [len(graph.series) for graph in shown.graphs] == [4, 2]
    assert shown.answer == said
    assert answer_of("planted", []) == "planted: no case could be measured at any stopping rule"


def test_a_scaled_network_is_the_network_of_scaled_parameters() -> None:
    network = system(3).network
    params, inputs = network.init(jax.random.key(0)), boolean_inputs(3)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, params)
    scaled, asked_for = scaled_network(network), with_scale(inputs, 2.0)
    assert scaled.apply_columns is not None
    assert network.apply_columns is not None
    truth = network.apply_columns(doubled, jnp.asarray(inputs).T)
    assert np.allclose(scaled.apply_columns(params, asked_for.T), truth, atol=1e-5)
    assert np.allclose(jax.vmap(scaled.apply, (None, 0))(params, asked_for).T, truth, atol=1e-5)
    target, observe, rows = asked(system(3), boolean_task(0, majority(3), 4), 2.0)
    labels = boolean_labels(network)(doubled, jnp.asarray(inputs))
    assert (observe(params, rows)["function"] == jnp.packbits(labels)).all()
    assert target.data.inputs.shape == (4, 4)


def test_rungs_that_cannot_be_trusted_are_not_searched() -> None:
    rng = np.random.default_rng(0)
    good = rng.choice(EVERY[:, 0], size=(2, 500, 1)).astype(np.uint8)
    apart = np.concatenate([good[:1] % 4, 12 + good[1:] % 4])  # two populations that disagree
    rungs = [Draws({"function": x}, {}, None, ["ok", "ok"]) for x in (good, apart, good)]
    rungs.append(rungs[0]._replace(status=["ok", "collapsed"]))
    rows, labels = np.array([0]), np.array([0])
    found = gibbs_members([1.0, 2.0, 4.0, 8.0], rungs, 1.0, rows, labels, 8)
    assert [member.beta for member in found] == [1.0, 1.0, 4.0, 4.0]
    assert thinned_functions(rungs[1], 8).rhat > 1.1
    assert 900 < thinned_functions(rungs[0], 8).counts().total <= 1000


def test_matched_losses() -> None:
    betas = np.array([1.0, 4.0, 16.0, 64.0])
    losses = 1 / betas
    assert matching_beta(betas, losses, 1 / 8) == pytest.approx(8.0)
    assert matching_beta(betas, losses, 1 / 256) == pytest.approx(256.0)
    assert [loss_gate(found, 0.01).passed for found in (0.0101, 0.02, 0.005)] == [True, False, False]


def test_a_subsample_is_of_the_draws() -> None:
    rng = np.random.default_rng(0)
    counts = counted(POSTERIOR, 1000, 0)
    some = subsample(counts, 100, rng)
    assert some.total == 100
    assert subsample(counts, 5000, rng) is counts
