"""Settings shared by all tests: two CPU devices, strict ranks, a compile cache for each test process.

Most of a test is compiling programs that run for a blink, so they are compiled without most
optimisations, as jax's own tests are. What is measured and certified is compiled as a user's is.

Properties are tried on a few examples, the same every time; `make certify` tries many.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything imports jax: two devices even on one core, so that sharding is always exercised.
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

# jax writes cache entries in place and warns of one it finds half written: no two processes share a folder.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parent / ".cache" / "tests" / WORKER)

# An example that fails is printed and becomes a test of its own: nothing is kept beside the code.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parent / ".cache" / "hypothesis"))
settings.register_profile("few", max_examples=12, derandomize=True, deadline=None, database=None)
settings.register_profile("many", max_examples=150, derandomize=True, deadline=None, database=None)
settings.load_profile("few")

MAPPINGS = Path("/proc/self/maps")
MOST_MAPPINGS = 20_000  # of the 65,530 that Linux allows a process


@pytest.fixture(autouse=True, scope="module")
def forget_programs() -> Iterator[None]:
    """Every compiled program maps memory, some ten times: thousands of tests would abort the process."""
    yield
    if "jax" in sys.modules and MAPPINGS.exists():
        with MAPPINGS.open() as lines:
            num_mappings = sum(1 for _ in lines)
        if num_mappings > MOST_MAPPINGS:
            sys.modules["jax"].clear_caches()
