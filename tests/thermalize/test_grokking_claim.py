"""The claim about grokking: planted masses and passages get their verdict; what chains cannot show gets none.

False alarms: the planted landscape has two 99.9 % intervals behind it, at a fixed seed.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from compare import Median, Passages, Verdict, weigh_basins
from samplers import Target, elliptical_slice, parallel_tempering
from samplers.draws import Draws
from samplers.target import fit_statistics, logdensity
from thermalize.basins import Weighed
from thermalize.claims.claim import Case, Check, Curve
from thermalize.claims.grokking_is_search import Cell, case_of, evidence
from thermalize.claims.grokking_kinetic import begun_anew, condition_of, passing_of, training_start
from thermalize.claims.grokking_pictures import pictures
from thermalize.claims.grokking_planted import NARROW, WELLS, WIDE, planted_checks, planted_log_ratio
from thermalize.claims.grokking_planted import WEIGHTS as WELL_WEIGHTS
from thermalize.claims.grokking_posterior import (
    Setting,
    errors_of,
    in_units,
    network_of,
    posed,
    task_of,
    unit_of,
)
from thermalize.claims.grokking_published import published
from thermalize.claims.grokking_rule import LOCAL, Passing, heavier, judge, pace
from thermalize.claims.grokking_sizes import SIZES
from thermalize.claims.grokking_static import rule_of
from thermalize.grokking import Times
from thermalize.passage_table import row_of

type Array = np.ndarray
SETTING = Setting(5, 14, 1e-3, 1.5)
NEVER = Median(None, None, None)
PROMPT = Passing(Median(10.0, 9.0, 11.0), Median(12.0, 10.0, 14.0), Median(1.2, 1.0, 1.5), 8, 0, 0, 0)
LATER = PROMPT._replace(delay=Median(20.0, 10.0, 40.0))


def weighed_from(mass: float, *, mixed: bool = True) -> Weighed:
    """Chains that have the rule with this probability; where they did not mix, by where they began."""
    rng = np.random.default_rng(0)
    starts = [name for name in ("rule", "memory", "prior") for _ in range(2)]
    labels = rng.choice([1, 2], size=(6, 1000), p=[mass, 1 - mass])
    if not mixed:
        labels = np.repeat(np.array([1, 1, 2, 2, 2, 2])[:, None], 1000, axis=1)
    behaviours = rng.normal(size=(6, 1000, 1))
    basins = weigh_basins(labels, behaviours, starts, ["ok"] * 6)
    return Weighed(basins, labels, {"basin": labels}, {})


def times(memorised: int, generalised: int, num: int = 16, end: int = 1000) -> Times:
    """Networks that all fit at one step and know the rest at another; never where that is past the end."""

    def passages(step: int) -> Passages:
        at = np.full(num, min(step, end)) + (np.arange(num) if step < end else 0)
        return Passages(at, at - 1, np.full(num, step < end))

    return Times(
        passages(memorised), passages(generalised), np.array([end]), np.zeros((num, 1)), ["ok"] * num
    )


def case(mass: float, generalised: int, tempered: Passing, *, mixed: bool = True, sound: bool = True) -> Case:
    rows = {
        arm: row_of(condition_of(SETTING, arm, 0.8, 60.0), times(20, generalised), np.random.default_rng(0))
        for arm in LOCAL
    }
    cell = Cell(SETTING, 0.8, 60.0, weighed_from(mass, mixed=mixed), [], rows, tempered)
    return case_of(cell, [Check("planted", sound, "by hand")], SIZES["full"])


@pytest.mark.parametrize(
    ("mass", "generalised", "tempered", "verdict"),
    [
        (0.9, 500, PROMPT, Verdict.SUPPORTED),
        (0.9, 5000, PROMPT, Verdict.SUPPORTED),  # local methods never get there: later than late
        (0.9, 500, LATER, Verdict.PARTLY),
        (0.9, 25, PROMPT, Verdict.PARTLY),
        (0.1, 500, PROMPT, Verdict.REFUTED),
        (0.1, 5000, PROMPT, Verdict.INCONCLUSIVE),  # SGD does not grok
        (0.1, 25, PROMPT, Verdict.INCONCLUSIVE),  # nor here: it generalises at once
        (0.5, 500, PROMPT, Verdict.INCONCLUSIVE),
    ],
)
def test_planted_masses_and_passages(
    mass: float, generalised: int, tempered: Passing, verdict: Verdict
) -> None:
    found = case(mass, generalised, tempered)
    assert all(check.passed for check in found.checks), found.reason
    assert found.verdict == verdict, found.reason


def test_without_certified_masses_or_controls_there_is_no_verdict() -> None:
    apart = case(0.9, 500, PROMPT, mixed=False)
    assert apart.verdict == Verdict.INCONCLUSIVE
    assert "agreement of starts" in apart.reason
    unsound = case(0.9, 500, PROMPT, sound=False)
    assert (unsound.verdict, unsound.reason) == (Verdict.INCONCLUSIVE, "planted: by hand")


def test_runs_that_never_get_there_are_counted_and_their_gaps_named() -> None:
    some = case(0.9, 5000, PROMPT)
    numbers = {one.name: one.value for one in some.numbers}
    assert numbers["sgd: runs of 16 that never generalised"] == 16
    assert numbers["sgd: runs of 16 that never memorised"] == 0
    assert numbers["sgd: time to know the others"] is None
    apart = case(0.9, 500, PROMPT, mixed=False)
    together, *_ = pictures([some], 1000)
    assert isinstance(together, Curve)
    assert "Half of SGD's networks or more never got there at share: 0.8" in together.text
    assert together.series["SGD: networks that grok"][0].value == 0
    assert together.series["posterior mass, beta 60"][0].value == pytest.approx(0.9, abs=0.02)
    assert "No certified mass" not in together.text
    missing = pictures([apart], 1000)[0]
    assert "No certified mass: modulo 5, share 0.8, beta 60" in missing.text
    assert published([some])[1].ours == "sgd, share 0.8: half never did"


def test_methods_that_were_not_run_support_nothing() -> None:
    assert judge("generalising", {"sgd": LATER}, PROMPT)[0] == Verdict.INCONCLUSIVE
    assert pace(PROMPT._replace(memorised=NEVER, generalised=NEVER, delay=NEVER)) == "open"
    assert pace(PROMPT._replace(delay=Median(3.0, 2.0, 4.0))) == "open"
    assert heavier(-np.inf, -0.1) == "memorising"


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_planted_masses_by_brute_force(width: float) -> None:
    along = np.linspace(-12, 12, 48001)[:, None]
    logs = np.log(WELL_WEIGHTS) - (along - WELLS) ** 2 / (2 * width**2) - along**2 / 2
    left, right = logsumexp(logs[along[:, 0] < 0]), logsumexp(logs[along[:, 0] > 0])
    assert planted_log_ratio(width) == pytest.approx(left - right, abs=1e-3)


def test_planted_controls_come_out_right() -> None:
    assert [check.passed for check in planted_checks(jax.random.key(0))] == [True, True]


def test_the_written_rule_answers_by_least_squares() -> None:
    task = task_of(SETTING, 0.8, 0)
    model, target, batches = posed(SETTING, task, 60.0)
    start = rule_of(SETTING)(jax.random.key(0), target)
    assert not np.asarray(errors_of(model)(start, batches[1])).any()
    params = in_units(start, unit_of(target))
    outputs = np.asarray(jax.vmap(model.apply, (None, 0))(params, task.probe.inputs))
    answers = np.eye(5)[np.asarray(task.probe.targets)] - 1 / 5
    assert np.abs(outputs - answers).max() < 0.5  # the jitter; a right answer leads by 1
    assert (outputs.argmax(-1) == np.asarray(task.probe.targets)).all()
    with pytest.raises(ValueError, match="width must be at least 12 for modulus 5, got 8"):
        network_of(SETTING._replace(width=8))
    with pytest.raises(ValueError, match="leaves no test pair"):
        task_of(SETTING, 0.999, 0)


def test_the_posterior_is_that_of_the_given_pairs_alone() -> None:
    """Written out: prior up to a constant, likelihood and errors over the pairs of one share."""
    task, beta, decay = task_of(SETTING, 0.6, 0), 60.0, SETTING.decay
    model, target, _ = posed(SETTING, task, beta)
    num = len(task.train.targets)
    answers = np.eye(5)[np.asarray(task.train.targets)]
    found, wanted = [], []
    for seed in range(3):
        params = jax.tree.map(lambda leaf: 0.3 * leaf, model.sample_prior(jax.random.key(seed)))
        weights = [np.asarray(layer["w"], float) for layer in in_units(params, unit_of(target))]
        outputs = (np.asarray(task.train.inputs) @ weights[0]) ** 2 @ weights[1]
        squares = ((outputs - answers) ** 2).sum(axis=1) / 2
        penalty = decay * sum((layer**2).sum() for layer in weights) / 2
        prior = float(target.log_prior(params))
        wanted.append([-beta * num * penalty, -beta * num * squares.mean()])
        found.append([prior, float(logdensity(target, params)) - prior])
        wrong = outputs.argmax(axis=1) != np.asarray(task.train.targets)
        assert float(fit_statistics(target, params)["train_error"]) == pytest.approx(wrong.mean(), abs=1e-6)
    assert np.diff(found, axis=0) == pytest.approx(np.diff(wanted, axis=0), rel=1e-3)


def test_shares_and_temperatures_share_their_programs() -> None:
    two = [
        posed(SETTING, task_of(SETTING, share, 0), beta).target for share, beta in ((0.5, 60.0), (0.8, 9.0))
    ]
    first, second = (jax.eval_shape(lambda target: target, one) for one in two)
    assert first == second  # functions and shapes: what a program is compiled for


def test_passages_of_chains_by_hand() -> None:
    train = np.array([[0.5, 1.0, 1.0, 1.0], [1.0, 1.0, 0.5, 1.0], [0.1, 0.2, 0.3, 0.4]])
    probe = np.array([[0.0, 0.0, 0.0, 0.95], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    observed = {"basin": np.zeros((3, 4)), "train_accuracy": train, "probe_accuracy": probe}
    found = passing_of(Draws(observed, {}, None, ["ok"] * 3), 0)
    assert (found.memorised.value, found.generalised.value, found.delay.value) == (2.0, 4.0, 2.0)
    assert (found.num_networks, found.num_never_memorised, found.num_never_generalised) == (3, 1, 1)


def test_tempered_chains_are_put_back_after_tuning() -> None:
    target = posed(SETTING, task_of(SETTING, 0.8, 0), 60.0).target
    start = training_start(SETTING._replace(init_scale=0.0))
    base = parallel_tempering(elliptical_slice(1, 1), ladder=(0.0, 0.5, 1.0), num_warmup=1)

    def warm(key: jax.Array, target: Target) -> tuple[jax.Array, jax.Array]:
        position, tuned = begun_anew(base, start).warmup(key, target, target.sample_prior(key))
        leaves = jax.tree.leaves((position, tuned.positions))
        return jnp.stack([jnp.abs(leaf).max() for leaf in leaves]).max(), leaves[-1]

    largest, replicas = jax.jit(warm)(jax.random.key(0), target)
    assert (float(largest), replicas.shape[0]) == (0.0, 3)


@pytest.mark.certify
def test_the_paper_preset_runs_small() -> None:
    paper, smoke = SIZES["paper"], SIZES["smoke"]
    small = paper._replace(
        settings=paper.settings[1:],
        shares=(0.5,),
        betas=paper.betas[:1],
        training=smoke.training._replace(arms=("sgd", "sgld"), max_steps=100),
        tempering=smoke.tempering,
        chains=smoke.chains,
    )
    found = evidence(small, 0, lambda done, total, note="": None)
    assert [one.name for one in found.cases] == ["modulo 13, share 0.5, beta 60"]
    assert found.cases[0].verdict == Verdict.INCONCLUSIVE
