r"""The cells of a factorial design: networks trained under every combination of settings.

The response of a cell is the excess total variation of its functions,

.. math:: \mathrm{TV}(\hat P_{endpoints}, \hat P_{posterior}) - E\,\mathrm{floor}

against the zero-one posterior of its width: draws of the prior that fit, exact and independent.
The floor is what exact draws, as many as endpoints, would show. Functions that do not fit (after
further steps, say) lie outside the posterior and count in full.
"""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from compare import floor_of_law, unpack_labels
from models import (
    Model,
    Network,
    Task,
    bayesian_model,
    bernoulli,
    boolean_inputs,
    boolean_labels,
    boolean_task,
    gaussian_prior,
    input_rows,
    mlp,
)
from samplers import Stop, optimise_through, posterior, prior_functions
from samplers.dials import dialled, dialled_optimiser
from samplers.draws import Progress, share_of

from .claims.learning import table_of
from .factorial_design import BASE_RATES, Design

type Array = np.ndarray
CHUNK = 1 << 18  # draws of the prior at a time
WANTED, MOST = 50_000, 1 << 23  # exact draws of the posterior, draws of the prior
RESAMPLES = 400
FEWEST_MET = 0.9  # share of a cell's endpoints that must meet its stop


class Reference(NamedTuple):
    """Exact draws of one width's posterior: how often each function that fits, and held-out ones."""

    counts: Array  # (function + 1,), the last are those that do not fit: none
    held_out: Array  # codes of draws that are not counted
    prior: Array  # codes of draws of the prior, whether they fit or not
    proposed: int


class Cell(NamedTuple):
    """The endpoints of one combination of settings."""

    settings: dict[str, Any]
    codes: Array  # (endpoint,) number of the function among those that fit, the last: none of them
    met: Array  # (endpoint,) whether each met its stop


def task_of(design: Design) -> Task:
    """The Boolean task: the same rows for every cell."""
    return boolean_task(
        jax.random.fold_in(jax.random.key(design.seed), 1),
        table_of(design.target, design.bits),
        design.num_train,
    )


def codes_of(packed: Array, task: Task, num_inputs: int) -> Array:
    """Number of each function among those that fit; for one that does not, their count.

    >>> task = boolean_task(0, np.zeros(8, int), 7)
    >>> codes_of(np.array([[0], [255]], np.uint8), task, 8).tolist()
    [0, 2]
    """
    rows, labels = input_rows(np.asarray(task.train.inputs)), np.asarray(task.train.targets)
    table = unpack_labels(packed, num_inputs)
    free = np.setdiff1d(np.arange(num_inputs), rows)
    numbers = table[:, free] @ (1 << np.arange(len(free)))
    found: Array = np.where((table[:, rows] == labels).all(axis=1), numbers, 1 << len(free))
    return found


def reference_of(design: Design, task: Task, width: int, progress: Progress) -> Reference:
    """Draws of the prior until enough fit."""
    network, model = _model(design.bits, width)
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(design.seed), 2), width)
    inputs = jnp.asarray(boolean_inputs(design.bits))
    fitting: list[Array] = []
    prior = np.zeros(0, int)
    proposed = 0
    num_functions = 1 << (2**design.bits - design.num_train)
    while proposed < MOST and sum(map(len, fitting)) < WANTED + design.endpoints:
        packed = prior_functions(key, model, boolean_labels(network), inputs, CHUNK, first=proposed)
        codes = codes_of(packed, task, 1 << design.bits)
        prior = codes[: design.endpoints] if not proposed else prior
        fitting.append(codes[codes < num_functions])
        proposed += CHUNK
        progress(min(sum(map(len, fitting)), WANTED), WANTED)
    draws = np.concatenate(fitting)
    progress(1, 1)
    held_out, counted = draws[: design.endpoints], draws[design.endpoints :]
    return Reference(np.bincount(counted, minlength=num_functions + 1), held_out, prior, proposed)


def train_cells(design: Design, task: Task, progress: Progress) -> list[Cell]:
    """Every cell, in the order of the levels; all stops of a combination are one pass."""
    levels = {name: values for name, values in design.levels.items() if name != "stopping"}
    passes = [dict(zip(levels, combination, strict=True)) for combination in product(*levels.values())]
    key = jax.random.fold_in(jax.random.key(design.seed), 3)
    cells = []
    for place, settings in enumerate(passes):
        found = _train(
            jax.random.fold_in(key, place), design, task, settings, share_of(progress, place, len(passes))
        )
        cells += [
            Cell({"stopping": extra, **settings}, codes, met)
            for extra, (codes, met) in zip(design.levels["stopping"], found, strict=True)
        ]
    return cells


