"""Tasks of the command line: a network of 3, 5 or 7 inputs must find the bit that counts.

The function copies the first bit. It has as many ones as zeros and is of low Lempel-Ziv
complexity, 9, 15 and 21 bits, where random tables have about 8, 32 and 128: one of the
simple functions that learning is biased to (Mingard et al. 2021, section 3). Half of all
inputs are given, drawn by the key. Bits are read as -1 and +1: inputs of every task are
standardised. Any other function is a task through :func:`models.boolean_task`.
"""

from dataclasses import replace

from .boolean import Key, boolean_task, single_bit
from .model import Batch
from .tasks import Task


def boolean_3(key: Key | int, num_train: int = 4, num_probe: int = 4) -> Task:
    """The first of 3 bits, half of the 8 inputs given.

    Training rows are drawn with the key, as in :func:`boolean_task`; the probe is all the
    others, or the first ``num_probe`` of them. Raises ``ValueError`` for counts below one,
    or for more than there are inputs.

    >>> boolean_3(0).probe.inputs.shape
    (4, 3)
    """
    return _first_bit(key, 3, num_train, num_probe)


def boolean_5(key: Key | int, num_train: int = 16, num_probe: int = 16) -> Task:
    """The first of 5 bits, half of the 32 inputs given; as :func:`boolean_3`.

    >>> boolean_5(0).train.inputs.shape
    (16, 5)
    """
    return _first_bit(key, 5, num_train, num_probe)


def boolean_7(key: Key | int, num_train: int = 64, num_probe: int = 64) -> Task:
    """The first of 7 bits, half of the 128 inputs given; as :func:`boolean_3`.

    >>> boolean_7(0).train.inputs.shape
    (64, 7)
    """
    return _first_bit(key, 7, num_train, num_probe)


def _first_bit(key: Key | int, num_bits: int, num_train: int, num_probe: int) -> Task:
    num_rows = 1 << num_bits
    for name, count in {"num_train": num_train, "num_probe": num_probe}.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")
    if num_train + num_probe > num_rows:
        raise ValueError(
            f"{num_bits} bits have {num_rows} inputs, fewer than num_train {num_train} + num_probe "
            f"{num_probe}: probe inputs are never training inputs; ask for fewer of either"
        )
    task = boolean_task(key, single_bit(num_bits), num_train, encoding="plus_minus")
    described = f"the first of {num_bits} bits, a Boolean function, {num_train} of {num_rows} inputs given"
    probe = Batch(*(leaf[:num_probe] for leaf in task.probe))
    return replace(task, probe=probe, description=described)
