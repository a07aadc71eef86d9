"""The sections of the suite: who races whom, and the rows that come of it.

A section takes a :class:`Bench` and gives a :class:`Found`. The goals are the ratios this
project holds itself to. A peer that cannot run leaves its row without a ratio and with
the reason: no ratio is ever taken from another run.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import prior_functions
from .race import Race, Rival, Say, run_race
from .rows import Goal, Row, compared
from .sizes import Sizes
from .workloads import LEAPFROG_STEPS, step_flops

HOW_TO_GET_TORCH = "install the extra `bench`, or name an interpreter that has torch with --torch-python"
FEWER_LOOKS = (
    "peers look for training errors every 10 steps: they take some 5 % more steps, but are faster "
    "than with a look after every step, which ours takes"
)


@dataclass(frozen=True)
class Bench:
    """Where and how much: the cores used, at most two, and the sizes of the measurements."""

    cores: list[int]
    sizes: Sizes
    say: Say
    torch_python: str = sys.executable


@dataclass(frozen=True)
class Found:
    """Rows of the table, and curves to plot: ``{name: {axis: numbers}}``."""

    rows: list[Row]
    curves: dict[str, Any] = field(default_factory=dict)


type Section = Callable[[Bench], Found]


def endpoints(bench: Bench) -> Found:
    """Endpoints a second of workload 1, and the share of the machine's matrix products."""
    sizes, counts = bench.sizes, range(1, len(bench.cores) + 1)
    work: dict[str, Any] = {"widths": sizes.widths, "num_train": sizes.num_train}
    rivals = {"sgemm": Rival("machine.sgemm", bench.cores[:1])}
    loop = work | {"num_endpoints": sizes.torch_loop}
    rivals["PyTorch, one at a time, 1"] = _torch(bench, "loop", 1, loop)
    for cores in counts:
        use = bench.cores[:cores]
        amount = {"num_endpoints": sizes.endpoints * cores, "chunk": sizes.chunk * cores}
        rivals[f"ours, {cores}"] = Rival("training.ours", use, work | amount)
        rivals[f"torch.func.vmap, {cores}"] = _torch(
            bench, "vmapped", cores, work | {"lanes": sizes.torch_lanes}
        )
        for lanes in sizes.lockstep_lanes:
            count = max(lanes, sizes.lockstep_endpoints)
            options = work | {"plain": True, "num_endpoints": count, "lanes": lanes}
            rivals[f"{_vmap(lanes)}, {cores}"] = Rival("training.lockstep", use, options)
    race = run_race(rivals, sizes.repeats, bench.say)
    rows = []
    whole = sizes.lockstep_lanes[-1]
    for cores in counts:
        goals = {
            "PyTorch, one at a time": Goal("at least", 25),
            "torch.func.vmap": Goal("at least", 3 * cores),
            _vmap(whole): Goal("at least", 3),
        }
        for peer in ("PyTorch, one at a time", "torch.func.vmap", *map(_vmap, sizes.lockstep_lanes)):
            if f"{peer}, {cores}" in rivals:
                row = _against(
                    race,
                    "endpoints",
                    "endpoints a second",
                    "1/s",
                    "endpoints",
                    (peer, cores),
                    goals.get(peer),
                )
                rows.append(row)
    rows.append(_two_cores(race, "endpoints", "endpoints a second, second core", "endpoints"))
    rates = figures(
        race, "ours, 1", lambda found: found["steps"] * step_flops(sizes.widths) / found["seconds"] / 1e9
    )
    peak = figures(race, "sgemm", lambda found: found["gflops"])
    rows.append(
        compared("machine", "arithmetic of endpoints", "GFLOP/s", (1, rates), ("sgemm of numpy", peak))
    )
    return Found(rows)


def chains(bench: Bench) -> Found:
    """Gradients a second of HMC on workload 2, against numpyro's vectorised chains."""
    sizes = bench.sizes
    options = {"num_chains": sizes.chains, "few_draws": sizes.few_draws, "num_draws": sizes.draws}
    counts = range(1, len(bench.cores) + 1)
    rivals = {}
    for cores in counts:
        use = bench.cores[:cores]
        rivals[f"ours, {cores}"] = Rival("sampling.ours", use, options)
        rivals[f"numpyro, {cores}"] = Rival("sampling_numpyro.own", use, options | {"plain": True})
        rivals[f"numpyro, lent, {cores}"] = Rival("sampling_numpyro.lent", use, options | {"plain": True})
    race = run_race(rivals, sizes.repeats, bench.say)
    goals = {1: Goal("at least", 1.3), 2: Goal("at least", 2.5)}
    name = f"HMC gradients a second, {sizes.chains} chains"
    rows = [
        _against(race, "chains", name, "1/s", "gradients", ("numpyro", cores), goals[cores])
        for cores in counts
    ]
    rows += [
        _against(race, "chains", name, "1/s", "gradients", ("numpyro, lent", cores), None) for cores in counts
    ]
    rows.append(_two_cores(race, "chains", "HMC gradients a second, second core", "gradients"))
    return Found(rows)


