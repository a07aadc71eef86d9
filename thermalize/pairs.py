"""All pairs of a modulus as data of one shape, whatever share of them is given and whatever the operation.

Programs are compiled for shapes. With the pairs that are given first, those that are asked next, and room
for as many as there can be, one program serves every share and every operation of a modulus.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models import Batch, Task

type Array = jax.Array


class Pairs(NamedTuple):
    """Given pairs, then asked ones, then empty rows: ``p^2`` in all."""

    inputs: Array  # (p^2, 2p)
    targets: Array  # (p^2,)
    num_given: Array  # ()
    num_pairs: Array  # () given and asked

    @property
    def batch(self) -> Batch:
        return Batch(self.inputs, self.targets)

    @property
    def given(self) -> Array:
        """Whether a row is given, ``(p^2,)``."""
        return jnp.arange(len(self.targets)) < self.num_given

    @property
    def asked(self) -> Array:
        """Whether a row is asked, ``(p^2,)``."""
        return ~self.given & (jnp.arange(len(self.targets)) < self.num_pairs)


def pairs_of(task: Task) -> Pairs:
    """The pairs of a modular task. Raises ``ValueError`` for a task that is none.

    >>> from models import modular_task
    >>> pairs = pairs_of(modular_task(0, 5, "division", train_share=0.5))
    >>> pairs.inputs.shape, int(pairs.given.sum()), int(pairs.asked.sum())
    ((25, 10), 10, 10)
    """
    if task.name != "modular":
        raise ValueError(f"pairs are those of a modular task, got the task {task.name!r}: take modular_task")
    p = int(task.num_classes or 0)
    num_given, num_asked = len(task.train.targets), len(task.probe.targets)
    room = p * p - num_given - num_asked
    inputs = np.concatenate([task.train.inputs, task.probe.inputs, np.zeros((room, 2 * p), np.float32)])
    targets = np.concatenate([task.train.targets, task.probe.targets, np.zeros(room, int)])
    return Pairs(
        jnp.asarray(inputs), jnp.asarray(targets), jnp.asarray(num_given), jnp.asarray(num_given + num_asked)
    )
