"""ArviZ alone opens a run and works on every arm, on endpoints with one draw each too."""

import warnings
from pathlib import Path

import arviz as az
import numpy as np
import pytest
import xarray as xr

from samplers.draws import Draws
from thermalize.folder import STORE

from .drawn import CHAINS, CLASSES, DRAWS, PROBE, finished_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Draws, Draws]:
    """A finished run on disk, and the draws that it must hold."""
    folder = tmp_path_factory.mktemp("store") / "run"
    return folder, *finished_run(folder)


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
