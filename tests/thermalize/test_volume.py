"""``thermalize volume``: a straight line, of which everything is known; runs that cannot be measured.

The stored networks are planted. Statistical checks are five standard errors wide or have the
width said beside them; seeds are fixed.
"""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from samplers import Target, loss
from samplers.draws import Draws
from samplers.volume import relaxed
from thermalize.config import Layer, RunConfig, make_config
from thermalize.parts import build_task
from thermalize.prepare import data_arrays
from thermalize.provenance import data_hash
from thermalize.store import create_run

from .commands import refused, run

type Array = np.ndarray
NOISE, NUM = 1.0, 12
SMALL = ("--networks", "3", "--draws", "200", "--particles", "100")


def settings() -> RunConfig:
    known: dict[str, Any] = {
        "seed": 0,
        "task": {"name": "regression_1d", "num_train": 10, "num_probe": 12},
        "model": {"widths": [], "noise_scale": NOISE},
    }
    return make_config(Layer(known), select=["sgd", "hmc"])


def line(beta: float) -> tuple[Array, Array, Array, float]:
    """Mean, covariance, least squares and log evidence of slope and offset at ``beta``."""
    task = build_task(settings())
    x, y = np.asarray(task.train.inputs, float), np.asarray(task.train.targets, float)
    design = np.concatenate([x, np.ones_like(x)], axis=1)
    precision = np.eye(2) + beta / NOISE**2 * design.T @ design
    mean = np.linalg.solve(precision, beta / NOISE**2 * design.T @ y)
    log_evidence = -beta / 2 * (len(y) * np.log(2 * np.pi * NOISE**2) + y @ y / NOISE**2)
    log_evidence += mean @ precision @ mean / 2 - np.linalg.slogdet(precision)[1] / 2
    return mean, np.linalg.inv(precision), np.linalg.lstsq(design, y)[0], float(log_evidence)


def curvature_share(beta: float) -> float:
    """``tr A / (A + 1)`` of the line at ``beta``: prior scales are ones."""
    return 2 - float(np.trace(line(beta)[1]))


def planted(
    folder: Path, *, keep: tuple[str, ...] = ("sgd", "hmc"), status: str = "ok", shape: int = 1
) -> Path:
    """A finished run of endpoints at least squares and draws of the posterior."""
    config = settings()
    task = build_task(config)
    mean, covariance, best, _ = line(1.0)
    drawn = np.random.default_rng(0).multivariate_normal(mean, covariance, size=NUM)
    attrs = {"seed": 0, "arguments": config.arguments(), "data_hash": data_hash(data_arrays(task))}
    with create_run(folder, attrs) as store:
        store.update({"likelihood": {"name": "gaussian", "noise_scale": NOISE}, "beta": 1.0})
        for arm, role, theta in (("sgd", "arm", np.tile(best, (NUM, 1))), ("hmc", "reference", drawn)):
            store.begin_arm(
                arm,
                {"role": role, "stop": ["budget", 0, 0.0, 100] if role == "arm" else None},
                probe_inputs=np.asarray(task.probe.inputs),
                probe_targets=np.asarray(task.probe.targets),
                train_targets=np.asarray(task.train.targets),
            )
            theta = theta.astype(np.float32)
            params = [{"w": theta[:, None, :1, None].repeat(shape, axis=2), "b": theta[:, None, 1:]}]
            outputs = np.zeros((NUM, 1, 12, 1), np.float32)
            stats = {"loss": np.zeros((NUM, 1), np.float32)}
            store.append(arm, Draws({"logits": outputs}, stats, params if arm in keep else None, []), axis=0)
            store.finish_arm(arm, {"status": [status] * NUM, "seconds": 1.0})
        store.update({"result": {"command": "compare"}, "complete": True})
    return folder


