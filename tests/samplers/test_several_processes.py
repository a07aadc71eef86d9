"""Two processes with a device each give the bits of one process with two."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("several_processes.py")


def started(out: Path, num_devices: int, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": str(num_devices), "PYTHONPATH": str(ROOT)}
    del environment["JAX_COMPILATION_CACHE_DIR"]  # two processes must not write one cache
    command = [sys.executable, str(SCRIPT), str(out), *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.certify
def test_two_processes_give_the_bits_of_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    one = [started(tmp_path / "one.npz", 2)]
    two = [started(tmp_path / "two.npz", 1, address, "2", str(number)) for number in range(2)]
    for process in one + two:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    alone, together = np.load(tmp_path / "one.npz"), np.load(tmp_path / "two.npz")
    assert set(alone.files) == {"num_devices", "chains", "trained", "particles", "exact"}
    for name in alone.files:
        np.testing.assert_array_equal(alone[name], together[name], err_msg=name)
