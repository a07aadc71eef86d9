"""The configuration of a run: defaults of a preset, a TOML file over them, flags over both.

The file's layout is also the layout of the arguments kept in the store::

    preset = "quick"
    seed = 0
    [task]
    name = "digits"
    label_noise = 0.1
    [model]
    widths = [16]
    [batch]              # how much is computed together: decides speed, and the last bits
    lanes = 16
    [arms.slow]          # any name; without `kind` the name is the kind
    kind = "sgd"
    learning_rate = 0.01
    stops = ["first_fit", "loss<=0.1"]  # one training, an arm for each: slow@first_fit, slow@loss_0.1

Every value is checked, and a refusal names the file or the flag that it came from.
"""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .consistency import complete_fields
from .errors import UserError, suggest
from .kinds import Role
from .options import (
    Option,
    checked,
)
from .plain import plain
from .roster import ArmConfig, Entry, make_arms
from .settings import RUN, SECTIONS


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides the numbers of a run, checked."""

    preset: str
    seed: int
    task: str
    num_train: int
    num_probe: int
    label_noise: float
    shift: str
    shift_strength: float | None
    widths: tuple[int, ...]  # hidden layers only
    activation: str
    prior: str
    weight_scale: float
    bias_scale: float
    degrees_of_freedom: float | None  # of a student_t prior
    noise_scale: float | None  # of a regression
    init: str
    init_scale: float | None  # of init = "scaled"
    beta: float
    chunk_draws: int
    chunk_endpoints: int
    block_chains: int
    lanes: int
    block_lanes: int
    in_span: bool
    arms: tuple[ArmConfig, ...]

    def arguments(self) -> dict[str, Any]:
        """The same as plain values, to be stored: the fields by name, the arms as tables."""
        arms = {arm.name: {"kind": arm.kind, "role": arm.role, **arm.options} for arm in self.arms}
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return dict(plain({**fields, "arms": arms}))

    def only(self, role: Role) -> ArmConfig:
        """The one arm in this role."""
        (arm,) = [arm for arm in self.arms if arm.role == role]
        return arm


class Layer(NamedTuple):
    """Settings from one place. ``where`` says it: ``{}`` stands for the setting's path."""

    values: Mapping[str, Any]
    where: str = "{}"


def read_toml(path: Path) -> Layer:
    """The settings of a TOML file. Raises :class:`UserError` if it is not readable TOML."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(
            "the configuration cannot be read",
            path,
            error.strerror or str(error),
            "give a TOML file to --config",
        ) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise UserError(
            "the configuration is not TOML", path, str(error), "mend that line; words need quotes"
        ) from error
    except RecursionError as error:
        raise UserError(
            "the configuration is not TOML that can be read",
            path,
            "its lists or tables are nested too deep",
            "two levels are enough: [arms.sgd] and its settings",
        ) from error
    return Layer(values, f"{{}} in {path}")


def stored_layer(arguments: Mapping[str, Any]) -> Layer:
    """The settings of a stored run, from :meth:`RunConfig.arguments`."""
    values: dict[str, Any] = {key: arguments[key] for key in RUN}
    for section, table in SECTIONS.items():
        values[section] = _given({key: arguments.get(_field(section, key)) for key in table})
    values["arms"] = {name: _given(options) for name, options in arguments["arms"].items()}
    return Layer(values, "{} in the stored run")


def make_config(*layers: Layer, select: Sequence[str] | None = None) -> RunConfig:
    """The configuration from layers of settings, later ones over earlier ones.

    ``select`` names the arms to run: tables of the layers, or kinds; without it all
    tables, or else the preset's arms. Raises :class:`UserError` for whatever is wrong.

    >>> config = make_config(Layer({"task": {"label_noise": 0.5}}), select=["adam"])
    >>> config.label_noise, [(arm.name, arm.role) for arm in config.arms]
    (0.5, [('adam', 'arm'), ('hmc', 'reference'), ('control', 'control'), ('prior', 'ceiling')])
    """
    found: dict[str, Entry] = {}
    arms: dict[str, dict[str, Entry]] = {}
    for layer in layers:
        _collect(layer, found, arms)
    preset = "quick"

    def value(path: str, option: Option) -> Any:
        return (
            checked(option, found[path].value, found[path].where) if path in found else option.default(preset)
        )

    preset = value("preset", RUN["preset"])
    run = {key: value(key, option) for key, option in RUN.items()}
    fields = {
        _field(section, key): value(f"{section}.{key}", option)
        for section, table in SECTIONS.items()
        for key, option in table.items()
    }
    fields = complete_fields(fields, {path: entry.where for path, entry in found.items()})
    return RunConfig(**run, **fields, arms=make_arms(arms, select, preset, fields))


def check_resumable(stored: Mapping[str, Any], config: RunConfig, folder: Path) -> None:
    """Refuse to go on with a run under other settings. Further arms are welcome."""
    old, now = _flat(stored), _flat(config.arguments())
    changed = [
        f"{name} was {old.get(name)!r}, is now {now.get(name)!r}"
        for name in {**old, **now}
        if old.get(name) != now.get(name)
        and not (name.startswith("arms.") and name.split(".")[1] not in stored["arms"])
    ]
    if changed:
        raise UserError(
            "the run was started with other settings",
            folder,
            "; ".join(changed),
            "leave those settings out to go on with the run, or start another one with --out",
        )


def _collect(layer: Layer, found: dict[str, Entry], arms: dict[str, dict[str, Entry]]) -> None:
    for key, value in layer.values.items():
        if key in RUN:
            found[key] = Entry(value, layer.where.format(key))
        elif key in SECTIONS:
            for name, item in _table(layer, key, value).items():
                path = f"{key}.{name}"
                if name not in SECTIONS[key]:
                    raise _unknown(layer, path, suggest(name, SECTIONS[key]))
                found[path] = Entry(item, layer.where.format(path))
        elif key == "arms":
            for arm, options in _table(layer, key, value).items():
                known = arms.setdefault(arm, {})
                for name, item in _table(layer, f"arms.{arm}", options).items():
                    known[name] = Entry(item, layer.where.format(f"arms.{arm}.{name}"))
        else:
            raise _unknown(layer, key, suggest(key, [*RUN, *SECTIONS, "arms"]))


def _table(layer: Layer, path: str, value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise UserError(
        f"bad value for {layer.where.format(path)}",
        value,
        "it must be a table",
        f"write [{path}] on a line of its own and its settings below",
    )


def _unknown(layer: Layer, path: str, fix: str) -> UserError:
    return UserError("unknown setting", layer.where.format(path), "there is no setting of this name", fix)


def _field(section: str, key: str) -> str:
    """The name of a setting in :class:`RunConfig`: its key, but ``task`` for ``task.name``."""
    return "task" if (section, key) == ("task", "name") else key


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _flat(arguments: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in arguments.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat
