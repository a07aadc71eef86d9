r"""RMSprop's diagonal preconditioner, for Langevin dynamics.

.. math:: V \leftarrow \alpha V + (1 - \alpha)\,\bar g \odot \bar g, \qquad
    G = \frac{1}{\lambda + \sqrt V}, \qquad \bar g = \hat g / N

Source: Li, Chen, Carlson and Carin 2016, algorithm 1.
"""

import jax
import jax.numpy as jnp

from .target import Params, Target

type Array = jax.Array


def updated_second_moment(second_moment: Params, gradient: Params, target: Target, decay: float) -> Params:
    """``V`` after one gradient of the logdensity, which is divided by ``N`` first."""
    return jax.tree.map(
        lambda v, g: decay * v + (1 - decay) * (g / target.num_data) ** 2, second_moment, gradient
    )


def preconditioner(second_moment: Params, offset: float) -> Params:
    """``G``, the factor on every parameter's step.

    >>> preconditioner({"w": jnp.array([0.25, 0.0])}, 0.5)["w"].tolist()
    [1.0, 2.0]
    """
    return jax.tree.map(lambda v: 1 / (offset + jnp.sqrt(v)), second_moment)
