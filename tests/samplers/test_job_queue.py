"""The queue of endpoints: several stops in one pass, any lanes and chunks, going on."""

import jax
import numpy as np
import pytest

from samplers import Draws, Stop
from samplers.draws import Saved

from .trained import NUM_STEPS, STOPS, all_stops, close, fitted, trained


def test_one_pass_records_every_stop_as_a_run_to_that_stop_would() -> None:
    """The stops at a loss and at a budget are those of the replay in test_endpoints.py."""
    for name in ("later", "first fit"):
        draws, alone = all_stops()[name], trained(STOPS[name])
        assert draws.status == alone.status
        for count in ("steps", "steps_to_fit"):
            np.testing.assert_array_equal(draws.stats[count], alone.stats[count])
        close((draws.observed, draws.params), (alone.observed, alone.params))
        close(draws.stats["loss_curve"], alone.stats["loss_curve"])


@pytest.mark.parametrize(("lanes", "block", "chunk"), [(1, 1, 7), (64, 8, 3)])
def test_lanes_blocks_and_chunks_change_rounding_only(lanes: int, block: int, chunk: int) -> None:
    """Jobs are handed out in another order, to other lanes, beside other networks."""
    draws = trained(Stop("first_fit", max_steps=NUM_STEPS), lanes=lanes, block=block, chunk=chunk)
    np.testing.assert_array_equal(draws.stats["steps_to_fit"], fitted().stats["steps_to_fit"])
    close((draws.observed, draws.params), (fitted().observed, fitted().params))
    assert draws.status == fitted().status


def test_endpoints_that_are_missing_are_trained_to_the_same_bits() -> None:
    saved: list[Saved] = []
    stop = Stop("first_fit", max_steps=NUM_STEPS)
    whole = trained(stop, chunk=4, save=saved.append)
    assert [one.num_done for one in saved] == [4, 8, 10]
    rest = trained(stop, chunk=4, saved=saved[0])
    jax.tree.map(np.testing.assert_array_equal, rest[:3], jax.tree.map(lambda leaf: leaf[4:], whole[:3]))
    more = trained(stop, chunk=4, num_endpoints=13, saved=saved[-1])
    assert len(more.stats["loss"]) == 3
    assert trained(stop, chunk=4, saved=saved[-1]) == Draws({}, {}, None, whole.status)