def responses(
    design: Design, cells: list[Cell], references: dict[int, Reference], seed: int
) -> tuple[Array, Array]:
    """The response of every cell, an axis a factor, and its resamples; nan where too few met their stop.

    Cells that are one pass share their networks, so these are resampled together; so are the draws
    of a posterior for all cells of its width.
    """
    shape = [2] * len(design.factors)
    response, resampled = np.full(shape, np.nan), np.full([RESAMPLES, *shape], np.nan)
    rng = np.random.default_rng(seed)
    laws = {width: one.counts / one.counts.sum() for width, one in references.items()}
    redrawn = {
        width: rng.multinomial(one.counts.sum(), laws[width], RESAMPLES) / one.counts.sum()
        for width, one in references.items()
    }
    rows: dict[tuple[Any, ...], Array] = {}
    for cell in cells:
        place = tuple(design.levels[name].index(cell.settings[name]) for name in design.factors)
        if cell.met.mean() < FEWEST_MET:
            continue
        one_pass = tuple(value for name, value in cell.settings.items() if name != "stopping")
        if one_pass not in rows:
            rows[one_pass] = rng.integers(0, len(cell.codes), (RESAMPLES, len(cell.codes)))
        width, law = cell.settings["width"], laws[cell.settings["width"]]
        num = int(cell.met.sum())
        floor = floor_of_law(law, num, int(references[width].counts.sum()), seed=seed, num_resamples=400).mean
        response[place] = total_variation(_counts(cell.codes[None], cell.met[None], len(law)), law)[0] - floor
        drawn = _counts(cell.codes[rows[one_pass]], cell.met[rows[one_pass]], len(law))
        resampled[(slice(None), *place)] = total_variation(drawn, redrawn[width]) - floor  # type: ignore[index]
    return response, resampled


def total_variation(counts: Array, law: Array) -> Array:
    """Of each row of counts and a law, or the law of its row."""
    found: Array = np.abs(counts / counts.sum(axis=1, keepdims=True) - law).sum(axis=1) / 2
    return found


def _counts(codes: Array, met: Array, num: int) -> Array:
    """How often each code, row by row, ``(row, num)``."""
    rows = np.broadcast_to(np.arange(len(codes))[:, None], codes.shape)
    return np.bincount((rows * num + codes)[met], minlength=len(codes) * num).reshape(len(codes), num)


def _train(
    key: jax.Array, design: Design, task: Task, settings: dict[str, Any], progress: Progress
) -> list[tuple[Array, Array]]:
    _, model = _model(design.bits, settings["width"])
    data = dialled(
        task.train.inputs,
        task.train.targets,
        learning_rate=BASE_RATES[settings["optimiser"]] * settings["learning_rate"],
        batch_size=settings["batch_size"] or None,
        prior_weight=settings["prior_weight"],
        start_scale=settings["start_scale"],
    )
    found = optimise_through(
        key,
        dialled_optimiser(settings["optimiser"]),
        posterior(model, data, num_data=design.num_train),
        _function(design.bits, settings["width"]),
        jnp.asarray(boolean_inputs(design.bits)),
        num_endpoints=design.endpoints,
        stops=[
            Stop("first_fit", extra, max_steps=design.max_steps + extra)
            for extra in design.levels["stopping"]
        ],
        record_every=1000,
        progress=progress,
    )
    return [
        (
            codes_of(np.asarray(draws.observed["function"])[:, 0], task, 1 << design.bits),
            np.array([status == "ok" for status in draws.status]),
        )
        for draws in found
    ]


@cache
def _model(bits: int, width: int) -> tuple[Network, Model]:
    network = mlp([bits, width, 1], "relu")
    return network, bayesian_model(network, gaussian_prior(network), bernoulli())


@cache
def _function(bits: int, width: int) -> Callable[[Any, jax.Array], dict[str, jax.Array]]:
    labels = boolean_labels(_model(bits, width)[0])
    return lambda params, inputs: {"function": jnp.packbits(labels(params, inputs))}
