r"""Learning coefficients that are known exactly: what an estimator must reproduce.

Reduced-rank regression is the linear network ``y = B A x`` of ``M`` inputs, ``H`` hidden units
and ``N`` outputs whose truth has rank ``r``. With whitened inputs its excess loss is
``|B A - B0 A0|^2 / 2``.

Normal crossings ``L = w_1^{2 k_1} w_2^{2 k_2} ...`` are what every analytic loss looks like in
the right coordinates: ``lambda`` is the smallest ``1 / (2 k_i)``, the multiplicity how often it occurs.

Sources: Aoyagi and Watanabe 2005, main theorem; Watanabe 2009, chapter 6.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Coefficient(NamedTuple):
    """The learning coefficient ``lambda`` and its multiplicity ``m``."""

    coefficient: float
    multiplicity: int


def reduced_rank_coefficient(inputs: int, outputs: int, hidden: int, rank: int) -> Coefficient:
    """The learning coefficient of reduced-rank regression.

    Raises ``ValueError`` for widths below one and a rank that the network cannot have.

    >>> reduced_rank_coefficient(1, 1, 1, 0)  # the normal crossing w1^2 w2^2
    Coefficient(coefficient=0.5, multiplicity=2)
    >>> reduced_rank_coefficient(3, 2, 2, 2)  # full rank: regular, 3 * 2 / 2
    Coefficient(coefficient=3.0, multiplicity=1)
    >>> [reduced_rank_coefficient(*shape).coefficient for shape in [(5, 1, 1, 0), (1, 5, 1, 0), (2, 2, 6, 1)]]
    [0.5, 0.5, 2.0]
    """
    if min(inputs, outputs, hidden) < 1 or not 0 <= rank <= min(inputs, outputs, hidden):
        raise ValueError(
            f"widths must be at least 1 and the rank from 0 to the smallest of them, got inputs = {inputs}, "
            f"outputs = {outputs}, hidden = {hidden}, rank = {rank}"
        )
    m, n, h, r = inputs, outputs, hidden, rank
    if m + h < n + r:
        return Coefficient((h * m - h * r + n * r) / 2, 1)
    if n + h < m + r:
        return Coefficient((h * n - h * r + m * r) / 2, 1)
    if m + n < h + r:
        return Coefficient(m * n / 2, 1)
    odd = (m + h + n + r) % 2
    eightfold = 2 * (h + r) * (m + n) + 2 * m * n - (h + r) ** 2 - m**2 - n**2 + odd
    return Coefficient(eightfold / 8, 1 + odd)


def normal_crossing_coefficient(exponents: Sequence[int]) -> Coefficient:
    """The learning coefficient of ``prod_i w_i^{2 k_i}`` for exponents ``k_i``.

    Raises ``ValueError`` for exponents below one, or none.

    >>> normal_crossing_coefficient([1, 2, 2])
    Coefficient(coefficient=0.25, multiplicity=2)
    """
    if not exponents or min(exponents) < 1:
        raise ValueError(f"exponents must be whole numbers of at least 1, got {list(exponents)}")
    return Coefficient(1 / (2 * max(exponents)), list(exponents).count(max(exponents)))
