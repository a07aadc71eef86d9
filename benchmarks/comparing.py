"""What it costs to compare very many endpoints with as many draws: the whole call, in seconds and memory.

The networks are invented: draws of eight weights, seen through a sigmoid on every probe, two classes.
Endpoints come from a colder posterior than the reference, the ceiling from a much hotter one. All
default distances, the classifier test and both nulls are computed.
"""

import time
from typing import Any

import numpy as np

from compare import Arm, accuracy, compare_arms, log_score

from .protocol import WARM_UP, Measurement
from .training import peak_memory

NUM_WEIGHTS = 8
FEW = 64  # networks that warm up


def networks(seed: int, num: int, num_probes: int, inverse_temperature: float) -> Arm:
    """Independent draws of a normal law over weights, with two scalar behaviours.

    >>> networks(0, 5, 7, 1.0).probabilities.shape
    (5, 1, 7, 2)
    """
    rng = np.random.default_rng(seed)
    features = np.random.default_rng(0).normal(size=(NUM_WEIGHTS, num_probes)) / np.sqrt(NUM_WEIGHTS)
    deviation = 1 / np.sqrt(inverse_temperature)
    weights = np.linspace(-1, 1, NUM_WEIGHTS) + deviation * rng.normal(size=(num, NUM_WEIGHTS))
    right = 1 / (1 + np.exp(-(weights @ features).astype(np.float32)))
    probabilities = np.stack([1 - right, right], axis=-1)[:, None]
    truth = np.ones(num_probes, int)
    scalars = {"accuracy": accuracy(probabilities, truth), "log score": log_score(probabilities, truth)}
    return Arm(probabilities, independent=True, scalars=scalars)


def whole_call(num_networks: int, num_probes: int) -> Measurement:
    """Endpoints against the reference, and the ceiling with it: one call of :func:`compare.compare_arms`."""

    def run(repeat: int) -> dict[str, Any]:
        num = FEW if repeat == WARM_UP else num_networks
        endpoints, reference, ceiling = (
            networks(3 * repeat + 3 + k, num, num_probes, beta) for k, beta in enumerate((1.1, 1.0, 0.25))
        )
        begun, spent = time.perf_counter(), time.process_time()
        found = compare_arms({"endpoints": endpoints}, reference, ceiling=ceiling, seed=0)
        return {
            "networks": num,
            "distances": len(found.comparisons["endpoints"]),
            "seconds": time.perf_counter() - begun,
            "core seconds": time.process_time() - spent,
            "peak": peak_memory(),
        }

    return run
