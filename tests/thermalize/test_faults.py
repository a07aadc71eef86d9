"""What can go wrong with a run is said in words, and what was finished stays."""

import errno
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np
import pytest

from samplers import chains, training
from thermalize.explain import explained
from thermalize.folder import STORE, UNFINISHED
from thermalize.lock import lock_folder
from thermalize.state import num_done
from thermalize.store import open_run

from .commands import refused, run
from .test_resume import Disk, disk  # noqa: F401

FILE = """
[task]
name = "boolean_3"
[model]
widths = [3]
[batch]
chunk_draws = 20
chunk_endpoints = 12
lanes = 4
block_lanes = 4
[arms.sgd]
num_endpoints = 32
batch_size = 2
max_steps = 300
[arms.hmc]
num_draws = 50
num_warmup = 20
num_steps_per_draw = 1
num_integration_steps = 3
[arms.prior]
num_draws = 32
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "my.toml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def folder(config: Path) -> Path:
    """A finished run."""
    done = run("compare", "--config", config, "--out", config.parent / "run", "--json")
    assert done.exit_code == 0, done.output
    return config.parent / "run"


def logits(folder: Path) -> dict[str, np.ndarray]:
    tree = open_run(folder).tree()
    return {name: np.asarray(arm["predictions"]["logits"]) for name, arm in tree.children.items()}


def test_a_full_disk_is_named_and_the_run_goes_on_later(
    disk: Disk,  # noqa: F811
    config: Path,
    folder: Path,
    tmp_path: Path,
) -> None:
    """At a write in the middle of an arm: the prior is finished, and is not drawn again."""
    out = tmp_path / "run"
    with disk.fails(out / UNFINISHED / "hmc", 30, OSError(errno.ENOSPC, "no", str(out / "file"))):
        stopped = run("compare", "--config", config, "--out", out)
    refused(
        stopped, f"the disk is full: {out / 'file'} | what was finished is kept | thermalize resume {out}"
    )
    assert open_run(out).finished() == ["prior"]
    times = {path: path.stat().st_mtime_ns for path in (out / STORE / "prior").rglob("*")}
    done = run("resume", out)
    assert done.exit_code == 0, done.output
    assert {path: path.stat().st_mtime_ns for path in times} == times
    for name, values in logits(folder).items():
        np.testing.assert_array_equal(logits(out)[name], values)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "permission was refused"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EIO, "the disk fails"),
    ],
)
def test_a_disk_that_refuses_is_named(
    number: int,
    says: str,
    disk: Disk,  # noqa: F811
    config: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    with disk.fails(out / UNFINISHED / "prior", 1, OSError(number, "no", str(out / "file"))):
        stopped = run("compare", "--config", config, "--out", out)
    refused(stopped, f"{says}: {out / 'file'} | what was finished is kept | thermalize resume {out}")


@pytest.mark.parametrize(
    ("module", "name", "lost_at"), [(training, "run_streams", "sgd"), (chains, "_advance", "hmc")]
)
def test_a_lost_device_is_named_and_the_run_goes_on_later(
    module: ModuleType,
    name: str,
    lost_at: str,
    config: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the midst of an arm's second chunk, which begins with the 12th network or the 20th draw."""
    real = getattr(module, name)

    def lost(*arguments: Any) -> Any:
        if name == "run_streams":
            _, work, _, num_rounds = arguments
            second = num_rounds > 0 and int(work.first) == 12
        else:
            second = arguments[0].name == "hmc" and arguments[6] == 20
        if second:
            raise jax.errors.JaxRuntimeError("INTERNAL: the link to device 0 is down\nat some address")
        return real(*arguments)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(module, name, lost)
        stopped = run("compare", "--config", config, "--out", out)
    refused(
        stopped,
        "a device failed | why: INTERNAL: the link to device 0 is down\n | "
        f"what was finished is kept | thermalize resume {out}",
    )
    assert num_done(out, lost_at) == {"sgd": 12, "hmc": 20}[lost_at]
    done = run("resume", out)
    assert done.exit_code == 0, done.output
    for arm, values in logits(folder).items():
        np.testing.assert_array_equal(logits(out)[arm], values)


def test_an_error_of_jax_that_is_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(jax.errors.JaxRuntimeError), explained():
        raise jax.errors.JaxRuntimeError("INVALID_ARGUMENT: shapes do not fit")


