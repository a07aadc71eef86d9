"""Paper presets of the claims on subnetworks: all cases can be built, and nothing is smaller than in full."""

from typing import Any

import jax
import pytest

from samplers import train_from
from thermalize.claims import nearby_worlds, prunes_and_survives, subnetworks_selected
from thermalize.claims.image_arms import OPTIMISERS, TASKS, System, system
from thermalize.claims.selection_rule import FEWEST as FEWEST_NETWORKS
from thermalize.claims.subnetworks import subnetworks
from thermalize.claims.survival_rule import FEWEST as FEWEST_TICKETS
from thermalize.claims.worlds import GRADES, worlds

MODULES = (nearby_worlds, prunes_and_survives, subnetworks_selected)


@pytest.mark.parametrize("module", MODULES)
def test_paper_is_full_and_more(module: Any) -> None:
    full, paper = (module.SIZES[preset] for preset in ("full", "paper"))
    for name, less, more in zip(full._fields, full, paper, strict=True):
        assert _covers(less, more), name
    assert paper != full
    assert set(paper.tasks) <= set(TASKS)
    assert set(paper.optimisers) <= set(OPTIMISERS)


def _covers(less: Any, more: Any) -> bool:
    """At least as large, at least as many; of names all that there were."""
    if isinstance(less, tuple) and hasattr(less, "_fields"):
        return all(_covers(*pair) for pair in zip(less, more, strict=True))
    return set(less) <= set(more) if isinstance(less, tuple) else bool(less <= more)


@pytest.fixture(scope="module")
def built() -> list[System]:
    """The systems of both tasks, with the probe that paper asks for."""
    return [system(name, 0, prunes_and_survives.SIZES["paper"].num_probe) for name in TASKS]


def test_networks_are_enough_for_the_rules() -> None:
    tickets, bags = prunes_and_survives.SIZES["paper"], subnetworks_selected.SIZES["paper"]
    assert min(tickets.num_endpoints, tickets.num_tickets) >= FEWEST_TICKETS
    assert nearby_worlds.SIZES["paper"].num_endpoints >= nearby_worlds.FEWEST
    assert bags.num_networks >= FEWEST_NETWORKS
    assert bags.steps[0] == 0


@pytest.mark.certify
def test_every_world_of_the_paper_preset_exists(built: list[System]) -> None:
    grades = nearby_worlds.SIZES["paper"].grades
    near = worlds(jax.random.key(0), built[0].task, tuple(GRADES), grades)
    assert len({world.name for world in near}) == 1 + len(GRADES) * len(grades)
    assert {world.inputs.shape for world in near} == {built[0].task.probe.inputs.shape}


@pytest.mark.certify
def test_every_kind_of_subnetwork_of_the_paper_preset_is_measured() -> None:
    """One network of one step and two masks, at the preset's width and kinds of subnetwork."""
    sizes = subnetworks_selected.SIZES["paper"]
    chosen = system(sizes.tasks[0], 0, subnetworks_selected.NUM_PROBE, subnetworks_selected.HIDDEN)
    starts = jax.vmap(chosen.network.init)(jax.random.split(jax.random.key(0), 1))
    path = train_from(jax.random.key(1), OPTIMISERS[sizes.optimisers[0]], chosen.target, starts, [0, 1])
    one = jax.tree.map(lambda leaf: leaf[0], path.params)
    for of, kept in sizes.bags:
        found = subnetworks(jax.random.key(2), chosen.target, one, 2, kept, of)
        assert found.quality.shape == (2, 2)
