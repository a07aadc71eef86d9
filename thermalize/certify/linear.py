r"""Stationary laws of linear schemes, from maps written like the kernels themselves.

A scheme on a quadratic maps its state ``z`` (positions about their mean, then momenta) to
``A z + noise``. Substeps compose,

.. math:: A = A_2 A_1, \qquad Q(S) = A_2 Q_1(S) A_2' + Q_2(A_1 S A_1' + Q_1(S))

with ``Q(S)`` the covariance of the noise added to a state of mean zero and covariance
``S``: it depends on ``S`` where a minibatch gradient's noise grows with the distance from
the mode. The stationary covariance solves ``S = A S A' + Q(S)``, a linear equation in the
entries of ``S`` (the discrete Lyapunov equation where ``Q`` is constant); between draws
that are ``k`` steps apart the covariance is ``A^k S``. None of this is an expansion in the
step size.

The substeps are derived from the updates, ``g = H theta + n`` being the gradient of ``U`` with
its noise ``n`` of covariance ``C``:

- SGLD, ``theta - e G g + sqrt(2 e G) xi``: ``A = I - e G H``, ``Q = 2 e G + e^2 G C G``;
- SGD on ``U / (beta N)``: ``A = I - e H / (beta N)``, ``Q = e^2 C / (beta N)^2``;
- kick, ``p - a g``: ``A = (I 0; -a H I)``, ``Q = (0 0; 0 a^2 C)``;
- drift, ``theta + a p``: ``A = (I aI; 0 I)``; friction, ``c p + sqrt(1 - c^2) xi``:
  ``A = (I 0; 0 cI)``, ``Q = (0 0; 0 (1 - c^2) I)``; a redraw is friction with ``c = 0``.

Sources: the equation is standard (Mandt, Hoffman and Blei 2017, equation 13, to first
order in the step); the derivations are on this page.
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np

from .check import Law, Matrix
from .quadratic import Quadratic

FORGOTTEN = 1e-7


class Map(NamedTuple):
    """``z -> matrix z + noise``; ``noise`` maps the covariance of ``z`` to that of the noise."""

    matrix: Matrix
    noise: Callable[[Matrix], Matrix]


def compose(*maps: Map) -> Map:
    """The first map, then the second, and so on.

    >>> halve = Map(np.eye(1) / 2, lambda S: np.eye(1))
    >>> compose(halve, halve).noise(np.zeros((1, 1))).item()
    1.25
    """

    def two(first: Map, second: Map) -> Map:
        def noise(covariance: Matrix) -> Matrix:
            between = first.noise(covariance)
            middle = first.matrix @ covariance @ first.matrix.T + between
            return second.matrix @ between @ second.matrix.T + second.noise(middle)

        return Map(second.matrix @ first.matrix, noise)

    return reduce(two, maps)


def overdamped(
    problem: Quadratic,
    step_size: float,
    batch_size: int | None,
    *,
    at_anchor: bool = False,
    preconditioner: Matrix | None = None,
    temperature: float = 1.0,
) -> Map:
    """One step of SGLD; ``temperature=0`` leaves the Langevin noise out."""
    scale = np.eye(len(problem.mean)) if preconditioner is None else preconditioner

    def noise(covariance: Matrix) -> Matrix:
        spread = problem.noise(covariance, batch_size, at_anchor)
        return 2 * step_size * temperature * scale + step_size**2 * scale @ spread @ scale

    return Map(np.eye(len(scale)) - step_size * scale @ problem.hessian, noise)


def descent(problem: Quadratic, learning_rate: float, batch_size: int | None) -> Map:
    """One step of SGD on ``L - log pi / (beta N)``."""
    units = float(problem.target.beta * problem.target.num_data)
    return overdamped(problem, learning_rate / units, batch_size, temperature=0.0)


def kick(problem: Quadratic, time: float, batch_size: int | None, at_anchor: bool = False) -> Map:
    d = len(problem.mean)
    matrix = np.block([[np.eye(d), np.zeros((d, d))], [-time * problem.hessian, np.eye(d)]])

    def noise(covariance: Matrix) -> Matrix:
        spread = problem.noise(covariance[:d, :d], batch_size, at_anchor)
        return _on_momentum(time**2 * spread)

    return Map(matrix, noise)


def drift(num_dims: int, time: float) -> Map:
    d = num_dims
    matrix = np.block([[np.eye(d), time * np.eye(d)], [np.zeros((d, d)), np.eye(d)]])
    return Map(matrix, lambda covariance: np.zeros((2 * d, 2 * d)))


def friction(num_dims: int, keep: float, added: float | None = None) -> Map:
    """Momentum multiplied by ``keep`` plus noise of variance ``added``, up to unit variance unless given."""
    matrix = np.diag([1.0] * num_dims + [keep] * num_dims)
    top_up = _on_momentum((1 - keep**2 if added is None else added) * np.eye(num_dims))
    return Map(matrix, lambda covariance: top_up)


def baoab(
    problem: Quadratic,
    step_size: float,
    rate: float,
    batch_size: int | None,
    *,
    at_anchor: bool = False,
    first_kick: float = 1.0,
) -> Map:
    """Kick, half a drift, friction, half a drift."""
    d = len(problem.mean)
    return compose(
        kick(problem, first_kick * step_size, batch_size, at_anchor),
        drift(d, step_size / 2),
        friction(d, float(np.exp(-rate * step_size))),
        drift(d, step_size / 2),
    )


def trajectory(
    problem: Quadratic, step_size: float, rate: float, num_integration_steps: int, batch_size: int | None
) -> Map:
    """SGHMC: a fresh momentum, half a kick at the start, then whole ones."""
    first = baoab(problem, step_size, rate, batch_size, first_kick=0.5)
    others = [baoab(problem, step_size, rate, batch_size)] * (num_integration_steps - 1)
    return compose(friction(len(problem.mean), 0.0), first, *others)


def stationary_covariance(step: Map) -> Matrix:
    """The solution of ``S = A S A' + Q(S)``, ``(m, m)``. Raises ``ValueError`` if there is none."""
    size = len(step.matrix)
    constant = step.noise(np.zeros((size, size)))
    operator = _covariance_operator(step, constant)
    if np.abs(np.linalg.eigvals(operator)).max() >= 1:
        raise ValueError("the scheme is not stable at this step size: it has no stationary law")
    entries = np.linalg.solve(np.eye(size**2) - operator, constant.ravel())
    return entries.reshape(size, size)