def test_a_second_process_is_refused(folder: Path) -> None:
    with lock_folder(folder, ".lock"):
        for command in (["resume", folder], ["extend", folder, "--draws", 10]):
            refused(run(*map(str, command)), "another process is writing this run | held by process")


def test_a_chunk_that_the_disk_lost_is_told_and_only_its_arm_is_made_again(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(folder, out)
    chunk = out / STORE / "sgd/predictions/logits/c/1/0/0/0"
    says = f"the run is damaged | sgd/predictions/logits | delete {out / STORE / 'sgd'} and"
    chunk.write_bytes(chunk.read_bytes()[:-7])
    refused(run("resume", out), says)
    chunk.unlink()
    refused(run("resume", out), says)
    (out / STORE / "sgd").rename(tmp_path / "sgd")
    (out / "state/sgd.npz").unlink()
    times = {path: path.stat().st_mtime_ns for path in (out / STORE / "hmc").rglob("*")}
    done = run("resume", out)
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(logits(out)["sgd"], logits(folder)["sgd"])
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_chunk_lost_in_a_half_written_arm_is_told(
    disk: Disk,  # noqa: F811
    config: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    arm = out / UNFINISHED / "hmc"
    with disk.fails(out / "state/hmc", 4, OSError(errno.ENOSPC, "no", str(out))):  # the second chunk
        run("compare", "--config", config, "--out", out)
    (arm / "predictions/logits/c/0/0/0/0").unlink()
    lost = "hmc/predictions/logits: 1 of | chunks are missing"
    refused(run("resume", out), f"{lost} | delete {arm} and {out / 'state/hmc.npz'}")


@pytest.mark.parametrize("place", ["sgd/predictions/logits/c/0/0/0/0", "sgd/zarr", "zarr"])
def test_what_a_kill_left_of_a_write_is_swept_away(place: str, folder: Path) -> None:
    (rest := folder / STORE / f"{place}.0123456789abcdef.partial").write_bytes(b"half")
    open_run(folder).check()
    open_run(folder, writable=True).close()
    assert not rest.exists()


def test_a_kill_while_the_run_is_made_leaves_no_run(
    disk: Disk,  # noqa: F811
    config: Path,
    tmp_path: Path,
) -> None:
    """At every write until the store is in place: the same command starts afresh."""
    places = 0
    while True:
        out = tmp_path / f"run-{places}"
        with disk.fails(out, places + 1, OSError(errno.ENOSPC, "no", str(out))):
            stopped = run("compare", "--config", config, "--out", out)
        assert stopped.exit_code == 2
        if (out / STORE).exists():
            break
        places += 1
        with disk.fails(out / UNFINISHED / "prior", 1, OSError(errno.ENOSPC, "no", str(out))):
            refused(run("compare", "--config", config, "--out", out), "the disk is full")
    assert places >= 4


def test_networks_that_diverge_or_never_fit_are_counted_and_the_others_stay(
    config: Path, tmp_path: Path
) -> None:
    """A step of 1e38 overflows, even where the start fits; nobody has a loss of zero within 20 steps."""
    bad = {
        "wild": 'kind = "sgd"\nlearning_rate = 1e38\nprior_weight = 1.0',
        "never": 'kind = "sgd"\nstop = "loss"\nthreshold = 0.0',
    }
    text = FILE
    for name, lines in bad.items():
        text += f"[arms.{name}]\n{lines}\nnum_endpoints = 12\nbatch_size = 2\nmax_steps = 20\n"
    (tmp_path / "my.toml").write_text(text)
    done = run("compare", "--config", tmp_path / "my.toml", "--out", tmp_path / "run", "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    rows: dict[str, Any] = {row["name"]: row for row in result["arms"]}
    assert rows["wild"]["num_usable"] == 0
    assert all(sentence.startswith("diverged: ") for sentence in rows["wild"]["status_counts"])
    assert rows["never"]["status_counts"] == {"did not meet its stopping rule within 20 steps": 12}
    assert rows["sgd"]["status_counts"] == {"ok": 32}
    assert result["verdicts"]["wild"]["verdict"] == "INCONCLUSIVE"
    assert "diverged" in result["verdicts"]["wild"]["reason"]
    shown = run("show", tmp_path / "run").stdout
    assert "wild: 12 of 12 diverged" in shown
    assert sorted(logits(tmp_path / "run")) == sorted(rows)
