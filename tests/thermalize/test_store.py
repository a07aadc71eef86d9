"""The run store: what is written is read back, by us and by ArviZ; nothing is ever lost.

Every refusal is tried with its message. ArviZ is judged on trees opened by ArviZ alone.
"""

import json
import math
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arviz as az
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
import zarr

from samplers.draws import Draws, joined
from thermalize.errors import UserError
from thermalize.folder import LOCK, REPORT, STORE
from thermalize.plain import plain
from thermalize.store import Store, create_run, open_run

CHAINS, DRAWS, PROBE, CLASSES, TRAIN = 4, 50, 5, 3, 7


def chain_draws(seed: int, num_draws: int, *, params: bool = False) -> Draws:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=(CHAINS, num_draws, *shape)).astype("f4")

    return Draws(
        {"logits": normal(PROBE, CLASSES)},
        {"lp": normal(), "energy": normal(), "diverging": np.zeros((CHAINS, num_draws), bool)},
        [{"w": normal(2, 3), "b": normal(3)}] if params else None,
        ["ok"] * CHAINS,
    )


def endpoint_draws(seed: int, num_endpoints: int) -> Draws:
    rng = np.random.default_rng(seed)
    return Draws(
        {"logits": rng.normal(size=(num_endpoints, 1, PROBE, CLASSES)).astype("f4")},
        {
            "loss": rng.random((num_endpoints, 1)).astype("f4"),
            "steps": np.full((num_endpoints, 1), 30),
            "loss_curve": rng.random((num_endpoints, 1, 4)).astype("f4"),
        },
        None,
        ["ok"] * num_endpoints,
    )


def begin(store: Store, name: str, role: str = "arm", record_steps: list[int] | None = None) -> None:
    store.begin_arm(
        name,
        {"role": role},
        probe_inputs=np.zeros((PROBE, 2), "f4"),
        probe_targets=np.zeros(PROBE, int),
        train_targets=np.zeros(TRAIN, int),
        record_steps=record_steps,
    )


def write_hmc(store: Store) -> Draws:
    pieces = [chain_draws(seed, size, params=True) for seed, size in enumerate([20, 20, 10])]
    begin(store, "hmc", "reference")
    for piece in pieces:
        store.append("hmc", piece, axis=1)
    store.finish_arm("hmc", {"status": ["ok"] * CHAINS, "seconds": 1.5})
    return joined(pieces, axis=1)


def write_sgd(store: Store) -> Draws:
    pieces = [endpoint_draws(seed, size) for seed, size in enumerate([8, 3])]
    begin(store, "sgd", record_steps=[0, 10, 20, 30])
    for piece in pieces:
        store.append("sgd", piece, axis=0)
    store.finish_arm("sgd", {"status": ["ok"] * 11, "seconds": 0.5})
    return joined(pieces, axis=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_run(tmp_path / "run", {"seed": 0, "thermalize_version": "0"}) as store:
        yield store


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Draws, Draws]:
    """A finished run on disk, and the draws that it must hold."""
    folder = tmp_path_factory.mktemp("store") / "run"
    with create_run(folder, {"seed": 0}) as store:
        written = write_hmc(store), write_sgd(store)
        store.update({"complete": True})
    return folder, *written


def message(caught: pytest.ExceptionInfo[UserError], *parts: str) -> None:
    text = str(caught.value)
    missing = [part for part in (*parts, "fix: ") if part not in text]
    assert not missing, f"{missing} not in:\n{text}"


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


