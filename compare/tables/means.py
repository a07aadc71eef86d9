"""Means of a feature over each resample; every network takes part, however many.

One row of a matrix product a resample.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .sample import Sample, shares

type Array = np.ndarray
type Feature = Callable[[Array], Array]  # of probabilities (unit, probe, class), gives (unit, ...)

BATCH = 50  # resamples whose shares are held at a time


class Means:
    """Means of features over resamples of named samples."""

    def __init__(self, samples: Mapping[str, Sample], features: Sequence[Feature]) -> None:
        self.samples = dict(samples)
        self._tables: dict[tuple[str, Feature], Array] = {
            (name, feature): feature(sample.probabilities)
            for name, sample in samples.items()
            for feature in features
        }

    def seen(
        self, sees: Sequence[Feature], left: str, of_left: Array, right: str, of_right: Array
    ) -> list[list[Array]]:
        """For each feature its means over both samples, ``(resample, ...)`` each."""
        both = (left, of_left), (right, of_right)
        return [[self._means(name, feature, chosen) for name, chosen in both] for feature in sees]

    def _means(self, name: str, feature: Feature, chosen: Array) -> Array:
        table = self._tables[name, feature]
        flat = table.reshape(len(table), -1)
        parts = (chosen[first : first + BATCH] for first in range(0, len(chosen), BATCH))
        found = np.concatenate([shares(part, len(table)) @ flat for part in parts])
        return found.reshape(len(chosen), *table.shape[1:])
