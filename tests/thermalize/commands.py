"""The command line called in this process, with a pipeline that runs nothing."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import thermalize.carry_out
import thermalize.pipeline
from thermalize import cli
from thermalize.config import RunConfig

from .synthetic import make_result

type Call = tuple[RunConfig, Path, bool, bool]  # settings, folder, resume, overwrite


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def fake_pipeline(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[Call]:
    """Work in ``folder``, with a pipeline that notes its calls; under seed 13 it is not trusted."""
    seen: list[Call] = []

    def compare(
        config: RunConfig, folder: Path, *, resume: bool, overwrite: bool, progress: Any, elsewhere: Any
    ) -> dict[str, Any]:
        seen.append((config, folder, resume, overwrite))
        return make_result(trusted=config.seed != 13)

    monkeypatch.setattr(thermalize.pipeline, "compare", compare)
    monkeypatch.setattr(thermalize.carry_out, "write_report", lambda folder: folder)
    monkeypatch.chdir(folder)
    return seen


def refused(result: Result, says: str) -> None:
    """Exit code 2, nothing on stdout, no traceback, and every part of ``says`` on stderr."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    missing = [part for part in says.split(" | ") if part not in result.stderr]
    assert not missing, f"{missing} not in:\n{result.stderr}"
    assert "Traceback" not in result.stderr