def effective(bench: Bench) -> Found:
    """Effective draws of functions a second, many chains, against blackjax under ``vmap``."""
    sizes = bench.sizes
    options = {"num_chains": sizes.many_chains, "num_draws": sizes.many_chains_draws}
    counts = range(1, len(bench.cores) + 1)
    rivals = {}
    for cores in counts:
        use = bench.cores[:cores]
        rivals[f"ours, {cores}"] = Rival("sampling.ours_effective", use, options)
        rivals[f"blackjax, {cores}"] = Rival("sampling.blackjax_effective", use, options | {"plain": True})
    race = run_race(rivals, sizes.repeats, bench.say)
    name = f"function-space ESS a second, {sizes.many_chains} chains"
    return Found(
        [
            _against(
                race,
                "effective",
                name,
                "1/s",
                "effective",
                ("blackjax", cores),
                Goal("at least", 1.5 * cores),
            )
            for cores in counts
        ]
    )


def driver(bench: Bench) -> Found:
    """Seconds of the driver against a bare scan of the same kernel."""
    options = {"num_chains": bench.sizes.chains, "num_draws": bench.sizes.draws}
    one = bench.cores[:1]
    rivals = {
        "driver": Rival("driver.driven", one, options),
        "bare scan": Rival("driver.bare", one, options),
        "bare scan without statistics": Rival("driver.bare", one, options | {"plain_record": True}),
    }
    race = run_race(rivals, bench.sizes.repeats, bench.say)
    ours = (1, figures(race, "driver", _seconds))
    name = f"seconds of {bench.sizes.chains} x {bench.sizes.draws} draws of {LEAPFROG_STEPS} steps, streamed"
    rows = []
    for peer, goal in (("bare scan", Goal("at most", 1.05)), ("bare scan without statistics", None)):
        theirs = figures(race, peer, _seconds)
        why = reason(race, "driver", peer)
        rows.append(compared("driver", name, "s", ours, (peer, theirs), goal, why))
    return Found(rows)


def prior(bench: Bench) -> Found:
    """Functions of random networks a second, see :mod:`.prior_functions`."""
    rows = []
    for network in bench.sizes.prior_networks:
        for cores in range(1, len(bench.cores) + 1):
            bench.say(f"{network} on {cores}")
            seconds = prior_functions.measure(network, bench.cores[:cores], bench.sizes.repeats)
            rates = {name: [1 / each for each in times] for name, times in seconds.items()}
            goal = Goal("at least", prior_functions.NETWORKS[network][2] * cores, "1/s")
            name = f"functions of {network} a second"
            ours, plain = (cores, rates["ours"]), ("blocked jax", rates["plain"])
            rows.append(compared("prior", name, "1/s", ours, plain, goal))
    return Found(rows)


def _against(
    race: Race, section: str, name: str, unit: str, count: str, peer: tuple[str, int], goal: Goal | None
) -> Row:
    """Ours against one peer on the same cores: ``count`` a second."""
    rival, cores = peer
    key = f"{rival}, {cores}"
    ours = figures(race, f"ours, {cores}", lambda found: found[count] / found["seconds"])
    theirs = figures(race, key, lambda found: found[count] / found["seconds"])
    notes = [reason(race, f"ours, {cores}", key)]
    found = race.results.get(key, [])
    lanes = next((answer["lanes"] for answer in found if "lanes" in answer), None)
    if count == "endpoints":
        notes.append(FEWER_LOOKS)
        for who in (f"ours, {cores}", key):
            unfit = sum(answer["unfit"] for answer in race.results.get(who, []))
            notes.append(f"{who}: {unfit} networks never fitted" if unfit else "")
    label = f"{rival}, {lanes:,} at once" if lanes else rival
    return compared(section, name, unit, (cores, ours), (label, theirs), goal, "; ".join(filter(None, notes)))


def _two_cores(race: Race, section: str, name: str, count: str) -> Row:
    """Ours on two cores against ours on one."""
    one, two = (
        figures(race, f"ours, {cores}", lambda found: found[count] / found["seconds"]) for cores in (1, 2)
    )
    why = "" if two else race.absent.get("ours, 2", "only one core may be used")
    return compared(section, name, "1/s", (2, two), ("ours on one core", one), Goal("at least", 1.9), why)


def figures(race: Race, name: str, figure: Callable[[dict[str, Any]], float]) -> list[float] | None:
    return [figure(found) for found in race.results[name]] if name in race.results else None


def _seconds(found: dict[str, Any]) -> float:
    seconds: float = found["seconds"]
    return seconds


def reason(race: Race, *names: str) -> str:
    reasons = [f"{name} could not run: {race.absent[name]}" for name in names if name in race.absent]
    if any("torch is not installed" in why for why in reasons):
        reasons.append(HOW_TO_GET_TORCH)
    return "; ".join(reasons)


def _torch(bench: Bench, name: str, cores: int, options: dict[str, Any]) -> Rival:
    return Rival(name, bench.cores[:cores], options, "benchmarks.training_torch", bench.torch_python)


def _vmap(lanes: int) -> str:
    return f"jax vmap, {lanes:,} at once"
