"""The references there are. Pure data: jax is imported only when one is made."""

from collections.abc import Callable
from typing import Any, NamedTuple


class ReferenceEntry(NamedTuple):
    """One reference: what it is, its law, its two methods, and who makes the system.

    ``factory`` names a function ``(preset, seed) -> System`` in ``systems.py``.
    """

    summary: str
    law: str
    methods: tuple[str, str]  # the first one's draws are stored
    factory: str

    def load(self) -> Callable[[str, int], Any]:
        """The factory itself; imports jax."""
        from . import systems

        found: Callable[[str, int], Any] = getattr(systems, self.factory)
        return found


ZERO_ONE = "the prior given zero training errors"
BAYES = "the posterior at beta = 1"

REFERENCES: dict[str, ReferenceEntry] = {
    "boolean-3": ReferenceEntry(
        "3-8-1 ReLU networks, majority of 3 bits, 4 of 8 inputs given",
        ZERO_ONE,
        ("rejection", "level_smc"),
        "boolean_3",
    ),
    "boolean-5": ReferenceEntry(
        "5-16-16-1 ReLU networks, majority of 5 bits, 12 of 32 inputs given",
        ZERO_ONE,
        ("rejection", "level_smc"),
        "boolean_5",
    ),
    "two-parameter": ReferenceEntry(
        "v tanh(w x) with Gaussian noise, 8 points", BAYES, ("quadrature", "hmc"), "two_parameter"
    ),
    "regression-1d": ReferenceEntry(
        "1-16-1 tanh networks on a noisy curve with a gap, 40 points",
        BAYES,
        ("hmc", "numpyro_nuts"),
        "regression_1d",
    ),
    "digits": ReferenceEntry(
        "64-16-10 tanh networks, 300 images of handwritten digits",
        BAYES,
        ("hmc", "numpyro_nuts"),
        "digits",
    ),
}
