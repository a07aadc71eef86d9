r"""Log evidence from independent populations, with its error.

Each population gives an estimate ``Z_k`` of the evidence that is unbiased but for its
adaptive schedule (order ``1 / num_particles``), so the mean of the ``Z_k`` is taken, not
of their logarithms:

.. math::

    \log \hat Z = \log \frac1K \sum_k Z_k, \qquad
    \mathrm{s.e.}(\log \hat Z) = \frac{\mathrm{sd}(Z_k)}{\sqrt K\, \hat Z} \ \text{nats}.

Sources: Del Moral 2004, section 7.4 (unbiasedness); Beskos et al. 2016 (adaptive
schedules).
"""

from typing import NamedTuple

import numpy as np


class Evidence(NamedTuple):
    """Log evidence with its standard error, both in nats, or ``None`` and the reason."""

    log_evidence: float | None
    standard_error: float | None
    populations: list[float | None]  # one a population, nats; None: not available
    reason: str  # "ok", or why there is no estimate


def combined_evidence(log_evidence: np.ndarray, status: list[str]) -> Evidence:
    """The evidence of independent populations ``(K,)``, nats, whose status is given.

    Not available, with the reason, where a population failed (leaving it out would
    select the lucky ones), where there is only one, or where a few carry the mean: an
    effective number ``(sum Z)^2 / sum Z^2`` below ``1 + K / 4`` means that ``log Z_k``
    scatters by more than about one nat, so that mean and error are both guesses.

    >>> evidence = combined_evidence(np.log([1.8, 2.0, 2.2]), ["ok"] * 3)
    >>> evidence.log_evidence, evidence.standard_error
    (0.6931..., 0.0577...)
    """
    num_populations = len(log_evidence)
    usable = [sentence == "ok" for sentence in status]
    values = [float(value) if ok else None for value, ok in zip(log_evidence, usable, strict=True)]
    failed = [sentence for sentence in status if sentence != "ok"]
    if failed:
        counted = f"{len(failed)} of {num_populations} populations are not usable"
        return Evidence(None, None, values, f"not available: {counted}; {failed[0]}")
    if num_populations < 2:
        return Evidence(None, None, values, "not available: one population has no error bar; run two or more")
    largest = np.max(log_evidence)
    relative = np.exp(log_evidence - largest)
    effective = np.sum(relative) ** 2 / np.sum(relative**2)
    if effective < 1 + num_populations / 4:
        return Evidence(
            None,
            None,
            values,
            f"not available: {effective:.1f} of {num_populations} populations carry the mean; "
            "use more particles or more moves",
        )
    error = np.std(relative, ddof=1) / np.sqrt(num_populations) / np.mean(relative)
    return Evidence(float(largest + np.log(np.mean(relative))), float(error), values, "ok")
