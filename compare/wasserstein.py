r"""Wasserstein-1 distances: of one number of each network, and of projections of all of them.

.. math::

    W_1(P, Q) = \int |F_P(t) - F_Q(t)|\,dt, \qquad
    SW_1(P, Q) = \operatorname{E}_{u} W_1(\langle u, X \rangle, \langle u, Y \rangle)

with ``u`` uniform on the unit sphere: seeded directions stand for the expectation (Bonneel
et al. 2015, section 2). Both are distances and vanish only for equal laws. Between two
samples of the *same* law they are of the order ``1/sqrt(n)``, not zero, so only the excess
over the floor counts. A scalar is measured in standard deviations of the reference.
"""

from functools import cache

import numpy as np

from .distances import Distance
from .options import check_count
from .tables import Numbers, Sample

type Array = np.ndarray

NUM_DIRECTIONS = 32


@cache
def scalar_wasserstein(name: str) -> Distance:
    """Wasserstein-1 distance of one scalar behaviour, in standard deviations of the reference.

    ``name`` is a key of the samples' ``scalars``; whatever number a network has will do. The
    distance is nan, and its outcome inconclusive, where the reference does not vary.

    >>> distances, deviation = np.array([[0.2], [0.4]]), np.array([0.5])
    >>> scalar_wasserstein("accuracy").between(distances, deviation).tolist()
    [0.4, 0.8]
    """

    def numbers(sample: Sample) -> Array:
        if name not in sample.scalars:
            raise ValueError(
                f"a sample has no scalar behaviour {name!r}, only {sorted(sample.scalars) or 'none at all'}: "
                "give it to every sample"
            )
        return np.asarray(sample.scalars[name])[:, None]

    def between(distances: Array, deviation: Array) -> Array:
        return distances[:, 0] / (deviation[0] or np.nan)

    return Distance(
        f"{name}: Wasserstein distance",
        f"how far {name} must be moved on average, in standard deviations of the reference",
        Numbers(numbers),
        between,
        margin=0.1,
        margin_kind="absolute",
    )


@cache
def sliced_wasserstein(num_directions: int = NUM_DIRECTIONS, *, seed: int = 0) -> Distance:
    """Mean Wasserstein-1 distance of the probe probabilities along random directions.

    In the unit of the energy distance's ``d``: root mean square over probes. Raises ``ValueError``
    for fewer than one direction.

    >>> sliced_wasserstein().between(np.array([[0.1, 0.3]]), np.ones(2)).tolist()
    [0.2]
    """
    check_count(num_directions=num_directions)

    def numbers(sample: Sample) -> Array:
        num_probes = sample.probabilities.shape[1]
        flat = sample.probabilities.reshape(len(sample.probabilities), -1)
        directions = np.random.default_rng(seed).normal(size=(flat.shape[1], num_directions))
        directions /= np.linalg.norm(directions, axis=0) * np.sqrt(num_probes)
        return flat @ directions.astype(np.float32)

    def between(distances: Array, _: Array) -> Array:
        return np.mean(distances, axis=-1)

    return Distance(
        "sliced Wasserstein distance",
        "how far probe probabilities must be moved on average, along a random direction",
        Numbers(numbers),
        between,
        margin=0.05,
        margin_kind="relative",
    )
