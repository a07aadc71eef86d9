"""The house rules that the syntax tree shows: who may import whom, and the shape of a file.

``violations`` reads source files and returns sentences; nothing is imported or run.
"""

import ast
import builtins
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Room(NamedTuple):
    """What one package may import besides itself and the standard library."""

    packages: frozenset[str]  # of this project
    libraries: frozenset[str]  # a dotted name allows that module and what is below it


def room(packages: str, libraries: str) -> Room:
    return Room(frozenset(packages.split()), frozenset(libraries.split()))


# Siblings, not storeys: a callable and an array link them, never an import.
ROOMS = {
    "models": room("", "jax numpy scipy numpyro.distributions sklearn.datasets mlxtend.data"),
    "samplers": room("", "jax numpy scipy optax blackjax numpyro"),
    "compare": room("", "jax numpy scipy sklearn arviz threadpoolctl"),
    "thermalize": room(
        "models samplers compare",
        "jax numpy scipy arviz xarray zarr matplotlib cycler jinja2 markupsafe typer rich packaging "
        "distributed",
    ),
}
VAGUE_NAMES = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
MAY_PRINT = {"thermalize/cli.py", "thermalize/__main__.py"}
MAX_LINES = 250


def violations(root: Path) -> list[str]:
    """Every breach of the rules in the packages under ``root``, as ``file:line: sentence``."""
    found = []
    for package, rules in ROOMS.items():
        files = sorted((root / package).rglob("*.py"))
        if not (root / package / "py.typed").exists():
            found.append(f"{package}: py.typed is missing")
        for file in files:
            name = file.relative_to(root).as_posix()
            found += [f"{name}{place}" for place in _breaches(file, name, package, rules)]
    for folder in (*ROOMS, "tests", "benchmarks"):
        for file in sorted((root / folder).rglob("*.py")):
            length = len(file.read_text().splitlines())
            if length > MAX_LINES:
                found.append(f"{file.relative_to(root)}: {length} lines, the limit is {MAX_LINES}")
    return found


def _breaches(file: Path, name: str, package: str, rules: Room) -> Iterator[str]:
    if file.name in VAGUE_NAMES:
        yield ": the name says nothing, call the file after its one idea"
    tree = ast.parse(file.read_text())
    if tree.body and ast.get_docstring(tree) is None and len(tree.body) > 1:
        yield ":1: the file does not say what it is for"
    foreign = _foreign_names(tree)
    for node in ast.walk(tree):
        for sentence in _in_node(node, name, package, rules, foreign):
            yield f":{getattr(node, 'lineno', 1)}: {sentence}"


def _in_node(node: ast.AST, name: str, package: str, rules: Room, foreign: set[str]) -> Iterator[str]:
    match node:
        case ast.ImportFrom(level=0, module=str(module), names=names):
            for alias in names:  # `from numpyro import distributions` imports a module too
                if not _allowed(f"{module}.{alias.name}", rules.libraries):
                    yield from _import(module, package, rules)
                if alias.name == "*":
                    yield f"imports everything from {module}"
        case ast.ImportFrom(level=level):
            if level > name.count("/"):
                yield f"a relative import leaves the package {package}"
        case ast.Import(names=names):
            for alias in names:
                yield from _import(alias.name, package, rules)
        case ast.Call(
            func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(module)), *_],
        ):
            yield from _import(module, package, rules)
        case ast.Call(func=ast.Name("print")) if name not in MAY_PRINT:
            yield "prints: only the command line speaks"
        case (
            ast.FunctionDef(args=ast.arguments(kwarg=ast.arg(arg=arg)))
            | ast.Lambda(args=ast.arguments(kwarg=ast.arg(arg=arg)))
        ):
            if any(_passes_on(call, arg) for call in ast.walk(node)):
                yield f"passes unnamed options on (**{arg})"
        case ast.Global(names=variables):
            yield f"changes a global ({', '.join(variables)})"
        case ast.ClassDef(name=class_name, bases=bases):
            for base in map(ast.unparse, bases):
                if not _is_exception(base) and base.split(".")[0] not in foreign:
                    yield f"class {class_name} inherits from {base}"
        case ast.Attribute(attr="PRNGKey"):
            yield "an untyped key: use jax.random.key"
        case _:
            pass


def _import(module: str, package: str, rules: Room) -> Iterator[str]:
    top = module.split(".")[0]
    if top == package:
        yield f"imports its own package by name ({module}): make it relative"
    elif top in ROOMS:
        if top not in rules.packages:
            yield f"{package} may not import {top}"
    elif top not in sys.stdlib_module_names and not _allowed(module, rules.libraries):
        yield f"{package} may not import {module}"


def _allowed(module: str, libraries: frozenset[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[: i + 1]) in libraries for i in range(len(parts)))


def _passes_on(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Call(keywords=keywords):
            return any(k.arg is None and ast.unparse(k.value) == name for k in keywords)
    return False


def _is_exception(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def _foreign_names(tree: ast.Module) -> set[str]:
    """What a file has imported from outside the project."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(level=0, module=str(module), names=names):
                if module.split(".")[0] not in ROOMS:
                    found |= {alias.asname or alias.name for alias in names}
            case ast.Import(names=names):
                found |= {(alias.asname or alias.name).split(".")[0] for alias in names}
    return found
