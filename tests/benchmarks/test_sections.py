"""From what rivals answered to the rows of the table, with answers that are known."""

from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks import prior_functions, scaling, sections
from benchmarks.race import Race, Rival, Say
from benchmarks.rows import met
from benchmarks.sections import Bench, Found
from benchmarks.sizes import FULL, QUICK, TINY
from benchmarks.workloads import step_flops

from .invented import race_here

NO_TORCH = "torch is not installed in python"


class Answers:
    """A race in which each rival does ``speeds[part of its name]`` things a second, 1 unless told."""

    def __init__(self, speeds: dict[str, float], absent: dict[str, str] | None = None) -> None:
        self.speeds, self.absent = speeds, absent or {}
        self.rivals: dict[str, Rival] = {}

    def __call__(self, rivals: Mapping[str, Rival], repeats: int, say: Say) -> Race:
        self.rivals |= rivals
        absent = {n: why for n in rivals for part, why in self.absent.items() if part in n}
        results = {
            name: [self.answer(name, r) for r in range(repeats)] for name in rivals if name not in absent
        }
        return Race(results, absent)

    def answer(self, name: str, repeat: int) -> dict[str, Any]:
        speed = next((rate for part, rate in self.speeds.items() if part in name), 1.0)
        done = 60.0 * (repeat + 1)
        counted = {"endpoints", "steps", "gradients", "effective"}
        found: dict[str, Any] = dict.fromkeys(counted, done) | {"seconds": done / speed}
        return (
            found | {"unfit": 0, "gflops": 100.0, "lanes": 256}
            if "torch" in name
            else found | {"unfit": 0, "gflops": 100.0}
        )


def bench(num_cores: int = 2) -> Bench:
    return Bench([4, 5][:num_cores], TINY, lambda text: None, "python-with-torch")


def rows_of(found: Found) -> dict[tuple[str, str, int], Any]:
    return {(row.name, row.peer, row.cores): row for row in found.rows}


def test_endpoints_race_peers_on_the_same_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    race = Answers({"ours, 1": 200.0, "ours, 2": 400.0, "torch": 50.0, "PyTorch": 8.0, "2 at once": 100.0})
    monkeypatch.setattr(sections, "run_race", race)
    rows = rows_of(sections.endpoints(bench()))
    name = "endpoints a second"
    for cores in (1, 2):
        vmapped = rows[name, "torch.func.vmap, 256 at once", cores]
        assert list(vmapped.ratios) == [4.0 * cores] * TINY.repeats
        assert (str(vmapped.goal), met(vmapped)) == (f"at least {3 * cores} x", True)
        assert race.rivals[f"torch.func.vmap, {cores}"].cores == [4, 5][:cores]
        assert rows[name, "jax vmap, 2 at once", cores].goal is None
        assert list(rows[name, "jax vmap, 2 at once", cores].ratios) == [2.0 * cores] * TINY.repeats
        assert met(rows[name, "jax vmap, 4 at once", cores]) is True
    assert list(rows[name, "PyTorch, one at a time", 1].ratios) == [25.0] * TINY.repeats
    assert met(rows[name, "PyTorch, one at a time", 1]) is True
    assert met(rows["endpoints a second, second core", "ours on one core", 2]) is True
    share = rows["arithmetic of endpoints", "sgemm of numpy", 1]
    assert share.value == pytest.approx(200 * step_flops(TINY.widths) / 1e9)
    assert share.ratios[0] == pytest.approx(share.value / 100)
    torch = race.rivals["torch.func.vmap, 1"]
    assert (torch.python, torch.worker) == ("python-with-torch", "benchmarks.training_torch")


def test_without_torch_the_rows_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "run_race", Answers({}, {"orch": NO_TORCH}))
    found = sections.endpoints(bench())
    rows = [row for row in found.rows if "orch" in row.peer]
    assert len(rows) == 3
    for row in rows:
        assert (row.value, row.peer_value, met(row)) == (1.0, None, None)
        assert "--torch-python" in row.note


def test_networks_that_never_fit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    race = Answers({})
    plain = race.answer
    monkeypatch.setattr(race, "answer", lambda name, repeat: plain(name, repeat) | {"unfit": 3})
    monkeypatch.setattr(sections, "run_race", race)
    row = sections.endpoints(bench()).rows[0]
    assert f"ours, 1: {3 * TINY.repeats} networks never fitted" in row.note


def test_chains_and_effective_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "run_race", Answers({"ours, 1": 14.0, "ours, 2": 30.0, "numpyro": 10.0}))
    name = "HMC gradients a second, 2 chains"
    rows = rows_of(sections.chains(bench()))
    assert [met(rows[name, "numpyro", cores]) for cores in (1, 2)] == [True, True]
    assert [str(rows[name, "numpyro", cores].goal) for cores in (1, 2)] == [
        "at least 1.3 x",
        "at least 2.5 x",
    ]
    monkeypatch.setattr(sections, "run_race", Answers({"ours, 1": 16.0, "ours, 2": 29.0, "blackjax": 10.0}))
    found = sections.effective(bench())
    assert [met(row) for row in found.rows] == [True, False]


