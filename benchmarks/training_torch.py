"""Workload 1 in PyTorch: one network after another, and ``torch.func.vmap`` in lockstep.

Imports PyTorch, numpy and the standard library only, so that an interpreter without jax
can run it: ``python -m benchmarks.training_torch loop 0 '{...}'``. The same networks,
first weights, batches and training points as in :mod:`.training`; training errors are
looked for every ``CHECK_EVERY`` steps, which is faster than after each.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from .protocol import WARM_UP, Measurement, serve
from .workloads import BATCH_SIZE, CHECK_EVERY, LEARNING_RATE, MAX_STEPS, training_rows

TRIAL_STEPS = 40


def make(name: str, cores: list[int], options: dict[str, Any]) -> Measurement:
    import torch

    torch.set_num_threads(len(cores))
    measurements: dict[str, Callable[..., Measurement]] = {"loop": loop, "vmapped": vmapped}
    return measurements[name](**options)


def data(widths: list[int], num_train: int) -> Any:
    import torch

    inputs, values = training_rows(widths[0], num_train)
    return torch.from_numpy(inputs), torch.from_numpy(values).to(torch.float32)


def loop(widths: list[int], num_train: int, num_endpoints: int) -> Measurement:
    """One network at a time: modules, autograd, ``torch.optim.SGD``."""
    import torch

    inputs, targets = data(widths, num_train)
    batch_size = min(BATCH_SIZE, num_train)
    criterion = torch.nn.BCEWithLogitsLoss()

    def network() -> Any:
        layers: list[Any] = []
        for d_in, d_out in pairwise(widths):
            linear = torch.nn.Linear(d_in, d_out)
            torch.nn.init.normal_(linear.weight, std=d_in**-0.5)
            torch.nn.init.normal_(linear.bias)
            layers += [linear, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def train(max_steps: int) -> int:
        net = network()
        optimiser = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE)
        for step in range(1, max_steps + 1):
            rows = torch.randint(num_train, (batch_size,))
            optimiser.zero_grad()
            criterion(net(inputs[rows])[:, 0], targets[rows]).backward()
            optimiser.step()
            if step % CHECK_EVERY == 0:
                with torch.no_grad():
                    if bool(((net(inputs)[:, 0] > 0) == (targets > 0)).all()):
                        return step
        return max_steps

    def run(repeat: int) -> dict[str, Any]:
        torch.manual_seed(repeat + 1)
        count, max_steps = (1, TRIAL_STEPS) if repeat == WARM_UP else (num_endpoints, MAX_STEPS)
        begun = time.perf_counter()
        steps = [train(max_steps) for _ in range(count)]
        seconds = time.perf_counter() - begun
        unfit = sum(taken >= MAX_STEPS for taken in steps)
        return {"endpoints": count, "steps": sum(steps), "unfit": unfit, "seconds": seconds}

    return run


def vmapped(widths: list[int], num_train: int, lanes: list[int]) -> Measurement:
    """``vmap(grad(loss))`` over networks in memory, all of them to the slowest one.

    Of the numbers of networks in ``lanes`` the one with most steps a second is used.
    """
    import torch
    from torch.func import grad, vmap

    inputs, targets = data(widths, num_train)
    batch_size = min(BATCH_SIZE, num_train)
    criterion = torch.nn.functional.binary_cross_entropy_with_logits

    def forward(params: Any, x: Any) -> Any:
        for weights, biases in params[:-1]:
            x = torch.relu(x @ weights + biases)
        weights, biases = params[-1]
        return (x @ weights + biases)[..., 0]

    def loss(params: Any, x: Any, y: Any) -> Any:
        return criterion(forward(params, x), y)

    gradients = vmap(grad(loss))
    outputs = vmap(forward, (0, None))

    def train(count: int, max_steps: int) -> tuple[int, int]:
        """Steps of all networks together until each has fitted, and how many never did."""
        params = [(torch.randn(count, a, b) * a**-0.5, torch.randn(count, 1, b)) for a, b in pairwise(widths)]
        fitted_at = torch.full((count,), max_steps)
        for step in range(1, max_steps + 1):
            rows = torch.randint(num_train, (count, batch_size))
            found = gradients(params, inputs[rows], targets[rows])
            for layer, slopes in zip(params, found, strict=True):
                for values, slope in zip(layer, slopes, strict=True):
                    values.sub_(slope, alpha=LEARNING_RATE)
            if step % CHECK_EVERY == 0:
                right = ((outputs(params, inputs) > 0) == (targets > 0)).all(dim=1)
                fitted_at = torch.where(right, fitted_at.clamp(max=step), fitted_at)
                if bool((fitted_at < max_steps).all()):
                    break
        return int(fitted_at.sum()), int((fitted_at >= max_steps).sum())

    def seconds_a_step(count: int) -> float:
        train(count, CHECK_EVERY)
        begun = time.perf_counter()
        train(count, TRIAL_STEPS)
        return (time.perf_counter() - begun) / TRIAL_STEPS / count

    best = min(lanes, key=seconds_a_step)

    def run(repeat: int) -> dict[str, Any]:
        torch.manual_seed(repeat + 1)
        begun = time.perf_counter()
        steps, unfit = train(best, CHECK_EVERY if repeat == WARM_UP else MAX_STEPS)
        seconds = time.perf_counter() - begun
        return {"endpoints": best, "steps": steps, "unfit": unfit, "seconds": seconds, "lanes": best}

    return run


if __name__ == "__main__":
    serve(make)
