"""Transforms: exact counts, the identity at strength zero, and what stays untouched."""

from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from models import Task, diabetes, digits, input_shift, label_noise, shuffle_pixels, task_from_arrays
from models.transforms import ANY_INPUT, IMAGES

KEY = jax.random.key(7)
DIGITS = digits(0, 300, 50)
TABLE = diabetes(0, 100, 50)
KINDS: list[Any] = [*ANY_INPUT, *IMAGES]


def _large() -> Task:
    """4,000 examples whose label is their row modulo 5."""
    rows = np.arange(4100.0)[:, None]
    labels = np.arange(4100) % 5
    return task_from_arrays(
        "rows", rows[:4000], labels[:4000], rows[4000:], labels[4000:], kind="classification"
    )


def _equal(left: Any, right: Any) -> bool:
    return bool(np.array_equal(np.asarray(left), np.asarray(right)))


def test_noise_replaces_exactly_that_many_by_uniform_labels() -> None:
    """Of 4,000 labels 30 % are drawn anew: 1,200 at most change, 960 in the mean.

    The number changed is binomial(1200, 4/5), sd 13.9; five of them: false alarms 6e-7.
    The new labels of all, uniform over 5 classes, pass a chi-squared test at level 1e-4.
    """
    task = _large()
    noisy = label_noise(KEY, task, 0.3)
    changed = np.asarray(noisy.train.targets) != np.asarray(task.train.targets)
    assert abs(changed.sum() - 960) < 5 * np.sqrt(1200 * 0.8 * 0.2)
    assert "1200 of 4000 training labels drawn at random" in noisy.description
    drawn = np.asarray(label_noise(KEY, task, 1.0).train.targets)
    table = np.histogram2d(drawn, np.asarray(task.train.targets), bins=5)[0]
    assert stats.chi2_contingency(table).pvalue > 1e-4  # independent of the true labels
    assert stats.chisquare(table.sum(1)).pvalue > 1e-4  # and uniform


@pytest.mark.parametrize(("fraction", "count"), [(0.1, 400), (0.12345, 494), (0.5, 2000), (1.0, 4000)])
def test_the_count_is_exact(fraction: float, count: int) -> None:
    """Regression targets that are all different: a permutation of the chosen moves those alone.

    Fixed points of a random permutation are Poisson(1): more than 12 has probability 6e-11.
    """
    values = np.random.default_rng(0).normal(size=4000)
    rows = np.arange(4001.0)[:, None]
    task = task_from_arrays("rows", rows[:4000], values, rows[4000:], values[:1], kind="regression")
    noisy = label_noise(KEY, task, fraction)
    moved = (np.asarray(noisy.train.targets) != np.asarray(task.train.targets)).sum()
    assert count - 12 <= moved <= count
    assert _equal(np.sort(noisy.train.targets), np.sort(task.train.targets))
    assert f"{count} of 4000 training targets permuted" in noisy.description


def test_a_smaller_fraction_touches_some_of_the_same_rows() -> None:
    task = _large()
    small, large = (np.asarray(label_noise(KEY, task, f).train.targets) for f in (0.2, 0.6))
    true = np.asarray(task.train.targets)
    assert (small[small != true] == large[small != true]).all()


def test_label_noise_leaves_inputs_and_probe_alone() -> None:
    for task in (DIGITS, TABLE):
        noisy = label_noise(KEY, task, 1.0)
        assert noisy.train.inputs is task.train.inputs
        assert noisy.probe is task.probe
        assert noisy.train.targets.dtype == task.train.targets.dtype
        assert not _equal(noisy.train.targets, task.train.targets)
        assert label_noise(KEY, task, 0.0) is task


def test_keys_decide() -> None:
    def outcomes(key: jax.Array) -> list[Any]:
        return [
            label_noise(key, DIGITS, 0.5).train.targets,
            shuffle_pixels(key, DIGITS).probe.inputs,
            *(
                input_shift(key, DIGITS, kind, 2.0).probe.inputs
                for kind in ("noise", "translation", "rotation")
            ),
            input_shift(key, DIGITS, "dropout", 0.5).probe.inputs,
        ]

    for first, again, other in zip(outcomes(KEY), outcomes(KEY), outcomes(jax.random.key(8)), strict=True):
        assert _equal(first, again)
        assert not _equal(first, other)


