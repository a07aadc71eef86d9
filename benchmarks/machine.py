"""What the machine can do: single-precision matrix products, and the devices jax finds."""

import time
from typing import Any

import numpy as np

from .protocol import Measurement


def sgemm(size: int = 1024, products: int = 20) -> Measurement:
    """Products of two square float32 matrices by numpy: GFLOP/s, the best of ``products``."""
    generator = np.random.default_rng(0)
    left, right = generator.standard_normal((2, size, size), dtype=np.float32)
    out = np.empty_like(left)

    def run(repeat: int) -> dict[str, Any]:
        times = []
        for _ in range(products):
            begun = time.perf_counter()
            np.matmul(left, right, out=out)
            times.append(time.perf_counter() - begun)
        return {"gflops": 2 * size**3 / min(times) / 1e9, "seconds": sum(times)}

    return run


def devices() -> Measurement:
    """The platform of jax's devices and what they are."""
    import jax

    found = jax.devices()

    def run(repeat: int) -> dict[str, Any]:
        return {"platform": found[0].platform, "kind": found[0].device_kind, "count": len(found)}

    return run
