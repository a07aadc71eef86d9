"""Values that JSON can hold exactly: what attributes and ``--json`` are made of."""

import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


def plain(value: Any) -> Any:
    """The same value in dicts, lists, strings, numbers, booleans and ``None``.

    A number that is not finite becomes ``None``: JSON has no word for it and no result
    may rest on it. Raises ``TypeError`` for anything that has no plain form.

    >>> import numpy as np
    >>> plain({"widths": (16,), "loss": np.float32("nan"), "fit": np.bool_(True)})
    {'widths': [16], 'loss': None, 'fit': True}
    """
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)  # members of a StrEnum too
        case float():
            return float(value) if math.isfinite(value) else None
        case PurePath():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy's and jax's arrays and scalars
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no plain form: {value!r}")
