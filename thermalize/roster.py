"""Who takes part in a comparison: names, kinds, roles and options of the arms.

There is exactly one reference, the sampler that the arms are compared with; a control,
the reference's sampler run again with half the draws and other keys; and the prior, the
ceiling. What is not named is added, so that ``--arms sgd`` is enough.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .arms import KINDS
from .catalogue import TASKS
from .consistency import check_options, is_regression
from .errors import UserError, suggest
from .kinds import ROLES, Role
from .options import checked, word

FULL_ENDPOINTS = 100_000  # of a finite task, in the full preset
ROLE = word("the role", "arm", ROLES)


@dataclass(frozen=True)
class ArmConfig:
    """One arm, checked. ``options`` holds every option of its kind, defaults included."""

    name: str
    kind: str
    role: Role
    options: Mapping[str, Any]


class Entry(NamedTuple):
    """A value as it was given, and the place to name if it is refused."""

    value: Any
    where: str


type Table = Mapping[str, Entry]


def make_arms(
    tables: Mapping[str, Table], select: Sequence[str] | None, preset: str, fields: Mapping[str, Any]
) -> tuple[ArmConfig, ...]:
    """The arms in the order given, and after them those that were added.

    ``tables`` holds what was said of each arm by name, ``select`` the names to run and
    ``fields`` the settings of the run. Raises :class:`UserError`.
    """
    if select is not None:
        _check_names(select)
    names = list(tables if select is None else select)
    kinds, roles = _cast(names, tables)
    if select is None and "arm" not in roles.values():  # the tables only tune what takes part anyway
        tables = {**_default_arms(preset, fields), **tables}
        names = list(tables)
        kinds, roles = _cast(names, tables)
    reference = next((name for name in names if roles[name] == "reference"), None)
    if reference is None:
        reference = _added(names, "hmc" if "hmc" not in names else "reference", "reference")
        kinds[reference], roles[reference] = _kind(reference, tables.get(reference, {}), "hmc"), "reference"
    if "control" not in roles.values():
        roles[_added(names, "control", "control")] = "control"
    if "control" in names:
        kinds["control"] = _kind("control", tables.get("control", {}), kinds[reference])
    if "ceiling" not in roles.values():
        _added(names, "prior", "ceiling")
        kinds["prior"], roles["prior"] = _kind("prior", tables.get("prior", {})), "ceiling"
    _check_roles(roles, kinds, tables)
    arms: dict[str, ArmConfig] = {}
    for name in sorted(names, key=lambda name: name != reference):  # a control inherits from the reference
        inherited = arms[reference].options if name == "control" and kinds[name] == kinds[reference] else {}
        if inherited:  # a control is compared at the size of an arm: half the draws are enough
            inherited = {**inherited, "num_draws": -(-inherited["num_draws"] // 2)}
        options = _options(name, kinds[name], tables.get(name, {}), preset, fields, inherited)
        arms[name] = ArmConfig(name, kinds[name], roles[name], options)
    return tuple(arms[name] for name in names)


def _default_arms(preset: str, fields: Mapping[str, Any]) -> dict[str, Table]:
    """What runs if no arm is asked for: both ends of training, and the posterior.

    A regression has no training errors, so its only end is the reference's loss.
    """
    preset_says = f"the arms of preset {preset}"
    matched = {"kind": Entry("sgd", preset_says), "stop": Entry("match", preset_says)}
    arms: dict[str, Table] = {"sgd": {}}
    if not is_regression(fields["task"]):
        arms["sgd_matched"] = matched
    if preset == "full":
        arms["adam"] = {}
    return {**arms, "hmc": {}}


def _added(names: list[str], name: str, role: Role) -> str:
    if name in names:
        raise UserError(
            "this name of an arm is taken",
            name,
            f"the run needs a {role}, which would get this name",
            f'give the arm another name, or role = "{role}"',
        )
    names.append(name)
    return name


def _check_names(names: Sequence[str]) -> None:
    if not names:
        raise UserError(
            "no arm was named", "", "a comparison needs arms", "give names to --arms: sgd,hmc, say"
        )
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                "an arm is named twice",
                name,
                "each arm runs once, under its own name",
                f'for a second one add [arms.{name}-2] with kind = "{name}" to a --config file',
            )


def _kind(name: str, table: Table, default: str | None = None) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise UserError(
            "bad name of an arm",
            name,
            "it becomes the name of a group in the store",
            "use letters, digits, - and _",
        )
    value = table["kind"].value if "kind" in table else default or name
    if not isinstance(value, str) or value not in KINDS:
        raise UserError(
            f"unknown kind of arm in {table['kind'].where}" if "kind" in table else "unknown arm",
            value,
            "no optimiser or sampler has this name",
            f"{suggest(str(value), KINDS)} (`thermalize samplers` lists them all)",
        )
    return value


def _cast(names: Sequence[str], tables: Mapping[str, Table]) -> tuple[dict[str, str], dict[str, Role]]:
    """Kinds and roles of the named arms; the kind of "control" waits for the reference."""
    kinds = {name: _kind(name, tables.get(name, {})) for name in names if name != "control"}
    roles: dict[str, Role] = {}
    for name in names:
        if "role" in (table := tables.get(name, {})):
            roles[name] = checked(ROLE, table["role"].value, table["role"].where)
    for name in names:
        if name in roles:
            continue
        if name == "control":
            roles[name] = "control"
        elif kinds[name] == "prior":
            roles[name] = "ceiling"
        elif "reference" not in roles.values() and KINDS[kinds[name]].exact:
            roles[name] = "reference"
        else:
            roles[name] = "arm"
    return kinds, roles


def _check_roles(roles: Mapping[str, Role], kinds: Mapping[str, str], tables: Mapping[str, Table]) -> None:
    exact = ", ".join(kind for kind, entry in KINDS.items() if entry.exact)
    for role in ("reference", "ceiling"):
        holders = ", ".join(name for name in roles if roles[name] == role)
        if "," in holders:
            raise UserError(
                f"there can be only one {role}", holders, f"each has the role {role}", "give one another role"
            )
    for name, role in roles.items():
        where = tables[name]["role"].where if "role" in tables.get(name, {}) else f"arms.{name}"
        if role in ("reference", "control") and not KINDS[kinds[name]].exact:
            raise UserError(
                f"bad role in {where}",
                role,
                f"{kinds[name]} does not sample the posterior exactly",
                f"use {exact}",
            )
        if (role == "ceiling") != (kinds[name] == "prior"):
            raise UserError(
                f"bad role in {where}",
                role,
                "the prior is the ceiling and nothing else is",
                "leave the role out",
            )
    if "arm" not in roles.values():
        reference = next(name for name in roles if roles[name] == "reference")
        raise UserError(
            "there is nothing to compare with the reference",
            reference,
            f"{reference} is the reference itself, and no other arm was named",
            "name an optimiser or a second sampler too: --arms sgd,hmc, say",
        )


def _options(
    name: str, kind: str, table: Table, preset: str, fields: Mapping[str, Any], inherited: Mapping[str, Any]
) -> dict[str, Any]:
    known = KINDS[kind].options
    for key, entry in table.items():
        if key not in known and key not in ("kind", "role"):
            raise UserError(
                "unknown setting",
                entry.where,
                f"{kind} has no such option",
                suggest(key, [*known, "kind", "role"]),
            )
    options = {key: option.default(preset) for key, option in known.items()} | dict(inherited)
    if KINDS[kind].family == "optimiser":
        if preset == "full" and TASKS[fields["task"]].num_all:
            options["num_endpoints"] = FULL_ENDPOINTS  # a law over functions needs many, and they cost little
        if "init" not in table:
            options |= {"init": fields["init"], "init_scale": fields["init_scale"]}
        if is_regression(fields["task"]):
            if options["stop"] == "first_fit":
                options["stop"] = "match"  # the reference's training loss: there are no errors to count
            if kind == "sgd":  # the loss is the squared error over the noise variance
                options["learning_rate"] *= fields["noise_scale"] ** 2
    if kind == "hmc" and is_regression(fields["task"]) and not inherited:
        # Few data with little noise make a narrow posterior: longer trajectories, which cost little here.
        options |= {"num_integration_steps": 100, "num_steps_per_draw": 4}
    if options.get("batch_size", "full") != "full" and options["batch_size"] >= fields["num_train"]:
        options["batch_size"] = "full"
    options |= {
        key: checked(known[key], entry.value, entry.where) for key, entry in table.items() if key in known
    }
    if options.get("stops") is not None:  # which say all that these three would
        options |= {key: None for key in ("stop", "threshold", "extra_steps") if key not in table}
    check_options(kind, options, {key: entry.where for key, entry in table.items()}, f"arms.{name}", fields)
    return options