@pytest.mark.certify
def test_a_line_of_which_everything_is_known(tmp_path: Path) -> None:
    folder = planted(tmp_path / "run")
    before = sorted((p, p.stat().st_mtime_ns) for p in folder.rglob("*"))
    done = run("volume", folder, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert {
        "command",
        "version",
        "seed",
        "verdict",
        "headline",
        "trust",
        "seconds",
        "store",
        "report",
    } <= set(result)
    assert (result["parameters"], result["num_data"], result["left_out"]) == (2, 10, {})
    truth = line(1.0)[3]
    for name in ("integral", "product"):
        found = result["evidence"][name]
        assert abs(found["value"] - truth) < 0.5  # 4 passes of 100 particles: a standard error of 0.07
        assert found["low"] < found["value"] < found["high"]
    assert result["evidence"]["agree"]
    assert result["trust"]["passed"]
    sgd, hmc = (row["measures"] for row in result["rows"])
    assert [row["name"] for row in result["rows"]] == ["sgd", "hmc"]
    least = float(loss_of(line(1.0)[2]))
    assert sgd["loss"]["value"] == pytest.approx(least, rel=1e-4)
    assert hmc["loss"]["value"] > least + 0.01
    for row in (sgd, hmc):  # both lie above the same minimum
        assert row["loss at the minimum"]["value"] == pytest.approx(least, rel=1e-4)
        assert row["effective dimension"]["value"] == pytest.approx(curvature_share(1.0), rel=1e-3)
        # 3 networks of 4 x 200 draws: a standard error of about 4 %.
        assert row["learning coefficient"]["value"] == pytest.approx(
            curvature_share(1 / np.log(10)) / 2, rel=0.2
        )
        assert row["learning coefficient"]["networks"] == 3
        assert row["cut by size"]["value"] == row["cut at random"]["value"]  # a single weight
    assert sgd["basin"]["value"] is None  # it is what the others are compared with
    assert abs(hmc["basin"]["value"]) < 1
    assert sorted((p, p.stat().st_mtime_ns) for p in folder.rglob("*")) == before
    assert "sgd" in done.stderr  # progress


def loss_of(theta: Array) -> float:
    task = build_task(settings())
    x, y = np.asarray(task.train.inputs, float)[:, 0], np.asarray(task.train.targets, float)
    residuals = y - theta[0] * x - theta[1]
    return float(np.mean(residuals**2) / (2 * NOISE**2) + np.log(2 * np.pi * NOISE**2) / 2)


@pytest.mark.certify
def test_the_table_and_what_is_left_out(tmp_path: Path) -> None:
    done = run("volume", planted(tmp_path / "run", keep=("hmc",)), *SMALL)
    assert done.exit_code == 0, done.output
    for said in (
        "2 parameters, 10 training targets, beta 1",
        "log evidence, thermodynamic integral",
        "hmc (3)",
    ):
        assert said in done.stdout
    assert "sgd: it does not keep its parameters" in done.stdout


def test_refusals(tmp_path: Path) -> None:
    refused(run("volume", tmp_path / "none"), "there is no run here")
    refused(run("volume", tmp_path), "this is not a run")
    refused(
        run("volume", planted(tmp_path / "bare", keep=())),
        "the run does not keep its parameters | [arms.sgd] | keep_params = true | thermalize compare",
    )
    one = planted(tmp_path / "one", keep=("hmc",))
    refused(run("volume", one, "--arms", "hcm"), "the run has no such arm | did you mean hmc?")
    refused(run("volume", one, "--arms", "sgd"), "the arm does not keep its parameters | choose from: hmc")
    refused(run("volume", one, "--networks", "0"), "--networks")
    refused(
        run("volume", planted(tmp_path / "failed", status="diverged")), "no network of the arm can be used"
    )
    refused(run("volume", planted(tmp_path / "wide", shape=2)), "not those of the run's network | sgd/0.w")
    for name, attrs, says in (
        ("claim", {"result": {"command": "claim"}, "complete": True}, "this is not a comparison"),
        ("begun", {}, "the run has no result yet"),
        ("python", {"result": {"command": "compare"}, "complete": True}, "the run was made in Python"),
    ):
        with create_run(tmp_path / name, {"seed": 0, "arguments": {}}) as store:
            store.update(attrs)
        refused(run("volume", tmp_path / name), says)


def test_other_data_are_refused(tmp_path: Path) -> None:
    folder = planted(tmp_path / "run")
    from thermalize.store import open_run

    with open_run(folder, writable=True) as store:
        store.update({"data_hash": "sha256:other"})
    refused(run("volume", folder), "the task is another one now")


def steep(curvatures: Array) -> Target:
    return Target(
        lambda t: -0.5 * jnp.sum(t**2),
        lambda t, h: -0.5 * jnp.sum(h * (t - 1) ** 2)[None],
        None,
        lambda key: jnp.zeros(len(curvatures)),
        jnp.asarray(curvatures),
        jnp.ones(()),
        jnp.ones(()),
        None,
    )


def test_down_to_the_minimum_and_never_up() -> None:
    target = steep(np.array([1.0, 30.0]))
    starts = jax.random.normal(jax.random.key(0), (5, 2))
    found = relaxed(target, starts, enough=1e-9)
    assert jnp.allclose(found, 1.0, atol=1e-3)
    for steps in (1, 3):  # steps that overshoot: the lowest point passed is kept
        rough = relaxed(target, starts, num_steps=steps, learning_rate=5.0)
        before, after = (jax.vmap(loss, (None, 0))(target, at) for at in (starts, rough))
        assert (after <= before).all()
    low = jax.vmap(loss, (None, 0))(target, relaxed(target, starts, enough=0.1))
    assert ((low > 1e-3) & (low <= 0.1)).all()  # it ends where told
    with pytest.raises(ValueError, match="num_steps must be a whole number of at least 1, got 0"):
        relaxed(target, starts, num_steps=0)
