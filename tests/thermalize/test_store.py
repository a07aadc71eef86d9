"""The run store: what is written is read back, and only finished arms count."""

import json
import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import zarr

from samplers.draws import Draws, Saved
from thermalize.folder import STORE
from thermalize.plain import plain
from thermalize.store import Store, create_run, open_run

from .drawn import (
    CHAINS,
    CLASSES,
    DRAWS,
    PROBE,
    begin,
    chain_draws,
    endpoint_draws,
    finished_run,
    write_hmc,
    write_sgd,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_run(tmp_path / "run", {"seed": 0, "thermalize_version": "0"}) as store:
        yield store


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Draws, Draws]:
    """A finished run on disk, and the draws that it must hold."""
    folder = tmp_path_factory.mktemp("store") / "run"
    return folder, *finished_run(folder)


def test_streamed_draws_are_read_back_exactly(finished: tuple[Path, Draws, Draws]) -> None:
    folder, hmc, sgd = finished
    tree = open_run(folder).tree()
    assert list(tree.children) == ["hmc", "sgd"]
    logits = tree["hmc"]["predictions"]["logits"]
    assert logits.dims == ("chain", "draw", "probe", "class")
    np.testing.assert_array_equal(logits, hmc.observed["logits"])
    assert logits.dtype == np.float32
    for name in ("lp", "energy", "diverging"):
        stat = tree["hmc"]["sample_stats"][name]
        assert stat.dims == ("chain", "draw")
        np.testing.assert_array_equal(stat, hmc.stats[name])
    assert hmc.params is not None
    np.testing.assert_array_equal(tree["hmc"]["posterior"]["0.w"], hmc.params[0]["w"])
    assert tree["hmc"]["posterior"]["0.w"].dims == ("chain", "draw", "0.w_dim_0", "0.w_dim_1")
    np.testing.assert_array_equal(tree["sgd"]["predictions"]["logits"], sgd.observed["logits"])
    curve = tree["sgd"]["sample_stats"]["loss_curve"]
    assert curve.dims == ("chain", "draw", "record")
    assert curve["record"].values.tolist() == [0, 10, 20, 30]
    for arm, chains, draws in (("hmc", CHAINS, DRAWS), ("sgd", 11, 1)):
        for group in ("predictions", "sample_stats"):
            assert np.asarray(tree[arm][group]["chain"]).tolist() == list(range(chains))
            assert np.asarray(tree[arm][group]["draw"]).tolist() == list(range(draws))
        constants = tree[arm]["predictions_constant_data"]
        assert constants["probe_inputs"].dims == ("probe", "feature")
        assert constants["probe_targets"].shape == (PROBE,)
        assert tree[arm]["observed_data"]["targets"].dims == ("datum",)
    assert tree["hmc"].attrs["status"] == ["ok"] * CHAINS
    assert tree["hmc"].attrs["seconds"] == 1.5


def test_tree_is_lazy_and_each_append_is_one_chunk(finished: tuple[Path, Draws, Draws]) -> None:
    group = zarr.open_group(finished[0] / STORE, mode="r")
    assert group["hmc/predictions/logits"].chunks == (CHAINS, 20, PROBE, CLASSES)  # type: ignore[union-attr]
    assert group["sgd/predictions/logits"].chunks == (8, 1, PROBE, CLASSES)  # type: ignore[union-attr]
    tree = open_run(finished[0]).tree()
    assert not tree["hmc"]["predictions"]["logits"]._in_memory
    assert not tree["hmc"]["predictions"]["logits"].variable._in_memory


def test_an_arm_counts_only_when_it_is_finished(store: Store) -> None:
    write_hmc(store)
    begin(store, "sgd")
    store.append("sgd", endpoint_draws(0, 4), axis=0)
    assert store.finished() == ["hmc"]
    assert list(store.tree().children) == ["hmc"]
    assert list(az.from_zarr(store.path).children) == ["hmc"]


def test_going_on_keeps_finished_arms_and_begins_one_without_a_state_afresh(store: Store) -> None:
    hmc = write_hmc(store)
    begin(store, "sgd", record_steps=[0, 10, 20, 30])
    store.append("sgd", endpoint_draws(9, 8), axis=0)
    store.close()  # the process dies here
    with open_run(store.folder, writable=True) as again:
        assert again.finished() == ["hmc"]
        assert again.state("sgd") is None
        with pytest.raises(ValueError, match="'hmc' is complete"):
            begin(again, "hmc")
        sgd = write_sgd(again)
        tree = again.tree()
    np.testing.assert_array_equal(tree["hmc"]["predictions"]["logits"], hmc.observed["logits"])
    np.testing.assert_array_equal(tree["sgd"]["predictions"]["logits"], sgd.observed["logits"])


def test_beginning_a_half_written_arm_again_starts_it_afresh(store: Store) -> None:
    begin(store, "hmc")
    store.append("hmc", chain_draws(5, 30), axis=1)
    hmc = write_hmc(store)
    np.testing.assert_array_equal(store.tree()["hmc"]["predictions"]["logits"], hmc.observed["logits"])


