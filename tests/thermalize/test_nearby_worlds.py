"""Nearby worlds: planted accuracies get the verdict they deserve; worlds keep labels and nest."""

import jax
import numpy as np
import pytest

from compare import Verdict, corrected_rank_correlation
from models import digits
from thermalize.claims.image_arms import probabilities_of, system
from thermalize.claims.nearby_rule import Correlations, agreement_part, judge, ranked
from thermalize.claims.worlds import (
    GRADES,
    Gap,
    Seen,
    gaps,
    mean_of_chains,
    mean_of_endpoints,
    moved_from_clean,
    seen,
    worlds,
)

type Array = np.ndarray


def planted(rank_alike: float, lost: float, seed: int, size: tuple[int, int] = (200, 600)) -> Seen:
    """Answers in a clean and a shifted world: skill of networks in the two correlates by ``rank_alike``."""
    rng = np.random.default_rng(seed)
    covariance = np.array([[1, rank_alike], [rank_alike, 1]])
    skill = 0.75 + 0.06 * rng.multivariate_normal(np.zeros(2), covariance, size=size[0])
    chance = rng.random(size)
    right = np.stack([chance < skill[:, :1], chance < skill[:, 1:] - lost])
    nothing = np.zeros(right.shape[:2])
    p = np.full((2, size[0], 2, 2), 0.5, np.float32)
    return Seen(right, right.mean(1) > 0.5, nothing, nothing, nothing[:, 0], p)


@pytest.mark.parametrize(
    ("rank_alike", "verdicts"),
    [(0.99, (Verdict.SUPPORTED, Verdict.PARTLY)), (0.2, (Verdict.PARTLY, Verdict.REFUTED))],
)
def test_planted_arms(rank_alike: float, verdicts: tuple[Verdict, Verdict]) -> None:
    ranks, checks = ranked("endpoints", planted(rank_alike, 0.0, 1), 0)
    assert all(check.passed for check in checks)
    draws = mean_of_endpoints(planted(rank_alike, 0.0, 1, (1000, 4000)))
    for lost, verdict in zip((0.0, 0.1), verdicts, strict=True):
        between = gaps(mean_of_endpoints(planted(rank_alike, lost, 2, (1000, 4000))), draws)
        assert judge(Correlations(ranks, ranks), between)[0] == verdict


def test_arms_of_noise_alone_are_not_judged() -> None:
    found = planted(0.0, 0.0, 3)
    noise = found._replace(right=np.random.default_rng(0).random(found.right.shape) < 0.75)
    _, checks = ranked("endpoints", noise, 0)
    assert not checks[0].passed
    assert "split-half reliability" in checks[0].detail


def test_few_networks_leave_it_open() -> None:
    few = planted(0.85, 0.0, 4, (30, 200))
    ranks = corrected_rank_correlation(few.clean(), few.shifted(), seed=0)
    wide = [Gap(0.01, 0.02)]
    assert judge(Correlations(ranks, ranks), wide)[0] == Verdict.INCONCLUSIVE
    assert [agreement_part([gap]) for gap in (Gap(0.0, 0.005), Gap(0.05, 0.005), Gap(0.02, 0.005))] == [
        "holds",
        "fails",
        "open",
    ]


def test_the_error_of_a_gap_covers_networks_and_images() -> None:
    """Differences over 300 fresh pairs of arms and images: their spread is the error, within 15 %.

    The standard deviation of 300 numbers has a relative error of 4 %; the errors are means.
    """
    values, errors = [], []
    rng = np.random.default_rng(0)
    for _ in range(300):
        hardness = rng.normal(0.8, 0.1, size=(2, 1, 50))  # images that one arm finds harder
        skills = rng.normal(0, 0.05, size=(2, 30, 1))
        right = rng.random((2, 30, 50)) < hardness + skills
        means = [mean_of_endpoints(planted(0, 0, 0, (4, 4))._replace(right=arm[None])) for arm in right]
        (gap,) = gaps(*means)
        values.append(gap.value)
        errors.append(gap.error)
    assert np.std(values) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.15)


def test_chains_count_effective_draws() -> None:
    rng = np.random.default_rng(0)
    independent = rng.normal(size=(4, 500, 1))
    sticky = np.repeat(independent[:, :50], 10, axis=1)
    right = np.ones((1, 10, 5), bool)
    loose, tight = (float(mean_of_chains(values, right).variance[0]) for values in (sticky, independent))
    assert tight == pytest.approx(1 / 2000, rel=0.2)
    assert loose == pytest.approx(1 / 200, rel=0.5)


def test_worlds_begin_with_the_clean_one_and_grade_upwards() -> None:
    task = digits(0, 300, 40)
    near = worlds(jax.random.key(1), task, tuple(GRADES), (1, 2, 3, 4))
    assert [world.name for world in near[:3]] == ["clean", "noise 0.25", "noise 0.5"]
    assert len(near) == 25
    far = {(world.kind, world.grade): np.abs(world.inputs - near[0].inputs).mean() for world in near}
    for kind in GRADES:
        moved = [far[kind, grade] for grade in (1, 2, 3, 4)]
        assert moved == sorted(moved)
        assert moved[0] > 0
    again = worlds(jax.random.key(1), task, tuple(GRADES), (4,))
    assert (again[1].inputs == near[4].inputs).all()  # whatever other grades there are


def test_what_is_seen_is_what_networks_do() -> None:
    chosen = system("digits", 0, 40)
    near = worlds(jax.random.key(1), chosen.task, ("noise",), (2,))
    params = jax.vmap(chosen.model.sample_prior)(jax.random.split(jax.random.key(2), 5))
    found = seen(chosen.network, params, near, chosen.labels)
    for row, world in enumerate(near):
        p = probabilities_of(chosen.network, params, world.inputs)
        by_hand = np.stack(
            [
                jax.nn.softmax(
                    jax.vmap(chosen.network.apply, (None, 0))(one, jax.numpy.asarray(world.inputs))
                )
                for one in (jax.tree.map(lambda leaf, i=i: leaf[i], params) for i in range(5))
            ]
        )
        np.testing.assert_allclose(p, by_hand, atol=1e-5)
        assert (found.right[row] == (by_hand.argmax(-1) == chosen.labels)).all()
        assert (found.right_of_average[row] == (by_hand.mean(0).argmax(-1) == chosen.labels)).all()
    assert (found.shifted() == found.right[1]).all()
    clean, moved = moved_from_clean(found, 0)
    assert clean == (0.0, 0.0, 0.0)
    distance = (
        np.abs(np.diff([found.probabilities[row].mean(0) for row in (0, 1)], axis=0)).sum(-1).mean() / 2
    )
    assert moved[0] == pytest.approx(float(distance), rel=1e-5)
    assert moved[1] <= moved[0] <= moved[2]
