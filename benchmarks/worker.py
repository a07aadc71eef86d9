"""The process of one measurement; see :mod:`.protocol`. ``FILE.FUNCTION`` is looked up in this package."""

import importlib
import os
from typing import Any

from thermalize.cores import use_cores

from .protocol import Measurement, serve

ACCELERATOR = "accelerator"  # instead of the CPU, where jax finds one


def make(name: str, cores: list[int], options: dict[str, Any]) -> Measurement:
    """The measurement, with jax on these cores: as devices, or as one device with threads if ``plain``.

    Peers that know nothing of devices are ``plain``: they get the cores in the way that
    jax uses them without being told.
    """
    plain = options.pop("plain", False)
    if not options.pop(ACCELERATOR, False):
        os.environ["JAX_PLATFORMS"] = "cpu"
    num_devices = 1 if plain else len(cores)
    os.environ["JAX_NUM_CPU_DEVICES"] = str(num_devices)  # whatever the caller has set for itself
    use_cores(num_devices)
    file, function = name.split(".")
    measurement: Measurement = getattr(importlib.import_module(f".{file}", __package__), function)(**options)
    return measurement


if __name__ == "__main__":
    serve(make)