def test_pixels_are_shuffled_alike_in_train_and_probe() -> None:
    shuffled = shuffle_pixels(KEY, DIGITS)
    marked = task_from_arrays(
        "marked",
        np.arange(64.0)[None],
        np.array([0]),
        np.arange(64.0)[None] + 100,
        np.array([1]),
        kind="classification",
    )
    moved = shuffle_pixels(KEY, marked)
    order = np.asarray(moved.train.inputs[0]).astype(int)
    assert sorted(order) == list(range(64))
    assert not _equal(order, np.arange(64))
    assert _equal(moved.probe.inputs[0], order + 100)
    assert _equal(shuffled.train.inputs, DIGITS.train.inputs[:, order])
    assert _equal(shuffled.probe.inputs, DIGITS.probe.inputs[:, order])
    assert shuffled.image_shape is None


@pytest.mark.parametrize("kind", KINDS)
def test_shifts_are_graded_from_the_identity_and_touch_the_probe_inputs_alone(kind: Any) -> None:
    assert input_shift(KEY, DIGITS, kind, 0.0) is DIGITS
    gaps = []
    most = 1.0 if kind == "dropout" else 2.0
    for strength in (1e-3, most / 4, most / 2, most):
        shifted = input_shift(KEY, DIGITS, kind, strength)
        assert shifted.train is DIGITS.train
        assert shifted.probe.targets is DIGITS.probe.targets
        assert shifted.probe.inputs.dtype == DIGITS.probe.inputs.dtype
        assert f"shifted by {kind} of strength {strength:g}" in shifted.description
        gaps.append(float(np.abs(shifted.probe.inputs - DIGITS.probe.inputs).mean()))
    assert gaps[0] < 0.01
    assert gaps == sorted(gaps)
    assert gaps[1] > 1e-3


def test_noise_and_scale_are_their_formulas() -> None:
    for task in (DIGITS, TABLE):
        inputs = np.asarray(task.probe.inputs)
        np.testing.assert_allclose(input_shift(KEY, task, "scale", 0.5).probe.inputs, 1.5 * inputs, rtol=1e-6)
        one, two = (np.asarray(input_shift(KEY, task, "noise", s).probe.inputs) - inputs for s in (1.0, 2.0))
        np.testing.assert_allclose(two, 2 * one, atol=1e-5)  # the same draw, twice as strong
        assert stats.kstest(one.ravel(), stats.norm.cdf).pvalue > 1e-4


def test_contrast_keeps_the_mean_and_divides_the_deviation() -> None:
    before = np.asarray(DIGITS.probe.inputs, float)
    after = np.asarray(input_shift(KEY, DIGITS, "contrast", 1.0).probe.inputs, float)
    np.testing.assert_allclose(after.mean(1), before.mean(1), atol=1e-5)
    np.testing.assert_allclose(after.std(1), before.std(1) / 2, rtol=1e-4)


def _marks(mark: np.ndarray) -> Task:
    """Forty probe images that all show one 9x9 mark; the least training pixel is -1."""
    noise = np.random.default_rng(0).uniform(-1, 1, size=(3, 81))
    noise[0, 0] = -1.0
    probe, labels = np.tile(mark.ravel(), (40, 1)), np.zeros(40, int)
    return task_from_arrays(
        "marks", noise, np.array([0, 1, 0]), probe, labels, kind="classification", image_shape=(9, 9)
    )


SPOT, BAR = np.full((9, 9), -1.0), np.full((9, 9), -1.0)
SPOT[4, 4] = 1.0  # one bright pixel in the middle
BAR[4, 4:9] = 1.0  # from the middle to the right


def _centres(images: np.ndarray) -> np.ndarray:
    """Centres of brightness above the background, (n, 2)."""
    weight = images.reshape(-1, 9, 9) + 1
    grid = np.stack(np.meshgrid(np.arange(9), np.arange(9), indexing="ij"))
    return (weight[:, None] * grid[None]).sum((2, 3)) / weight.sum((1, 2))[:, None]


