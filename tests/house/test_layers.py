"""The house rules hold, and the checker sees each of them broken."""

import subprocess
import sys
from pathlib import Path

import pytest

from .layers import MAX_LINES, ROOMS, violations

ROOT = Path(__file__).parents[2]
HEAVY = {"jax", "numpy", "scipy", "xarray", "zarr", "arviz", "matplotlib", "sklearn", "pandas", "blackjax"}


def test_the_packages_obey() -> None:
    assert violations(ROOT) == []


BREACHES = [
    ("models", "from samplers import Target", "models may not import samplers"),
    ("models", "import thermalize.store", "models may not import thermalize"),
    ("samplers", "def f():\n    from compare import energy", "samplers may not import compare"),
    ("compare", "import models", "compare may not import models"),
    ("models", "import blackjax", "models may not import blackjax"),
    ("compare", "import optax", "compare may not import optax"),
    ("thermalize", "from blackjax.mcmc import hmc", "thermalize may not import blackjax.mcmc"),
    ("samplers", "import arviz as az", "samplers may not import arviz"),
    ("models", "from numpyro.infer import NUTS", "models may not import numpyro.infer"),
    ("models", "import importlib\nimportlib.import_module('torch')", "models may not import torch"),
    ("samplers", "import typer", "samplers may not import typer"),
    ("samplers", "from samplers.target import loss", "make it relative"),
    ("samplers", "from ..models import mlp", "a relative import leaves the package"),
    ("models", "from jax.numpy import *", "imports everything from jax.numpy"),
    ("compare", "print('done')", "prints"),
    ("compare", "def f(**options):\n    return dict(**options)", "unnamed options"),
    ("compare", "f = lambda **options: dict(**options)", "unnamed options"),
    ("compare", "def f():\n    global count\n    count = 1", "changes a global (count)"),
    ("samplers", "class A: ...\n\n\nclass B(A): ...", "class B inherits from A"),
    ("samplers", "import jax\nkey = jax.random.PRNGKey(0)", "use jax.random.key"),
]


@pytest.mark.parametrize(("package", "code", "sentence"), BREACHES)
def test_a_planted_breach_is_seen(tmp_path: Path, package: str, code: str, sentence: str) -> None:
    make_clean_tree(tmp_path)
    assert violations(tmp_path) == []
    (tmp_path / package / "planted.py").write_text(f'"""Planted."""\n\n{code}\n')
    (found,) = violations(tmp_path)
    assert found.startswith(f"{package}/planted.py:")
    assert sentence in found


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("models/utils.py", '"""Planted."""\n', "the name says nothing"),
        ("models/long.py", '"""Planted."""\n' + "\n" * MAX_LINES, f"the limit is {MAX_LINES}"),
        ("tests/test_long.py", "\n" * (MAX_LINES + 1), f"the limit is {MAX_LINES}"),
        ("models/silent.py", "import jax\n\nx = 1\n", "does not say what it is for"),
    ],
)
def test_a_misshapen_file_is_seen(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    make_clean_tree(tmp_path)
    (tmp_path / name).write_text(text)
    (found,) = violations(tmp_path)
    assert found.startswith(name)
    assert sentence in found


def test_a_missing_type_marker_is_seen(tmp_path: Path) -> None:
    make_clean_tree(tmp_path)
    (tmp_path / "compare" / "py.typed").unlink()
    assert violations(tmp_path) == ["compare: py.typed is missing"]


def make_clean_tree(root: Path) -> None:
    """Four packages that obey, with the imports that each may make."""
    for package, rules in ROOMS.items():
        (root / package).mkdir()
        (root / package / "py.typed").touch()
        imports = "".join(f"import {name}\n" for name in sorted(rules.packages | rules.libraries))
        text = f'"""A package."""\n\nimport math\n{imports}from .one import x as x\n'
        (root / package / "__init__.py").write_text(text)
        (root / package / "one.py").write_text('"""One."""\n\nx = 1\n')
    (root / "tests").mkdir()


def heavy_modules(module: str, folder: Path) -> set[str]:
    """The large libraries that importing a module loads, in a process of its own."""
    code = f"import sys, {module}; print(*(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return HEAVY & set(done.stdout.split())


def test_the_command_line_answers_without_the_large_libraries() -> None:
    assert heavy_modules("thermalize.cli", ROOT) == set()


def test_a_large_library_behind_the_command_line_is_seen(tmp_path: Path) -> None:
    (tmp_path / "front.py").write_text("import behind")
    (tmp_path / "behind.py").write_text("import numpy")
    assert heavy_modules("front", tmp_path) == {"numpy"}
