"""Which optimisers' arms train their first layer in the span of the data, and that a run's identity knows."""

from typing import Any

import pytest

from thermalize.config import Layer, make_config
from thermalize.parts import build_parts
from thermalize.prepare import first_layer, make_run, training_of
from thermalize.provenance import first_difference, identity

FEW = {"name": "digits", "num_train": 40, "num_probe": 10}


def chosen(kind: str, task: dict[str, Any] = FEW, in_span: bool = True, **options: Any) -> tuple[bool, str]:
    """Whether the arm is trained in the span of the data, and the reason."""
    values = {"task": task, "batch": {"in_span": in_span}, "arms": {kind: options}}
    config = make_config(Layer(values), select=[kind])
    parts = build_parts(config)
    run = make_run(parts.task, parts.model, seed=0, beta=1.0, blocks=parts.blocks)
    (arm,) = [arm for arm in parts.arms if arm.name == kind]
    assert arm.stop is not None
    coordinates = training_of(arm, [arm.stop], run).program.coordinates
    assert coordinates in (None, parts.model.span)
    return coordinates is not None, first_layer(arm, run)[1]


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "nesterov": True}])
def test_sgd_on_fewer_examples_than_inputs_uses_it(options: dict[str, Any]) -> None:
    assert chosen("sgd", **options) == (True, "span of 40 training examples, fewer than 64 inputs")


def test_whatever_leaves_the_span_or_gains_nothing_does_not_and_says_why() -> None:
    not_sums = (False, "weights: updates are not sums of gradients of the loss")
    assert chosen("adam") == not_sums
    assert chosen("sgd", prior_weight=1.0) == not_sums
    many = {"name": "digits", "num_train": 64, "num_probe": 10}
    assert chosen("sgd", many) == (False, "weights: 64 training examples are not fewer than 64 inputs")
    assert chosen("sgd", in_span=False) == (False, "weights: in_span is false")


def test_a_run_does_not_go_on_in_the_other_coordinates() -> None:
    def of(in_span: bool) -> dict[str, Any]:
        config = make_config(Layer({"batch": {"in_span": in_span}}))
        return identity(seed=0, arrays=[], devices=DEVICES, batch=build_parts(config).blocks._asdict())

    difference = first_difference(of(True), of(False))
    assert difference is not None
    assert difference[1] == "batch was in_span True, is now in_span False"


class Device:
    device_kind = "cpu"


DEVICES = [Device()]
