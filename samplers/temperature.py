r"""The configurational temperature: is the law sampled as hot as it should be?

.. math:: T_\mathrm{conf}(\theta) = -\frac1d\,\theta\cdot\nabla\log\tilde p(\theta),
    \qquad \mathrm E\,T_\mathrm{conf} = 1

under the posterior itself, by integration by parts, whatever its shape. Draws from the
posterior tempered as a whole, :math:`\tilde p^{1/T}`, have the mean ``T``: the mean over a
chain says how much too hot a biased sampler runs. On a quadratic with Hessian ``H`` a chain
of stationary covariance ``S`` shows ``tr(H S) / d``.

Source: Wenzel et al. 2020, appendix on simulation diagnostics; Leimkuhler and Matthews
2015, chapter 6.
"""

import jax
import optax

from .target import Params, Target, logdensity

type Array = jax.Array


def configurational_temperature(target: Target, params: Params) -> Array:
    """``-theta . grad log p / d`` on all data, ``()``, no unit.

    >>> import jax.numpy as jnp
    >>> from models import Batch, bayesian_model, gaussian, gaussian_prior, mlp
    >>> from samplers import posterior
    >>> network = mlp([1, 1])
    >>> model = bayesian_model(network, gaussian_prior(network), gaussian())
    >>> prior = posterior(model, Batch(jnp.ones((1, 1)), jnp.ones(1)), num_data=1, beta=0.0)
    >>> two = [{"w": jnp.full((1, 1), 2.0), "b": jnp.zeros(1)}]  # unit Gaussian: 2 * 2 / 2
    >>> float(configurational_temperature(prior, two))
    2.0
    """
    return virial(params, jax.grad(logdensity, argnums=1)(target, params))


def virial(params: Params, gradient: Params) -> Array:
    """``-params . gradient / d``, with a gradient of the logdensity already at hand.

    An unbiased estimate of the gradient gives an unbiased estimate of the temperature,
    provided that its minibatch was drawn independently of ``params``.

    >>> import jax.numpy as jnp
    >>> float(virial({"w": jnp.array([3.0, -1.0])}, {"w": jnp.array([-0.3, 0.1])}))  # U = 0.05 |theta|^2
    0.5
    """
    return -optax.tree.vdot(params, gradient) / optax.tree.size(params)
