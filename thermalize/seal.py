"""What shows that the metadata of a store are as they were written.

Draws carry checksums chunk by chunk. The root attributes, and the result among them, carry a
SHA-256 of all others under ``checksum``. All other metadata stand in the store twice, in the
files of their groups and collected in the root's file, and must be the same in both places. A
changed number is then refused, never shown.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHECKSUM = "checksum"
METADATA = "zarr.json"


def sealed(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with their checksum, which replaces an earlier one.

    >>> once = sealed({"seed": 1})
    >>> sealed(once) == once, is_intact(once), is_intact({**once, "seed": 2})
    (True, True, False)
    """
    return {**attrs, CHECKSUM: checksum(attrs)}


def is_intact(attrs: Mapping[str, Any]) -> bool:
    """Whether the attributes are those that were sealed; stores of before seals have none to break."""
    return CHECKSUM not in attrs or attrs[CHECKSUM] == checksum(attrs)


def checksum(attrs: Mapping[str, Any]) -> str:
    """SHA-256 of plain values in the order of their names."""
    rest = {name: value for name, value in attrs.items() if name != CHECKSUM}
    return f"sha256:{hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()}"


def changed_metadata(store: Path) -> dict[str, list[str]]:
    """By arm a sentence for every group or array whose two copies differ, or whose own is gone.

    Groups that are not there at all, and a store that has no collected copy, are left by a
    kill and no damage: the copy is made again when the run goes on. Raises ``ValueError``
    and the like for files that are no JSON.
    """
    root = json.loads((store / METADATA).read_text())
    copies = (root.get("consolidated_metadata") or {"metadata": {}})["metadata"]
    found: dict[str, list[str]] = {}
    for name, copy in copies.items():
        arm, _, below = name.partition("/")
        own = store / name / METADATA
        if not (store / arm).exists():
            continue
        if not own.exists():
            found.setdefault(arm, []).append(f"{below or METADATA}: its metadata are gone")
        elif _bare(json.loads(own.read_text())) != _bare(copy):
            found.setdefault(arm, []).append(f"{below or METADATA}: its metadata are not those written")
    return found


def _bare(metadata: Any) -> Any:
    """The metadata of one node, without copies of those below it."""
    if not isinstance(metadata, dict):
        raise TypeError(f"metadata must be a table, got {type(metadata).__name__}")
    return {name: value for name, value in metadata.items() if name != "consolidated_metadata"}
