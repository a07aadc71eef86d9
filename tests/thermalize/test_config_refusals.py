"""Every refusal of a setting, with the message that says what, where, why and what to do."""

from pathlib import Path
from typing import Any

import pytest

from thermalize.config import Layer, make_config, read_toml
from thermalize.errors import UserError

SGD = ("arms", "sgd")
REFUSED: list[tuple[tuple[str, ...], Any, str]] = [  # path, value, what the message must say
    (("sed",), 1, "sed in my.toml | no setting | did you mean seed?"),
    (("task", "nam"), "digits", "task.nam in my.toml | did you mean name?"),
    (("model", "width"), [3], "model.width in my.toml | did you mean widths?"),
    ((*SGD, "learning_rat"), 1, "arms.sgd.learning_rat in my.toml | sgd has no such option | learning_rate?"),
    (("arms", "sdg"), {}, "unknown arm: 'sdg' | did you mean sgd?"),
    (("arms", "a", "kind"), "admm", "arms.a.kind in my.toml: 'admm' | did you mean adam"),
    (("arms", "a/b", "kind"), "sgd", "bad name of an arm: 'a/b' | letters"),
    (("arms",), ["sgd"], "arms in my.toml | must be a table | [arms]"),
    (("arms", "sgd"), 3, "arms.sgd in my.toml: 3 | must be a table"),
    (("model",), 3, "model in my.toml: 3 | must be a table"),
    (("preset",), "fast", "preset in my.toml: 'fast' | no such choice | full, quick"),
    (("seed",), -1, "seed in my.toml: -1 | from 0"),
    (("seed",), 1.5, "seed in my.toml: 1.5 | whole number"),
    (("task", "name"), "digit", "task.name in my.toml: 'digit' | did you mean digits"),
    (("task", "name"), 3, "task.name in my.toml: 3 | must be a word"),
    (("task", "num_train"), 0, "task.num_train in my.toml: 0 | at least 1"),
    (("task", "num_probe"), -5, "task.num_probe in my.toml: -5 | at least 1"),
    (("task",), {"name": "boolen-7"}, "task.name in my.toml: 'boolen-7' | did you mean boolean_7"),
    (("task",), {"name": "boolean_5", "num_train": 32}, "num_train in my.toml: 32 | 32 inputs in all | 31"),
    (("task",), {"name": "boolean_3", "num_probe": 5}, "num_probe in my.toml: 5 | 4 are trained on | 4"),
    (("task", "num_train"), True, "task.num_train in my.toml: True | whole number"),
    (("task", "label_noise"), 1.5, "task.label_noise in my.toml: 1.5 | from 0 to 1"),
    (("task", "label_noise"), float("nan"), "label_noise in my.toml: nan | finite number"),
    (("task", "label_noise"), "half", "label_noise in my.toml: 'half' | finite number"),
    (("task", "shift"), "rotate", "task.shift in my.toml: 'rotate' | did you mean rotation?"),
    (("task", "shift"), "blur", "task.shift in my.toml: 'blur' | needs a strength"),
    (("task", "shift_strength"), 2.0, "shift_strength in my.toml: 2.0 | ignored without a shift"),
    (("model", "widths"), [16, 0], "model.widths in my.toml: [16, 0] | at least 1"),
    (("model", "widths"), 16, "model.widths in my.toml: 16 | list of whole numbers"),
    (("model", "widths"), [16.0], "model.widths in my.toml: [16.0] | list of whole numbers"),
    (("model", "activation"), "tan", "model.activation in my.toml: 'tan' | did you mean tanh?"),
    (("model", "prior"), "normal", "model.prior in my.toml: 'normal' | gaussian, laplace, student_t"),
    (("model", "weight_scale"), 0, "model.weight_scale in my.toml: 0 | positive"),
    (("model", "bias_scale"), float("inf"), "model.bias_scale in my.toml: inf | finite"),
    (("model", "beta"), -1, "model.beta in my.toml: -1 | 0 or more"),
    (("model", "degrees_of_freedom"), 3, "degrees_of_freedom in my.toml: 3.0 | prior = 'gaussian'"),
    (("model", "noise_scale"), 0.1, "noise_scale in my.toml: 0.1 | is a classification"),
    (("model", "init"), "xavier", "model.init in my.toml: 'xavier' | glorot"),
    (("model", "init"), "scaled", "model.init: 'scaled' | needs a factor"),
    (("model", "init_scale"), 0.5, "model.init_scale in my.toml: 0.5 | ignored with init = 'prior'"),
    ((*SGD, "learning_rate"), float("nan"), "arms.sgd.learning_rate in my.toml: nan | finite"),
    ((*SGD, "learning_rate"), float("inf"), "arms.sgd.learning_rate in my.toml: inf | finite"),
    ((*SGD, "learning_rate"), 0.0, "arms.sgd.learning_rate in my.toml: 0.0 | positive"),
    ((*SGD, "batch_size"), 0, "arms.sgd.batch_size in my.toml: 0 | at least 1"),
    ((*SGD, "batch_size"), "all", "arms.sgd.batch_size in my.toml: 'all' | whole number or 'full'"),
    ((*SGD, "batch_size"), 500, "arms.sgd.batch_size in my.toml: 500 | only 300 training examples | 'full'"),
    ((*SGD, "stop"), "never", "arms.sgd.stop in my.toml: 'never' | first_fit, loss, match"),
    ((*SGD, "stop"), "loss", "arms.sgd.stop in my.toml: 'loss' | set threshold"),
    ((*SGD, "threshold"), 0.1, "arms.sgd.threshold in my.toml: 0.1 | ignored with stop = 'first_fit'"),
    ((*SGD, "momentum"), 1.0, "arms.sgd.momentum in my.toml: 1.0 | below 1"),
    ((*SGD, "nesterov"), True, "arms.sgd.nesterov in my.toml: True | ignored without momentum"),
    ((*SGD, "nesterov"), 1, "arms.sgd.nesterov in my.toml: 1 | true or false"),
    ((*SGD, "num_endpoints"), 0, "arms.sgd.num_endpoints in my.toml: 0 | at least 1"),
    ((*SGD, "prior_weight"), -1, "arms.sgd.prior_weight in my.toml: -1 | 0 or more"),
    ((*SGD, "init"), "scaled", "arms.sgd.init: 'scaled' | needs a factor"),
    ((*SGD, "init_scale"), 1, "arms.sgd.init_scale in my.toml: 1.0 | ignored with init = 'prior'"),
    ((*SGD, "role"), "reference", "arms.sgd.role in my.toml: 'reference' | not sample the posterior | hmc"),
    ((*SGD, "role"), "ceiling", "arms.sgd.role in my.toml: 'ceiling' | the prior is the ceiling"),
    ((*SGD, "role"), "boss", "arms.sgd.role in my.toml: 'boss' | no such choice"),
    (("arms", "control", "kind"), "sgd", "bad role | sgd does not sample the posterior exactly"),
    (("arms", "prior", "kind"), "sgd", "name of an arm is taken: 'prior' | needs a ceiling"),
    (("arms", "hmc", "num_chains"), 1, "arms.hmc.num_chains in my.toml: 1 | comparing chains"),
    (("arms", "mclmc", "num_warmup"), 20, "arms.mclmc.num_warmup in my.toml: 20 | at least 30"),
    (("arms", "sgld", "batch_size"), 301, "arms.sgld.batch_size in my.toml: 301 | 300 training examples"),
    (("arms", "sgld", "role"), "reference", "arms.sgld.role in my.toml | sgld does not sample the posterior"),
    (("arms", "hmc", "target_acceptance_rate"), 1.0, "acceptance_rate in my.toml: 1.0 | between 0 and 1"),
    (("arms", "hmc", "num_integration_steps"), 0, "num_integration_steps in my.toml: 0 | at least 1"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "says"), REFUSED, ids=lambda case: str(case)[:40])
