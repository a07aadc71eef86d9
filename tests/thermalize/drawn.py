"""Small runs with random draws, and the check of a refusal's message."""

from pathlib import Path

import numpy as np
import pytest

from samplers.draws import Draws, joined
from thermalize.errors import UserError
from thermalize.store import Store, create_run

CHAINS, DRAWS, PROBE, CLASSES, TRAIN = 4, 50, 5, 3, 7


def chain_draws(seed: int, num_draws: int, *, params: bool = False) -> Draws:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=(CHAINS, num_draws, *shape)).astype("f4")

    return Draws(
        {"logits": normal(PROBE, CLASSES)},
        {"lp": normal(), "energy": normal(), "diverging": np.zeros((CHAINS, num_draws), bool)},
        [{"w": normal(2, 3), "b": normal(3)}] if params else None,
        ["ok"] * CHAINS,
    )


def endpoint_draws(seed: int, num_endpoints: int) -> Draws:
    rng = np.random.default_rng(seed)
    return Draws(
        {"logits": rng.normal(size=(num_endpoints, 1, PROBE, CLASSES)).astype("f4")},
        {
            "loss": rng.random((num_endpoints, 1)).astype("f4"),
            "steps": np.full((num_endpoints, 1), 30),
            "loss_curve": rng.random((num_endpoints, 1, 4)).astype("f4"),
        },
        None,
        ["ok"] * num_endpoints,
    )


def begin(store: Store, name: str, role: str = "arm", record_steps: list[int] | None = None) -> None:
    store.begin_arm(
        name,
        {"role": role},
        probe_inputs=np.zeros((PROBE, 2), "f4"),
        probe_targets=np.zeros(PROBE, int),
        train_targets=np.zeros(TRAIN, int),
        record_steps=record_steps,
    )


def write_hmc(store: Store) -> Draws:
    pieces = [chain_draws(seed, size, params=True) for seed, size in enumerate([20, 20, 10])]
    begin(store, "hmc", "reference")
    for piece in pieces:
        store.append("hmc", piece, axis=1)
    store.finish_arm("hmc", {"status": ["ok"] * CHAINS, "seconds": 1.5})
    return joined(pieces, axis=1)


def write_sgd(store: Store) -> Draws:
    pieces = [endpoint_draws(seed, size) for seed, size in enumerate([8, 3])]
    begin(store, "sgd", record_steps=[0, 10, 20, 30])
    for piece in pieces:
        store.append("sgd", piece, axis=0)
    store.finish_arm("sgd", {"status": ["ok"] * 11, "seconds": 0.5})
    return joined(pieces, axis=0)


def message(caught: pytest.ExceptionInfo[UserError], *parts: str) -> None:
    text = str(caught.value)
    missing = [part for part in (*parts, "fix: ") if part not in text]
    assert not missing, f"{missing} not in:\n{text}"


def finished_run(folder: Path) -> tuple[Draws, Draws]:
    """A finished run on disk; returns the draws of hmc and of sgd that it must hold."""
    with create_run(folder, {"seed": 0}) as store:
        written = write_hmc(store), write_sgd(store)
        store.update({"complete": True})
    return written
