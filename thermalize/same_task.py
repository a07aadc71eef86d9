"""The task of a stored run, built again from its settings and refused where its data are others."""

from pathlib import Path

import xarray as xr

from models import Task

from .config import RunConfig
from .errors import UserError
from .parts import build_task
from .prepare import data_arrays
from .provenance import data_hash


def task_of_run(tree: xr.DataTree, settings: RunConfig, folder: Path) -> Task:
    """The task the run in ``folder`` was made with. Raises :class:`UserError` if it is another one now."""
    task = build_task(settings)
    if data_hash(data_arrays(task)) != tree.attrs["data_hash"]:
        raise UserError(
            "the task is another one now",
            folder,
            "its data are not those that the run was made with",
            "use the versions of the packages that the run names, or make the run again",
        )
    return task
