r"""The max-margin solver: the one function that separates the training set most widely.

Gradient descent on a logistic loss tends, where it goes on for ever in a linear model, to the
separator of least norm. In the space of functions of a ReLU network of infinite width that is
the support vector machine

.. math::

    f(x) = \sum_i \alpha_i y_i K(x_i, x), \qquad
    \min_{\alpha \ge 0}\ \tfrac12 \alpha^T Q \alpha - \textstyle\sum_i \alpha_i, \quad
    Q_{ij} = y_i y_j K(x_i, x_j),\ y_i = \pm 1,

with the kernel of the prior (weights ``N(0, 1 / fan-in)``, biases ``N(0, 1)``), layer by layer

.. math::

    K_1(x, x') = 1 + \frac{x \cdot x'}{d}, \qquad
    K_{l+1} = 1 + \frac{\sqrt{K_l(x, x) K_l(x', x')}}{2 \pi}
        \left(\sin t + (\pi - t) \cos t\right), \quad
    \cos t = \frac{K_l(x, x')}{\sqrt{K_l(x, x) K_l(x', x')}}.

It fits every label and is no sample of anything: an impostor that a comparison must catch.

Sources: Cho and Saul 2009 (kernel); Cortes and Vapnik 1995 (machine); Soudry et al. 2018 (limit of
gradient descent).
"""

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

type Array = np.ndarray


def max_margin_function(inputs: Array, rows: Array, labels: Array, num_hidden: int) -> Array:
    """The labels that the max-margin solver gives to all ``inputs``, ``(m,)`` integers 0 and 1.

    It is trained on the ``rows`` with their ``labels`` 0 and 1. Raises ``ValueError`` if two training
    inputs are so alike that the kernel cannot tell them apart.

    >>> corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    >>> max_margin_function(corners, np.array([0, 1, 2]), np.array([0, 0, 1]), 1).tolist()
    [0, 0, 1, 1]
    """
    kernel = relu_kernel(inputs, num_hidden)
    signs = 2.0 * np.asarray(labels) - 1
    weights = _support(kernel[np.ix_(rows, rows)] * np.outer(signs, signs))
    return np.asarray((kernel[:, rows] @ (weights * signs) > 0).astype(int))


def relu_kernel(inputs: Array, num_hidden: int) -> Array:
    """Covariance of the outputs of infinitely wide networks of the prior, ``(m, m)``.

    >>> relu_kernel(np.array([[0.0], [1.0]]), 0).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    x = np.asarray(inputs, float)
    kernel = 1 + x @ x.T / x.shape[1]
    for _ in range(num_hidden):
        size = np.sqrt(np.outer(np.diag(kernel), np.diag(kernel)))
        angle = np.arccos(np.clip(kernel / size, -1, 1))
        kernel = 1 + size / (2 * np.pi) * (np.sin(angle) + (np.pi - angle) * np.cos(angle))
    return np.asarray(kernel)


def _support(gram: Array) -> Array:
    """The dual weights: with ``Q = R^T R`` it is the least squares of ``R a = R^-T 1``, ``a >= 0``."""
    try:
        root = cholesky(gram)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"{len(gram)} training inputs are too alike for the kernel to separate: leave out repeated rows"
        ) from None
    weights, _ = nnls(root, solve_triangular(root, np.ones(len(gram)), trans="T"))
    return np.asarray(weights)
