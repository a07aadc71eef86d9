r"""Functions of random networks by the million: labels on given inputs, packed into bits.

.. math:: \theta_i \sim \pi, \qquad f_i = \bigl(\text{label of } x_1, \dots, \text{label of } x_m\bigr)

Of the law of ``f`` under the prior, the probability of a function, everything about a
Boolean system follows; conditioned on the labels of a training set it is the zero-one
posterior over functions. Draws are numbered, so the result does not depend on chunks,
blocks or devices, but for outputs within rounding of zero.

Law: functions under the prior, exactly, independent.

Source: Valle-Perez, Camargo and Louis 2019, section 2; Mingard et al. 2021, section 2.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .draws import Inputs, Progress, silent
from .lanes import lane_mesh, map_lanes
from .numbered import HasPrior, Numbers, check_block, draw_block, fitting_block, numbers_of
from .options import check_count, check_key
from .target import Key, Params

type Array = jax.Array
type Labels = Callable[[Params, Inputs], Array]  # -> (m,) booleans, or integers that are 1 where not zero
type FunctionSink = Callable[[np.ndarray, int], None]  # packed functions and the number of the first


def prior_functions(
    key: Key,
    prior: HasPrior,
    labels: Labels,
    inputs: Inputs,
    num: int,
    *,
    first: int = 0,
    block: int | None = None,
    chunk: int = 1 << 17,
    sink: FunctionSink | None = None,
    progress: Progress = silent,
) -> np.ndarray:
    """The functions of ``num`` prior draws, ``(num, num_bytes)`` bytes as by ``numpy.packbits``.

    ``labels(params, inputs)`` gives the labels of one network; make it once, for another
    function compiles again. Draws are numbered from ``first``. On every device ``block``
    networks (a power of two) run side by side, as many as fit the cache unless given.
    With a ``sink`` every chunk of about ``chunk`` draws is handed over and forgotten, and
    nothing is returned. Raises ``ValueError`` for counts below one, a block that is no
    power of two, or a ``first`` that no block begins with.

    >>> from models import bayesian_model, bernoulli, boolean_inputs, boolean_labels, gaussian_prior, mlp
    >>> network = mlp([3, 8, 1], "relu")
    >>> model = bayesian_model(network, gaussian_prior(network), bernoulli())
    >>> inputs = jnp.asarray(boolean_inputs(3))
    >>> packed = prior_functions(jax.random.key(0), model, boolean_labels(network), inputs, 1000)
    >>> packed.shape, packed.dtype
    ((1000, 1), dtype('uint8'))
    """
    check_key(key)
    num_inputs = jax.eval_shape(partial(_packed_one, prior.sample_prior, labels), key, inputs).shape[0] * 8
    size = fitting_block(prior, num_inputs) if block is None else block
    check_count(num=num, block=size, chunk=chunk)
    check_block(size, first)
    mesh = lane_mesh(-(-num // size))
    lane = size * mesh.size
    num_chunks = -(-num // max(chunk, lane))
    blocks = mesh.size * -(-num // (num_chunks * lane))  # equal chunks, so that one compilation serves all
    parts: list[np.ndarray] = []
    progress(0, num)
    for start in range(first, first + num, blocks * size):
        count = min(blocks * size, first + num - start)
        starts = numbers_of(start + size * np.arange(blocks, dtype=np.uint64))
        packed = _functions(prior.sample_prior, labels, prior.prior_scale, inputs, key, starts, mesh, size)
        part = np.asarray(packed).reshape(blocks * size, -1)[:count]
        if sink is None:
            parts.append(part)
        else:
            sink(part, start)
        progress(start - first + count, num)
    return np.concatenate(parts) if sink is None else np.zeros((0, num_inputs // 8), np.uint8)


def _packed_one(sample_prior: Callable[[Key], Params], labels: Labels, key: Key, inputs: Inputs) -> Array:
    return jnp.packbits(labels(sample_prior(key), inputs) != 0)


@partial(jax.jit, static_argnames=("sample_prior", "labels", "mesh", "block"))
def _functions(
    sample_prior: Callable[[Key], Params],
    labels: Labels,
    prior_scale: Params | None,
    inputs: Inputs,
    key: Key,
    starts: Numbers,
    mesh: Mesh,
    block: int,
) -> Array:
    """Packed functions of the blocks that begin at ``starts``, ``(num_blocks, block, num_bytes)``."""

    def one(shared: Any, first: Numbers) -> Array:
        prior_scale, inputs, key = shared
        params = draw_block(sample_prior, prior_scale, key, first, block)
        return jax.vmap(lambda p: jnp.packbits(labels(p, inputs) != 0), in_axes=-1)(params)

    # A lane is a whole block: networks are vmapped in it, so that their normals are made together.
    return map_lanes(one, (prior_scale, inputs, key), starts, mesh=mesh, block=1)
