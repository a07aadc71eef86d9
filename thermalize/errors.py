"""Mistakes a user can make, told so that they can be mended.

Every message has the same four parts: what went wrong, the value, why it is wrong and
what to do. The command line prints it without a traceback and ends with ``EXIT_BAD_INPUT``.
"""

import difflib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EXIT_FAILED = 1  # a defect of this program
EXIT_BAD_INPUT = 2
EXIT_NOT_TRUSTED = 3
EXIT_NOT_CERTIFIED = 4
EXIT_INTERRUPTED = 130
MOST_SHOWN = 200  # characters of a bad value in a message
HOME = Path(__file__).resolve().parent.parent  # where this project's packages lie
PACKAGES = ("models", "samplers", "compare")  # the generically named packages beside this one


@dataclass(eq=False)
class UserError(Exception):
    """A mistake in the input, in four parts; ``str`` joins those that are given.

    >>> print(UserError("unknown task", "digit", "no task has this name", "did you mean digits?"))
    unknown task: 'digit'
      why: no task has this name
      fix: did you mean digits?
    """

    what: str
    value: object = None
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        shown = str(self.value) if isinstance(self.value, Path) else short(self.value)
        lines = [self.what if self.value is None else f"{self.what}: {shown}"]
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  fix: {self.fix}"] if self.fix else []
        return "\n".join(lines)


def short(value: object) -> str:
    """A value as Python writes it, cut where it is long, whatever is in it.

    >>> short("x" * 1000) == repr("x" * 1000)[:MOST_SHOWN] + "..."
    True
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list nested without end
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def suggest(name: str, options: Iterable[str]) -> str:
    """The nearest of the options as a question, or the list of them all.

    >>> suggest("digit", ["digits", "diabetes"])
    'did you mean digits?'
    >>> suggest("xyz", ["digits", "diabetes"])
    'choose from: diabetes, digits'
    """
    known = sorted(options)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"choose from: {', '.join(known)}"


def check_packages(home: Path | None = None) -> None:
    """Refuse to go on where a user's own file hides one of this project's packages.

    ``models``, ``samplers`` and ``compare`` are ordinary names: a ``models.py`` in the
    working directory comes first under ``python -m``. Nothing is imported by this check.
    Raises :class:`UserError` naming the file in the way.
    """
    home = home or HOME
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found == home / name / "__init__.py":
            continue
        if found is None:
            raise UserError(
                f"the package {name} of this project is missing",
                home / name,
                "the installation is incomplete",
                "install again with `pip install thermalize` or `pip install -e .`",
            )
        raise UserError(
            f"another module is in the way of this project's package {name}",
            found,
            f"Python looks there first, so `import {name}` would load it instead of {home / name}",
            "rename that file, work in another folder, or call `thermalize`, not `python -m thermalize`",
        )
