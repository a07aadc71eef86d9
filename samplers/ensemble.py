"""Deep ensembles: independently trained networks, taken as draws.

There is no new machinery: a member is an endpoint of ``optimise``, trained on the
objective with its prior, ``L - log pi / (beta N)``, from a start of its own.

Law: none. Members are modes of the posterior in the proportions in which training finds
them, without any spread within a mode: where the potential is convex they all coincide
with its one mode, and the ensemble has no width at all.

Sources: Lakshminarayanan, Pritzel and Blundell 2017, section 2; Fort, Hu and
Lakshminarayanan 2019 (what members differ in).
"""

from functools import cache

import optax

from .kernel import Sampler
from .options import check_count, check_positive
from .sgd import optimiser


@cache
def deep_ensemble(learning_rate: float = 0.01, batch_size: int | None = 32) -> Sampler:
    """Adam on the objective with its prior, to be run by ``optimise``, one endpoint a member.

    Raises ``ValueError`` for a learning rate that is not positive or a batch below one.

    >>> deep_ensemble(0.01).name
    'deep_ensemble'
    """
    check_positive(learning_rate=learning_rate)
    if batch_size is not None:
        check_count(batch_size=batch_size)
    citation = "Lakshminarayanan, Pritzel and Blundell 2017"
    return optimiser(optax.adam(learning_rate), batch_size, 1.0, "deep_ensemble", citation)
