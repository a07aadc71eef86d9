"""Functions of prior draws against plain numpy, against one network at a time, and against themselves."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from models import (
    Model,
    Prior,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    boolean_labels,
    gaussian_prior,
    laplace_prior,
    mlp,
)
from samplers import prior_functions
from samplers.numbered import EPOCH, draw_block, draw_one, numbers_of

NETWORK = mlp([3, 8, 1], "relu")
INPUTS = jnp.asarray(boolean_inputs(3))
LABELS = boolean_labels(NETWORK)
KEY = jax.random.key(0)
NUM = 1 << 20
SINGLE = jax.jit(draw_one, static_argnums=0)
FORWARD = jax.jit(jax.vmap(NETWORK.apply, (None, 0)))


def model(prior: Prior) -> Model:
    return bayesian_model(NETWORK, prior, bernoulli())


GAUSSIAN = model(gaussian_prior(NETWORK))


@pytest.fixture(scope="module")
def packed() -> np.ndarray:
    return prior_functions(KEY, GAUSSIAN, LABELS, INPUTS, NUM)


def numpy_histogram(seed: int, num: int) -> np.ndarray:
    """Counts of the 256 functions of 3-8-1 ReLU networks: numpy's generator, float64, no jax."""
    rng, counts = np.random.default_rng(seed), np.zeros(256, int)
    inputs = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], float)
    for _ in range(num >> 16):
        hidden = np.einsum("xi,nij->nxj", inputs, rng.normal(0, 1 / np.sqrt(3), (1 << 16, 3, 8)))
        hidden = np.maximum(hidden + rng.normal(size=(1 << 16, 1, 8)), 0)
        outputs = np.einsum("nxj,nj->nx", hidden, rng.normal(0, 1 / np.sqrt(8), (1 << 16, 8)))
        labels = outputs + rng.normal(size=(1 << 16, 1)) > 0
        counts += np.bincount(labels @ (1 << np.arange(8)[::-1]), minlength=256)
    return counts


def chi_squared(left: np.ndarray, right: np.ndarray) -> tuple[float, int]:
    """Of two histograms; functions expected fewer than 20 times are one cell."""
    total = left + right
    common = total >= 40
    cells = [np.append(x[common], x[~common].sum()).astype(float) for x in (left, right)]
    a, b = cells[0].sum(), cells[1].sum()
    return float(np.sum((cells[0] * (b / a) ** 0.5 - cells[1] * (a / b) ** 0.5) ** 2 / sum(cells))), int(
        common.sum()
    )


@pytest.fixture(scope="module")
def independent() -> np.ndarray:
    return numpy_histogram(1, NUM)


def test_function_probabilities_equal_those_of_numpy(packed: np.ndarray, independent: np.ndarray) -> None:
    """Chi-squared of 2^20 draws against 2^20, false alarm 1e-6."""
    assert packed.shape == (NUM, 1)
    statistic, freedom = chi_squared(np.bincount(packed[:, 0], minlength=256), independent)
    assert freedom > 100
    assert statistic < chi2.ppf(1 - 1e-6, freedom)


def test_a_scale_off_by_a_tenth_would_be_seen(independent: np.ndarray) -> None:
    """Power of the test above, at a quarter of its draws: the biases are 10 % too wide."""
    wrong = prior_functions(KEY, model(gaussian_prior(NETWORK, bias_scale=1.1)), LABELS, INPUTS, NUM // 4)
    statistic, freedom = chi_squared(np.bincount(wrong[:, 0], minlength=256), independent)
    assert statistic > chi2.ppf(1 - 1e-6, freedom) + 6 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("prior", [gaussian_prior(NETWORK), laplace_prior(NETWORK)], ids=lambda p: p.name)
def test_functions_are_those_of_single_networks_by_number(prior: Prior) -> None:
    """Draw by draw; an output within rounding of zero could differ, which none of these is."""
    given = model(prior)
    functions = prior_functions(KEY, given, LABELS, INPUTS, 200, block=8)
    for number in (0, 1, 7, 8, 199):
        single = jax.tree.map(lambda word: word[0], numbers_of([number]))
        params = SINGLE(given.sample_prior, given.prior_scale, KEY, single)
        outputs = np.asarray(FORWARD(params, INPUTS))[:, 0]
        assert np.abs(outputs).min() > 1e-4
        np.testing.assert_array_equal(np.unpackbits(functions[number]), outputs > 0)


def test_any_prior_is_asked_for_its_own_draws() -> None:
    given = model(laplace_prior(NETWORK))
    first = jax.tree.map(lambda word: word[0], numbers_of([EPOCH + 4]))
    draw = jax.jit(draw_block, static_argnums=(0, 4))
    block = draw(given.sample_prior, given.prior_scale, KEY, first, 2)
    key = jax.random.fold_in(jax.random.fold_in(KEY, 1), 5)
    for leaf, expected in zip(jax.tree.leaves(block), jax.tree.leaves(given.sample_prior(key)), strict=True):
        np.testing.assert_allclose(leaf[..., 1], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "options", [{"chunk": 1000}, {"block": 8}, {"block": 1024, "chunk": 1}], ids=["chunk", "block", "both"]
)
def test_result_does_not_depend_on_chunks_and_blocks(packed: np.ndarray, options: dict[str, Any]) -> None:
    """Exact but for outputs within rounding of zero: at most 2 of 10,000 may differ."""
    again = prior_functions(KEY, GAUSSIAN, LABELS, INPUTS, 10_000, **options)
    assert (again != packed[:10_000]).sum() <= 2


def test_a_stream_is_continued_and_handed_over_in_order(packed: np.ndarray) -> None:
    parts: list[tuple[int, np.ndarray]] = []
    done: list[tuple[int, int]] = []
    returned = prior_functions(
        KEY,
        GAUSSIAN,
        LABELS,
        INPUTS,
        9_000,
        first=1024,
        chunk=4096,
        sink=lambda part, first: parts.append((first, part)),
        progress=lambda *counts: done.append(counts),
    )
    assert returned.shape == (0, 1)
    firsts = [first for first, _ in parts]
    assert firsts == list(1024 + np.cumsum([0, *(len(part) for _, part in parts)])[:-1])
    assert (np.concatenate([part for _, part in parts]) != packed[1024:10_024]).sum() <= 2
    assert done[0] == (0, 9_000)
    assert done[-1] == (9_000, 9_000)


def test_larger_inputs_take_more_bytes() -> None:
    network = mlp([7, 5, 1], "relu")
    deep = bayesian_model(network, gaussian_prior(network), bernoulli())
    functions = prior_functions(KEY, deep, boolean_labels(network), jnp.asarray(boolean_inputs(7)), 3)
    assert functions.shape == (3, 16)
    params = SINGLE(deep.sample_prior, deep.prior_scale, KEY, jax.tree.map(lambda w: w[0], numbers_of([2])))
    outputs = jax.vmap(partial(network.apply, params))(jnp.asarray(boolean_inputs(7)))[:, 0]
    np.testing.assert_array_equal(np.unpackbits(functions[2]), outputs > 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num": 0}, "num must be a whole number of at least 1, got 0"),
        ({"num": 5, "block": 12}, "block must be a power of two, got 12: take 8"),
        ({"num": 5, "block": 16, "first": 8}, "first must be a multiple of the block, 16, got 8"),
        ({"num": 5, "chunk": 0}, "chunk must be a whole number of at least 1, got 0"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prior_functions(KEY, GAUSSIAN, LABELS, INPUTS, **options)
