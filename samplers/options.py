"""Checks of options: every factory refuses what makes no sense, with the value."""

from typing import Any

import jax
import jax.numpy as jnp

from .target import Data, Key


def check_count(**counts: int) -> None:
    """Raises ``ValueError`` for a count that is below one or not a whole number.

    >>> check_count(num_warmup=0)
    Traceback (most recent call last):
    ValueError: num_warmup must be a whole number of at least 1, got 0
    """
    for name, count in counts.items():
        if not (1 <= count < float("inf") and count == int(count)):
            raise ValueError(f"{name} must be a whole number of at least 1, got {count}")


def check_positive(**values: float) -> None:
    """Raises ``ValueError`` for a value that is not positive and finite.

    >>> check_positive(step_size=float("nan"))
    Traceback (most recent call last):
    ValueError: step_size must be positive and finite, got nan
    """
    for name, value in values.items():
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} must be positive and finite, got {value}")


def check_share(**values: float) -> None:
    """Raises ``ValueError`` for a value outside the open interval from 0 to 1.

    >>> check_share(target_acceptance_rate=80)
    Traceback (most recent call last):
    ValueError: target_acceptance_rate must lie strictly between 0 and 1, got 80
    """
    for name, value in values.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {value}")


def check_key(key: Key) -> None:
    """Raises ``TypeError`` for what is no random key, ``ValueError`` for several of them.

    >>> check_key(0)
    Traceback (most recent call last):
    TypeError: key must be a random key of jax, got 0: make one out of a seed with jax.random.key(0)
    """
    dtype: Any = getattr(key, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jax.dtypes.prng_key):
        raise TypeError(
            f"key must be a random key of jax, got {key!r}: make one out of a seed with jax.random.key(0)"
        )
    if key.shape:
        raise ValueError(f"one key is needed, got keys of shape {key.shape}: give keys[0], say")


def check_batch(batch_size: int | None, data: Data) -> None:
    """Raises ``ValueError`` for a minibatch with more rows than the data."""
    num_rows = jax.tree.leaves(data)[0].shape[0]
    if batch_size is not None and batch_size > num_rows:
        raise ValueError(
            f"batch_size must be at most the number of training rows, {num_rows}, got {batch_size}: "
            "leave it out to use all data"
        )
