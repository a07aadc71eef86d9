"""From draws to a verdict, on arms whose right answer is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import xarray as xr

from thermalize.evaluate import evaluate
from thermalize.predictions import read_arm

PROBES, CLASSES = 6, 3
MIXING = np.random.default_rng(1).normal(size=(4, PROBES * CLASSES))


def outputs(rng: np.random.Generator, chains: int, draws: int, shift: float = 0.0, scale: float = 1.0) -> Any:
    """Logits of random smooth classifiers: a 4-dimensional Gaussian, mixed."""
    latent = rng.normal(size=(chains, draws, 4)) * scale + shift + 1
    return (latent @ MIXING).reshape(chains, draws, PROBES, CLASSES).astype(np.float32)


def arm(role: str, logits: Any, status: Sequence[str] | None = None) -> xr.DataTree:
    chains, draws = logits.shape[:2]
    groups = {
        "predictions": xr.Dataset({"logits": (("chain", "draw", "probe", "class"), logits)}),
        "predictions_constant_data": xr.Dataset({"probe_targets": ("probe", np.zeros(PROBES, int))}),
        "observed_data": xr.Dataset({"targets": ("datum", np.zeros(5, int))}),
        "sample_stats": xr.Dataset(
            {name: (("chain", "draw"), np.zeros((chains, draws))) for name in ("loss", "train_error")}
        ),
    }
    tree = xr.DataTree(children={name: xr.DataTree(group) for name, group in groups.items()})
    words = {"role": role, "sampler": "x", "law": "x", "stopping": "", "seconds": 1.0}
    tree.attrs = {**words, "status": list(status or ["ok"] * chains)}
    return tree


def run(logits: Any, status: Sequence[str] | None = None, **replaced: xr.DataTree) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    arms = {
        "exact": arm("reference", outputs(rng, 8, 160)),
        "control": arm("control", outputs(rng, 8, 100)),
        "prior": arm("ceiling", outputs(rng, 8, 64, scale=6.0)),
        "trained": arm("arm", logits, status),
    }
    tree = xr.DataTree(children={**arms, **replaced})
    tree.attrs = {"seed": 0, "likelihood": {"name": "categorical"}}
    return evaluate(tree)


def test_draws_of_the_posterior_itself_are_supported() -> None:
    result = run(outputs(np.random.default_rng(5), 800, 1))
    assert [control["passed"] for control in result["controls"]] == [True, True]
    assert result["verdict"] == "SUPPORTED"
    assert result["headline"]["low"] < 1 < result["headline"]["high"] + 0.05


def test_a_shifted_law_is_refuted() -> None:
    result = run(outputs(np.random.default_rng(5), 200, 1, shift=2.0))
    assert result["verdict"] == "REFUTED"
    assert result["trust"]["passed"]


def test_failed_endpoints_are_counted_left_out_and_never_reach_a_number() -> None:
    logits = outputs(np.random.default_rng(5), 200, 1)
    logits[:20] = np.nan
    status = ["diverged: loss not finite after 7 steps"] * 20 + ["ok"] * 180
    result = run(logits, status)
    row = next(row for row in result["arms"] if row["name"] == "trained")
    assert (row["num_chains"], row["num_usable"]) == (200, 180)
    assert row["status_counts"] == {status[0]: 20, "ok": 180}
    assert all(row["num_left"] <= 180 for row in result["comparisons"])
    assert None not in [row["distance"] for row in result["comparisons"]]


def test_an_arm_of_which_nothing_is_usable_is_inconclusive_with_the_reason() -> None:
    logits = np.full((50, 1, PROBES, CLASSES), np.nan, np.float32)
    result = run(logits, ["diverged: loss not finite after 7 steps"] * 50)
    assert result["verdict"] == "INCONCLUSIVE"
    assert "50 of 50" in result["reason"]
    assert "loss not finite after 7 steps" in result["reason"]
    assert result["headline"]["value"] is None
    assert result["comparisons"] == []


def test_a_reference_in_two_basins_gives_no_verdict() -> None:
    rng = np.random.default_rng(0)
    split = outputs(rng, 8, 100)
    split[4:] = outputs(rng, 4, 100, shift=2.0)
    result = run(outputs(rng, 100, 1), exact=arm("reference", split))
    assert not result["trust"]["passed"]
    assert result["verdict"] == "INCONCLUSIVE"


@pytest.mark.parametrize("chains", [1, 3])
def test_too_few_reference_chains_are_inconclusive_not_an_error(chains: int) -> None:
    rng = np.random.default_rng(0)
    result = run(outputs(rng, 100, 1), exact=arm("reference", outputs(rng, chains, 100)))
    assert result["verdict"] == "INCONCLUSIVE"


def test_a_control_that_comes_out_wrong_withholds_the_verdict() -> None:
    rng = np.random.default_rng(0)
    result = run(outputs(rng, 100, 1), control=arm("control", outputs(rng, 8, 100, shift=1.0)))
    assert result["verdict"] == "INCONCLUSIVE"
    assert "control came out DIFFERENT" in result["reason"]


def test_a_regression_is_compared_through_its_predictive_law() -> None:
    rng = np.random.default_rng(0)

    def responses(role: str, chains: int, draws: int, shift: float, scale: float) -> xr.DataTree:
        tree = arm(role, outputs(rng, chains, draws, shift, scale)[..., :1])
        tree["observed_data"] = xr.Dataset({"targets": ("datum", np.linspace(-2, 2, 40))})
        tree["predictions_constant_data"] = xr.Dataset(
            {"probe_targets": ("probe", np.linspace(-1, 1, PROBES))}
        )
        return tree

    tree = xr.DataTree(
        children={
            "exact": responses("reference", 8, 250, 0.0, 0.1),
            "control": responses("control", 8, 120, 0.0, 0.1),
            "prior": responses("ceiling", 8, 30, 0.0, 3.0),
            "trained": responses("arm", 200, 1, 2.0, 0.1),
        }
    )
    tree.attrs = {"seed": 0, "likelihood": {"name": "gaussian", "noise_scale": 0.3}}
    result = evaluate(tree)
    assert result["verdict"] == "REFUTED", result["controls"][0]["detail"]
    assert "disagreement of averages" not in [row["name"] for row in result["comparisons"]]
    assert "root mean square error" in [row["name"] for row in result["behaviours"]]


def test_very_many_endpoints_are_all_counted_and_the_classifier_takes_some() -> None:
    logits = outputs(np.random.default_rng(5), 5000, 1)
    tree = arm("arm", logits)
    steps = np.where(np.arange(5000)[:, None] % 50 == 0, -1, np.arange(5000)[:, None])
    tree["sample_stats"] = tree["sample_stats"].to_dataset().assign(steps_to_fit=(("chain", "draw"), steps))
    result = run(logits, trained=tree)
    assert result["verdict"] == "SUPPORTED"
    for row in result["comparisons"]:
        some = row["name"] == "classifier two-sample test"
        assert (row["among_left"], row["total_left"]) == (4096 if some else 5000, 5000)
        assert row["among_right"] == row["total_right"]
        assert row["num_left"] <= 512  # the prior has no more: floor, ceiling and distance at one size
    (row,) = [row for row in result["arms"] if row["name"] == "trained"]
    assert row["num_usable"] == 5000
    assert row["fit"]["num_never"] == 100
    assert row["fit"]["share_never"] == 0.02
    assert abs(row["fit"]["steps"]["median"] - 2500) < 5
    assert next(other for other in result["arms"] if other["role"] == "reference")["fit"] is None


@pytest.mark.parametrize("likelihood", ["categorical", "bernoulli", "gaussian"])
@pytest.mark.parametrize("shape", [(23, 1), (3, 17)])
def test_an_arm_is_the_same_read_whole_or_in_pieces(
    likelihood: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = outputs(np.random.default_rng(0), *shape)
    tree = arm("arm", logits if likelihood == "categorical" else logits[..., :1])
    tree["predictions_constant_data"] = xr.Dataset({"probe_targets": ("probe", np.arange(PROBES) % 2)})
    tree["observed_data"] = xr.Dataset({"targets": ("datum", np.linspace(-2, 2, 40))})
    law = {"name": likelihood, "noise_scale": 0.3}
    whole = read_arm("a", tree, law)
    monkeypatch.setattr("thermalize.predictions.AT_ONCE", 100)
    pieces = read_arm("a", tree, law)
    assert np.array_equal(whole.probabilities, pieces.probabilities)
    assert whole.probabilities.dtype == pieces.probabilities.dtype == np.float32
    assert list(whole.scalars) == list(pieces.scalars)
    for name, values in whole.scalars.items():
        assert np.array_equal(values, pieces.scalars[name])
