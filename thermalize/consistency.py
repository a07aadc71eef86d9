"""Settings that need one another, and settings that would be ignored beside others.

A setting that changes nothing is refused rather than passed over: whoever wrote it
expected an effect.
"""

from collections.abc import Mapping
from typing import Any

from .catalogue import TASKS
from .errors import UserError
from .sampler_checks import check_sampler

MIN_CHAINS = 2  # R-hat compares chains
MIN_MCLMC_WARMUP = 30
DEGREES_OF_FREEDOM = 5.0
NOISE_SCALE = 0.1
NOISE_SCALES = {"diabetes": 0.7}  # about what the measurements leave unexplained


def is_regression(task: str) -> bool:
    """Whether the targets of a task are numbers rather than labels."""
    return TASKS[task].likelihood == "gaussian"


def complete_fields(values: Mapping[str, Any], where: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a run with those filled in that depend on others.

    ``where`` says where each was given, by its path. Raises :class:`UserError`.
    """
    fields, task = dict(values), TASKS[values["task"]]

    def refuse(path: str, why: str, fix: str) -> UserError:
        return UserError(f"bad value for {where.get(path, path)}", fields[path.split(".")[1]], why, fix)

    fields["num_train"] = fields["num_train"] or task.num_train
    if task.num_all is None:
        fields["num_probe"] = fields["num_probe"] or task.num_probe
    else:
        rest = task.num_all - fields["num_train"]
        if rest < 1:
            why = f"{fields['task']} has {task.num_all} inputs in all, and at least one is kept as a probe"
            raise refuse("task.num_train", why, f"use at most {task.num_all - 1}")
        fields["num_probe"] = fields["num_probe"] or rest
        if fields["num_probe"] > rest:
            why = f"of {task.num_all} inputs in all {fields['num_train']} are trained on"
            raise refuse("task.num_probe", why, f"use at most {rest}, or leave it out for all of them")
    if fields["shift"] == "none" and fields["shift_strength"] is not None:
        raise refuse(
            "task.shift_strength", "it would be ignored without a shift", "name a shift too, or leave it out"
        )
    if fields["shift"] != "none" and fields["shift_strength"] is None:
        raise refuse("task.shift", "a shift needs a strength", "set shift_strength too: 0 changes nothing")
    if fields["prior"] == "student_t":
        fields["degrees_of_freedom"] = fields["degrees_of_freedom"] or DEGREES_OF_FREEDOM
    elif fields["degrees_of_freedom"] is not None:
        why = f"it would be ignored with prior = {fields['prior']!r}"
        raise refuse("model.degrees_of_freedom", why, "set prior = 'student_t', or leave it out")
    if is_regression(fields["task"]):
        fields["noise_scale"] = fields["noise_scale"] or NOISE_SCALES.get(fields["task"], NOISE_SCALE)
    elif fields["noise_scale"] is not None:
        why = f"{fields['task']} is a classification, which has no noise of this kind"
        raise refuse("model.noise_scale", why, "leave it out; label_noise corrupts labels")
    _check_init(fields, where, "model")
    return fields


def check_options(
    kind: str, options: Mapping[str, Any], where: Mapping[str, str], path: str, fields: Mapping[str, Any]
) -> None:
    """Refuse options of one arm that would be ignored, or that cannot work for this run."""

    def refuse(key: str, why: str, fix: str) -> UserError:
        return UserError(f"bad value for {where.get(key, f'{path}.{key}')}", options[key], why, fix)

    if options.get("stops") is not None:
        for key in ("stop", "threshold", "extra_steps"):
            if key in where:
                raise refuse(key, "it would be ignored beside stops", "leave it out, or leave stops out")
        if is_regression(fields["task"]) and any("first_fit" in text for text in options["stops"]):
            why = f"{fields['task']} is a regression: without labels there are no training errors"
            raise refuse("stops", why, "stop at a loss, a budget, or the reference's loss with 'match'")
    elif "stop" in options:
        stop, threshold = options["stop"], options["threshold"]
        if stop == "loss" and threshold is None:
            raise refuse(
                "stop", "stopping at a loss needs to know the loss", "set threshold too, or stop = 'match'"
            )
        if stop != "loss" and threshold is not None:
            raise refuse("threshold", f"it would be ignored with stop = {stop!r}", "set stop = 'loss'")
        if stop == "budget" and options["extra_steps"]:
            raise refuse("extra_steps", "it would be ignored with stop = 'budget'", "raise max_steps instead")
        if stop == "first_fit" and is_regression(fields["task"]):
            why = f"{fields['task']} is a regression: without labels there are no training errors"
            raise refuse("stop", why, "stop at a loss, a budget, or the reference's loss with 'match'")
    if "stop" in options:
        if options.get("prior_weight") and not fields["beta"]:
            why = "with beta = 0 the posterior is the prior, and its density swamps the loss"
            raise refuse("prior_weight", why, "set prior_weight = 0, or a beta above 0")
        _check_init(options, where, path)
    if options.get("batch_size", "full") != "full" and options["batch_size"] > fields["num_train"]:
        why = f"there are only {fields['num_train']} training examples"
        raise refuse("batch_size", why, "use fewer, or 'full'")
    check_sampler(kind, options, where, path, fields)
    if kind == "mclmc" and options["num_warmup"] < MIN_MCLMC_WARMUP:
        why = "each of its three phases needs ten steps"
        raise refuse("num_warmup", why, f"use at least {MIN_MCLMC_WARMUP}")
    if options.get("nesterov") and not options["momentum"]:
        raise refuse("nesterov", "it would be ignored without momentum", "set momentum = 0.9, say")
    if kind != "prior" and "num_chains" in options and options["num_chains"] < MIN_CHAINS:
        raise refuse(
            "num_chains", "convergence is judged by comparing chains", f"use at least {MIN_CHAINS} chains"
        )


def _check_init(values: Mapping[str, Any], where: Mapping[str, str], path: str) -> None:
    init, scale = values["init"], values["init_scale"]
    given = where.get("init_scale") or where.get(f"{path}.init_scale") or f"{path}.init_scale"
    if init == "scaled" and scale is None:
        raise UserError(
            f"bad value for {path}.init", init, "it needs a factor", "set init_scale too: 1 is the prior"
        )
    if init != "scaled" and scale is not None:
        raise UserError(
            f"bad value for {given}",
            scale,
            f"it would be ignored with init = {init!r}",
            "set init = 'scaled'",
        )
