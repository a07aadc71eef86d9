r"""Rejection from the prior: the one sampler that is exact for any network.

.. math::

    \text{zero-one:}\quad & \theta \sim \pi,\ \text{kept if no training label is wrong}
        && p(\theta) \propto \pi(\theta)\,[\text{errors}(\theta) = 0] \\
    \text{Gibbs:}\quad & \theta \sim \pi,\ \text{kept with probability } e^{-\beta N (L(\theta) - L_{\min})}
        && p(\theta) \propto \pi(\theta)\, e^{-\beta N L(\theta)}

``L_min`` is any lower bound of the loss. A likelihood of classes never exceeds one, so
``L_min = 0`` serves; a density of responses needs a bound of its own, ``log s + log(2 pi) / 2``
for Gaussian noise ``s``. The share of proposals kept is the evidence (for Gibbs times
``exp(-beta N L_min)``), with an exact binomial interval.

Proposals are numbered, one stream for each core. The result depends neither on chunks nor
on blocks or devices, but for proposals within rounding of acceptance. Only numbers of kept
proposals stay in memory; their parameters are made again when they are recorded.

Law: the posterior named, exactly; draws are independent.

Sources: von Neumann 1951; Valle-Perez, Camargo and Louis 2019 (random sampling of functions);
Mingard et al. 2021, section 2 (zero-one likelihood).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .acceptance import INSTEAD, PILOT, Law, Rejection, check_outlook, rejection_record
from .draws import Draws, Inputs, Observe, Progress, Sink, joined, silent
from .lanes import lane_mesh, map_lanes
from .normals import numbered_log_uniforms
from .numbered import Numbers, check_block, draw_block, fitting_block, numbers_of
from .options import check_count, check_key, check_share
from .replay import replay
from .target import Key, Target, loss, training_errors

type Array = jax.Array

RECORDED_TOGETHER = 1024


def reject(
    key: Key,
    target: Target,
    observe: Observe,
    inputs: Inputs,
    *,
    law: Law = "zero_one",
    num_accepted: int | None = None,
    num_proposals: int | None = None,
    max_proposals: int = 10**8,
    smallest_acceptance: float = 1e-9,
    lowest_loss: float = 0.0,
    num_chains: int = 1,
    level: float = 0.95,
    block: int | None = None,
    chunk: int = 1 << 16,
    keep_params: bool = False,
    sink: Sink | None = None,
    progress: Progress = silent,
) -> tuple[Draws, Rejection]:
    """Draw from the prior and keep what fits, until ``num_accepted`` or for ``num_proposals``.

    Give exactly one of the two. No more than ``max_proposals`` are ever made: if they do
    not yield ``num_accepted``, the status says so and the draws kept are returned. Draws
    are dealt to ``num_chains`` equal chains in turn, a remainder is left out; the record
    counts all. ``observe(params, inputs)`` says what to record; ``lp``, ``loss``,
    ``train_error`` and the number of the ``proposal`` always are. ``lowest_loss`` is
    ``L_min`` of the Gibbs law, nats per datum.

    Raises ``ValueError`` if, from ``PILOT`` proposals without acceptance, less than
    ``smallest_acceptance`` is expected (0 never gives up before the budget), if a loss
    is below ``lowest_loss``, for the zero-one law of a regression, and for options that
    make no sense.

    >>> from models import bayesian_model, bernoulli, boolean_task, gaussian_prior, majority, mlp
    >>> from samplers import posterior
    >>> network = mlp([3, 8, 1], "relu")
    >>> model = bayesian_model(network, gaussian_prior(network), bernoulli())
    >>> task = boolean_task(0, majority(3), num_train=4)
    >>> draws, record = reject(jax.random.key(0), posterior(model, task.train, num_data=4),
    ...                        lambda params, x: {"logits": jax.vmap(model.apply, (None, 0))(params, x)},
    ...                        task.probe.inputs, num_accepted=20, num_chains=2)
    >>> draws.observed["logits"].shape, float(draws.stats["train_error"].max()), record.accepted
    ((2, 10, 4, 1), 0.0, 20)
    """
    check_key(key)
    size = fitting_block(target, jax.tree.leaves(target.data)[0].shape[0]) if block is None else block
    limit = _limit(num_accepted, num_proposals, max_proposals, num_chains)
    check_count(num_chains=num_chains, block=size, chunk=chunk)
    check_share(level=level)
    check_block(size)
    _check_law(law, target)
    mesh = lane_mesh(-(-limit // size))
    lane = size * mesh.size
    num_chunks = -(-limit // max(chunk, lane))
    blocks = mesh.size * -(-limit // (num_chunks * lane))
    key_prior, key_accept = jax.random.split(key)
    group = -(-min(num_accepted or limit, RECORDED_TOGETHER) // num_chains) * num_chains
    record = partial(
        replay,
        key_prior,
        target,
        observe,
        inputs,
        num_chains=num_chains,
        group=group,
        keep_params=keep_params,
    )

    pieces: list[Draws] = []
    pilot: np.ndarray | None = np.zeros(0)
    pending = np.zeros(0, np.int64)
    accepted = proposed = num_dealt = 0
    progress(0, num_accepted or limit)
    while proposed < limit and (num_accepted is None or accepted < num_accepted):
        starts = numbers_of(proposed + size * np.arange(blocks, dtype=np.uint64))
        kept, energy = _propose(law, target, key_prior, key_accept, lowest_loss, starts, mesh, size)
        energy = np.asarray(energy).reshape(-1)[: limit - proposed]
        _check_lowest(energy, lowest_loss)
        hits = np.flatnonzero(np.asarray(kept).reshape(-1)[: len(energy)])
        if num_accepted is not None and accepted + len(hits) >= num_accepted:
            hits = hits[: num_accepted - accepted]
            energy = energy[: hits[-1] + 1]  # what was proposed after the last one needed is not looked at
        pending = np.concatenate([pending, proposed + hits])
        accepted, proposed = accepted + len(hits), proposed + len(energy)
        if accepted == 0 and pilot is not None:
            pilot = np.concatenate([pilot, energy])
            if len(pilot) >= PILOT:
                check_outlook(law, pilot, smallest_acceptance)
                pilot = None  # judged once
        ended = proposed == limit or accepted == num_accepted
        count = len(pending) // num_chains * num_chains if ended else len(pending) // group * group
        if count or (ended and num_dealt == 0 and sink is None):
            piece = record(pending[:count])
            if sink is None:
                pieces.append(piece)
            else:
                sink(piece, num_dealt // num_chains)
            num_dealt, pending = num_dealt + count, pending[count:]
        progress(proposed if num_accepted is None else accepted, num_accepted or limit)

    constant = 0.0 if law == "zero_one" else -float(target.beta * target.num_data) * lowest_loss
    result = rejection_record(law, accepted, proposed, constant, level)
    status = [_status(result, num_accepted)] * num_chains
    draws = Draws({}, {}, None, status) if sink is not None else joined(pieces, axis=1)
    return draws._replace(status=status), result


@partial(jax.jit, static_argnames=("law", "mesh", "block"))
def _propose(
    law: Law,
    target: Target,
    key_prior: Key,
    key_accept: Key,
    lowest_loss: Array | float,
    starts: Numbers,
    mesh: Mesh,
    block: int,
) -> tuple[Array, Array]:
    """Whether each proposal is kept, and its energy, ``(num_blocks, block)`` each."""

    def one(shared: Any, first: Numbers) -> tuple[Array, Array]:
        target, key_prior, key_accept, lowest_loss = shared
        params = draw_block(target.sample_prior, target.prior_scale, key_prior, first, block)
        if law == "zero_one":
            errors = jax.vmap(partial(training_errors, target), in_axes=-1)(params)
            return errors == 0, errors.astype(float)
        above = jax.vmap(partial(loss, target), in_axes=-1)(params) - lowest_loss
        energy = target.beta * target.num_data * above
        numbers = first.within + jnp.arange(block, dtype=jnp.uint32)
        log_uniform = numbered_log_uniforms(jax.random.fold_in(key_accept, first.epoch), numbers)
        return log_uniform <= -energy, energy

    shared = (target, key_prior, key_accept, lowest_loss)
    return map_lanes(one, shared, starts, mesh=mesh, block=1)


def _limit(num_accepted: int | None, num_proposals: int | None, max_proposals: int, num_chains: int) -> int:
    """The most proposals that may be made."""
    if (num_accepted is None) == (num_proposals is None):
        raise ValueError(
            f"give exactly one of num_accepted and num_proposals, got {num_accepted} and {num_proposals}: "
            "the first stops when enough is kept, the second proposes a fixed number"
        )
    if num_proposals is not None:
        check_count(num_proposals=num_proposals, max_proposals=max_proposals)
        if num_proposals > max_proposals:
            raise ValueError(
                f"num_proposals must be at most max_proposals = {max_proposals}, got {num_proposals}: "
                "raise max_proposals if you have the time"
            )
        return num_proposals
    assert num_accepted is not None
    check_count(num_accepted=num_accepted, max_proposals=max_proposals, num_chains=num_chains)
    if num_accepted % num_chains:
        raise ValueError(
            f"num_accepted must be a multiple of num_chains = {num_chains}, got {num_accepted}: "
            "draws are dealt to equal chains"
        )
    return max_proposals


def _check_law(law: Law, target: Target) -> None:
    if law not in INSTEAD:
        raise ValueError(f"law must be 'zero_one' or 'gibbs', got {law!r}")
    if law == "zero_one" and target.errors is None:
        raise ValueError(
            "the zero-one law needs labels: this likelihood is a regression; use law='gibbs' with lowest_loss"
        )


def _check_lowest(energy: np.ndarray, lowest_loss: float) -> None:
    lowest = float(np.nanmin(energy, initial=0.0))
    if lowest < -1e-3:
        raise ValueError(
            f"a proposal's loss lies {-lowest:.3g} nats in all below lowest_loss = {lowest_loss}: that is no "
            "lower bound, and a draw would be kept with probability above one; for a Gaussian likelihood of "
            "noise scale s give lowest_loss = log(s) + log(2 pi) / 2"
        )


def _status(record: Rejection, num_accepted: int | None) -> str:
    if num_accepted is not None and record.accepted < num_accepted:
        return (
            f"budget of {record.proposed} proposals spent: {record.accepted} of {num_accepted} draws accepted"
        )
    return record.reason
