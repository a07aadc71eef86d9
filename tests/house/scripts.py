"""Scripts that stand on a page, running them as a user does, and the configuration of a run of seconds."""

import os
import re
import subprocess
import sys
from pathlib import Path

TINY = """
[task]
name = "boolean_3"
[model]
widths = [4]
[arms.sgd]
num_endpoints = 8
max_steps = 300
[arms.hmc]
num_chains = 4
num_draws = 20
num_warmup = 20
num_integration_steps = 4
"""


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language, without their indentation."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def run_script(text: str, folder: Path) -> str:
    """What a script prints, run in a folder and compiled as a user's is: conftest.py asks for less."""
    script = folder / "page.py"
    script.write_text(text)
    environment = {k: v for k, v in os.environ.items() if k != "JAX_DISABLE_MOST_OPTIMIZATIONS"}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
