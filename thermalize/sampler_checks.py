"""What a sampler cannot serve, and options of one that contradict each other.

Refused before anything is computed, with the sampler or the setting to use instead.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .arms import KINDS
from .catalogue import TASKS
from .errors import UserError


class Refusal(NamedTuple):
    """Why an option's value, or the kind itself, cannot work, and what to do."""

    key: str  # "kind": the sampler itself
    why: str
    fix: str


def check_sampler(
    kind: str, options: Mapping[str, Any], where: Mapping[str, str], path: str, fields: Mapping[str, Any]
) -> None:
    """Raises :class:`UserError` for the first thing that cannot work; ``where`` names what was given."""
    # A stored run names every option: those at their defaults were not asked for.
    given = {key for key in where if key in options and options[key] != KINDS[kind].options[key].quick}
    for key, why, fix in _refusals(kind, options, given, fields):
        value = kind if key == "kind" else options[key]
        place = where.get(key, path if key == "kind" else f"{path}.{key}")
        raise UserError(f"bad value for {place}", value, why, fix)


def _refusals(
    kind: str, options: Mapping[str, Any], given: Any, fields: Mapping[str, Any]
) -> Iterator[Refusal]:
    yield from _of_target(kind, options, fields)
    if options.get("anchor_steps") and options["batch_size"] == "full":
        why = "gradients over all data have no noise that control variates could remove"
        yield Refusal("anchor_steps", why, "set a batch_size below the number of training examples")
    if kind == "sgld":
        yield from _of_sgld(options, given)
    if kind == "swag" and options["rank"] > options["num_snapshots"]:
        why = f"the deviations kept are the last snapshots', of which there are {options['num_snapshots']}"
        yield Refusal("rank", why, "use at most num_snapshots")
    if kind == "smc" and options["moves"] != "hmc" and "num_integration_steps" in given:
        why = f"it would be ignored with moves = {options['moves']!r}"
        yield Refusal("num_integration_steps", why, "set moves = 'hmc', or num_moves instead")
    if kind == "parallel_tempering" and options["num_temperatures"] < 2:
        yield Refusal("num_temperatures", "the prior's and the posterior's are needed", "use at least 2")


def _of_target(kind: str, options: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[Refusal]:
    """Samplers that need a Gaussian prior, labels, or a posterior that is not the prior."""
    if fields["prior"] != "gaussian":
        why = f"it turns about two draws of a Gaussian prior, and the prior is {fields['prior']}"
        if kind == "elliptical_slice":
            yield Refusal("kind", why, "use hmc or nuts, or --prior gaussian")
        if options.get("moves") in ("elliptical_slice", "crank_nicolson"):
            fix = "moves = 'random_walk'" + (" or 'hmc'" if kind == "smc" else "")
            yield Refusal("moves", why, f"set {fix}, or --prior gaussian")
    if kind == "level_smc" and TASKS[fields["task"]].likelihood == "gaussian":
        why = f"{fields['task']} is a regression: without labels there are no training errors"
        yield Refusal("kind", why, "use smc, which tempers the likelihood")
    if kind in ("deep_ensemble", "swag") and not fields["beta"]:
        why = "with beta = 0 the posterior is the prior, and its density swamps the loss"
        yield Refusal("kind", why, "set a beta above 0, or use the prior itself")


def _of_sgld(options: Mapping[str, Any], given: Any) -> Iterator[Refusal]:
    cycle, per_draw = options["cycle_steps"], options["num_steps_per_draw"]
    if cycle and options["decay_power"]:
        why = f"step sizes either decay or go in cycles, and decay_power is {options['decay_power']:g}"
        yield Refusal("cycle_steps", why, "leave one of them at 0")
    if cycle and per_draw % cycle:
        why = f"draws are taken at the ends of cycles, and num_steps_per_draw is {per_draw}"
        yield Refusal("cycle_steps", why, f"set num_steps_per_draw to a multiple of it: {cycle}, say")
    if not cycle and "exploration" in given:
        yield Refusal("exploration", "it would be ignored without cycles", "set cycle_steps too")
    if options["preconditioning"] == "none":
        for key in ("preconditioner_decay", "preconditioner_offset"):
            if key in given:
                why = "it would be ignored without a preconditioner"
                yield Refusal(key, why, "set preconditioning = 'frozen' too")