def test_the_store_opens_without_a_warning_by_arviz_and_xarray(finished: tuple[Path, Draws, Draws]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_arviz = az.from_zarr(finished[0] / STORE)
        by_xarray = xr.open_datatree(finished[0] / STORE, engine="zarr")
    assert by_xarray.identical(by_arviz)
    assert by_arviz.attrs["complete"] is True
    assert set(by_arviz.children) == {"hmc", "sgd"}


def test_arviz_works_on_chains(finished: tuple[Path, Draws, Draws]) -> None:
    folder, hmc, _ = finished
    arm = az.from_zarr(folder / STORE)["hmc"]
    summary = az.summary(arm, group="predictions", var_names=["logits"], round_to="none")
    assert len(summary) == PROBE * CLASSES
    expected = hmc.observed["logits"].astype("f8").mean((0, 1)).ravel()
    np.testing.assert_allclose(summary["mean"], expected, rtol=1e-5)
    assert np.isfinite(summary.to_numpy(float)).all()
    rhat = az.rhat(arm, group="predictions")["logits"]
    assert rhat.dims == ("probe", "class")
    assert float(rhat.max()) < 1.2  # independent draws: R-hat of 4 chains of 50 is near 1
    ess = az.ess(arm, group="predictions")["logits"]
    assert 50 < float(ess.min()) < 5 * CHAINS * DRAWS
    assert az.ess(arm, group="sample_stats", var_names=["lp"])["lp"].ndim == 0
    for plot in (az.plot_rank, az.plot_trace, az.plot_ess_evolution):
        plot(arm, group="predictions", coords={"probe": [0], "class": [0]}, backend="none")
    az.plot_energy(arm, backend="none")
    assert len(az.summary(arm, var_names=["0.b"])) == 3


def test_arviz_works_on_endpoints(finished: tuple[Path, Draws, Draws]) -> None:
    folder, _, sgd = finished
    arm = az.from_zarr(folder / STORE)["sgd"]
    stats = az.summary(arm, group="predictions", kind="stats", round_to="none")
    assert list(stats.columns) == ["mean", "sd", "eti89_lb", "eti89_ub"]
    np.testing.assert_allclose(
        stats["mean"], sgd.observed["logits"].astype("f8").mean((0, 1)).ravel(), rtol=1e-5
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ArviZ says that one draw is few
        everything = az.summary(arm, group="predictions")
    assert len(str(everything)) > 0
    assert np.isnan(everything["r_hat"].astype(float)).all()  # one draw a chain has no within-chain variance
    assert az.rhat(arm, group="predictions")["logits"].isnull().all()
    assert az.summary(arm, group="sample_stats", var_names=["loss"], kind="stats").shape[0] == 1


def test_an_arm_counts_only_when_it_is_finished(store: Store) -> None:
    write_hmc(store)
    begin(store, "sgd")
    store.append("sgd", endpoint_draws(0, 4), axis=0)
    assert store.finished() == ["hmc"]
    assert list(store.tree().children) == ["hmc"]
    assert list(az.from_zarr(store.path).children) == ["hmc"]


def test_going_on_drops_the_half_written_arm_and_keeps_the_rest(store: Store) -> None:
    hmc = write_hmc(store)
    begin(store, "sgd", record_steps=[0, 10, 20, 30])
    store.append("sgd", endpoint_draws(9, 8), axis=0)
    store.close()  # the process dies here
    with open_run(store.folder, writable=True) as again:
        assert again.finished() == ["hmc"]
        assert not (again.path / "sgd").exists()
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
    json.dumps(store.attrs(), allow_nan=False)
    with pytest.raises(TypeError, match="no plain form"):
        store.update({"bad": {1, 2}})
    assert plain(jnp.float32(2.0).item()) == 2.0


def test_an_existing_run_is_never_written_over_unasked(finished: tuple[Path, Draws, Draws]) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in finished[0].rglob("*"))
    with pytest.raises(UserError) as caught:
        create_run(finished[0], {})
    message(caught, "already holds a run", str(finished[0]), "--resume", "--overwrite", "--out")
    assert sorted((path, path.stat().st_mtime_ns) for path in finished[0].rglob("*")) == before


def test_overwriting_replaces_the_whole_run(store: Store) -> None:
    write_hmc(store)
    (store.folder / REPORT).write_text("old")
    store.close()
    with create_run(store.folder, {"seed": 1}, overwrite=True) as new:
        assert new.attrs()["seed"] == 1
        assert new.finished() == []
        assert sorted(path.name for path in new.folder.iterdir()) == [LOCK, STORE]
    assert [path.name for path in new.folder.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("stage", ["fill", "rename"])
def test_a_crash_while_overwriting_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    hmc = write_hmc(store)
    store.close()
    rename = Path.rename

    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def crash_on_new(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        if stage == "fill":
            patch.setattr(zarr, "open_group", crash)
        else:
            patch.setattr(Path, "rename", crash_on_new)
        with pytest.raises(KeyboardInterrupt):
            create_run(store.folder, {"seed": 1}, overwrite=True)
    np.testing.assert_array_equal(
        open_run(store.folder).tree()["hmc"]["predictions"]["logits"], hmc.observed["logits"]
    )
    assert [path.name for path in store.folder.parent.iterdir()] == ["run"]


def test_a_folder_that_is_no_run_is_never_overwritten(tmp_path: Path, store: Store) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.tex").write_text("years of work")
    with pytest.raises(UserError) as caught:
        create_run(mine, {}, overwrite=True)
    message(caught, "not empty", "never written over", "--out")
    (store.folder / "notes.txt").write_text("mine")
    store.close()
    with pytest.raises(UserError) as caught:
        create_run(store.folder, {}, overwrite=True)
    message(caught, "cannot be overwritten", "notes.txt")
    with pytest.raises(UserError) as caught:
        create_run(mine / "chapter.tex", {}, overwrite=True)
    message(caught, "is a file", "--out")
    assert (mine / "chapter.tex").read_text() == "years of work"
    assert (store.folder / "notes.txt").read_text() == "mine"
    zarr.open_group(tmp_path / "other" / STORE, mode="w-")
    with pytest.raises(UserError) as caught:
        create_run(tmp_path / "other", {}, overwrite=True)
    message(caught, "not a run", "no store_version")


def test_an_empty_folder_may_become_a_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with create_run(tmp_path / "run", {}) as store:
        assert store.attrs()["store_version"] == 1


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        create_run(tmp_path / "file" / "run", {})
    message(caught, "cannot be written", "--out")


def test_opening_what_is_no_run(tmp_path: Path, store: Store) -> None:
    with pytest.raises(UserError) as caught:
        open_run(tmp_path / "rum")
    message(caught, "no run here", "does not exist", "did you mean run?")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as caught:
        open_run(tmp_path / "empty")
    message(caught, "not a run", f"no {STORE}")


def test_another_store_version_is_refused(store: Store) -> None:
    store.update({"store_version": 99, "thermalize_version": "7.1"})
    store.close()
    for writable in (False, True):
        with pytest.raises(UserError) as caught:
            open_run(store.folder, writable=writable)
        message(caught, "another layout", "99", "reads 1", "thermalize 7.1")


def test_damage_is_told_not_read_as_zeros(store: Store) -> None:
    write_hmc(store)
    store.check()
    chunk = store.path / "hmc/predictions/logits/c/0/1/0/0"
    good = chunk.read_bytes()
    chunk.write_bytes(good[:-20] + bytes(20))
    with pytest.raises(UserError) as caught:
        store.check()
    message(caught, "damaged", "hmc/predictions/logits", str(store.folder))
    chunk.unlink()
    with pytest.raises(UserError) as caught:
        store.check()
    message(caught, "damaged", "hmc/predictions/logits: 1 of 3 chunks are missing")
    assert np.isnan(np.asarray(store.tree()["hmc"]["predictions"]["logits"])).any()
    chunk.write_bytes(good)
    store.check()
    (store.path / "hmc/predictions/logits/zarr.json").write_text("{")
    with pytest.raises(UserError) as caught:
        store.tree()
    message(caught, "damaged")
    (store.path / "zarr.json").write_text('{"attributes": {"store')
    with pytest.raises(UserError) as caught:
        open_run(store.folder)
    message(caught, "damaged", "JSONDecodeError")


def test_a_run_without_a_result_says_how_to_go_on(store: Store) -> None:
    write_hmc(store)
    with pytest.raises(UserError) as caught:
        store.result()
    message(caught, "no result yet", "finished arms: hmc", "--resume")


def test_a_second_writer_is_refused_and_readers_are_not(store: Store) -> None:
    for overwrite in (False, True):
        with pytest.raises(UserError) as caught:
            create_run(store.folder, {}, overwrite=overwrite)
    message(caught, "another process is writing", "held by process")
    with pytest.raises(UserError) as caught:
        open_run(store.folder, writable=True)
    message(caught, "another process is writing")
    assert open_run(store.folder).finished() == []
    store.close()
    open_run(store.folder, writable=True).close()


def test_the_lock_of_a_dead_process_is_taken_over(store: Store) -> None:
    store.close()
    hold_and_die = (
        "import os, sys, pathlib; from thermalize.lock import lock_folder;"
        f"lock = lock_folder(pathlib.Path(sys.argv[1]), {LOCK!r}); print(os.getpid(), flush=True);"
        "os._exit(9)"
    )
    died = subprocess.run([sys.executable, "-c", hold_and_die, store.folder], capture_output=True, text=True)
    assert died.returncode == 9
    assert (store.folder / LOCK).read_text().startswith(died.stdout.strip())
    open_run(store.folder, writable=True).close()