def test_a_wrong_setting_is_refused_with_its_place(path: tuple[str, ...], value: Any, says: str) -> None:
    values: Any = value
    for key in reversed(path):
        values = {key: values}
    with pytest.raises(UserError) as caught:
        make_config(Layer(values, "{} in my.toml"))
    text = str(caught.value)
    missing = [part for part in (*says.split(" | "), "why: ", "fix: ") if part not in text]
    assert not missing, f"{missing} not in:\n{text}"


@pytest.mark.parametrize(
    ("values", "select", "says"),
    [
        ({}, [], "no arm was named | sgd,hmc"),
        ({}, ["sgd", "sgd"], "named twice: 'sgd' | [arms.sgd-2]"),
        ({}, ["hmc"], "nothing to compare with the reference: 'hmc' | --arms sgd,hmc"),
        ({}, ["sgd", "hcm"], "unknown arm: 'hcm' | did you mean hmc?"),
        ({"arms": {name: {"kind": "hmc", "role": "reference"} for name in "ab"}}, None,
         "only one reference: 'a, b'"),
        ({"task": {"name": "diabetes"}, "arms": {"sgd": {"stop": "first_fit"}}}, None,
         "arms.sgd.stop: 'first_fit' | diabetes is a regression"),
        ({"arms": {"sgd": {"stop": "budget", "extra_steps": 5}}}, None,
         "extra_steps: 5 | ignored with stop = 'budget'"),
        ({"model": {"beta": 0}, "arms": {"sgd": {"prior_weight": 1}}}, None, "prior_weight: 1.0 | beta = 0"),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other(
    values: dict[str, Any], select: list[str] | None, says: str
) -> None:
    with pytest.raises(UserError) as caught:
        make_config(Layer(values), select=select)
    for part in says.split(" | "):
        assert part in str(caught.value)


def test_a_flag_is_named_as_it_was_typed() -> None:
    with pytest.raises(UserError, match="bad value for --label-noise: 2"):
        make_config(Layer({"task": {"label_noise": 2}}, "--label-noise"))


def test_files_that_are_no_toml(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read: .*none\.toml") as caught:
        read_toml(tmp_path / "none.toml")
    assert "--config" in str(caught.value)
    (tmp_path / "bad.toml").write_text("[task]\nname = digits\n")
    with pytest.raises(UserError, match=r"is not TOML: .*bad\.toml") as caught:
        read_toml(tmp_path / "bad.toml")
    assert "line 2" in str(caught.value)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is not TOML"):
        read_toml(tmp_path / "binary.toml")