def test_an_arm_goes_on_at_its_last_state_and_forgets_what_came_after(store: Store) -> None:
    """Draws without a state behind them belong to a chunk that was cut short."""
    whole = chain_draws(5, 50)

    def cut(first: int, last: int) -> dict[str, Any]:
        kept = {"observed": whole.observed, "stats": whole.stats, "params": whole.params}
        found: dict[str, Any] = jax.tree.map(lambda leaf: leaf[:, first:last], kept)
        return found

    parts = [cut(0, 20), cut(20, 40)]
    begin(store, "hmc")
    store.append("hmc", whole._replace(**parts[0]), axis=1)
    saved = Saved(20, whole.status, {".state": np.arange(3.0), ".key[0]": np.arange(2, dtype="u4")})
    store.save_state("hmc", saved)
    store.append("hmc", whole._replace(**parts[1]), axis=1)
    store.close()  # the process dies here
    with open_run(store.folder, writable=True) as again:
        found = again.state("hmc")
        assert found is not None
        assert found[:2] == saved[:2]
        jax.tree.map(np.testing.assert_array_equal, found.arrays, saved.arrays)
        again.go_on("hmc", 1, found.num_done)
        again.append("hmc", whole._replace(**cut(20, 50)), axis=1)
        again.finish_arm("hmc", {"status": whole.status})
        tree = again.tree()
        np.testing.assert_array_equal(tree["hmc"]["predictions"]["logits"], whole.observed["logits"])
        np.testing.assert_array_equal(tree["hmc"]["sample_stats"]["draw"], np.arange(50))
        again.go_on("hmc", 1, 20)  # a finished arm, to be extended, is out of the store until it is done
        assert again.finished() == []


def test_arms_keep_the_order_in_which_they_were_begun(store: Store) -> None:
    for name in ("zeta", "alpha", "mid"):
        begin(store, name)
        store.append(name, endpoint_draws(0, 2), axis=0)
        store.finish_arm(name, {})
    assert list(store.tree().children) == store.finished() == ["zeta", "alpha", "mid"]


@pytest.mark.parametrize(
    ("piece", "says"),
    [
        (chain_draws(0, 5)._replace(observed={"logits": np.zeros((3, 5, PROBE, CLASSES), "f4")}), "continue"),
        (
            chain_draws(0, 5)._replace(observed={"logits": np.zeros((CHAINS, 5, 4, CLASSES), "f4")}),
            "continue",
        ),
        (
            chain_draws(0, 5)._replace(stats={"lp": np.zeros((CHAINS, 4)), "energy": np.zeros((CHAINS, 5))}),
            "share",
        ),
    ],
)
def test_pieces_that_do_not_fit_are_refused(store: Store, piece: Draws, says: str) -> None:
    begin(store, "hmc")
    store.append("hmc", chain_draws(0, 5), axis=1)
    with pytest.raises(ValueError, match=says):
        store.append("hmc", piece, axis=1)


def test_a_loss_curve_must_match_its_record_steps(store: Store) -> None:
    begin(store, "sgd", record_steps=[0, 10])
    with pytest.raises(ValueError, match="record has 2 values, the draws have 4"):
        store.append("sgd", endpoint_draws(0, 2), axis=0)


def test_attributes_hold_no_number_that_is_not_finite(store: Store) -> None:
    store.set_result(
        {"headline": {"value": math.nan, "low": np.float32("inf")}, "arms": ({"ess": np.int64(3)},)}
    )
    assert store.result() == {"headline": {"value": None, "low": None}, "arms": [{"ess": 3}]}
    begin(store, "hmc", "reference")
    store.finish_arm("hmc", {"seconds": np.float64("nan")})
    assert store.tree()["hmc"].attrs["seconds"] is None
    with create_run(store.folder.with_name("other"), {"beta": math.inf, "data": Path("x")}) as other:
        assert (other.attrs()["beta"], other.attrs()["data"]) == (None, "x")
    json.dumps(store.attrs(), allow_nan=False)
    with pytest.raises(TypeError, match="no plain form"):
        store.update({"bad": {1, 2}})
    assert plain(jnp.float32(2.0).item()) == 2.0


def test_memory_does_not_grow_with_the_number_of_draws(store: Store) -> None:
    begin(store, "hmc")
    piece = Draws({"logits": np.zeros((4, 50, 250, 10), "f4")}, {"lp": np.zeros((4, 50))}, None, ["ok"] * 4)
    store.append("hmc", piece, axis=1)  # whatever the first append keeps
    tracemalloc.start()
    for _ in range(12):
        store.append("hmc", piece, axis=1)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = piece.observed["logits"].nbytes
    assert kept < 0.5 * size
    assert peak < 4 * size
    store.finish_arm("hmc", {})
    assert store.tree()["hmc"]["predictions"]["logits"].shape == (4, 13 * 50, 250, 10)
