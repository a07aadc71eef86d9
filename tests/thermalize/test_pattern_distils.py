"""Students and teachers: planted sizes are found, bounds stay bounds, controls withhold the verdict."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compare import Verdict
from models import categorical
from thermalize.claims.claim import Case, Check
from thermalize.claims.distillation import RESAMPLES, compare_sizes, resampled_curves, size_needed
from thermalize.claims.distillation_cases import Pair, Taught, case_of, graphs_of, headline_of
from thermalize.claims.pattern_distils import CLAIM, SIZES
from thermalize.claims.teachers import NUM_PROBE, Teachers, agreement, num_params, school, soft_labels

type Array = np.ndarray
WIDTHS = (1, 2, 4, 8, 16, 32)
PARAMS = 75.0 * np.array(WIDTHS)
NEVER = 1e9


def agreeing(needed: float, seed: int, *, num_images: int = 300, num_teachers: int = 4) -> Array:
    """Agreement ``(teacher, size, student, image)`` that reaches 95 % at ``needed`` parameters.

    Logit of the agreement linear in the log of the parameters, with an effect of its own for each
    teacher; harder images are missed first.
    """
    rng = np.random.default_rng(seed)
    effect = rng.normal(scale=0.15, size=(num_teachers, 1, 1, 1))
    logit = np.log(19) + 1.5 * np.log(PARAMS / needed)[:, None, None] + effect
    hardness = rng.logistic(size=num_images)
    own = rng.logistic(scale=0.1, size=(num_teachers, len(WIDTHS), 2, num_images))
    return np.asarray(hardness + own < logit)


def taught(agree: Array, *, kind: str = "endpoint", shuffled: float = 0.5, passed: bool = True) -> Taught:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(2), size=(len(agree), NUM_PROBE + 5))
    checks = [Check("teachers' training error at most 1 %", passed, "3 %")]
    answers = np.arange(100)[None] < 100 * shuffled
    return Taught(Teachers(kind, probabilities, 0.1, 0.0, checks), agree, answers)


def judged(true: Taught, random: Taught, teacher_width: int = 32) -> Case:
    pair = Pair("digits", 50, WIDTHS, PARAMS, teacher_width, true, random)
    return case_of(pair, np.random.default_rng(0))


def test_sizes_by_brute_force() -> None:
    curve = np.array([0.3, 0.7, 0.6, 0.94, 0.97, 0.96])
    dense = np.exp(np.linspace(np.log(PARAMS[0]), np.log(PARAMS[-1]), 200_001))
    height = np.interp(np.log(dense), np.log(PARAMS), np.maximum.accumulate(curve))
    found = size_needed(PARAMS, curve)
    assert found.low == found.high == pytest.approx(dense[np.argmax(height >= 0.95)], rel=1e-4)


def test_resampled_curves_are_the_mean_and_its_spread() -> None:
    agree = agreeing(800, 0)
    rng = np.random.default_rng(0)
    images = rng.multinomial(300, np.full(300, 1 / 300), size=RESAMPLES) / 300
    curves = resampled_curves(agree, images, rng)
    assert curves.mean(axis=0) == pytest.approx(agree.mean(axis=(0, 2, 3)), abs=0.005)
    only_images = resampled_curves(agree[:1, :, :1], images, rng)
    share = agree[0, :, 0].mean(axis=-1)
    assert only_images.std(axis=0) == pytest.approx(np.sqrt(share * (1 - share) / 300), rel=0.1)


@pytest.mark.parametrize(
    ("needed_true", "needed_random", "verdict"),
    [
        (150, 1500, Verdict.SUPPORTED),
        (600, 600, Verdict.REFUTED),
        (400, 800, Verdict.INCONCLUSIVE),  # twice, on the threshold
        (150, NEVER, Verdict.SUPPORTED),  # a lower bound is enough
        (NEVER, NEVER, Verdict.INCONCLUSIVE),
    ],
)
def test_planted_sizes_get_their_verdict(needed_true: float, needed_random: float, verdict: Verdict) -> None:
    # The widest student stands for the teacher's own width where the planted size is within reach.
    true, random = (
        taught(agreeing(needed, seed), kind="endpoint ensemble")
        for needed, seed in ((needed_true, 1), (needed_random, 2))
    )
    case = judged(true, random)
    assert case.verdict == verdict, case.reason
    ratio = case.numbers[0]
    if needed_random == NEVER:
        assert ratio.high is None
        assert "a lower bound" in ratio.name
        assert "above 2,400 with random labels" in case.reason
    else:
        assert ratio.low is not None
        assert ratio.high is not None
        assert ratio.low < needed_random / needed_true < ratio.high


@pytest.mark.certify
def test_intervals_of_the_ratio_cover_it() -> None:
    # 95 % nominal. Four teachers make a bootstrap narrow, by a sixth if they were all that varies: 90 %.
    # The seeds are fixed; fewer than 170 of 200 happen in 2 % of runs at 90 % and never at 95 %, and an
    # interval half as wide covers in 65 %: seen with certainty.
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        ratio = compare_sizes(PARAMS, agreeing(900, seed), agreeing(300, 1000 + seed), rng)
        covered += ratio.low <= 3 <= ratio.high
    assert covered >= 170


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("own", "a student as wide as its teacher"),
        ("shuffled", "students of shuffled answers do not agree"),
        ("teacher", "teachers' training error"),
        ("seeds", "teachers of other seeds"),
    ],
)
def test_a_control_that_comes_out_wrong_withholds_the_verdict(change: str, words: str) -> None:
    easy, hard = agreeing(150, 1), agreeing(1500, 2)
    assert judged(taught(easy), taught(hard)).verdict == Verdict.SUPPORTED
    if change == "seeds":
        easy = np.concatenate([agreeing(80, 1)[:2], agreeing(1000, 3)[:2]])
    true = taught(easy, shuffled=0.96 if change == "shuffled" else 0.5, passed=change != "teacher")
    case = judged(true, taught(hard), teacher_width=8 if change == "own" else 32)
    assert case.verdict == Verdict.INCONCLUSIVE
    assert words in case.reason


def test_pictures_draw_bounds_to_their_end() -> None:
    pair = Pair("digits", 50, WIDTHS, PARAMS, 32, taught(agreeing(150, 1)), taught(agreeing(NEVER, 2)))
    case = case_of(pair, np.random.default_rng(0))
    graph, curve = graphs_of([pair], [case])
    assert graph.series["ratio"][0].high == case.numbers[0].value
    assert len(curve.series["true labels"]) == len(WIDTHS)
    assert headline_of([case]).value is None  # its teacher cannot be repeated: no verdict, no headline


def test_schools_share_images_and_keep_the_probe_out() -> None:
    rooms = [school("digits", 40, noise, 50, seed=3) for noise in (0.0, 1.0)]
    first, second = rooms
    assert (first.inputs == second.inputs).all()
    assert (np.asarray(first.task.train.targets) != np.asarray(second.task.train.targets)).mean() > 0.7
    probe = {row.tobytes() for row in np.asarray(first.task.probe.inputs)}
    transfer = {row.tobytes() for row in first.transfer}
    assert len(probe) == NUM_PROBE
    assert not probe & transfer
    assert {row.tobytes() for row in np.asarray(first.task.train.inputs)} <= transfer
    network_sizes = [leaf.size for leaf in jax.tree.leaves([jnp.zeros((64, 7)), jnp.zeros(7)])]
    assert num_params(first, 7) == sum(network_sizes) + 7 * 10 + 10


def test_soft_labels_are_hard_ones_where_the_teacher_is_sure() -> None:
    outputs = jax.random.normal(jax.random.key(0), (4, 9))
    labels = jnp.arange(9) % 4
    soft = soft_labels().log_prob(outputs, jax.nn.one_hot(labels, 4))
    hard = np.asarray(categorical().log_prob(outputs, labels))
    assert np.asarray(soft) == pytest.approx(hard, rel=1e-5)
    teacher = jax.nn.softmax(outputs, axis=0).T
    slope = jax.grad(lambda f: soft_labels().log_prob(f, teacher).sum())(outputs)
    assert np.asarray(slope) == pytest.approx(0, abs=1e-5)  # best where the student says the same


def test_students_learn_a_function_and_not_shuffled_answers() -> None:
    room = school("digits_binary", 20, 0.0, 200, seed=0)
    log_odds = 2 * (room.inputs[:, :32].sum(axis=1) - room.inputs[:, 32:].sum(axis=1))
    log_odds -= np.median(log_odds)
    answers = np.stack([1 / (1 + np.exp(log_odds)), 1 / (1 + np.exp(-log_odds))], axis=1)
    labels = answers[:NUM_PROBE].argmax(axis=1)
    order = np.random.default_rng(0).permutation(len(room.transfer))
    agree = [
        agreement(jax.random.key(0), room, 4, soft, labels, 1, 300).mean()
        for soft in (answers[NUM_PROBE:], answers[NUM_PROBE:][order])
    ]
    assert agree[0] > 0.9
    assert agree[1] < 0.75


def test_every_preset_has_students_as_wide_as_teachers() -> None:
    assert all(sizes.teacher_width in sizes.widths for sizes in SIZES.values())
    assert "95%" in CLAIM.estimand
