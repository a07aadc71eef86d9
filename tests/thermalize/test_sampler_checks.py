"""What a sampler cannot serve is refused before anything runs, with what to use instead."""

from typing import Any

import pytest

from thermalize.config import Layer, make_config
from thermalize.errors import UserError

from .commands import refused, run

LAPLACE, REGRESSION = {"model": {"prior": "laplace"}}, {"task": {"name": "regression_1d"}}
FLAT = {"model": {"beta": 0.0}}
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [  # kind, options, run, what is said
    ("elliptical_slice", {}, LAPLACE, "arms.elliptical_slice | prior is laplace | use hmc or nuts"),
    ("smc", {"moves": "elliptical_slice"}, LAPLACE, "arms.smc.moves in my.toml | 'random_walk' or 'hmc'"),
    ("smc", {"moves": "crank_nicolson"}, LAPLACE, "arms.smc.moves in my.toml | prior is laplace"),
    ("level_smc", {}, LAPLACE, "arms.level_smc.moves: 'elliptical_slice' | set moves = 'random_walk'"),
    ("level_smc", {}, REGRESSION, "arms.level_smc: 'level_smc' | without labels | use smc"),
    ("deep_ensemble", {}, FLAT, "arms.deep_ensemble | beta = 0 | a beta above 0"),
    ("swag", {}, FLAT, "arms.swag: 'swag' | beta = 0"),
    ("swag", {"rank": 101}, {}, "arms.swag.rank in my.toml: 101 | of which there are 100"),
    ("swag", {"rank": 1}, {}, "arms.swag.rank in my.toml: 1 | at least 2"),
    ("swag", {"momentum": 1.0}, {}, "arms.swag.momentum in my.toml: 1.0 | below 1"),
    ("smc", {"moves": "random_walk", "num_integration_steps": 5}, {}, "ignored with moves = 'random_walk'"),
    ("smc", {"moves": "slice"}, {}, "arms.smc.moves in my.toml: 'slice' | elliptical_slice"),
    ("smc", {"num_chains": 1}, {}, "arms.smc.num_chains in my.toml: 1 | at least 2"),
    ("level_smc", {"moves": "hmc"}, {}, "arms.level_smc.moves in my.toml: 'hmc' | elliptical_slice"),
    ("parallel_tempering", {"num_temperatures": 1}, {}, "num_temperatures in my.toml: 1 | at least 2"),
    ("underdamped", {"anchor_steps": 100}, {}, "anchor_steps in my.toml: 100 | no noise | batch_size"),
    ("sghmc", {"anchor_steps": 9, "batch_size": "full"}, {}, "anchor_steps in my.toml: 9 | no noise"),
    ("sghmc", {"friction": 0}, {}, "arms.sghmc.friction in my.toml: 0 | positive"),
    ("sgnht", {"thermostat_mass": -1}, {}, "arms.sgnht.thermostat_mass in my.toml: -1 | positive"),
    ("sgld", {"cycle_steps": 50, "decay_power": 0.6}, {}, "cycle_steps in my.toml: 50 | decay or go in"),
    ("sgld", {"cycle_steps": 300}, {}, "cycle_steps in my.toml: 300 | num_steps_per_draw is 100 | 300, say"),
    ("sgld", {"exploration": 0.5}, {}, "exploration in my.toml: 0.5 | ignored without cycles"),
    ("sgld", {"preconditioner_decay": 0.5}, {}, "preconditioner_decay in my.toml: 0.5 | 'frozen'"),
    ("sgld", {"preconditioning": "full"}, {}, "preconditioning in my.toml: 'full' | no such choice"),
    ("laplace", {"damping": 0.0}, {}, "arms.laplace.damping in my.toml: 0.0 | positive"),
    ("deep_ensemble", {"prior_weight": 0.5}, {}, "prior_weight in my.toml | deep_ensemble has no such"),
    ("smc", {"role": "reference"}, {}, "bad role | smc does not sample the posterior exactly | hmc"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "values", "says"), REFUSED)
def test_refused_with_the_reason_and_the_remedy(
    kind: str, options: dict[str, Any], values: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError) as caught:
        make_config(Layer({**values, "arms": {kind: options}}, "{} in my.toml"), select=[kind, "sgd"])
    text = str(caught.value)
    missing = [part for part in (*says.split(" | "), "why: ", "fix: ") if part not in text]
    assert not missing, f"{missing} not in:\n{text}"


SERVED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("smc", {"moves": "random_walk"}, LAPLACE),
    ("smc", {}, REGRESSION),
    ("level_smc", {"moves": "random_walk"}, LAPLACE),
    ("sghmc", {"anchor_steps": 9}, {}),
    ("sgld", {"cycle_steps": 50, "exploration": 0.5}, {}),
    ("sgld", {"preconditioning": "frozen", "preconditioner_decay": 0.5}, {}),
]


@pytest.mark.parametrize(("kind", "options", "values"), SERVED)
def test_the_remedies_are_accepted(kind: str, options: dict[str, Any], values: dict[str, Any]) -> None:
    config = make_config(Layer({**values, "arms": {kind: options}}), select=[kind])
    assert config.arms[0].options.items() >= options.items()


def test_an_ensemble_of_a_regression_is_trained_to_its_budget() -> None:
    (members, *_) = make_config(Layer(REGRESSION), select=["deep_ensemble"]).arms
    assert (members.options["stop"], members.options["max_steps"]) == ("budget", 2000)


def test_the_command_line_refuses_before_it_computes() -> None:
    refused(
        run("compare", "--arms", "elliptical_slice,sgd", "--prior", "student_t"),
        "error: bad value for arms.elliptical_slice | prior is student_t | hmc",
    )
