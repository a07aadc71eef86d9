"""The page of a dry run: expected time, memory and disk, and how each number was made."""

from collections.abc import Mapping
from typing import Any

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
NOTES = """\
time    seconds a draw or a network, measured here once compiled, times how many are wanted; and compiling,
        which optimisers do while others run; comparison and report come on top
memory  the most that this process has taken while it measured, and twice the largest chunk; the comparison at
        the end reads the outputs of all arms
disk    of arms and state, from the draws that were made, compressed as in the run; the report comes on top"""


def estimate_page(found: Mapping[str, Any]) -> str:
    """A table of the arms, their total, and the notes."""
    total = found["total"]
    rows = [["Arm", "Time", "Compiling", "Chunk", "Disk", "Measured"]]
    for row in found["arms"]:
        spent = [duration(row[name]) for name in ("seconds", "compile_seconds")]
        rows.append(
            [row["name"], *spent, *(size(row[n]) for n in ("chunk_bytes", "disk_bytes")), row["measured"]]
        )
    rows.append(["total", duration(total["seconds"]), "", "", size(total["disk_bytes"]), ""])
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)), row[5]]
        ).rstrip()
        for row in rows
    ]
    memory = (
        f"memory {size(total['memory_bytes'])}; disk before compression {size(total['uncompressed_bytes'])}"
    )
    return "\n".join([*lines, memory, NOTES, "nothing was written"])


def size(count: float) -> str:
    """Bytes in words of three digits.

    >>> size(1234567), size(12)
    ('1.2 MB', '12 B')
    """
    at = 0
    while count >= 1000 and at < len(UNITS) - 1:
        count, at = count / 1000, at + 1
    return f"{count:.{1 if at and count < 100 else 0}f} {UNITS[at]}"


def duration(seconds: float) -> str:
    """Seconds in the unit that fits.

    >>> duration(0.25), duration(75), duration(7200)
    ('0.2 s', '1.2 min', '2.0 h')
    """
    for limit, unit, word in ((60, 1, "s"), (3600, 60, "min"), (float("inf"), 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.1f} {word}"
    raise AssertionError
