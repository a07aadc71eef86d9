"""``thermalize fit-temperature``: planted posterior samples are found, others leave more than the floor.

A straight line fitted to noisy points: at every inverse temperature and prior scale the posterior is a normal
law in closed form.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compare import Arm
from samplers.draws import Draws
from thermalize.config import Layer, RunConfig, make_config
from thermalize.family import Rung, fit_family, ladder, rung_of
from thermalize.folder import TEMPERATURE
from thermalize.parts import build_task
from thermalize.prepare import data_arrays
from thermalize.provenance import data_hash
from thermalize.store import create_run
from thermalize.temperature_page import judged

from .commands import refused, run

type Array = np.ndarray
NOISE, NUM = 1.0, 400
SMALL = ("--populations", "4", "--particles", "300", "--betas", "0.75,12", "--prior-scales", "1")


def settings(task: str = "regression_1d") -> RunConfig:
    known: dict[str, Any] = {
        "seed": 0,
        "task": {"name": task, "num_train": 10, "num_probe": 12},
        "model": {"widths": []} | ({"noise_scale": NOISE} if task == "regression_1d" else {}),
    }
    return make_config(Layer(known), select=["sgd", "hmc"])


def lines(inputs: Array, targets: Array, probe: Array, beta: float, rng: np.random.Generator) -> Array:
    """Exact draws of the posterior at ``beta``: their values on the probe, ``(draw, probe)``."""
    design = np.concatenate([inputs, np.ones_like(inputs)], axis=1)
    precision = np.eye(2) + beta / NOISE**2 * design.T @ design
    mean = np.linalg.solve(precision, beta / NOISE**2 * design.T @ targets)
    drawn = rng.multivariate_normal(mean, np.linalg.inv(precision), size=NUM)
    return drawn @ np.concatenate([probe, np.ones_like(probe)], axis=1).T


def planted(folder: Path, plant: Callable[[Any], Array], *, arm: str = "sgd", num: int = NUM) -> Path:
    """A finished run whose arm holds the planted outputs ``(endpoint, probe)``."""
    config = settings()
    task = build_task(config)
    attrs = {"seed": 0, "arguments": config.arguments(), "data_hash": data_hash(data_arrays(task))}
    with create_run(folder, attrs) as store:
        store.update({"likelihood": {"name": "gaussian", "noise_scale": NOISE}, "beta": 1.0})
        store.begin_arm(
            arm,
            {"role": "arm", "stop": ["budget", 0, 0.0, 100] if arm == "sgd" else None},
            probe_inputs=np.asarray(task.probe.inputs),
            probe_targets=np.asarray(task.probe.targets),
            train_targets=np.asarray(task.train.targets),
        )
        outputs = plant(task)[:num, None, :, None].astype(np.float32)
        stats = {"loss": np.zeros((num, 1), np.float32)}
        store.append(arm, Draws({"logits": outputs}, stats, None, []), axis=0)
        store.finish_arm(arm, {"status": ["ok"] * num, "seconds": 1.0})
        store.update({"result": {"command": "compare"}, "complete": True})
    return folder


def exact(task: Any) -> Array:
    rng = np.random.default_rng(0)
    inputs, targets, probe = (
        np.asarray(leaf, float) for leaf in (task.train.inputs, task.train.targets, task.probe.inputs)
    )
    return lines(inputs, targets, probe, 3.0, rng)


def split(task: Any) -> Array:
    """As wide as the posterior at 3, but in two clumps: of no temperature."""
    outputs = exact(task)
    deviations = outputs - outputs.mean(axis=0)
    sides = np.where(np.arange(NUM) % 2, 1.0, -1.0)[:, None]
    return outputs.mean(axis=0) + sides * outputs.std(axis=0) + 0.1 * deviations


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("fits")
    return {
        "exact": planted(folder / "exact", exact),
        "split": planted(folder / "split", split),
        "sampled": planted(folder / "sampled", exact, arm="hmc"),
        "few": planted(folder / "few", exact, num=5),
    }


def test_posterior_samples_at_beta_3_are_found_and_leave_no_more_than_the_floor(
    runs: dict[str, Path],
) -> None:
    before = (runs["exact"] / "store.zarr" / "zarr.json").read_bytes()
    done = run("fit-temperature", runs["exact"], *SMALL, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["trust"]["passed"], result["trust"]
    assert result["headline"]["low"] < 3 < result["headline"]["high"]
    assert result["headline"]["high"] / result["headline"]["low"] < 4
    assert result["best"]["remaining"]["mean"] <= result["best"]["floor"]["high"]
    assert result["verdict"] == "INCONCLUSIVE"
    assert {"command", "version", "seed", "seconds", "store", "report"} <= result.keys()
    folder = runs["exact"] / TEMPERATURE
    assert json.loads((folder / "sgd.json").read_text()) == result
    page = (folder / "sgd.html").read_text()
    assert "<svg" in page
    assert result["reason"][1:].split(":")[0] in page
    assert (runs["exact"] / "store.zarr" / "zarr.json").read_bytes() == before
    refused(run("fit-temperature", runs["exact"], *SMALL), "the arm was fitted before | --overwrite")


def test_endpoints_of_another_law_leave_more_than_the_floor(runs: dict[str, Path], tmp_path: Path) -> None:
    done = run("fit-temperature", runs["split"], *SMALL, "--out", tmp_path / "found")
    assert done.exit_code == 0, done.output
    assert "REFUTED" in done.stdout
    result = json.loads((tmp_path / "found" / "sgd.json").read_text())
    assert result["best"]["remaining"]["low"] > 3 * result["best"]["floor"]["high"]
    assert not (runs["split"] / TEMPERATURE).exists()


def test_refusals(runs: dict[str, Path], tmp_path: Path) -> None:
    refused(run("fit-temperature", tmp_path / "none"), "there is no run here")
    refused(run("fit-temperature", tmp_path), "this is not a run")
    refused(
        run("fit-temperature", runs["sampled"]),
        "the run has no optimiser's arm | its arms are hmc | --arms sgd",
    )
    refused(run("fit-temperature", runs["exact"], "--arm", "sdg"), "no endpoints to fit | did you mean sgd?")
    refused(run("fit-temperature", runs["few"]), "too few endpoints | 5 of 5 networks can be used")
    for option, value, says in (
        ("--betas", "1", "two positive numbers"),
        ("--betas", "2,1", "the first must be below the second"),
        ("--betas", "0,1", "two positive numbers"),
        ("--prior-scales", "1,-1", "positive numbers"),
        ("--prior-scales", "1,1", "given twice"),
        ("--prior-scales", "one", "positive numbers"),
    ):
        refused(run("fit-temperature", runs["exact"], option, value), says)
    for name, attrs, says in (
        ("claim", {"result": {"command": "claim"}, "complete": True}, "this is not a comparison"),
        ("begun", {}, "the run has no result yet"),
        ("extended", {"result": {"command": "compare"}, "complete": False}, "the run is not finished"),
        ("python", {"result": {"command": "compare"}, "complete": True}, "the run was made in Python"),
    ):
        with create_run(tmp_path / name, {"seed": 0, "arguments": {}}) as store:
            store.update(attrs)
        refused(run("fit-temperature", tmp_path / name), says)


def test_other_data_are_refused(tmp_path: Path) -> None:
    folder = planted(tmp_path / "run", exact)
    from thermalize.store import open_run

    with open_run(folder, writable=True) as store:
        store.update({"data_hash": "sha256:other"})
    refused(run("fit-temperature", folder), "the task is another one now")


def rungs(rng: np.random.Generator, scale: float, apart: float = 0.0) -> list[Rung]:
    """Two classes on 5 probes, log odds normal of variance ``scale^2 / beta``; a population may be off."""
    found = []
    for beta in ladder(0.5, 4.0):
        odds = rng.normal(size=(4, 300, 5)) * scale / np.sqrt(beta)
        odds[0] += apart
        p = 1 / (1 + np.exp(-odds))
        found.append(rung_of(beta, Arm(np.stack([1 - p, p], axis=-1)), np.zeros((4, 300))))
    return found


def test_untrusted_rungs_are_left_out_and_too_few_give_no_fit() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(500, 5)) / np.sqrt(1.2)
    p = 1 / (1 + np.exp(-odds))
    ends = np.stack([1 - p, p], axis=-1)
    good, bad = rungs(rng, 1.0), rungs(rng, 1.0, apart=1.0)
    passes = {1.0: [*good[:5], *bad[5:]], 2.0: bad}
    fit = fit_family(passes, ends, seed=0)
    assert list(fit.fits) == [1.0]
    assert fit.member is not None
    assert fit.member.beta.low < 1.2 < fit.member.beta.high
    assert [len(why) for why in fit.left_out.values()] == [2, 7]
    assert fit.left_out[1.0][0].startswith("beta 2.83: largest R-hat 1.")
    result = judged(fit, passes)
    assert (result["verdict"], result["trust"]["passed"]) == ("INCONCLUSIVE", False)
    assert "a pass is not trusted: trusted inverse temperatures at prior scale 2: 0, of 7" in result["reason"]
    nothing = judged(fit_family({2.0: bad}, ends, seed=0), {2.0: bad})
    assert (nothing["fits"], nothing["best"], nothing["headline"]["value"]) == ([], None, None)


def test_the_prior_scale_is_found() -> None:
    """Variance 2.5 at every probe: of scale 1 at beta 0.4, off the ladder, or of scale 2 at beta 1.6."""
    rng = np.random.default_rng(1)
    p = 1 / (1 + np.exp(-rng.normal(size=(600, 5)) * np.sqrt(2.5)))
    fit = fit_family({1.0: rungs(rng, 1.0), 2.0: rungs(rng, 2.0)}, np.stack([1 - p, p], axis=-1), seed=0)
    assert fit.fits[1.0].at_edge
    assert fit.member is not None
    assert (fit.member.scale, fit.member.beta.low < 1.6 < fit.member.beta.high) == (2.0, True)
