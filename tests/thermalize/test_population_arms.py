"""Populations, fits and ensembles as arms of one comparison, on a linear regression known exactly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from thermalize.config import Layer, make_config
from thermalize.parts import build_task
from thermalize.pipeline import compare
from thermalize.store import open_run

NOISE = 0.5
SETTINGS: dict[str, Any] = {
    "task": {"name": "regression_1d", "num_train": 10, "num_probe": 12},
    "model": {"widths": [], "noise_scale": NOISE},
    "arms": {
        "smc": {"num_chains": 16, "num_particles": 100},
        "few": {"kind": "smc", "num_chains": 2, "num_particles": 4},
        "laplace": {"num_chains": 4, "num_draws": 200, "num_steps": 1500},
        "deep_ensemble": {"num_endpoints": 8, "max_steps": 1500, "batch_size": "full"},
        "hmc": {"num_chains": 4, "num_draws": 100, "num_warmup": 100, "num_integration_steps": 8},
    },
}
CONFIG = make_config(Layer(SETTINGS))


class Known:
    """Mean and standard deviation of the outputs on the probe under the posterior; log evidence."""

    def __init__(self) -> None:
        task = build_task(CONFIG)
        x, y = (np.asarray(leaf, np.float64) for leaf in task.train)
        features, probe = with_constant(x), with_constant(np.asarray(task.probe.inputs, np.float64))
        # The prior is standard: one input, so that its fan-in is one.
        covariance = features @ features.T + NOISE**2 * np.eye(len(y))
        gain = probe @ features.T @ np.linalg.inv(covariance)
        self.mean = gain @ y
        spread = probe @ probe.T - gain @ features @ probe.T
        self.scale = np.sqrt(np.diag(spread))
        _, log_determinant = np.linalg.slogdet(2 * np.pi * covariance)
        self.log_evidence = -0.5 * (log_determinant + y @ np.linalg.solve(covariance, y))


def with_constant(inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], xr.DataTree]:
    folder: Path = tmp_path_factory.mktemp("arms") / "run"
    return compare(CONFIG, folder), open_run(folder).tree()


def outputs(tree: xr.DataTree, arm: str) -> np.ndarray:
    return np.asarray(tree[f"{arm}/predictions"]["logits"].values, np.float64)[..., 0]


@pytest.mark.parametrize(("arm", "bound"), [("smc", 0.3), ("laplace", 0.25)])
def test_draws_follow_the_posterior(finished: Any, arm: str, bound: float) -> None:
    """1,600 and 800 draws: mean and log scale on every probe, at six standard errors and more."""
    found, known = outputs(finished[1], arm), Known()
    z = (found - known.mean) / known.scale
    assert np.abs(z.mean(axis=(0, 1))).max() < bound
    assert np.abs(np.log(z.std(axis=(0, 1)))).max() < bound


def test_members_of_an_ensemble_meet_at_the_only_mode(finished: Any) -> None:
    known = Known()
    np.testing.assert_allclose(
        outputs(finished[1], "deep_ensemble")[:, 0], np.tile(known.mean, (8, 1)), atol=0.01
    )


def test_the_evidence_is_kept_beside_the_draws(finished: Any) -> None:
    evidence, known = finished[1]["smc"].attrs["evidence"], Known()
    assert evidence["reason"] == "ok"
    assert len(evidence["populations"]) == 16
    assert abs(evidence["log_evidence"] - known.log_evidence) < 6 * evidence["standard_error"] < 0.6


def test_a_collapsed_population_says_so_and_is_not_trusted(finished: Any) -> None:
    result, tree = finished
    status = tree["few"].attrs["status"]
    assert [sentence.startswith("collapsed: 4 particles descend from") for sentence in status] == [True, True]
    assert result["verdicts"]["few"]["verdict"] == "INCONCLUSIVE"
    assert "2 of 2 networks or chains of the arm failed: collapsed" in result["verdicts"]["few"]["reason"]
    evidence = tree["few"].attrs["evidence"]
    assert evidence["log_evidence"] is None
    assert "not available: 2 of 2 populations are not usable" in evidence["reason"]


def test_shapes_and_statistics_of_a_population(finished: Any) -> None:
    stats = finished[1]["smc/sample_stats"].dataset
    assert stats["lp"].sizes == {"chain": 16, "draw": 100}
    assert int(stats["num_ancestors"].min()) >= 5
    assert bool(stats["finished"].all())
    (row,) = [row for row in finished[0]["arms"] if row["name"] == "smc"]
    assert (row["num_chains"], row["num_draws"], row["num_usable"]) == (16, 100, 16)
