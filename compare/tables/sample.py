"""The units that are compared, and resamples of them as shares of a whole.

Units are networks: endpoints of training, each its own chain, or draws of a chain thinned
to its effective sample size. A resample is a list of positions; as shares ``(resample, unit)``
many of them are rows of one matrix product.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

type Array = np.ndarray


class Sample(NamedTuple):
    """Units of one arm: independent networks, or chain draws thinned to be nearly so."""

    probabilities: Array  # (unit, probe, class)
    chain: Array  # (unit,) the chain or seed each unit comes from
    scalars: Mapping[str, Array] = MappingProxyType({})  # any numbers of each unit, (unit,) each


def check_samples(reference: Sample, *others: Sample) -> None:
    """Raise ``ValueError`` for samples that cannot be compared, saying why."""
    samples = reference, *others
    for sample in samples:
        if len(sample.chain) < 2:
            raise ValueError(f"a sample needs at least two networks to be compared, got {len(sample.chain)}")
        if sample.chain.shape != sample.probabilities.shape[:1]:
            raise ValueError(
                f"each network needs the number of its chain, got {sample.chain.shape} numbers for "
                f"{len(sample.probabilities)} networks: give one for each row of the probabilities"
            )
        if sample.probabilities.shape[1:] != reference.probabilities.shape[1:]:
            raise ValueError(
                "samples have different probes or classes: "
                f"{reference.probabilities.shape[1:]} and {sample.probabilities.shape[1:]}"
            )
        if not np.isfinite(sample.probabilities).all():
            raise ValueError("a sample holds probabilities that are not finite: drop failed networks first")
        for name, values in sample.scalars.items():
            if values.shape != sample.chain.shape:
                raise ValueError(
                    f"{name!r} needs one number for each of {len(sample.chain)} networks, got {values.shape}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"{name!r} holds numbers that are not finite: drop failed networks first")
    if len(np.unique(reference.chain)) < 2:
        raise ValueError("the reference needs at least two chains: its floor is chain against chain")


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra of numpy and scipy on one thread.

    Their threads spin while they wait for one another: on cores that other work keeps busy
    a small factorisation took 50 times as long with two threads as with one.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    """Looked for once: it takes milliseconds."""
    return ThreadpoolController()


def shares(chosen: Array, size: int) -> Array:
    """Shares of every unit in resamples ``(resample, drawn)``: ``(resample, size)``, rows sum to one.

    >>> shares(np.array([[0, 0, 2, 1]]), 3).tolist()
    [[0.5, 0.25, 0.25]]
    """
    found = np.empty((len(chosen), size), np.float32)
    for row, drawn in zip(found, chosen, strict=True):
        np.divide(np.bincount(drawn, minlength=size), chosen.shape[1], out=row, casting="same_kind")
    return found
