"""What the driver costs: chunks, progress, status and streaming, against a bare ``lax.scan``.

Both run the same HMC kernel on workload 2, in the same blocks of chains, from the same
starts, one core. The bare scan records the same numbers in one program and hands them
over once; with ``plain_record`` it records the logits and the kernel's own info only,
which shows what the statistics of each draw cost.
"""

import io
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samplers import sample
from samplers.chains import draw_statistics
from samplers.lanes import lane_mesh, map_lanes
from samplers.target import Target
from thermalize.progress import progress_on
from thermalize.store import create_run

from .protocol import Measurement
from .sampling import BURN_IN, KEPT, fixed_hmc, problem, starts

BLOCK = 8


def driven(num_chains: int, num_draws: int, burn_in: int = BURN_IN, kept: int = KEPT) -> Measurement:
    """``samplers.sample`` with a progress report, each chunk appended to a new store on disk."""
    target, inputs, observe = problem()
    start = starts(burn_in, kept)

    def run(repeat: int) -> dict[str, Any]:
        with (
            tempfile.TemporaryDirectory() as folder,
            create_run(Path(folder) / "run", {"seed": repeat}) as store,
            progress_on(io.StringIO()) as reporter,
            reporter("hmc") as progress,
        ):
            store.begin_arm(
                "hmc",
                {"role": "reference"},
                probe_inputs=np.asarray(inputs),
                probe_targets=np.zeros(len(inputs), int),
                train_targets=np.asarray(target.data.targets),
            )
            begun = time.perf_counter()
            sample(
                jax.random.key(repeat + 1),
                fixed_hmc(),
                target,
                observe,
                inputs,
                num_chains=num_chains,
                num_draws=num_draws,
                start=start,
                block=BLOCK,
                sink=lambda draws, first: store.append("hmc", draws, axis=1),
                progress=progress,
            )
            return {"draws": num_chains * num_draws, "seconds": time.perf_counter() - begun}

    return run


def bare(
    num_chains: int, num_draws: int, plain_record: bool = False, burn_in: int = BURN_IN, kept: int = KEPT
) -> Measurement:
    """The same kernel in one ``lax.scan``, in the same blocks."""
    target, inputs, observe = problem()
    start, mesh = starts(burn_in, kept), lane_mesh(num_chains)

    @partial(jax.jit, static_argnames="num_draws")
    def scanned(key: jax.Array, target: Target, inputs: jax.Array, num_draws: int) -> Any:
        def one(shared: Any, chain: jax.Array) -> Any:
            target, inputs, key = shared
            key_start, key_init, key_run = jax.random.split(jax.random.fold_in(key, chain), 3)
            position, tuning = fixed_hmc().warmup(key_start, target, start(key_start))
            kernel = fixed_hmc().kernel(target, tuning)

            def transition(state: Any, t: jax.Array) -> tuple[Any, Any]:
                state, info = kernel.step(jax.random.fold_in(key_run, t), state)
                params = kernel.position(state)
                if not plain_record:
                    info |= draw_statistics(kernel, target, state)
                return state, (observe(params, inputs), info)

            return jax.lax.scan(transition, kernel.init(key_init, position), jnp.arange(num_draws))[1]

        return map_lanes(one, (target, inputs, key), jnp.arange(num_chains), mesh=mesh, block=BLOCK)

    def run(repeat: int) -> dict[str, Any]:
        begun = time.perf_counter()
        jax.tree.map(np.asarray, scanned(jax.random.key(repeat + 1), target, inputs, num_draws))
        return {"draws": num_chains * num_draws, "seconds": time.perf_counter() - begun}

    return run
