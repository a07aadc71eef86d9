"""Configuration: who wins over whom, what is filled in, and what may change when a run goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from thermalize.arms import KINDS, SAMPLERS
from thermalize.catalogue import TASKS
from thermalize.config import Layer, RunConfig, check_resumable, make_config, read_toml, stored_layer
from thermalize.errors import UserError
from thermalize.optimisers import OPTIMISERS
from thermalize.settings import MODEL, TASK

FILE = """
preset = "full"
seed = 7
[task]
name = "breast_cancer"
label_noise = 0.25
[model]
widths = [8, 4]
beta = 2
[arms.slow]
kind = "sgd"
learning_rate = 0.01
batch_size = "full"
[arms.hmc]
num_draws = 40
"""


def arms_of(config: RunConfig) -> dict[str, tuple[str, str]]:
    return {arm.name: (arm.kind, arm.role) for arm in config.arms}


def test_flags_win_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(FILE)
    config = make_config(
        read_toml(path), Layer({"seed": 3}, "--seed"), Layer({"model": {"beta": 0.5}}, "--beta")
    )
    assert (config.preset, config.seed, config.task, config.label_noise) == ("full", 3, "breast_cancer", 0.25)
    assert (config.widths, config.beta) == ((8, 4), 0.5)
    task = TASKS["breast_cancer"]
    assert (config.num_train, config.num_probe) == (task.num_train, task.num_probe)
    slow, hmc = config.arms[:2]
    assert (slow.name, slow.kind, slow.options["learning_rate"], slow.options["batch_size"]) == (
        "slow",
        "sgd",
        0.01,
        "full",
    )
    assert slow.options["num_endpoints"] == OPTIMISERS["sgd"].options["num_endpoints"].default("full")
    assert (hmc.options["num_draws"], hmc.options["num_warmup"]) == (
        40,
        SAMPLERS["hmc"].options["num_warmup"].default("full"),
    )


def test_without_settings_the_preset_decides() -> None:
    quick, full = make_config(), make_config(Layer({"preset": "full"}))
    assert arms_of(quick) == {
        "sgd": ("sgd", "arm"),
        "sgd_matched": ("sgd", "arm"),
        "hmc": ("hmc", "reference"),
        "control": ("hmc", "control"),
        "prior": ("prior", "ceiling"),
    }
    assert [arm.options["stop"] for arm in quick.arms[:2]] == ["first_fit", "match"]
    assert list(arms_of(full)) == ["sgd", "sgd_matched", "adam", "hmc", "control", "prior"]
    curve = make_config(Layer({"task": {"name": "regression_1d"}}))
    assert [arm.name for arm in curve.arms] == ["sgd", "hmc", "control", "prior"]
    assert quick.only("reference").options["num_draws"] < full.only("reference").options["num_draws"]
    assert quick.task == "digits"


@pytest.mark.parametrize(
    ("select", "tables", "expected"),
    [
        (["adam"], {}, "adam:arm hmc:reference control:control prior:ceiling"),
        (["nuts", "hmc"], {}, "nuts:reference hmc:arm control:control prior:ceiling"),
        (["prior", "sgd", "control", "nuts"], {}, "prior:ceiling sgd:arm control:control nuts:reference"),
        (["a", "b"], {"a": {"kind": "nuts"}, "b": {"kind": "hmc", "role": "reference"}},
         "a:arm b:reference control:control prior:ceiling"),
        (["hmc"], {"hmc": {"role": "arm"}}, "hmc:arm reference:reference control:control prior:ceiling"),
        (["sgd"], {"adam": {}}, "sgd:arm hmc:reference control:control prior:ceiling"),
        (None, {"adam": {}}, "adam:arm hmc:reference control:control prior:ceiling"),
        (None, {"hmc": {"num_draws": 9}},
         "sgd:arm sgd_matched:arm hmc:reference control:control prior:ceiling"),
        (["sgd", "again"], {"again": {"kind": "hmc", "role": "control"}},
         "sgd:arm again:control hmc:reference prior:ceiling"),
    ],
)  # fmt: skip
def test_roles_are_filled(select: list[str] | None, tables: dict[str, Any], expected: str) -> None:
    config = make_config(Layer({"arms": tables}), select=select)
    assert " ".join(f"{arm.name}:{arm.role}" for arm in config.arms) == expected


def test_the_control_is_the_reference_again_with_half_the_draws() -> None:
    config = make_config(Layer({"arms": {"hmc": {"num_draws": 41}, "control": {"num_chains": 4}}}))
    control, reference = config.only("control"), config.only("reference")
    assert control.options == {**reference.options, "num_chains": 4, "num_draws": 21}
    nuts = make_config(select=["sgd", "nuts"])
    assert nuts.only("control").kind == "nuts"


def test_what_depends_on_the_task_is_filled_in() -> None:
    config = make_config(Layer({"task": {"name": "regression_1d"}, "model": {"prior": "student_t"}}))
    assert config.noise_scale == 0.1
    assert config.degrees_of_freedom == 5.0
    sgd = config.arms[0]
    assert sgd.options["stop"] == "match"  # no labels, no training errors
    small = make_config(Layer({"task": {"num_train": 20}}))
    assert small.arms[0].options["batch_size"] == "full"  # the default would exceed the data
    assert make_config().noise_scale is None
    started = make_config(
        Layer({"model": {"init": "scaled", "init_scale": 0.5}, "arms": {"sgd": {"init": "he"}, "adam": {}}})
    )
    starts = [(arm.options["init"], arm.options["init_scale"]) for arm in started.arms[:2]]
    assert starts == [("he", None), ("scaled", 0.5)]


def test_arguments_are_plain_and_make_the_same_configuration_again(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(FILE)
    for config in (
        make_config(),
        make_config(read_toml(path)),
        make_config(Layer({"task": {"name": "diabetes"}})),
    ):
        arguments = json.loads(json.dumps(config.arguments(), allow_nan=False))
        assert make_config(stored_layer(arguments)) == config
        assert arguments["task"] == config.task
        check_resumable(arguments, config, tmp_path)


def test_a_run_goes_on_with_further_arms_only(tmp_path: Path) -> None:
    stored = make_config(select=["sgd"]).arguments()
    names = [*stored["arms"], "adam"]
    more = make_config(stored_layer(stored), select=names)
    assert arms_of(more)["adam"] == ("adam", "arm")
    check_resumable(stored, more, tmp_path)
    other = make_config(
        stored_layer(stored),
        Layer({"model": {"beta": 2.0}, "arms": {"sgd": {"momentum": 0.9}}}),
        select=names,
    )
    with pytest.raises(UserError) as caught:
        check_resumable(stored, other, tmp_path)
    for part in (
        "other settings",
        "beta was 1.0, is now 2.0",
        "arms.sgd.momentum was 0.0, is now 0.9",
        "--out",
    ):
        assert part in str(caught.value)


def test_every_default_passes_its_own_check() -> None:
    for table in (TASK, MODEL, *(kind.options for kind in KINDS.values())):
        for name, option in table.items():
            for preset in ("quick", "full"):
                value = option.default(preset)
                assert value is None or value in option.words or option.check(value), name
    for name in KINDS:
        make_config(select=[name, *(["sgd"] if name != "sgd" else [])])


def test_the_probe_of_a_finite_task_is_all_that_is_not_trained_on() -> None:
    def counts(**task: Any) -> tuple[int, int]:
        config = make_config(Layer({"task": task}))
        return config.num_train, config.num_probe

    assert counts(name="boolean_7") == (64, 64)
    assert counts(name="boolean_7", num_train=100) == (100, 28)
    assert counts(name="boolean_5", num_train=4, num_probe=8) == (4, 8)


def test_words_may_be_written_with_hyphens() -> None:
    config = make_config(Layer({"task": {"name": "boolean-7"}, "model": {"prior": "student-t"}}))
    assert (config.task, config.prior) == ("boolean_7", "student_t")


def test_a_finite_task_has_a_hundred_thousand_endpoints_in_the_full_preset() -> None:
    def sizes(task: str, preset: str) -> set[int]:
        config = make_config(Layer({"task": {"name": task}, "preset": preset}))
        return {arm.options["num_endpoints"] for arm in config.arms if "num_endpoints" in arm.options}

    assert sizes("boolean_7", "full") == {100_000}
    assert sizes("boolean_7", "quick") == sizes("digits", "quick") == {256}
    assert sizes("digits", "full") == {1024}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"prior"}))
def test_a_stored_run_of_every_kind_is_read_again(kind: str) -> None:
    config = make_config(select=[*({"sgd", "adam"} - {kind}), kind])
    assert make_config(stored_layer(config.arguments()), select=[arm.name for arm in config.arms]) == config
