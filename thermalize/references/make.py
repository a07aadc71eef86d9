"""Make a reference: run both methods, compare them as any two arms, judge, summarise.

The two methods go through the main job's own store and comparison, the first as the
reference, the second as the arm, the prior as the ceiling.
"""

import tempfile
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from compare import FunctionCounts, count_functions, merge_counts, pack_labels, thinned
from samplers import posterior, prior_functions

from ..errors import UserError
from ..evaluate import evaluate
from ..plain import plain
from ..predictions import ArmData, read_arm
from ..provenance import provenance, started
from ..run import Reporter, silent_reporter
from ..store import Store, create_run
from . import gates
from .catalogue import REFERENCES
from .methods import Drawn, Method, outputs_of, prior_ceiling
from .stored import Reference, check_name, load
from .systems import System

type Array = np.ndarray


def make(
    name: str, *, preset: str = "full", seed: int = 0, progress: Reporter = silent_reporter
) -> Reference:
    """The reference of this name, made from nothing; look at ``passed`` before using it.

    Raises :class:`UserError` for an unknown name.
    """
    check_name(name)
    clock, entry = started(), REFERENCES[name]
    system: System = entry.load()(preset, seed)
    first, second = system.methods
    roles = {"reference": first, "arm": second, "ceiling": prior_ceiling(128 if preset == "full" else 64)}
    drawn: dict[str, Drawn] = {}
    attrs = provenance(
        seed=system.seed,
        arguments={"reference": name, "preset": preset},
        arrays=[np.asarray(leaf) for leaf in jax.tree.leaves((system.train, system.probe))],
        citations=[method.citation for method in roles.values()],
        devices=jax.devices(),
        batch={},
    )
    with tempfile.TemporaryDirectory() as folder, create_run(Path(folder) / "run", attrs) as store:
        store.update({"likelihood": system.likelihood})
        for role, method in roles.items():
            drawn[method.name] = _run(system, method, role, store, progress)
        tree = store.tree()
        result = evaluate(tree)
        arms = [read_arm(m.name, tree.children[m.name], system.likelihood) for m in system.methods]
    found = [drawn[method.name] for method in system.methods]
    functions, arrays = None, {}
    if system.labels is not None:
        functions = _counted(system, progress)
        arrays = {"functions_packed": functions.packed, "functions_counts": functions.counts}
    report = {
        "reference": name,
        "summary": entry.summary,
        "law": entry.law,
        "command": f"thermalize reference {name} --make --preset {preset} --seed {seed}",
        "preset": preset,
        "likelihood": system.likelihood,
        "gates": [gate._asdict() for gate in _gates(system, found, arms, functions, result)],
        "methods": [_row(*parts) for parts in zip(system.methods, found, result["arms"], strict=False)],
        "num_prior_functions": system.num_prior_functions or None,
        "comparisons": result["comparisons"],
        "behaviours": [row for row in result["behaviours"] if row["arm"] != "prior"],
        **{key: value for key, value in attrs.items() if key != "arguments"},
        **clock.seconds(),
    }
    arrays |= _arrays(system, found, arms)
    return Reference(name, dict(plain(report)), arrays)


def with_agreement(reference: Reference) -> Reference:
    """The same with one more gate: its means against those of the stored one, where there is one."""
    try:
        stored = load(reference.name)
    except UserError:
        return reference
    score = gates.difference_in_errors(
        *(made.arrays[f"first_{what}"] for made in (reference, stored) for what in ("mean", "standard_error"))
    )
    same = bool(
        np.array_equal(reference.arrays["first_mean"].astype(np.float32), stored.arrays["first_mean"])
    )
    gate = gates.means_against_stored(score, same)
    return replace(
        reference, report=reference.report | {"gates": [*reference.report["gates"], gate._asdict()]}
    )


def _run(system: System, method: Method, role: str, store: Store, progress: Reporter) -> Drawn:
    target = posterior(system.model, system.train, num_data=len(system.train.targets))
    key = jax.random.fold_in(jax.random.key(system.seed), zlib.crc32(method.name.encode()))
    begun = time.perf_counter()
    with progress(method.name) as report:
        found = method.draw(key, target, outputs_of(system.model.apply), system.probe.inputs, report)
    store.begin_arm(
        method.name,
        {
            "role": role,
            "sampler": method.name,
            "law": method.law,
            "citation": method.citation,
            "stopping": "",
            "options": method.options,
        },
        probe_inputs=np.asarray(system.probe.inputs),
        probe_targets=np.asarray(system.probe.targets),
        train_targets=np.asarray(system.train.targets),
    )
    store.append(method.name, found.draws, axis=1)
    seconds = time.perf_counter() - begun
    store.finish_arm(method.name, {"status": found.draws.status, "seconds": seconds})
    return found


