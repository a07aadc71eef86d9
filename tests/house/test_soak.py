"""The soak says what grew, and nothing of what merely warms up; a round of it leaves nothing behind."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "soak.py"


@pytest.fixture(scope="module")
def soak() -> Any:
    spec = importlib.util.spec_from_file_location("soak", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rounds(soak: Any, memory: Any = lambda i: 500, files: Any = lambda i: 30) -> list[Any]:
    return [soak.Round(float(i), memory(i) * soak.MEBI, files(i)) for i in range(200)]


def test_a_warm_up_and_waves_are_no_growth(soak: Any) -> None:
    assert soak.complaints(rounds(soak, lambda i: 500 + 20 * min(i, 20), lambda i: 30 + i % 3)) == []


def test_a_leak_is_told(soak: Any) -> None:
    leaks = rounds(soak, lambda i: 500 + i // 2)
    assert soak.complaints(leaks) == ["memory grew by 67.5 MiB, allowed 32"]
    assert soak.complaints(rounds(soak, files=lambda i: 30 + i // 10)) == ["open files grew by 13, allowed 4"]


def test_what_is_held_counts_and_what_was_freed_does_not(soak: Any) -> None:
    """Small pieces, freed among others that stay: the allocator keeps them until they are asked back."""
    before = soak.measured(0.0).memory
    pieces = [bytearray(8192) for _ in range(10_000)]  # 78 MiB
    held = soak.measured(0.0).memory
    del pieces[::2], pieces[::2]
    kept = soak.measured(0.0).memory
    assert 70 < (held - before) / soak.MEBI < 100
    assert 15 < (kept - before) / soak.MEBI < 30


ALLOCATE = """
import ctypes, runpy, threading
from pathlib import Path
if {shared}:
    runpy.run_path({script!r})["share_one_heap"]()
libc, found = ctypes.CDLL(None), []
libc.malloc.restype = ctypes.c_size_t
thread = threading.Thread(target=lambda: found.append(libc.malloc(1000)))
thread.start()
thread.join()
line = next(line for line in Path("/proc/self/maps").read_text().splitlines() if "[heap]" in line)
first, last = (int(end, 16) for end in line.split()[0].split("-"))
print(first <= found[0] < last)
"""


@pytest.mark.parametrize("shared", [True, False])
def test_threads_share_one_heap_when_asked(shared: bool) -> None:
    code = ALLOCATE.format(shared=shared, script=str(SCRIPT))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{shared}\n"


def test_too_few_rounds_say_nothing(soak: Any) -> None:
    with pytest.raises(ValueError, match="20 rounds or more are needed, got 19"):
        soak.growth(rounds(soak)[:19])


@pytest.mark.certify
def test_a_round_leaves_nothing_behind(soak: Any, tmp_path: Path) -> None:
    soak.one_round(tmp_path / "run", 0)
    assert list(tmp_path.iterdir()) == []
