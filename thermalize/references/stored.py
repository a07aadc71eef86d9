"""A certified reference on disk: ``NAME.npz`` with arrays and ``NAME.json`` with the gate report.

Draws of many probes are kept in half precision: rounding to 2^-11 of each value, far below
a standard error. The report holds the hash of the arrays as they are read back.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError, suggest
from .catalogue import REFERENCES

if TYPE_CHECKING:
    import xarray as xr

    from compare import FunctionCounts

type Array = np.ndarray

STORED = Path(__file__).parent / "stored"
HALF_PRECISION_FROM = 100_000  # values; smaller arrays of draws are kept as they are


@dataclass(frozen=True, eq=False)
class Reference:
    """A posterior of a network, known well enough to judge others by.

    ``arrays`` holds ``train_inputs``, ``train_targets``, ``probe_inputs``, ``probe_targets``;
    ``logits`` (network outputs of the first method's thinned draws, ``(chain, draw,
    probe, class)``) and their ``loss``; and for each method (``first_``, ``second_``) the
    ``mean``, ``standard_deviation`` and ``standard_error``, ``(probe, class)``, over all its
    draws, of the predicted probabilities, of a regression the outputs. Boolean systems
    have ``functions_packed`` and ``functions_counts``, a quadrature its ``exact_mean``.
    """

    name: str
    report: dict[str, Any]
    arrays: dict[str, Array]

    @property
    def passed(self) -> bool:
        """Whether all gates passed."""
        return all(gate["passed"] for gate in self.report["gates"])

    def functions(self) -> "FunctionCounts":
        """How often each function that fits was found: exact draws of a Boolean system.

        Raises ``ValueError`` for another system.
        """
        from compare import FunctionCounts

        if "functions_packed" not in self.arrays:
            raise ValueError(f"functions are counted for Boolean systems only, got {self.name}")
        return FunctionCounts(self.arrays["functions_packed"], self.arrays["functions_counts"])

    def tree(self) -> "xr.DataTree":
        """The thinned draws as an arm of a run, which every ArviZ function reads."""
        import xarray as xr

        draws, logits = ("chain", "draw"), self.arrays["logits"]
        first = self.report["methods"][0]
        attrs = {
            "role": "reference",
            "sampler": first["name"],
            "law": first["law"],
            "citation": first["citation"],
            "options": first["options"],
            "stopping": "",
            "status": ["ok"] * logits.shape[0],
            "complete": True,
            "seconds": first["seconds"],
        }
        groups: dict[str, dict[str, tuple[tuple[str, ...], Array]]] = {
            "predictions": {"logits": ((*draws, "probe", "class"), logits.astype(np.float32))},
            "predictions_constant_data": {
                "probe_inputs": (("probe", "feature"), self.arrays["probe_inputs"]),
                "probe_targets": (("probe",), self.arrays["probe_targets"]),
            },
            "observed_data": {"targets": (("datum",), self.arrays["train_targets"])},
            "sample_stats": {"loss": (draws, self.arrays["loss"])},
        }
        children = {name: xr.DataTree(xr.Dataset(variables)) for name, variables in groups.items()}
        return xr.DataTree(xr.Dataset(attrs=attrs), children=children)


def check_name(name: str) -> None:
    """Raises :class:`UserError` for a name that no reference has."""
    if name not in REFERENCES:
        raise UserError("unknown reference", name, "nothing has this name", suggest(name, REFERENCES))


def load(name: str, folder: Path | str = STORED) -> Reference:
    """The stored reference of this name; those that come with the package unless ``folder`` is given.

    Raises :class:`UserError` for an unknown name, a missing file and arrays that are not
    those of the report.

    >>> load("boolean-3").passed
    True
    """
    report, path = stored_report(name, folder), Path(folder) / f"{name}.npz"
    try:
        with np.load(path) as data:
            arrays = {key: data[key] for key in data.files}
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, str(error)) from error
    if arrays_hash(arrays) != report["arrays_hash"]:
        raise _damaged(path, "its arrays are not those that the report was written for")
    return Reference(name, report, arrays)


def stored_report(name: str, folder: Path | str = STORED) -> dict[str, Any]:
    """The gate report alone; raises as :func:`load`."""
    check_name(name)
    path = Path(folder) / f"{name}.json"
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(
            "the reference is not stored",
            path,
            error.strerror or str(error),
            f"make it: thermalize reference {name} --make",
        ) from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    return report


def save(reference: Reference, folder: Path | str) -> Path:
    """Write a reference; returns the path of its report. Raises ``ValueError`` if a gate failed."""
    if not reference.passed:
        failed = [gate["name"] for gate in reference.report["gates"] if not gate["passed"]]
        raise ValueError(f"{reference.name} is not stored: it failed {', '.join(failed)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: _rounded(name, array) for name, array in reference.arrays.items()}
    np.savez_compressed(folder / f"{reference.name}.npz", allow_pickle=False, **arrays)
    rounding = "half precision" if arrays["logits"].dtype == np.float16 else "none"
    report = reference.report | {"rounding_of_draws": rounding, "arrays_hash": arrays_hash(arrays)}
    path = folder / f"{reference.name}.json"
    path.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
    return path


def arrays_hash(arrays: dict[str, Array]) -> str:
    """SHA-256 of all arrays in the order of their names."""
    from ..provenance import data_hash

    return data_hash(arrays[name] for name in sorted(arrays))


def _rounded(name: str, array: Array) -> Array:
    if name == "logits" and array.size >= HALF_PRECISION_FROM:
        return array.astype(np.float16)
    return array.astype(np.float32) if array.dtype == np.float64 and name != "exact_mean" else array


def _damaged(path: Path, why: str) -> UserError:
    return UserError("the stored reference is damaged", path, why, "install again, or make it again")