def _counted(system: System, progress: Reporter) -> FunctionCounts:
    """The functions without training errors among many prior draws: exact, whatever the network."""
    inputs = np.asarray(system.probe.inputs)
    rows = np.array([np.flatnonzero((inputs == x).all(1))[0] for x in np.asarray(system.train.inputs)])
    given, wanted = np.zeros((2, len(inputs)), bool)
    given[rows], wanted[rows] = True, np.asarray(system.train.targets) == 1
    mask, bits = (np.asarray(pack_labels(labels)) for labels in (given, wanted))
    parts: list[FunctionCounts] = []

    def keep(packed: Array, first: int) -> None:
        fitting = packed[((packed & mask) == bits).all(axis=1)]
        if len(fitting):
            parts.append(count_functions(fitting))

    key = jax.random.fold_in(jax.random.key(system.seed), zlib.crc32(b"functions"))
    assert system.labels is not None
    with progress("functions") as report:
        prior_functions(
            key,
            system.model,
            system.labels,
            system.probe.inputs,
            system.num_prior_functions,
            sink=keep,
            progress=report,
        )
    return merge_counts(parts)


def _gates(
    system: System,
    found: list[Drawn],
    arms: list[ArmData],
    functions: FunctionCounts | None,
    result: dict[str, Any],
) -> list[gates.Gate]:
    first, second = found
    judged = [gate for arm in arms for gate in gates.method_gates(arm.name, arm)]
    judged += gates.agreement_gates(result, len(system.probe.targets))
    judged.append(gates.means_gate(*arms))
    judged += gates.evidence_gates(first, second) + gates.quadrature_gates(first, second)
    if functions is not None:
        outputs = second.draws.observed["logits"][..., 0]
        keep = thinned(outputs.shape[0], outputs.shape[1], result["arms"][1]["effective_draws"])
        labels = outputs[:, keep].reshape(-1, outputs.shape[-1]) > 0
        counts = count_functions(np.asarray(pack_labels(labels)))
        judged.append(gates.functions_gate(functions, counts, system.seed))
    return judged


def _row(method: Method, found: Drawn, arm: dict[str, Any]) -> dict[str, Any]:
    wanted = ("num_chains", "num_draws", "effective_draws", "status_counts", "seconds")
    return {
        "name": method.name,
        "law": method.law,
        "citation": method.citation,
        "options": method.options,
        **{key: arm[key] for key in wanted},
        "log_evidence": found.log_evidence,
        "standard_error": found.standard_error,
    }


def _arrays(system: System, found: list[Drawn], arms: list[ArmData]) -> dict[str, Array]:
    """Data, thinned draws of the first method, and what both methods' draws say of every probe."""
    outputs = found[0].draws.observed["logits"]
    num_chains, num_draws = outputs.shape[:2]
    keep = thinned(num_chains, num_draws, system.num_stored * num_chains)
    arrays = {
        "train_inputs": np.asarray(system.train.inputs, np.float32),
        "train_targets": np.asarray(system.train.targets),
        "probe_inputs": np.asarray(system.probe.inputs, np.float32),
        "probe_targets": np.asarray(system.probe.targets),
        "logits": outputs[:, keep],
        "loss": found[0].draws.stats["loss"][:, keep].astype(np.float32),
    }
    for label, drawn, arm in zip(("first", "second"), found, arms, strict=True):
        regression = system.likelihood["name"] == "gaussian"
        values = drawn.draws.observed["logits"] if regression else arm.probabilities
        flat = values.reshape(*values.shape[:2], -1)
        shape = values.shape[2:]
        arrays |= {
            f"{label}_mean": flat.mean((0, 1), dtype=float).reshape(shape),
            f"{label}_standard_deviation": flat.std((0, 1), dtype=float).reshape(shape),
            f"{label}_standard_error": gates.standard_error(flat).reshape(shape),
        }
    if found[0].exact_mean is not None:
        arrays["exact_mean"] = found[0].exact_mean
    return arrays
