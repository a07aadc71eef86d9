"""What there is to choose from, as text: tasks and transforms, optimisers and samplers."""

from collections.abc import Iterable

from .arms import KINDS, PRIOR, SAMPLERS
from .catalogue import ACTIVATIONS, INITIALISATIONS, PRIORS, SHIFTS, TASKS
from .errors import UserError, suggest
from .optimisers import OPTIMISERS


def tasks_page() -> str:
    """Tasks with their sizes, and everything that changes them."""
    rows = [
        (name, f"{task.num_train} + {task.num_probe}", task.likelihood, task.summary + _extra(task.extra))
        for name, task in TASKS.items()
    ]
    return "\n\n".join(
        [
            "Tasks (--task)\n" + table([("name", "train + probe", "likelihood", ""), *rows]),
            "Shifts of the probe inputs (--shift, --shift-strength)\n" + table(SHIFTS.items()),
            "Activations (--activation)\n" + table(ACTIVATIONS.items()),
            "Priors (--prior)\n" + table((name, entry.summary) for name, entry in PRIORS.items()),
            "Starting laws (--init)\n"
            + table(
                [("prior", "a draw of the prior"), *((n, e.summary) for n, e in INITIALISATIONS.items())]
            ),
        ]
    )


def samplers_page() -> str:
    """Optimisers, samplers and the prior, each in a line."""
    return "\n\n".join(
        [
            "Samplers (--arms); those with * may be the reference\n"
            + table(
                (name + "*" * kind.exact, kind.description, kind.citation) for name, kind in SAMPLERS.items()
            ),
            "Optimisers (--arms), all from optax\n"
            + table((name, kind.description, kind.citation) for name, kind in OPTIMISERS.items()),
            "Added to every comparison\n"
            + table(
                [
                    ("control", "the reference's sampler again, half the draws, other keys", ""),
                    ("prior", PRIOR.description, ""),
                ]
            ),
            "`thermalize samplers NAME` shows the options of one; set them in a file given to --config:\n"
            '  [arms.sgd]\n  learning_rate = 0.05\n  batch_size = "full"',
        ]
    )


def kind_page(name: str) -> str:
    """The options of one kind. Raises :class:`UserError` for an unknown one."""
    if name not in KINDS:
        raise UserError("unknown optimiser or sampler", name, "nothing has this name", suggest(name, KINDS))
    kind = KINDS[name]
    rows = [
        (
            key,
            _shown(option.default("quick")),
            _shown(option.default("full")),
            _choices(option.words, option.meaning),
        )
        for key, option in kind.options.items()
    ]
    cited = f" ({kind.citation})" if kind.citation else ""
    return f"{name}: {kind.description}{cited}\n" + table([("option", "quick", "full", ""), *rows])


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Columns padded to their widest cell.

    >>> print(table([("a", "one"), ("bcd", "two")]))
      a    one
      bcd  two
    """
    cells = list(rows)
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _extra(extra: str | None) -> str:
    return f" (needs the extra {extra})" if extra else ""


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _choices(words: tuple[str, ...], meaning: str) -> str:
    return f"{meaning}: {', '.join(words)}" if len(words) > 1 else meaning
