"""Numbered normals: the hash against published vectors, the transform against its definition, the law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32 as jax_threefry
from scipy.stats import chi2, norm

from samplers.normals import box_muller, numbered_log_uniforms, numbered_normals, threefry_2x32
from samplers.numbered import EPOCH, draw_block, numbers_of


@pytest.fixture(scope="module")
def normals() -> np.ndarray:
    """51 normals of each of 40,000 numbers: an odd count, so that half a pair is thrown away."""
    numbers = jnp.arange(40_000, dtype=jnp.uint32)
    return np.asarray(jax.jit(numbered_normals, static_argnums=2)(jax.random.key(0), numbers, 51), float)


@pytest.mark.parametrize(
    ("counters", "key", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_hash_gives_the_known_answers_of_its_authors(
    counters: tuple[int, int], key: tuple[int, int], expected: tuple[int, int]
) -> None:
    """Salmon et al. 2011, Random123 1.0, known answers of threefry2x32 with 20 rounds."""
    words = threefry_2x32(jnp.array(key, jnp.uint32), *(jnp.uint32(c) for c in counters))
    assert tuple(int(word) for word in words) == expected


def test_hash_equals_that_of_jax_bit_for_bit() -> None:
    words = jax.random.bits(jax.random.key(1), (2, 1000), jnp.uint32)
    key = jnp.array([123456789, 4000000000], jnp.uint32)
    expected = jax_threefry((key[0], key[1]), words.reshape(-1))
    np.testing.assert_array_equal(jnp.concatenate(threefry_2x32(key, words[0], words[1])), expected)


def test_transform_equals_its_definition_in_double_precision() -> None:
    """All quadrants, both ends of the radius: error below a few units in the last place of the radius."""
    rng = np.random.default_rng(0)
    a = np.concatenate([[0, 1, 2**32 - 1], rng.integers(0, 2**32, 100_000)]).astype(np.uint32)
    b = np.concatenate([[0, 2**32 - 1, 2**31], rng.integers(0, 2**32, 100_000)]).astype(np.uint32)
    radius = np.sqrt(-2 * np.log((a.astype(float) + 0.5) / 2**32))
    quadrant, rest = np.divmod(b.astype(float), 2**30)
    angle = np.pi / 2 * (quadrant + rest / 2**30 - 0.5)  # the circle turned by an eighth
    cosine, sine = (np.asarray(z, float) for z in box_muller(jnp.asarray(a), jnp.asarray(b)))
    scale = np.finfo(np.float32).eps * (1 + radius + 1 / np.maximum(radius, 1e-3))
    assert np.max(np.abs(cosine - radius * np.cos(angle)) / scale) < 4
    assert np.max(np.abs(sine - radius * np.sin(angle)) / scale) < 4
    assert np.isfinite(cosine).all()
    assert radius.max() == pytest.approx(6.76, abs=0.01)


def test_moments_and_distribution(normals: np.ndarray) -> None:
    """2,040,000 normals: four moments within 5 standard errors, DKWM bound at 1e-6.

    False alarm below 4e-6. A standard deviation off by 0.4 % moves the second moment by 8
    standard errors: power above 0.99.
    """
    z, n = normals.ravel(), normals.size
    for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(z**power) - expected) < 5 * np.sqrt(variance / n)
    order = np.sort(z)
    gap = np.abs(norm.cdf(order) - (np.arange(n) + 0.5) / n).max()
    assert gap < np.sqrt(np.log(2 / 1e-6) / (2 * n))
    beyond = np.sum(np.abs(z) > 4.5)  # 13.9 expected
    assert 1 <= beyond <= 40


def test_rows_partners_and_neighbours_are_independent(normals: np.ndarray) -> None:
    """Correlations of values and of squares over 40,000 numbers: chi-squared over all pairs of rows.

    1,275 pairs each, two-sided at 1e-7. Partners of one pair that were equal, or shared
    their radius wrongly, would show a correlation of order one.
    """
    for values in (normals, normals**2):
        standard = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)
        rows = standard @ standard.T / np.sqrt(values.shape[1])
        statistic, count = np.sum(np.triu(rows, 1) ** 2), 51 * 50 // 2
        assert chi2.ppf(1e-7, count) < statistic < chi2.ppf(1 - 1e-7, count)
        lagged = np.sum(standard[:, 1:] * standard[:, :-1], axis=1) / np.sqrt(values.shape[1])
        assert np.sum(lagged**2) < chi2.ppf(1 - 1e-7, 51)


def test_a_number_has_its_normals_in_any_company(normals: np.ndarray) -> None:
    some = jnp.array([39_999, 3, 17], jnp.uint32)
    alone = numbered_normals(jax.random.key(0), some, 51)
    np.testing.assert_allclose(alone, normals[:, np.asarray(some)], atol=1e-6)
    assert not np.allclose(numbered_normals(jax.random.key(1), some, 51), alone)


def test_log_uniforms_are_exponential_far_into_the_tail() -> None:
    """200,000: DKWM at 1e-6, and the smallest uniform number there is, ``2^-65``."""
    minus_log = np.sort(-numbered_log_uniforms(jax.random.key(2), jnp.arange(200_000, dtype=jnp.uint32)))
    gap = np.abs(-np.expm1(-minus_log) - (np.arange(200_000) + 0.5) / 200_000).max()
    assert gap < np.sqrt(np.log(2 / 1e-6) / 400_000)
    assert minus_log[0] >= 0


def test_epochs_have_streams_of_their_own() -> None:
    scale = {"w": jnp.ones((2, 3)), "b": jnp.full(3, 2.0)}

    def draw(number: int) -> np.ndarray:
        first = jax.tree.map(lambda word: word[0], numbers_of([number]))
        draws = draw_block(lambda key: scale, scale, jax.random.key(0), first, 4)
        assert {name: leaf.shape for name, leaf in draws.items()} == {"w": (2, 3, 4), "b": (3, 4)}
        return np.concatenate([leaf.reshape(-1, 4) for leaf in draws.values()])

    assert not np.isin(draw(8), draw(EPOCH + 8)).any()
    np.testing.assert_allclose(draw(8)[:, 2:], draw(10)[:, :2], atol=1e-6)
