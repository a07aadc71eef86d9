"""Functions of random networks a second, on one core and on two, beside plain jax.

    python -m benchmarks.prior_functions [--json] [--repeats N] [NETWORK ...]

For each network the functions on all its inputs, packed into bits. ``ours`` is
``samplers.prior_functions``. ``plain`` is blocked jax as one would write it: blocks of
networks that fit the cache, ``jax.random.normal`` once a layer and block, ``vmap`` over
networks and inputs, ``lax.map`` over blocks. Both run in one process pinned to its cores,
in turn, so that other work on the machine hits both: the ratio is the median of the
ratios of neighbouring repeats, a rate is the median over repeats, ``best`` the best.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Draws of one repeat of ours, those of plain jax, and the goal in functions/s on one core.
NETWORKS = {
    "3-8-1": (1 << 21, 1 << 19, 1_300_000),
    "5-16-16-1": (1 << 19, 1 << 17, 250_000),
    "7-40-40-1": (1 << 17, 1 << 15, 35_000),
}
LINE = "{:<10} {:>5} {:>13} {:>13} {:>13} {:>9} {:>11} {:>8}\n"
TITLES = ("network", "cores", "ours/s", "best/s", "plain/s", "of plain", "goal/s", "of goal")


def main() -> None:
    parser = argparse.ArgumentParser(description="Functions of random networks a second.")
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--repeats", type=int, default=7, help="how often each is timed [7]")
    options = parser.parse_args()
    for name in options.networks:
        if name not in NETWORKS:
            parser.error(f"no network {name!r}: choose from {', '.join(NETWORKS)}")
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {options.repeats}")
    available = sorted(os.sched_getaffinity(0))
    rows = []
    if not options.json:
        sys.stdout.write(LINE.format(*TITLES))
    for name in options.networks or NETWORKS:
        for num_cores in range(1, min(2, len(available)) + 1):
            rows.append(row(name, measure(name, available[:num_cores], options.repeats), num_cores))
            if not options.json:
                sys.stdout.write(LINE.format(*shown(rows[-1])))
                sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps({"benchmark": "prior_functions", "rows": rows}) + "\n")


def row(network: str, seconds: dict[str, list[float]], num_cores: int) -> dict[str, Any]:
    """Rates and ratios from seconds a draw, repeat by repeat."""
    goal = NETWORKS[network][2] * num_cores
    rate = 1 / statistics.median(seconds["ours"])
    return {
        "network": network,
        "cores": num_cores,
        "functions_per_second": rate,
        "best": 1 / min(seconds["ours"]),
        "plain": 1 / statistics.median(seconds["plain"]),
        "of_plain": statistics.median(
            plain / ours for plain, ours in zip(seconds["plain"], seconds["ours"], strict=True)
        ),
        "goal": goal,
        "of_goal": rate / goal,
    }


def shown(found: dict[str, Any]) -> list[str]:
    cells = list(found.values())
    rates = [f"{cells[k]:,.0f}" for k in (2, 3, 4, 6)]
    return [cells[0], str(cells[1]), *rates[:3], f"{cells[5]:.2f}", rates[3], f"{cells[7]:.2f}"]


def measure(network: str, cores: list[int], repeats: int) -> dict[str, list[float]]:
    """Seconds a draw of both methods, from a fresh process on these cores."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from benchmarks.prior_functions import work; work({network!r}, {cores!r}, {repeats})",
        ],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": str(len(cores)), "JAX_PLATFORMS": "cpu"},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds: dict[str, list[float]] = json.loads(done.stdout)
    return seconds


def work(network: str, cores: list[int], repeats: int) -> None:
    """Runs in the fresh process: pins it before jax starts its threads."""
    os.sched_setaffinity(0, set(cores))
    import jax
    import jax.numpy as jnp

    from models import bayesian_model, bernoulli, boolean_inputs, boolean_labels, gaussian_prior, mlp
    from samplers import prior_functions
    from samplers.numbered import fitting_block

    widths = [int(width) for width in network.split("-")]
    net = mlp(widths, "relu")
    model = bayesian_model(net, gaussian_prior(net), bernoulli())
    labels, inputs = boolean_labels(net), jnp.asarray(boolean_inputs(widths[0]))
    block = fitting_block(model, len(inputs))
    num_ours, num_plain = NETWORKS[network][0] * len(cores), NETWORKS[network][1]
    scales = jax.tree.leaves(model.prior_scale)
    structure: Any = jax.tree.structure(model.prior_scale)

    @jax.jit
    def plain(key: jax.Array) -> jax.Array:
        def of_block(key: jax.Array) -> jax.Array:
            keys = jax.random.split(key, len(scales))
            params = structure.unflatten(
                [
                    scale * jax.random.normal(k, (block, *scale.shape))
                    for k, scale in zip(keys, scales, strict=True)
                ]
            )
            outputs = jax.vmap(jax.vmap(net.apply, (None, 0)), (0, None))(params, inputs)
            return jnp.packbits(outputs[..., 0] > 0, axis=-1)

        return jax.lax.map(of_block, jax.random.split(key, num_plain // block))

    methods: dict[str, tuple[int, Callable[[jax.Array], Any]]] = {
        "ours": (num_ours, lambda key: prior_functions(key, model, labels, inputs, num_ours)),
        "plain": (num_plain // block * block, lambda key: jax.block_until_ready(plain(key))),
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for repeat in range(-1, repeats):  # the first compiles and is not counted
        for name, (num, run) in methods.items():
            key = jax.block_until_ready(jax.random.key(repeat + 1))
            start = time.perf_counter()
            run(key)
            if repeat >= 0:
                seconds[name].append((time.perf_counter() - start) / num)
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
