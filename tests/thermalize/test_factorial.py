"""``thermalize factorial``: planted gaps are found and laid at the right door; refusals; a small run."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

from compare import Verdict
from thermalize.errors import UserError
from thermalize.factorial import Found, analysed, judge
from thermalize.factorial_cells import WANTED, Cell, Reference, codes_of, task_of
from thermalize.factorial_design import Design, make_design

from .commands import refused, run

type Array = np.ndarray
NUM = 17  # 16 functions of 3 bits fit 4 labels, and the rest
LAW = np.append(0.6 ** np.arange(16) / np.sum(0.6 ** np.arange(16)), 0.0)
FAR_LAW = np.append(np.zeros(15), [0.5, 0.5])
HELD = {"batch_size": 0, "prior_weight": 0, "start_scale": 1}


def design(endpoints: int = 400, **more: Any) -> Design:
    return make_design({"bits": 3, "num_train": 4, "endpoints": endpoints, **HELD, **more})


def planted(
    chosen: Design,
    mixed: Callable[[dict[str, Any]], float],
    rng: np.random.Generator,
    met: Callable[[dict[str, Any]], float] = lambda settings: 1.0,
    held_out: Array = LAW,
) -> Found:
    """Endpoints drawn from the posterior, a share of them from a law far from it."""
    cells = []
    for levels in product(*chosen.levels.values()):
        settings = dict(zip(chosen.levels, levels, strict=True))
        share = mixed(settings)
        codes = rng.choice(NUM, size=chosen.endpoints, p=(1 - share) * LAW + share * FAR_LAW)
        cells.append(Cell(settings, codes, rng.random(chosen.endpoints) < met(settings)))
    references = {
        width: Reference(
            rng.multinomial(WANTED, LAW),
            rng.choice(NUM, size=400, p=held_out),
            np.full(400, NUM - 1),
            10 * WANTED,
        )
        for width in chosen.levels["width"]
    }
    return analysed(chosen, cells, references)


def test_a_planted_gap_is_laid_at_the_right_door() -> None:
    """Total variation is the share mixed in, 0.3 for one stop; its excess less by at most the floor, 0.06."""
    chosen = design()
    found = planted(chosen, lambda s: 0.3 if s["stopping"] else 0.0, np.random.default_rng(0))
    assert all(control.passed for control in found.controls), found.controls
    assert judge(found)[0] == Verdict.SUPPORTED
    for effect in found.effects.effects:
        names = [chosen.factors[place] for place in effect.factors]
        assert effect.adjusted is not None
        assert effect.value is not None
        assert (effect.adjusted < 0.01) == (names == ["stopping"]), (names, effect)
        assert effect.value == pytest.approx(0.27 if names == ["stopping"] else 0.0, abs=0.05)


def test_a_planted_interaction_is_one() -> None:
    chosen = design()

    def mixed(s: dict[str, Any]) -> float:
        return 0.4 if s["optimiser"] == "adam" and s["learning_rate"] == 4 else 0.0

    found = planted(chosen, mixed, np.random.default_rng(1))
    effects = {
        tuple(chosen.factors[place] for place in effect.factors): effect for effect in found.effects.effects
    }
    assert effects["optimiser", "learning_rate"].value == pytest.approx(0.185, abs=0.035)
    assert effects["optimiser",].value == pytest.approx(0.185, abs=0.035)
    assert effects["optimiser", "width"].value == pytest.approx(0.0, abs=0.03)


def test_where_nothing_differs_no_effect_is_found() -> None:
    """The claim is refuted with many networks, and left open with few."""
    rng = np.random.default_rng(2)
    assert judge(planted(design(4000), lambda s: 0.0, rng))[0] == Verdict.REFUTED
    few = design(60, optimiser="sgd", learning_rate=1)
    assert judge(planted(few, lambda s: 0.0, rng))[0] == Verdict.INCONCLUSIVE


@pytest.mark.certify
def test_false_alarms_through_the_whole_analysis() -> None:
    """200 designs of posterior samples: an alarm anywhere in 5 of 100; more than 1e-4's bound is a defect.

    Without Holm's correction a family of 10 effects alarms in about 40 of 100.
    """
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(200):
        found = planted(design(200), lambda s: 0.2, rng)
        alarms += min(effect.adjusted or 0.0 for effect in found.effects.effects) <= 0.05
    assert alarms <= binom.ppf(1 - 1e-4, 200, 0.05)


def test_cells_that_never_fit_cost_only_the_effects_that_need_them() -> None:
    chosen = design()
    found = planted(
        chosen,
        lambda s: 0.3 if s["stopping"] else 0.0,
        np.random.default_rng(4),
        met=lambda s: 0.5 if s["optimiser"] == "adam" else 1.0,
    )
    place = chosen.factors.index("optimiser")
    assert found.effects.held == {place: 0}
    for effect in found.effects.effects:
        assert (effect.value is None) == (place in effect.factors)
    verdict, reason = judge(found)
    assert verdict == Verdict.SUPPORTED
    assert "4 are not available" in reason


def test_a_wrong_control_withholds_every_effect() -> None:
    found = planted(design(), lambda s: 0.3, np.random.default_rng(5), held_out=np.full(NUM, 1 / NUM))
    verdict, reason = judge(found)
    assert verdict == Verdict.INCONCLUSIVE
    assert "independent exact draws of width 8 are at the floor" in reason
    assert all(effect.value is None for effect in found.effects.effects)


def test_functions_are_numbered_among_those_that_fit() -> None:
    chosen = design()
    task = task_of(chosen)
    every = np.arange(256, dtype=np.uint8)[:, None]
    codes = codes_of(every, task, 8)
    rows = (np.asarray(task.train.inputs) @ [4, 2, 1]).astype(int)
    fits = (np.unpackbits(every, axis=1)[:, rows] == np.asarray(task.train.targets)).all(axis=1)
    assert sorted(codes[fits].tolist()) == list(range(16))
    assert set(codes[~fits].tolist()) == {16}


@pytest.mark.certify
def test_a_small_run_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "found"
    words = ("--bits", "3", "--num-train", "4", "--endpoints", "60", "--stopping", "0,50", "--width", "8")
    held = ("--optimiser", "sgd", "--batch-size", "0", "--prior-weight", "0", "--start-scale", "1,0.5")
    done = run("factorial", *words, *held, "--out", folder, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert {"command", "version", "seed", "verdict", "headline", "trust", "seconds", "store"} <= result.keys()
    assert result["trust"]["passed"], result["trust"]
    assert len(result["cells"]) == 8
    assert [row["name"] for row in result["effects"]][:3] == ["stopping", "learning rate", "start scale"]
    tree = xr.open_datatree(folder / "store.zarr", engine="zarr", consolidated=False)
    arm = "stopping_0-sgd-batch_size_0-learning_rate_1-prior_weight_0-start_scale_1-width_8"
    assert tree[f"{arm}/predictions/function"].shape == (60, 1)
    assert "<svg" in (folder / "report.html").read_text()
    shown = run("show", folder)
    assert shown.exit_code == 0, shown.output
    assert result["verdict"] in shown.stdout
    assert "8 of 8 cells have a response" in shown.stdout
    assert run("report", folder).exit_code == 0
    refused(run("factorial", *words, *held, "--out", folder), "already holds a run | --overwrite")


def test_refusals(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "none")
    for option, value, says in (
        ("--stopping", "0,1,2", "it has 3 levels | one, which is held, or two"),
        ("--stopping", "", "it has 0 levels"),
        ("--stopping", "0,0", "both levels are the same"),
        ("--stopping", "soon", "levels are numbers"),
        ("--stopping", "-1,5", "whole number, 0 or more"),
        ("--optimiser", "sdg", "did you mean sgd?"),
        ("--batch-size", "0,9", "there are 8 training inputs"),
        ("--learning-rate", "0,1", "positive number"),
        ("--start-scale", "nan", "positive number"),
        ("--width", "0,8", "whole number, 1 or more"),
        ("--bits", "6", "from 3 to 5"),
        ("--num-train", "2", "of 16 inputs 6 to 15 may be given"),
        ("--endpoints", "10", "from 50"),
        ("--target", "majorty", "did you mean majority or parity?"),
    ):
        refused(run("factorial", option, value, *out), says)
    held = "stopping = 0\noptimiser = 'sgd'\nbatch_size = 0\nlearning_rate = 1\nprior_weight = 0\n"
    for text, says in (
        ("widht = 8", "unknown setting | did you mean width?"),
        ("width = true", "whole number"),
        (held + "start_scale = 1\nwidth = 8", "no setting is varied"),
        ("width =", "not TOML"),
    ):
        (tmp_path / "design.toml").write_text(text)
        refused(run("factorial", "--config", tmp_path / "design.toml", *out), says)
    with pytest.raises(UserError, match="did you mean stopping"):
        make_design({"stoping": 0})