def test_on_one_core_the_second_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "run_race", Answers({}))
    for section in (sections.endpoints, sections.chains, sections.effective):
        found = section(bench(num_cores=1))
        assert {row.cores for row in found.rows if row.value is not None} == {1}
    (second,) = [row for row in sections.chains(bench(num_cores=1)).rows if row.cores == 2]
    assert (second.value, met(second), second.note) == (None, None, "only one core may be used")


@pytest.mark.parametrize(("speed", "answer"), [(1.0, True), (0.96, True), (0.9, False)])
def test_the_driver_may_cost_five_per_cent(
    speed: float, answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "run_race", Answers({"driver": speed}))
    first, second = sections.driver(bench()).rows
    assert (met(first), met(second)) == (answer, None)
    assert first.ratios[0] == pytest.approx(1 / speed)


def test_prior_functions_are_judged_by_their_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(name: str, cores: list[int], repeats: int) -> dict[str, list[float]]:
        return {"ours": [1e-6 / len(cores)] * repeats, "plain": [3e-6] * repeats}

    monkeypatch.setattr(prior_functions, "measure", measure)
    sizes = TINY._replace(prior_networks=["3-8-1", "5-16-16-1"])
    found = sections.prior(Bench([0, 1], sizes, lambda text: None))
    assert [met(row) for row in found.rows] == [False, False, True, True]
    assert [row.ratios[0] for row in found.rows] == pytest.approx([3, 6, 3, 6])


def test_scaling_in_lanes_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    race = Answers({"4": 50.0, "16": 100.0})
    monkeypatch.setattr(scaling, "run_race", race)
    sizes = TINY._replace(lanes=[4, 16], hidden=[4, 8])
    found = scaling.lanes(Bench([0], sizes, lambda text: None))
    assert [list(row.ratios) for row in found.rows] == [[0.5, 0.5], [1.0, 1.0]]
    assert found.curves == {"lanes": {"lanes": [4, 16], "endpoints a second": [50.0, 100.0]}}
    assert race.rivals["4"].options["lanes"] == 4
    wide = scaling.width(Bench([0], sizes, lambda text: None))
    assert wide.rows[1].value == pytest.approx(step_flops([7, 8, 8, 1]) / 1e9)
    assert wide.rows[1].peer_value == 100.0


def test_the_span_is_measured_against_plain_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    race = Answers({"in the span": 30.0, "in its weights": 10.0})
    monkeypatch.setattr(scaling, "run_race", race)
    (row,) = scaling.span(bench()).rows
    assert list(row.ratios) == [3.0] * TINY.repeats
    assert [race.rivals[name].options["in_span"] for name in race.rivals] == [True, False]
    assert [rival.cores for rival in race.rivals.values()] == [[4], [4]]


def test_sizes_that_could_not_run_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "run_race", Answers({}, {"2": "too wide", "4": "too many"}))
    for section in (scaling.lanes, scaling.width, scaling.growth):
        for row in section(bench()).rows:
            assert row.value is None
            assert row.note


def test_growth_of_real_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "run_race", race_here)
    found = scaling.growth(bench())
    assert [row.unit for row in found.rows] == ["s", "MB", "s", "s", "MB"]
    assert all(row.value is not None and row.value > 0 for row in found.rows)
    assert [len(row.ratios) for row in found.rows] == [2, 2, 1, 0, 0]
    assert found.curves["growth"]["endpoints"] == [64, 128]


def test_a_comparison_at_small_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "run_race", race_here)
    seconds, memory = scaling.comparison(bench()).rows
    assert (seconds.unit, seconds.goal, memory.unit, memory.goal) == ("s", None, "MB", None)
    assert seconds.value is not None
    assert memory.value is not None
    assert min(seconds.value, memory.value) > 0
    assert seconds.note.endswith("core seconds")


def test_a_comparison_at_full_size_has_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"seconds": 61.0, "peak": 3000.0, "core seconds": 110.0}
    monkeypatch.setattr(scaling, "run_race", lambda rivals, *_: Race({"ours": [answer]}, {}))
    found = scaling.comparison(Bench([0, 1], FULL, lambda text: None))
    assert [met(row) for row in found.rows] == [False, True]
    monkeypatch.setattr(scaling, "run_race", lambda rivals, *_: Race({}, {"ours": "too many"}))
    (absent,) = scaling.comparison(bench()).rows
    assert (absent.value, absent.note) == (None, "too many")


def test_a_million_on_an_accelerator_at_small_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "run_race", race_here)
    (row,) = scaling.gpu(bench(), platform="cpu").rows
    assert row.value is not None
    assert met(row) is True
    (absent,) = scaling.gpu(bench()).rows
    assert absent.value is None
    assert absent.note.startswith("no GPU: jax finds")


def test_the_goals_are_stated_for_sizes_that_are_run() -> None:
    assert FULL.growth[-1] == FULL.compared == scaling.MANY
    assert FULL.million == 1_000_000
    assert QUICK.repeats < FULL.repeats
