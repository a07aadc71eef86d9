"""Chains that miss a gate are run on, those that nothing mends are not; what is judged is what is kept."""

from typing import Any

import numpy as np
import pytest

from samplers import Draws
from samplers.draws import Saved
from thermalize.claims import trusted_chains
from thermalize.claims.trusted_chains import Chains, checks_of, mean_over, sample_until_trusted

PIECE = 50


class Planted:
    """Chains apart from each other for ``apart`` draws and together afterwards."""

    def __init__(self, apart: int, *, diverging: bool = False) -> None:
        self.apart, self.diverging = apart, diverging
        self.runs: list[tuple[int, int]] = []

    def __call__(self, *args: Any, num_chains: int, num_draws: int, **options: Any) -> Draws:
        first = options["saved"].num_done if options["saved"] else 0
        self.runs.append((first, num_draws))
        for start in range(first, num_draws, PIECE):
            rng = np.random.default_rng(start)
            offset = np.arange(num_chains)[:, None, None] * float(start < self.apart)
            seen = rng.normal(size=(num_chains, PIECE, 2)) + offset
            stats = {"diverging": np.full((num_chains, PIECE), self.diverging), "loss": seen[..., 0]}
            options["sink"](Draws({"f": seen}, stats, None, ["ok"] * num_chains), start)
            options["save"](Saved(start + PIECE, ["ok"] * num_chains, {}))
        return Draws({}, {}, None, ["ok"] * num_chains)


def run(monkeypatch: pytest.MonkeyPatch, planted: Planted, doublings: int) -> tuple[list[Draws], Any]:
    monkeypatch.setattr(trusted_chains, "sample", planted)
    nothing: Any = None
    return sample_until_trusted(
        nothing, nothing, nothing, nothing, Chains(8, 400, 5, 5, doublings), lambda piece: piece.observed["f"]
    )


def test_good_chains_are_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(0)
    pieces, trust = run(monkeypatch, planted, 3)
    assert trust.passed
    assert planted.runs == [(0, 400)]
    assert len(pieces) * PIECE == 400


def test_late_chains_are_run_on_and_their_beginning_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(300)
    pieces, trust = run(monkeypatch, planted, 3)
    assert trust.passed
    assert planted.runs == [(0, 400), (400, 800), (800, 1600)]  # without the first 400 of 1,600
    assert len(pieces) * PIECE == 1200
    assert abs(mean_over(pieces, "loss")) < 0.05
    assert all(check.passed for check in checks_of(trust))
    pieces, trust = run(monkeypatch, Planted(300), 1)
    assert not trust.passed
    assert len(pieces) * PIECE == 600
    assert [check.passed for check in checks_of(trust)] == [False, False, True, True]


def test_chains_that_diverge_are_not_run_on(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(300, diverging=True)
    assert not run(monkeypatch, planted, 3)[1].passed
    assert planted.runs == [(0, 400)]
