"""The design of ``thermalize factorial``: which settings are varied, between which levels.

Every setting takes one level, and is held, or two, and is a factor. Nothing here loads jax.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from .errors import UserError, suggest
from .options import is_number

type Levels = tuple[Any, ...]
BASE_RATES = {"sgd": 0.1, "momentum": 0.02, "adam": 0.01}
TARGETS = ("single bit", "majority", "parity", "random")
MOST = 10**9  # steps, examples or units
FREE_INPUTS = 10  # at most, 2^10 functions fit


class Setting(NamedTuple):
    """A setting that may be a factor."""

    name: str
    words: str
    levels: Levels  # of the default design


SETTINGS = {
    "stopping": Setting("stopping", "steps after the first fit", (0, 500)),
    "optimiser": Setting("optimiser", "of optax", ("sgd", "adam")),
    "batch_size": Setting("batch size", "examples a step; 0: all", (0, 2)),
    "learning_rate": Setting("learning rate", "times the optimiser's own", (1.0, 4.0)),
    "prior_weight": Setting("prior weight", "of the objective; 1: what the posterior is", (0.0, 1.0)),
    "start_scale": Setting("start scale", "factor on a draw of the prior; 1: the prior", (1.0, 0.5)),
    "width": Setting("width", "hidden units", (8, 32)),
}
COUNTS = {"stopping": 0, "batch_size": 0, "width": 1}  # whole numbers, and the smallest
POSITIVE = {"learning_rate": True, "start_scale": True, "prior_weight": False}  # may not be zero


@dataclass(frozen=True)
class Design:
    """A checked design, from :func:`make_design`."""

    levels: dict[str, Levels]  # one or two of every setting
    bits: int = 4
    target: str = "majority"
    num_train: int = 8
    endpoints: int = 256  # in every cell
    max_steps: int = 3000
    seed: int = 0

    @property
    def factors(self) -> list[str]:
        return [name for name, levels in self.levels.items() if len(levels) == 2]

    def arguments(self) -> dict[str, Any]:
        return asdict(self)


PLAIN = {field.name: field.default for field in fields(Design) if field.name != "levels"}


def make_design(given: Mapping[str, Any], where: str = "{}") -> Design:
    """The design with these settings, the others as by default.

    A level or a list of levels for each of ``SETTINGS``. Raises :class:`UserError` for what is wrong.

    >>> make_design({"width": 16, "seed": 3}).levels["width"]
    (16,)
    """
    for name in given:
        if name not in SETTINGS and name not in PLAIN:
            fix = suggest(name, [*SETTINGS, *PLAIN])
            raise UserError("unknown setting", where.format(name), "there is no setting of this name", fix)
    levels = {name: setting.levels for name, setting in SETTINGS.items()}
    for name in SETTINGS:
        if name in given:
            levels[name] = _levels(name, given[name])
    plain = {name: given.get(name, default) for name, default in PLAIN.items()}
    _check_plain(plain)
    design = Design(levels, **plain)
    if not design.factors:
        raise UserError("no setting is varied", None, "every one has a single level", "give one two levels")
    if max(levels["batch_size"]) > design.num_train:
        raise _bad(
            "batch_size",
            levels["batch_size"],
            f"there are {design.num_train} training inputs",
            "choose a batch within them, or 0 for all",
        )
    return design


def levels_of(name: str, text: str) -> list[Any]:
    """The levels in a flag, ``"0,500"`` say. Raises :class:`UserError` if they are no numbers.

    >>> levels_of("stopping", "0,500"), levels_of("optimiser", "adam")
    ([0, 500], ['adam'])
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if name == "optimiser":
        return words
    try:
        return [int(word) if name in COUNTS else float(word) for word in words]
    except ValueError as error:
        raise _bad(name, text, "levels are numbers with a comma between them", "give 0,500, say") from error


def _levels(name: str, value: Any) -> Levels:
    found = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    if len(found) not in (1, 2):
        raise _bad(name, value, f"it has {len(found)} levels", "give one, which is held, or two to compare")
    for level in found:
        if name == "optimiser":
            if not isinstance(level, str) or level not in BASE_RATES:
                raise _bad(name, level, "no optimiser has this name", suggest(str(level), BASE_RATES))
        elif name in COUNTS:
            if type(level) is not int or not COUNTS[name] <= level <= MOST:
                why = f"it must be a whole number, {COUNTS[name]} or more and at most {MOST}"
                raise _bad(name, level, why, f"give {_example(name)}, say")
        elif not is_number(level) or level < 0 or (POSITIVE[name] and level == 0):
            kind = "positive" if POSITIVE[name] else "zero or positive"
            raise _bad(name, level, f"it must be a {kind} number", f"give {_example(name)}, say")
    if len(set(found)) < len(found):
        raise _bad(name, value, "both levels are the same", "give two that differ, or one")
    return found if name in COUNTS or name == "optimiser" else tuple(map(float, found))


def _check_plain(plain: Mapping[str, Any]) -> None:
    for name, low, high in (
        ("bits", 3, 5),
        ("endpoints", 50, 10**6),
        ("max_steps", 1, 10**7),
        ("seed", 0, 2**32 - 1),
    ):
        value = plain[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            fix = f"leave it out for {PLAIN[name]}"
            raise _bad(name, value, f"it must be a whole number from {low} to {high}", fix)
    if plain["target"] not in TARGETS:
        raise _bad(
            "target", plain["target"], "no target has this name", suggest(str(plain["target"]), TARGETS)
        )
    inputs = 1 << plain["bits"]
    low, high = max(1, inputs - FREE_INPUTS), inputs - 1
    num = plain["num_train"]
    if isinstance(num, bool) or not isinstance(num, int) or not low <= num <= high:
        raise _bad(
            "num_train",
            num,
            f"of {inputs} inputs {low} to {high} may be given: functions that fit must be few against "
            "endpoints",
            f"give {inputs // 2 if inputs // 2 >= low else low}, say",
        )


def _example(name: str) -> str:
    return ",".join(map(str, SETTINGS[name].levels))


def _bad(name: str, value: object, why: str, fix: str) -> UserError:
    return UserError(f"bad value for {name}", value, why, fix)