def stationary_law(step: Map, problem: Quadratic, num_steps_per_draw: int = 1) -> Law:
    """The law of the positions recorded every ``num_steps_per_draw`` steps."""
    d = len(problem.mean)
    covariance = stationary_covariance(step)
    lagged = np.linalg.matrix_power(step.matrix, num_steps_per_draw) @ covariance
    return Law(problem.mean, covariance[:d, :d], lagged[:d, :d])


def num_steps_to_forget(step: Map) -> int:
    """Steps after which less than 1e-7 of where a chain started is left, in mean and covariance."""
    size = len(step.matrix)
    operator = _covariance_operator(step, step.noise(np.zeros((size, size))))
    rate = max(
        float(np.abs(np.linalg.eigvals(operator)).max()),
        float(np.abs(np.linalg.eigvals(step.matrix)).max()),
    )
    return int(np.ceil(np.log(FORGOTTEN) / np.log(rate)))


def _covariance_operator(step: Map, constant: Matrix) -> Matrix:
    """The matrix of ``S -> A S A' + Q(S) - Q(0)`` on the entries of ``S``."""
    size = len(step.matrix)
    columns = [
        step.matrix @ entry @ step.matrix.T + step.noise(entry) - constant
        for entry in np.eye(size**2).reshape(-1, size, size)
    ]
    return np.stack([column.ravel() for column in columns], axis=1)


def _on_momentum(block: Matrix) -> Matrix:
    d = len(block)
    return np.block([[np.zeros((d, d)), np.zeros((d, d))], [np.zeros((d, d)), block]])
