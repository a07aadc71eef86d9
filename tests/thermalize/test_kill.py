"""The command line, killed for real: whatever the instant, the finished store has the same bits."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from thermalize.config import make_config, read_toml
from thermalize.folder import STORE
from thermalize.pipeline import compare

from .test_resume import bits

COMMAND = [sys.executable, "-m", "thermalize"]
PATIENCE = 300.0  # seconds without a sign of life after which a test gives up
SETTINGS = """
[task]
name = "boolean_3"
[model]
widths = [3]
[batch]
chunk_draws = {chunk_draws}
chunk_endpoints = 8
lanes = 4
block_lanes = 4
[arms.sgd]
stop = "match"
num_endpoints = {num_endpoints}
batch_size = 2
max_steps = 300
keep_params = true
[arms.smc]
role = "arm"
num_chains = 6
num_particles = 40
[arms.hmc]
num_draws = 120
num_warmup = 20
num_steps_per_draw = 1
num_integration_steps = 3
[arms.prior]
num_draws = 64
"""


def make_whole(config: Path, chunk_draws: int, num_endpoints: int) -> tuple[dict[str, bytes], dict[str, str]]:
    """The bits of a run that was never cut short, and the environment for those that will be.

    They find what was compiled in a cache of their own: a kill may leave half an entry,
    of which jax would warn other tests.
    """
    config.write_text(SETTINGS.format(chunk_draws=chunk_draws, num_endpoints=num_endpoints))
    folder, cache = config.parent / "whole", config.parent / "cache"
    compare(make_config(read_toml(config)), folder)
    shutil.copytree(jax.config.jax_compilation_cache_dir, cache)
    return bits(folder), {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "PYTHONFAULTHANDLER": "1",  # shows where a run stands that hangs
    }


def wait_for_chunks(process: subprocess.Popen[str], folder: Path, wanted: int) -> None:
    """Until so many chunks were saved since now, or the process has ended."""

    def saved() -> set[tuple[str, int]]:
        return {(file.name, file.stat().st_ino) for file in folder.glob("state/*.npz")}

    seen, new, last = saved(), 0, time.monotonic()
    while new < wanted and process.poll() is None:
        if time.monotonic() - last > PATIENCE:
            raise AssertionError(f"the run makes no progress: {kill(process, signal.SIGABRT)[1]}")
        time.sleep(0.001)
        try:
            now = saved()
        except FileNotFoundError:  # replaced while it was looked at
            continue
        if now != seen:
            new, seen, last = new + len(now - seen), now, time.monotonic()


def go(command: list[str | Path], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, command)],
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kill(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Send the signal; the exit code and what was written to stderr."""
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def finish_under_fire(
    config: Path, folder: Path, environment: dict[str, str], signals: list[int], seed: int
) -> None:
    """Start or go on, and send one signal some chunks later, again and again; then to the end."""
    rng = np.random.default_rng(seed)
    start: list[str | Path] = ["compare", "--config", config, "--out", folder]
    for number in signals:
        process = go(["resume", folder] if (folder / STORE).exists() else start, environment)
        wanted = int(rng.integers(0, 8))
        wait_for_chunks(process, folder, wanted)
        time.sleep(rng.uniform(0, 0.1) if wanted else rng.uniform(0, 6))  # while it starts, too
        assert process.poll() is None, process.communicate()[1]
        code, said = kill(process, number)
        if number == signal.SIGKILL:
            assert code == -signal.SIGKILL
        elif wanted:
            assert code == 130
            assert f"what was finished is kept; go on with: thermalize resume {folder}" in said
    process = go(["resume", folder], environment)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said


@pytest.mark.certify
def test_three_kills_change_no_bit(tmp_path: Path) -> None:
    whole, environment = make_whole(tmp_path / "my.toml", chunk_draws=10, num_endpoints=94)
    signals = [signal.SIGKILL, signal.SIGINT, signal.SIGKILL]
    finish_under_fire(tmp_path / "my.toml", tmp_path / "run", environment, list(signals), seed=0)
    assert bits(tmp_path / "run") == whole


@pytest.mark.certify
def test_twenty_kills_change_no_bit(tmp_path: Path) -> None:
    whole, environment = make_whole(tmp_path / "my.toml", chunk_draws=4, num_endpoints=3200)
    signals = [signal.SIGKILL, signal.SIGINT] * 10
    finish_under_fire(tmp_path / "my.toml", tmp_path / "run", environment, list(signals), seed=1)
    assert bits(tmp_path / "run") == whole