def test_translation_moves_by_the_strength_in_many_directions() -> None:
    images = np.asarray(input_shift(KEY, _marks(SPOT), "translation", 2.0).probe.inputs, float)
    moves = _centres(images) - 4
    np.testing.assert_allclose(np.linalg.norm(moves, axis=1), 2.0, atol=1e-4)
    np.testing.assert_allclose((images + 1).sum(1), 2.0, rtol=1e-4)  # nothing lost inside the frame
    angles = np.arctan2(*moves.T)
    assert np.abs(np.exp(1j * angles).mean()) < 0.5  # all sides; Rayleigh: exp(-40 / 4) = 5e-5


def test_translation_beyond_the_frame_leaves_background() -> None:
    np.testing.assert_allclose(input_shift(KEY, _marks(SPOT), "translation", 30.0).probe.inputs, -1.0)


def test_rotation_keeps_the_centre_and_goes_to_both_sides() -> None:
    images = np.asarray(input_shift(KEY, _marks(BAR), "rotation", 90.0).probe.inputs).reshape(-1, 9, 9)
    up, down = np.rot90(BAR, 1), np.rot90(BAR, -1)
    is_up = np.array([np.allclose(image, up, atol=1e-4) for image in images])
    is_down = np.array([np.allclose(image, down, atol=1e-4) for image in images])
    assert (is_up ^ is_down).all()
    assert 4 < is_up.sum() < 36  # binomial(40, 1/2): false alarms 2e-7


def test_blur_spreads_a_spot_into_a_gaussian() -> None:
    image = np.asarray(input_shift(KEY, _marks(SPOT), "blur", 1.0).probe.inputs[0], float).reshape(9, 9) + 1
    row = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    np.testing.assert_allclose(image, 2 * np.outer(row, row) / row.sum() ** 2, atol=1e-5)


def test_rotation_by_a_full_turn_is_the_identity() -> None:
    turned = input_shift(KEY, _marks(BAR), "rotation", 360.0).probe.inputs
    np.testing.assert_allclose(turned, _marks(BAR).probe.inputs, atol=1e-5)


def test_dropout_blanks_so_many_pixels_and_nests() -> None:
    """Of 3,200 pixels the share 0.3 in the mean, standard deviation 0.0081; five of them: 6e-7."""
    inputs = np.asarray(DIGITS.probe.inputs)
    some, more, all_of = (
        np.asarray(input_shift(KEY, DIGITS, "dropout", s).probe.inputs) for s in (0.1, 0.3, 1)
    )
    background = float(DIGITS.train.inputs.min())
    assert (all_of == background).all()
    bright = inputs > background
    assert abs((more != inputs)[bright].mean() - 0.3) < 5 * np.sqrt(0.21 / bright.sum())
    assert (more[some != inputs] == background).all()
    assert (more[more != inputs] == background).all()


def test_dropout_is_a_probability() -> None:
    with pytest.raises(ValueError, match=r"strength of dropout must be at most 1, got 30.0: .*give 0.3"):
        input_shift(KEY, DIGITS, "dropout", 30.0)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, 30, float("nan")])
def test_fractions_are_shares(fraction: float) -> None:
    with pytest.raises(ValueError, match=f"fraction must be from 0 to 1, got {fraction}.*for 30 % give 0.3"):
        label_noise(KEY, DIGITS, fraction)


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
def test_strengths_are_finite_and_not_negative(strength: float) -> None:
    with pytest.raises(ValueError, match=f"strength must be finite and not negative, got {strength}"):
        input_shift(KEY, DIGITS, "noise", strength)


def test_unknown_kinds_are_refused() -> None:
    unknown: Any = "fog"
    with pytest.raises(ValueError, match=r"kind must be one of noise, scale, contrast, .*dropout, got 'fog'"):
        input_shift(KEY, DIGITS, unknown, 1.0)


@pytest.mark.parametrize("kind", list(IMAGES))
def test_image_shifts_need_images(kind: Any) -> None:
    with pytest.raises(
        ValueError, match=f"{kind} needs images, but diabetes has no image_shape.*noise or scale"
    ):
        input_shift(KEY, TABLE, kind, 0.0)
    with pytest.raises(ValueError, match=r"digits has no image_shape: .*pixels were shuffled"):
        input_shift(KEY, shuffle_pixels(KEY, DIGITS), kind, 1.0)
