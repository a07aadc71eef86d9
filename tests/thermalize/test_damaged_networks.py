"""Damage compiles once for all kinds and arms, and published tickets stand beside ours."""

import jax
import numpy as np
import pytest

from thermalize.claims.damage import MAGNITUDE, STRENGTHS, answers_under
from thermalize.claims.image_arms import System, system
from thermalize.claims.survival_cases import published_of
from thermalize.claims.survival_pictures import Pictured
from thermalize.claims.tickets import LEFT, Tickets

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def images() -> System:
    return system("digits", 0, 40)


def networks(chosen: System, num: int) -> list[dict[str, jax.Array]]:
    return jax.vmap(chosen.network.init)(jax.random.split(KEY, num))


def test_published_tickets_stand_beside_ours() -> None:
    """Right, of 10 networks on 4 images: whole 3 of 4, tickets 4, random ones 2, redrawn ones 1."""
    whole, ticket, random, redrawn = (np.tile(np.arange(4) < k, (10, 1)) for k in (3, 4, 2, 1))
    size = len(LEFT)
    found = Tickets(whole, [ticket] * size, [random] * size, [redrawn] * size, random, random, 10, 0, 0)
    rows = published_of([Pictured("digits", {}, {"sgd": found}, np.zeros(4))])
    assert [row.ours.split(", ")[1].split(" left ")[1] for row in rows] == ["+25.0", "+50.0", "+75.0"]
    assert {row.source for row in rows} == {"Frankle and Carbin 2019"}
    assert published_of([])[1].ours == "not measured in this preset"


def test_damage_of_every_kind_and_arm_is_one_program(images: System) -> None:
    compiled: list[str] = []

    def listen(event: str, duration_secs: float, **more: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(str(more.get("fun_name")))

    answers_under(MAGNITUDE, KEY, images, networks(images, 2), (0.5,))
    jax.monitoring.register_event_duration_secs_listener(listen)
    for num in (1, 3, 65):
        params = networks(images, num)
        found = [answers_under(kind, KEY, images, params, STRENGTHS[kind]) for kind in STRENGTHS]
        assert [one.answers.shape[:2] for one in found] == [(num, len(row)) for row in STRENGTHS.values()]
    assert not [name for name in compiled if "_answers" in name]
