"""What ``thermalize doctor`` asks of a process of its own: does jax compute, do the packages load?

Run as ``python -m thermalize.probe``; one JSON object on stdout. A process of its own
because what is wrong with an installation may end it: jax aborts at a flag that it does
not know, and an instruction that the processor lacks is a signal, not an exception.
"""

import importlib
import json
import sys
from typing import Any

from .cores import use_cores

PACKAGES = ("models", "samplers", "compare", "thermalize.pipeline", "thermalize.report")


def probe() -> dict[str, Any]:
    """Devices, precision, the product of two small matrices, and the error of every import that fails."""
    if "jax" not in sys.modules:
        use_cores()
    import jax
    import jax.numpy as jnp

    square = jnp.arange(4.0).reshape(2, 2)
    errors = {}
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever it is, it is to be told
            errors[name] = f"{type(error).__name__}: {error}"
    return {
        "num_devices": len(jax.devices()),
        "kind": jax.devices()[0].device_kind,
        "backend": jax.default_backend(),
        "double_precision": bool(jax.config.jax_enable_x64),
        "product": jax.jit(jnp.matmul)(square, square).tolist(),
        "errors": errors,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe()))
