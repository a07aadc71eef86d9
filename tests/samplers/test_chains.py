"""The driver of samplers: chunks, blocks, devices, sinks and bookkeeping."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import samplers.chains
from samplers import Draws, Kernel, Sampler, Target, configurational_temperature, hmc, nuts, sample
from samplers.draws import Saved, joined
from samplers.kernel import Info, no_warmup
from samplers.lanes import lane_mesh, map_lanes, where_asked

from .problems import MODEL, PROBE, line, outputs

type Array = jax.Array
type Params = Any

TRACES: list[int] = []  # one entry each time that a program with this target is traced


def counted(params: Any, batch: Any) -> Array:
    TRACES.append(1)
    return MODEL.log_likelihood(params, batch)


def counting_line(seed: int = 0, beta: float = 1.0) -> Target:
    return replace(line(seed, beta).target, log_likelihood=counted)


KEY = jax.random.key(5)
LINE = line()
NUM_CHAINS, NUM_DRAWS = 5, 12  # an odd number, so that two devices do not divide it


def _walk(target: Target, tuning: Any) -> Kernel:
    """A random walk that reports one statistic of each type, and fails on purpose."""

    def step(key: Array, state: tuple[Params, Array]) -> tuple[tuple[Params, Array], Info]:
        params, count = state
        shift = 0.1 * jax.random.normal(key)
        fails = target.beta * (count > 20) > 5
        params = jax.tree.map(lambda leaf: jnp.where(fails, jnp.nan, leaf + shift), params)
        info = {"step_size": shift, "n_steps": count, "diverging": count == 7}
        return (params, count + 1), info

    return Kernel(lambda key, position: (position, jnp.zeros((), int)), step, lambda state: state[0])


WALK = Sampler("walk", "none", "", no_warmup, _walk, num_steps_per_draw=3)


def walked(num_draws: int = NUM_DRAWS, beta: float = 1.0, seed: int = 0, **options: Any) -> Draws:
    """Options that change shapes compile for seconds: the tests share chunks of 12 and 5, 5 and 3 chains."""
    options = {"num_chains": NUM_CHAINS, "chunk": NUM_DRAWS, "block": 2, "keep_params": True} | options
    key = jax.random.fold_in(KEY, seed) if seed else KEY
    return sample(key, WALK, counting_line(seed, beta), outputs, PROBE, num_draws=num_draws, **options)


@functools.cache
def whole() -> Draws:
    return walked()


def equal(left: Draws, right: Draws) -> None:
    jax.tree.map(np.testing.assert_array_equal, left, right)


def close(left: Any, right: Any) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), left, right)


def test_draws_are_those_of_the_kernel_stepped_by_hand() -> None:
    step = jax.jit(WALK.kernel(LINE.target, ()).step)
    for chain in range(2):
        key_start, _, _, key_run = jax.random.split(jax.random.fold_in(KEY, chain), 4)
        state = (LINE.target.sample_prior(key_start), jnp.zeros((), int))
        shifts = []
        for t in range(6):
            state, info = step(jax.random.fold_in(key_run, t), state)
            shifts.append(float(info["step_size"]))
            if t % 3 == 2:
                recorded = jax.tree.map(lambda leaf, t=t, c=chain: leaf[c, t // 3], whole().params)
                close(recorded, state[0])
        np.testing.assert_allclose(whole().stats["step_size"][chain, 1], np.mean(shifts[3:]), rtol=1e-4)


def test_statistics_between_draws_are_meant_summed_or_any_by_type() -> None:
    steps = np.arange(3 * NUM_DRAWS).reshape(NUM_DRAWS, 3)
    for chain in range(NUM_CHAINS):
        np.testing.assert_array_equal(whole().stats["n_steps"][chain], steps.sum(axis=1))
        np.testing.assert_array_equal(whole().stats["diverging"][chain], (steps == 7).any(axis=1))


def test_a_chunked_run_repeats_the_whole_one_bit_for_bit() -> None:
    """The last chunk is shorter."""
    starts = [0, 5, 10]
    pieces: list[tuple[int, Draws]] = []
    progress: list[tuple[int, int]] = []
    result = walked(
        chunk=5,
        sink=lambda piece, at: pieces.append((at, piece)),
        progress=lambda done, total, note="": progress.append((done, total)),
    )
    assert [at for at, _ in pieces] == starts
    equal(joined([piece for _, piece in pieces], axis=1), whole())
    assert result == Draws({}, {}, None, ["ok"] * NUM_CHAINS)
    assert progress == [(0, 36), *((3 * at, 36) for at in starts[1:]), (36, 36)]


@pytest.mark.parametrize("num_before", [5, 7])
def test_a_run_that_goes_on_from_what_it_saved_repeats_the_whole_one_bit_for_bit(num_before: int) -> None:
    saved: list[Saved] = []
    before = walked(num_before, chunk=5, save=saved.append)
    assert [one.num_done for one in saved] == [5, num_before][: len(saved)]
    stored = Saved(saved[-1].num_done, saved[-1].status, {k: v.copy() for k, v in saved[-1].arrays.items()})
    after = walked(chunk=5, saved=stored)
    equal(joined([before, after], axis=1), whole())
    nothing_left = walked(num_before, saved=stored)
    assert nothing_left == Draws({}, {}, None, ["ok"] * NUM_CHAINS)


@pytest.mark.parametrize("num_chains", [NUM_CHAINS, 4])  # devices divide the second
def test_a_run_that_goes_on_compiles_nothing_anew(num_chains: int) -> None:
    saved: list[Saved] = []
    walked(5, chunk=5, num_chains=num_chains, save=saved.append)
    compiled = samplers.chains._advance._cache_size()  # type: ignore[attr-defined]
    walked(10, chunk=5, num_chains=num_chains, saved=saved[-1])
    assert samplers.chains._advance._cache_size() == compiled  # type: ignore[attr-defined]


def test_what_other_chains_saved_is_refused() -> None:
    saved: list[Saved] = []
    walked(num_chains=3, save=saved.append)
    with pytest.raises(ValueError, match=r"saved chains do not fit: .* got .*3"):
        walked(saved=saved[-1])


def test_blocks_devices_and_neighbours_change_rounding_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lane_mesh(NUM_CHAINS).size == 2
    three = walked(num_chains=3)
    close(three[:3], jax.tree.map(lambda leaf: leaf[:3], whole()[:3]))
    monkeypatch.setattr(samplers.chains, "lane_mesh", lambda num_lanes: lane_mesh(1))
    one = walked(block=5, keep_params=False)
    close(one[:2], whole()[:2])
    assert one.params is None


def test_a_chain_that_fails_says_where() -> None:
    """The kernel turns into NaN at its step 22, in the draw of index 7, for a large beta."""
    draws = walked(beta=6.0)
    assert draws.status == ["log density not finite at draw 7"] * NUM_CHAINS
    chunked = walked(beta=6.0, chunk=5)
    assert chunked.status == draws.status


def test_other_data_keys_and_betas_do_not_recompile() -> None:
    first = whole()
    compiled = len(TRACES)
    assert compiled > 0
    other = walked(beta=0.5, seed=1)
    assert len(TRACES) == compiled
    assert (first.stats["loss"] != other.stats["loss"]).all()


@pytest.mark.parametrize("name", ["num_chains", "num_draws", "chunk", "block"])
def test_counts_below_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} .* got 0"):
        walked(**{name: 0})


def test_lanes_are_mapped_in_order_whatever_the_blocks() -> None:
    lanes = {"x": jnp.arange(7.0), "key": jax.random.split(jax.random.key(0), 7)}

    def one(shared: Array, lane: dict[str, Array]) -> tuple[Array, Array]:
        return shared * lane["x"], lane["key"]

    for block in (1, 3, 100):  # four lanes a device: in four blocks, in two of two, in one
        mapped: Callable[..., Any] = functools.partial(map_lanes, one, mesh=lane_mesh(7), block=block)
        found = jax.jit(mapped)(jnp.asarray(3.0), lanes)
        np.testing.assert_array_equal(found[0], 3 * np.arange(7.0))
        np.testing.assert_array_equal(jax.random.key_data(found[1]), jax.random.key_data(lanes["key"]))


def test_in_blocks_of_one_a_lane_computes_one_branch_of_a_condition() -> None:
    def one(shared: Array, x: Array) -> Array:
        return jax.lax.cond(x > shared, jnp.sin, jnp.cos, x)

    def program(block: int) -> str:
        mapped = functools.partial(map_lanes, one, mesh=lane_mesh(8), block=block)
        return str(jax.make_jaxpr(mapped)(jnp.asarray(3.0), jnp.arange(8.0)))

    assert " cond[" in program(block=1)
    assert " cond[" not in program(block=2)  # in lockstep, both are computed and one is chosen


def test_what_nobody_asks_for_is_not_computed() -> None:
    """Under vmap too: a callback counts how often the expensive branch runs."""
    calls: list[int] = []

    def expensive(x: Array) -> Array:
        jax.debug.callback(lambda: calls.append(1))
        return 2 * x

    ask = jax.jit(jax.vmap(where_asked(expensive)))
    asked = jnp.array([False, True, False])
    x = jnp.arange(3.0)
    np.testing.assert_array_equal(ask(asked, -x, x), [0.0, 2.0, -2.0])
    jax.effects_barrier()
    computed = len(calls)
    assert computed > 0
    np.testing.assert_array_equal(ask(jnp.zeros(3, bool), -x, x), -x)
    jax.effects_barrier()
    assert len(calls) == computed


@pytest.mark.parametrize("sampler", [hmc(3, num_warmup=20), nuts(4, num_warmup=20)], ids=lambda one: one.name)
def test_the_gradient_of_a_state_gives_the_temperature_of_its_draw(sampler: Sampler) -> None:
    options: dict[str, Any] = {"num_chains": 2, "num_draws": 3, "keep_params": True}
    draws = sample(KEY, sampler, LINE.target, outputs, PROBE, **options)
    anew = jax.vmap(jax.vmap(functools.partial(configurational_temperature, LINE.target)))(draws.params)
    np.testing.assert_allclose(draws.stats["configurational_temperature"], anew, rtol=1e-3, atol=1e-4)
