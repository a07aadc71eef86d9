"""What a setting may be: its type, its default in each preset, and the check of its value.

Pure data: nothing here imports jax, so that help, tables and refusals are instant.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .errors import UserError, suggest

type Check = Callable[[Any], bool]
type Preset = Literal["quick", "full"]
PRESETS = ("quick", "full")
SMALLEST_FLOAT, LARGEST_FLOAT = 1.2e-38, 3.4e38  # beyond them single precision has zero and infinity


@dataclass(frozen=True)
class Option:
    """One setting. ``full`` is ``quick``'s value unless given; ``None`` means "not set"."""

    type: Literal["integer", "number", "boolean", "word", "integers", "texts"]
    meaning: str
    quick: Any = None
    full: Any = None
    check: Check = lambda value: True
    allowed: str = ""  # what `check` demands, after "it must be"
    words: tuple[str, ...] = ()  # the words to choose from; an integer may have words too
    largest: int = 2**31 - 1  # of integers: jax counts in 32 bits

    def default(self, preset: str) -> Any:
        """The value where nothing else is said."""
        return self.quick if preset == "quick" or self.full is None else self.full


def positive_integer(meaning: str, quick: int | None = None, full: int | None = None) -> Option:
    """A count of at least one."""
    return Option("integer", meaning, quick, full, lambda n: n >= 1, "at least 1")


def natural(meaning: str, quick: int | None = None, full: int | None = None) -> Option:
    """A count that may be zero."""
    return Option("integer", meaning, quick, full, lambda n: n >= 0, "0 or more")


def positive(meaning: str, quick: float | None = None, full: float | None = None) -> Option:
    """A finite number above zero."""
    return Option("number", meaning, quick, full, lambda x: x > 0, "positive")


def not_negative(meaning: str, quick: float | None = None, full: float | None = None) -> Option:
    """A finite number that may be zero."""
    return Option("number", meaning, quick, full, lambda x: x >= 0, "0 or more")


def fraction(meaning: str, quick: float | None = None) -> Option:
    """A number from 0 to 1, both included."""
    return Option("number", meaning, quick, None, lambda x: 0 <= x <= 1, "from 0 to 1")


def probability(meaning: str, quick: float | None = None) -> Option:
    """A number between 0 and 1, both excluded."""
    return Option("number", meaning, quick, None, lambda x: 0 < x < 1, "between 0 and 1")


def word(meaning: str, quick: str, words: tuple[str, ...]) -> Option:
    """One of the words."""
    return Option("word", meaning, quick, words=words)


def boolean(meaning: str, quick: bool | None = None) -> Option:
    """True or false."""
    return Option("boolean", meaning, quick)


def checked(option: Option, value: Any, where: str) -> Any:
    """The value in its own type. Raises :class:`UserError` that names the setting.

    >>> checked(positive("a scale"), 2, "model.weight_scale")
    2.0
    >>> checked(positive("a scale"), float("nan"), "model.weight_scale")
    Traceback (most recent call last):
    ...
    thermalize.errors.UserError: bad value for model.weight_scale: nan
      why: it must be a finite number
      fix: give a scale; it must be positive
    """

    def refuse(why: str) -> UserError:
        wanted = f"give {option.meaning}"
        if option.allowed and option.allowed not in why:
            wanted += f"; it must be {option.allowed}"
        if option.words and isinstance(value, str):
            wanted = suggest(value, option.words)
        return UserError(f"bad value for {where}", value, why, wanted)

    if isinstance(value, str):
        for spelt in (value, value.replace("-", "_")):
            if spelt in option.words:
                return spelt
    result = value
    match option.type:
        case "integer":
            if type(value) is not int:
                raise refuse("it must be a whole number" + _or_words(option))
            if value > option.largest:
                raise refuse(f"it must be at most {option.largest}")
        case "number":
            if not is_number(value):
                raise refuse("it must be a finite number")
            result = float(value)
            if result and not SMALLEST_FLOAT <= abs(result) <= LARGEST_FLOAT:
                raise refuse(f"in single precision it must be from {SMALLEST_FLOAT} to {LARGEST_FLOAT}")
        case "boolean":
            if not isinstance(value, bool):
                raise refuse("it must be true or false")
        case "word":
            raise refuse("there is no such choice" if isinstance(value, str) else "it must be a word")
        case "integers":
            if not isinstance(value, list | tuple) or any(type(item) is not int for item in value):
                raise refuse("it must be a list of whole numbers")
            if any(item > option.largest for item in value):
                raise refuse(f"each must be at most {option.largest}")
            result = tuple(value)
        case "texts":
            if not isinstance(value, list | tuple) or any(not isinstance(item, str) for item in value):
                raise refuse("it must be a list of words in quotes")
            result = tuple(value)
    if not option.check(result):
        raise refuse(f"it must be {option.allowed}")
    return result


def names_of(flag: str, text: str) -> list[str]:
    """Names with commas between, each once. Raises :class:`UserError` for none and for doubles.

    >>> names_of("--arms", "sgd, hmc")
    ['sgd', 'hmc']
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UserError(
            f"bad value for {flag}", text, "it names nothing", "give names, or leave it out for all"
        )
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"bad value for {flag}", text, f"{name} is named twice", "name each once")
    return names


def is_number(value: Any) -> bool:
    """Whether this is a finite number: no truth value, and no integer beyond all floating point.

    >>> [is_number(value) for value in (2, 0.5, True, float("nan"), 10**400, "2")]
    [True, True, False, False, False, False]
    """
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _or_words(option: Option) -> str:
    return "".join(f" or {word!r}" for word in option.words)
