"""Independent draws from the prior, as a kernel: the ceiling of every comparison.

Law: the prior, exactly, and independent from draw to draw.
"""

from functools import cache
from typing import Any

from .kernel import Info, Kernel, Sampler, no_warmup
from .target import Key, Params, Target


@cache
def prior_draws() -> Sampler:
    """Draw the parameters from the prior, whatever the data.

    >>> prior_draws().law
    'the prior, independent draws'
    """

    def kernel(target: Target, tuning: Any) -> Kernel:
        def step(key: Key, state: Params) -> tuple[Params, Info]:
            return target.sample_prior(key), {}

        return Kernel(lambda key, position: position, step, lambda state: state)

    return Sampler("prior", "the prior, independent draws", "", no_warmup, kernel)
