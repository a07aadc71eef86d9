"""The command line, killed for real: whatever the instant, the finished store has the same bits."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from .test_resume import bits

NUM_KILLS = 20
COMMAND = [sys.executable, "-m", "thermalize"]
SETTINGS = """
[task]
name = "boolean_3"
[model]
widths = [3]
[batch]
chunk_draws = 10
chunk_endpoints = 8
lanes = 4
block_lanes = 4
[arms.sgd]
num_endpoints = 64
batch_size = 2
max_steps = 300
[arms.matched]
kind = "sgd"
stop = "match"
num_endpoints = 32
max_steps = 200
[arms.nuts]
role = "arm"
num_draws = 40
num_warmup = 20
[arms.sgld]
role = "arm"
num_draws = 40
num_warmup = 20
keep_params = true
[arms.smc]
role = "arm"
num_chains = 6
num_particles = 40
[arms.hmc]
num_draws = 60
num_warmup = 20
num_integration_steps = 3
"""


@pytest.mark.certify
def test_twenty_kills_change_no_bit(tmp_path: Path) -> None:
    """SIGKILL and SIGINT in turn, each at a random time after the start; then once to the end."""
    config = tmp_path / "my.toml"
    config.write_text(SETTINGS)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    start = [*COMMAND, "compare", "--config", str(config), "--out"]
    subprocess.run([*start, str(whole)], check=True, capture_output=True)  # compiles, for the others too
    began = time.monotonic()
    subprocess.run([*start, str(tmp_path / "again")], check=True, capture_output=True)
    seconds = time.monotonic() - began
    rng, kills = np.random.default_rng(0), 0
    command = [*start, str(cut)]
    for number in range(NUM_KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(rng.uniform(0.3, 0.7) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
            kills += 1
        process.wait()
        if (cut / "store.zarr").exists():
            command = [*COMMAND, "resume", str(cut)]
        if process.returncode == 0:
            break
    assert kills >= 5
    if process.returncode != 0:
        subprocess.run(command, check=True, capture_output=True)
    assert bits(cut) == bits(whole) == bits(tmp_path / "again")
