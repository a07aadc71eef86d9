"""The settings of a run as the TOML file that makes it again.

The store keeps every setting, those left at their defaults too, so the file gives the
same run under another version's defaults.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .config import stored_layer


def recipe(arguments: Mapping[str, Any]) -> str:
    """A TOML file for ``--config``, from the arguments kept in a store.

    >>> from thermalize.config import make_config
    >>> recipe(make_config(select=["sgd"]).arguments()).splitlines()[:5]
    ['preset = "quick"', 'seed = 0', '', '[task]', 'name = "digits"']
    """
    return "\n".join(_lines(stored_layer(arguments).values, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if plain and path:
        yield ""
        yield f"[{'.'.join(path)}]"
    for key, value in plain.items():
        yield f"{key} = {json.dumps(value)}"  # a value of JSON without null is a value of TOML
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, key))
