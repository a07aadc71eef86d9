"""Pruning and damage: brute force, planted redundancy, planted tickets, and what is not judged."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from compare import CrossedMean, Verdict, crossed_mean
from models import (
    bayesian_model,
    categorical,
    empty_layers,
    gaussian_prior,
    magnitude_scores,
    mask_of_scores,
    masked_params,
    mlp,
    task_from_arrays,
)
from samplers import optimiser, posterior
from samplers.draws import silent
from thermalize.claims.damage import (
    BITS,
    GRADIENT,
    MAGNITUDE,
    RANDOM,
    STRENGTHS,
    UNITS,
    accuracy_change,
    answers_under,
    arm_of,
    damaged_params,
    no_path,
)
from thermalize.claims.image_arms import System, probabilities_of, system
from thermalize.claims.survival_cases import case_of
from thermalize.claims.survival_rule import (
    cut_controls,
    cut_part,
    enough,
    judge,
    ticket_controls,
    ticket_part,
)
from thermalize.claims.tickets import (
    JUDGED,
    LEFT,
    Tickets,
    lead,
    next_mask,
    padded,
    random_masks,
    tickets,
)

type Array = np.ndarray
KEY = jax.random.key(2)
DESCENT = optimiser(optax.sgd(0.3), batch_size=32, name="descent")


def planted(inputs: Array, labels: Array) -> System:
    """A system of 8 hidden units on these examples, half of them the probe."""
    half = len(inputs) // 2
    task = task_from_arrays(
        "planted",
        jnp.asarray(inputs[:half]),
        jnp.asarray(labels[:half]),
        jnp.asarray(inputs[half:]),
        jnp.asarray(labels[half:]),
        kind="classification",
        description="planted",
        source="generated",
    )
    widths = (inputs.shape[1], 8, 2)
    network = mlp(widths)
    model = bayesian_model(network, gaussian_prior(network), categorical())
    return System("planted", widths, task, network, model, posterior(model, task.train, num_data=half))


def networks(chosen: System, num: int) -> list[dict[str, jax.Array]]:
    return jax.vmap(chosen.network.init)(jax.random.split(KEY, num))


@pytest.fixture(scope="module")
def images() -> System:
    return system("digits", 0, 40)


@pytest.mark.parametrize("kind", [MAGNITUDE, GRADIENT, RANDOM, UNITS, BITS])
def test_answers_by_hand(kind: str, images: System) -> None:
    """Networks one by one, images one by one, against the program for all of them."""
    params, strengths = networks(images, 3), STRENGTHS[kind][:4:3]
    found = answers_under(kind, KEY, images, params, strengths)
    x = np.asarray(images.task.probe.inputs, float)
    for number, key in enumerate(jax.random.split(KEY, 3)):
        one = jax.tree.map(lambda leaf, i=number: leaf[i], params)
        gradient = jax.grad(lambda p: -jnp.mean(images.model.log_likelihood(p, images.task.train)))(one)
        for at, strength in enumerate(strengths):
            changed, mask = damaged_params(kind, key, one, gradient, jnp.asarray(strength))
            (w1, b1), (w2, b2) = (
                (np.asarray(layer["w"], float), np.asarray(layer["b"])) for layer in changed
            )
            assert (found.answers[number, at] == (np.tanh(x @ w1 + b1) @ w2 + b2).argmax(-1)).mean() > 0.97
            assert found.empty[number, at] == bool(empty_layers(mask).any())
            if kind in (MAGNITUDE, GRADIENT) and strength:
                for layer, slope, left in zip(one, gradient, mask, strict=True):
                    w, g = np.asarray(layer["w"]), np.asarray(slope["w"])
                    score, stays = np.abs(w * g) if kind == GRADIENT else np.abs(w), np.asarray(left["w"]) > 0
                    assert score[~stays].max() <= score[stays].min()
            if kind in (MAGNITUDE, GRADIENT, RANDOM):
                assert [(np.asarray(layer["w"]) == 0).sum() for layer in mask] == [
                    round(strength * 1024),
                    round(strength * 160),
                ]


def test_damage_of_nothing_changes_nothing_and_all_of_it_is_counted(images: System) -> None:
    params = networks(images, 3)
    arm = arm_of(KEY, images, params)
    for kind in STRENGTHS:
        if kind != BITS:
            assert (arm.damaged[kind].answers[:, 0] == arm.intact).all()
            assert not arm.damaged[kind].empty.any()
    gone = answers_under(RANDOM, KEY, images, params, (0.99, 1.0))
    assert gone.empty.tolist() == [[False, True]] * 3
    assert gone.cut_off[:, 1].all()
    assert all(len(set(row.tolist())) == 1 for row in gone.answers[:, 1])  # constant networks
    change = accuracy_change(gone, 1, arm.intact, images.labels)
    by_hand = (gone.answers[:, 1] == images.labels).mean() - (arm.intact == images.labels).mean()
    assert change.value == pytest.approx(by_hand)


def test_paths_by_products_of_masks() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        layers = [(rng.random(shape) < 0.15).astype(np.float32) for shape in ((4, 5), (5, 3), (3, 2))]
        found = bool(no_path([{"w": jnp.asarray(layer)} for layer in layers]))
        assert found == (np.linalg.multi_dot(layers).sum() == 0)
        seen.add(found)
    assert seen == {True, False}


def test_planted_redundancy_is_free_and_its_opposite_is_not(images: System) -> None:
    """Untrained networks answer at random: those trained by one solve of the last layer do not."""
    params = networks(images, 24)
    x, y = (np.asarray(leaf) for leaf in images.task.train)

    def fitted(w: Array, b: Array) -> Array:
        hidden = np.tanh(x @ w + b)
        return np.linalg.lstsq(hidden, 4.0 * np.eye(10)[y] - 1, rcond=None)[0].astype(np.float32)

    last = [
        fitted(*pair) for pair in zip(np.asarray(params[0]["w"]), np.asarray(params[0]["b"]), strict=True)
    ]
    params[1] = {"w": jnp.asarray(np.stack(last)), "b": jnp.zeros((24, 10))}
    free, dear = cut_controls(images, params)
    assert (free.passed, dear.passed) == (True, True), (free, dear)
    assert free.detail == "0.0 points [0.0, 0.0]"
    wide = padded(params)
    x0 = jnp.asarray(images.task.probe.inputs[0])
    one = jax.tree.map(lambda leaf: leaf[0], wide)
    np.testing.assert_allclose(
        mlp((64, 32, 10)).apply(one, x0),
        images.network.apply(jax.tree.map(lambda leaf: leaf[0], params), x0),
        rtol=1e-4,
        atol=1e-5,
    )


def test_masks_of_tickets_nest_and_are_as_large_as_random_ones(images: System) -> None:
    params = networks(images, 2)
    mask = jax.tree.map(jnp.ones_like, params)
    for number, share in enumerate(LEFT):
        trained = jax.vmap(images.network.init)(jax.random.split(jax.random.fold_in(KEY, number), 2))
        new = next_mask(trained, mask, share)
        chance = random_masks(KEY, params, share)
        for old, layer, other, weights in zip(mask, new, chance, trained, strict=True):
            assert (np.asarray(layer["w"])[np.asarray(old["w"]) == 0] == 0).all()
            sizes = [np.asarray(m["w"]).sum(axis=(1, 2)).tolist() for m in (layer, other)]
            assert sizes[0] == sizes[1] == [layer["w"][0].size - round((1 - share) * layer["w"][0].size)] * 2
            left = np.abs(np.asarray(weights["w"] * old["w"]))
            assert left[np.asarray(layer["w"]) == 1].min() > 0
        mask = new


def pictures(rng: np.random.Generator, telling: int, num_inputs: int = 40) -> tuple[Array, Array]:
    """Labels that the first ``telling`` inputs decide together; the others are noise."""
    x = rng.normal(size=(400, num_inputs)).astype(np.float32)
    return x, (x[:, :telling].sum(axis=1) > 0).astype(int)


def test_planted_tickets() -> None:
    """Where 3 of 40 inputs decide tickets win; where all inputs are one and the same they do not."""
    rng = np.random.default_rng(0)
    x, y = pictures(rng, 3)
    found = tickets(KEY, planted(x, y), DESCENT, 20, 200, silent)
    at = found.at(JUDGED)
    assert ticket_part(lead(found.ticket[at], found.random[at])) == "holds"
    assert found.num_failed == 0
    assert all(check.passed for check in ticket_controls(found)), ticket_controls(found)
    same = np.repeat(x[:, :1], 40, axis=1)
    found = tickets(KEY, planted(same, (same[:, 0] > 0).astype(int)), DESCENT, 20, 200, silent)
    assert ticket_part(lead(found.ticket[at], found.random[at])) == "fails"


def test_tickets_go_back_to_their_first_values() -> None:
    """An optimiser that stands still leaves the first values, cut by magnitude."""
    chosen = planted(*pictures(np.random.default_rng(1), 3))
    still = optimiser(optax.sgd(0.0), name="still")
    found = tickets(KEY, chosen, still, 3, 1, silent)
    first = jax.vmap(chosen.network.init)(jax.random.split(jax.random.split(KEY, 5)[0], 3))
    for share, right in zip(LEFT, found.ticket, strict=True):
        masks = jax.vmap(lambda one, s=share: mask_of_scores(magnitude_scores(one), 1 - s))(first)
        cut = masked_params(first, masks)
        answers = probabilities_of(chosen.network, cut, chosen.task.probe.inputs).argmax(-1)
        assert (right == (answers == chosen.labels)).all()
    assert (found.random[found.at(JUDGED)] == found.untrained).all()
    assert (found.redrawn[0] != found.ticket[0]).any()


def test_the_rule_on_planted_answers() -> None:
    rng = np.random.default_rng(1)

    def mean(shift: float, size: tuple[int, int] = (400, 1500)) -> CrossedMean:
        return crossed_mean((rng.random(size) < 0.8 + shift).astype(float) - (rng.random(size) < 0.8))

    table = {
        (0.0, 0.05): Verdict.SUPPORTED,
        (-0.05, 0.05): Verdict.PARTLY,
        (0.0, 0.0): Verdict.PARTLY,
        (-0.05, -0.05): Verdict.REFUTED,
        (-0.01, 0.05): Verdict.INCONCLUSIVE,
    }
    assert {shifts: judge(*map(mean, shifts))[0] for shifts in table} == table
    few = mean(0.0, (20, 50)), mean(0.005, (20, 50))
    assert (cut_part(few[0]), ticket_part(few[1]), judge(*few)[0]) == ("open", "open", Verdict.INCONCLUSIVE)


def test_few_or_failed_networks_are_said_and_not_judged(images: System) -> None:
    right = np.ones((10, 5), bool)
    rows = [right] * len(LEFT)
    found = Tickets(right, rows, rows, rows, right, right, 30, 0, 20)
    checks = enough(7, found)
    case = case_of("digits", {}, images, None, found, {}, {}, checks)
    assert (case.verdict, case.numbers) == (Verdict.INCONCLUSIVE, [])
    for words in ("7, needed 20", "10, needed 20", "20 of 30, allowed 5 %"):
        assert words in case.reason
    assert ticket_controls(found) == []
