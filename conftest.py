"""Settings shared by all tests: two CPU devices, strict ranks, a compile cache for each test process."""

import os
from pathlib import Path

# Before anything imports jax: two devices even on one core, so that sharding is always exercised.
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("MPLBACKEND", "agg")

# jax writes cache entries in place and warns of one it finds half written: no two processes share a folder.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parent / ".cache" / "tests" / WORKER)
