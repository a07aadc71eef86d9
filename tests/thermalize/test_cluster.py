"""Networks trained on a Dask cluster are those trained here, to the last bit, whatever happens to workers."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import pytest
from distributed import Client

from thermalize.cluster import check_worker, cluster
from thermalize.config import Layer, RunConfig, make_config
from thermalize.errors import UserError
from thermalize.folder import STORE
from thermalize.pipeline import compare

from .commands import refused, run
from .test_resume import bits

SETTINGS: dict[str, Any] = {
    "task": {"name": "boolean_3"},
    "model": {"widths": [3]},
    "batch": {"chunk_draws": 20, "chunk_endpoints": 12, "lanes": 4, "block_lanes": 4},
    "arms": {
        "sgd": {"num_endpoints": 140, "batch_size": 2, "max_steps": 300, "stops": ["match", "first_fit+5"]},
        "hmc": {"num_draws": 50, "num_warmup": 20, "num_steps_per_draw": 1, "num_integration_steps": 3},
        "prior": {"num_draws": 32},
    },
}
START = Path(__file__).with_name("local_cluster.py")


def settings() -> RunConfig:
    return make_config(Layer(SETTINGS))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose networks were trained here."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    compare(settings(), folder)
    return folder


@pytest.fixture(scope="module")
def address(whole: Path) -> Iterator[str]:
    """The scheduler of two worker processes with a compile cache of their own."""
    cache = whole.parent / "cache"
    shutil.copytree(jax.config.jax_compilation_cache_dir, cache)
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)}
    process = subprocess.Popen(
        [sys.executable, START], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.communicate()


def on_cluster(address: str, folder: Path, progress: Any) -> None:
    with cluster(address, settings()) as elsewhere:
        compare(settings(), folder, progress=progress, elsewhere=elsewhere)


def when_some_are_trained(act: Callable[[], None], notes: list[str]) -> Callable[[str], Any]:
    """A reporter that acts once, when the first networks have come back."""

    @contextmanager
    def reporter(name: str) -> Iterator[Callable[..., None]]:
        def show(done: int, total: int, note: str = "") -> None:
            if name == "sgd" and note:
                notes.append(note)
            if name == "sgd" and done >= 12 and "acted" not in notes:
                notes.append("acted")
                act()

        yield show

    return reporter


@pytest.mark.certify
def test_a_worker_that_is_killed_loses_nothing(address: str, whole: Path, tmp_path: Path) -> None:
    """The networks are those trained here, bit for bit."""
    notes: list[str] = []

    def kill() -> None:
        with Client(address, set_as_default=False) as client:
            victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)

    on_cluster(address, tmp_path / "run", when_some_are_trained(kill, notes))
    assert "acted" in notes
    assert "2 threads elsewhere" in notes
    assert bits(tmp_path / "run") == bits(whole)


def test_a_run_that_was_cut_short_on_a_cluster_goes_on_here(
    address: str, whole: Path, tmp_path: Path
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        on_cluster(address, folder, when_some_are_trained(interrupt, []))
    assert not (folder / STORE / "sgd@match").exists()
    with Client(address, set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
    compare(settings(), folder, resume=True)
    assert bits(folder) == bits(whole)


def test_a_worker_of_another_identity_is_refused(address: str, whole: Path) -> None:
    attrs = json.loads((whole / STORE / "zarr.json").read_text())["attributes"]
    arguments = json.dumps(settings().arguments())
    with Client(address, set_as_default=False) as client:
        for name, value, says in [
            ("num_devices", 3, "another number of devices"),
            ("device", "an abacus", "device was 'an abacus', is now"),
            ("packages", {**attrs["packages"], "jax": "0.1"}, "jax 0.1"),
        ]:
            identity = json.dumps({**attrs, name: value})
            with pytest.raises(UserError, match="cannot take part") as caught:
                client.submit(check_worker, arguments, identity, pure=False).result()
            assert says in str(caught.value)


@pytest.mark.parametrize(
    "command", [["compare", "--arms", "sgd,hmc"], ["resume"], ["extend", "--draws", "5"]]
)
@pytest.mark.parametrize("wrong", ["localhost", "localhost:8786", "http://localhost:8786", "tcp://a b:1", ""])
def test_what_is_no_address_is_refused(command: list[str], wrong: str, whole: Path) -> None:
    place = ["--out", str(whole.parent / "new")] if command[0] == "compare" else [str(whole)]
    refused(run(*command, *place, "--scheduler", wrong), "--scheduler | not the address | tcp://host:port")
    assert not (whole.parent / "new").exists()


def test_an_address_that_nobody_answers_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("thermalize.cluster.PATIENCE", 1)
    stopped = run(
        "compare", "--arms", "sgd,hmc", "--out", tmp_path / "run", "--scheduler", "tcp://127.0.0.1:9"
    )
    refused(stopped, "no scheduler answers: 'tcp://127.0.0.1:9' | 1 seconds | dask scheduler")
    assert not (tmp_path / "run").exists()


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    stopped = run(
        "compare", "--arms", "sgd,hmc", "--out", tmp_path / "run", "--scheduler", "tcp://127.0.0.1:9"
    )
    refused(stopped, "--scheduler needs Dask | thermalize[cluster]")
