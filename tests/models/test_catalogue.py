"""The command line's tables against what they name."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import models
from models.transforms import ANY_INPUT, IMAGES
from thermalize.catalogue import (
    ACTIVATIONS,
    INITIALISATIONS,
    LIKELIHOODS,
    PRIORS,
    SHIFTS,
    TASKS,
)


@pytest.mark.parametrize("name", list(TASKS))
def test_tasks_are_listed_with_their_own_defaults(name: str) -> None:
    entry = TASKS[name]
    defaults = {p.name: p.default for p in inspect.signature(entry.load()).parameters.values()}
    assert (defaults["num_train"], defaults["num_probe"]) == (entry.num_train, entry.num_probe)
    assert entry.likelihood in LIKELIHOODS
    if entry.extra is None:
        task = entry.load()(0)
        kind = "regression" if entry.likelihood == "gaussian" else "classification"
        assert (task.name, task.kind) == (name, kind)
        assert (task.num_classes == 2) == (entry.likelihood == "bernoulli")


@pytest.mark.parametrize("num_bits", [3, 5, 7])
def test_boolean_tasks_are_halves_of_all_inputs(num_bits: int) -> None:
    entry = TASKS[f"boolean_{num_bits}"]
    assert entry.num_train == entry.num_probe == 2 ** (num_bits - 1)
    assert entry.num_all == 2**num_bits
    task = entry.load()(0)
    inputs = np.concatenate([task.train.inputs, task.probe.inputs])
    assert len(np.unique(inputs, axis=0)) == 2**num_bits
    for batch in (task.train, task.probe):
        assert np.array_equal(batch.targets, batch.inputs[:, 0] > 0)
    fewer = entry.load()(0, 2, 2)
    assert (len(fewer.train.targets), len(fewer.probe.targets)) == (2, 2)
    with pytest.raises(ValueError, match=f"{2**num_bits} inputs, fewer than num_train 2 "):
        entry.load()(0, 2, 2**num_bits)


def test_names_are_those_of_the_library() -> None:
    network = models.mlp([3, 2])
    assert set(ACTIVATIONS) == set(models.ACTIVATIONS)
    assert set(SHIFTS) == {*ANY_INPUT, *IMAGES}
    assert {entry.load()(network).name for entry in PRIORS.values()} == set(PRIORS)
    assert {entry.load()().name for entry in LIKELIHOODS.values()} == set(LIKELIHOODS)
    assert all(callable(entry.load()) for entry in INITIALISATIONS.values())


def test_every_entry_has_a_line() -> None:
    lines = [
        entry.summary for table in (TASKS, PRIORS, LIKELIHOODS, INITIALISATIONS) for entry in table.values()
    ]
    for line in (*lines, *ACTIVATIONS.values(), *SHIFTS.values()):
        assert 10 < len(line) < 90


def test_the_tables_are_read_without_jax() -> None:
    code = "import sys, thermalize.catalogue; print({'jax', 'sklearn', 'numpy', 'models'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
