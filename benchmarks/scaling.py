"""Sections that vary one thing: lanes, width, coordinates, how many endpoints; and a million on a GPU."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, median
from typing import Any

from .race import Race, Rival, run_race
from .rows import Goal, Row, compared
from .sections import Bench, Found, figures, reason
from .workloads import step_flops

MANY = 100_000
MILLION_SECONDS = 60
COMPARISON_SECONDS, COMPARISON_MEMORY = 60, 4000


def lanes(bench: Bench) -> Found:
    """Endpoints a second by the number of networks that advance together, one core."""
    sizes = bench.sizes
    work: dict[str, Any] = {
        "widths": sizes.widths,
        "num_train": sizes.num_train,
        "num_endpoints": sizes.lanes_endpoints,
    }
    rivals = {
        str(count): Rival("training.ours", bench.cores[:1], work | {"lanes": count}) for count in sizes.lanes
    }
    race = run_race(rivals, sizes.repeats, bench.say)
    rates = {
        name: figures(race, name, lambda found: found["endpoints"] / found["seconds"]) for name in rivals
    }
    default = ("16 lanes", rates.get("16"))
    rows = [
        compared(
            "lanes",
            f"endpoints a second, {name} lanes",
            "1/s",
            (1, rates[name]),
            default,
            note=reason(race, name),
        )
        for name in rivals
    ]
    values = [row.value for row in rows]
    return Found(rows, {"lanes": {"lanes": sizes.lanes, "endpoints a second": values}})


def width(bench: Bench) -> Found:
    """Steps by the width of the hidden layers, as a share of the machine's matrix products."""
    sizes, one = bench.sizes, bench.cores[:1]
    work: dict[str, Any] = {
        "num_train": sizes.num_train,
        "num_endpoints": sizes.width_endpoints,
        "budget": sizes.width_steps,
    }
    rivals = {"sgemm": Rival("machine.sgemm", one)}
    networks = {f"7-{h}-{h}-1": [7, h, h, 1] for h in sizes.hidden}
    rivals |= {
        name: Rival("training.ours", one, work | {"widths": widths}) for name, widths in networks.items()
    }
    race = run_race(rivals, sizes.repeats, bench.say)
    peak = figures(race, "sgemm", lambda found: found["gflops"])
    rows = []
    for name, widths in networks.items():
        steps = figures(race, name, lambda found: found["steps"] / found["seconds"])
        rates = [rate * step_flops(widths) / 1e9 for rate in steps] if steps else None
        rows.append(
            compared(
                "width",
                f"arithmetic of {name}",
                "GFLOP/s",
                (1, rates),
                ("sgemm of numpy", peak),
                note=reason(race, name),
            )
        )
    values = [row.value for row in rows]
    return Found(rows, {"width": {"width of the hidden layers": sizes.hidden, "GFLOP/s": values}})


def span(bench: Bench) -> Found:
    """Endpoints a second with the first layer in the span of the data, against plain weights, one core."""
    sizes, one = bench.sizes, bench.cores[:1]
    work = {"num_train": sizes.span_train, "num_endpoints": sizes.span_endpoints}
    rivals = {
        name: Rival("span.mnist", one, work | {"in_span": in_span})
        for name, in_span in (("in the span", True), ("in its weights", False))
    }
    race = run_race(rivals, sizes.repeats, bench.say)
    ours, plain = (
        figures(race, name, lambda found: found["endpoints"] / found["seconds"]) for name in rivals
    )
    name = f"endpoints a second, 784-64-1 on {sizes.span_train} images"
    peer = ("first layer in its weights", plain)
    return Found([compared("span", name, "1/s", (1, ours), peer, note=reason(race, *rivals))])


def growth(bench: Bench) -> Found:
    """Seconds and memory an endpoint as their number grows, on all cores, one process each.

    The smaller numbers are run again and again, until they have as many endpoints as the largest, half of
    them before it and half after: a processor that is hot is slower than one that was idle a second ago.
    """
    sizes = bench.sizes
    work: dict[str, Any] = {
        "widths": sizes.growth_widths,
        "num_train": sizes.growth_train,
        "chunk": sizes.chunk,
    }
    rivals = {
        count: Rival("training.ours", bench.cores, work | {"num_endpoints": count}) for count in sizes.growth
    }
    network = "-".join(map(str, sizes.growth_widths))
    *fewer, most = sizes.growth

    def many_times(count: int) -> Race:
        return run_race({str(count): rivals[count]}, max(most // (2 * count), 1), bench.say)

    before = {count: many_times(count) for count in fewer}
    race = run_race({str(most): rivals[most]}, 1, bench.say)
    after = {count: many_times(count) for count in fewer}
    cores = len(bench.cores)
    for each in (*before.values(), race, *after.values()):
        if each.absent:
            note = "; ".join(f"{name} endpoints: {why}" for name, why in each.absent.items())
            return Found([Row("growth", "seconds an endpoint", cores, None, "s", note=note)])
    (largest,) = race.results[str(most)]
    per_endpoint, peaks = [largest["seconds"] / most] * 2, [largest["peak"]] * 2
    rows = []
    for count in fewer:
        pair = before[count].results[str(count)], after[count].results[str(count)]
        peer = f"{count:,} endpoints"
        times = [mean(found["seconds"] for found in runs) / count for runs in pair]
        memory = [max(found["peak"] for found in runs) for runs in pair]
        name = f"seconds an endpoint, {most:,} of {network}"
        rows.append(
            compared("growth", name, "s", (cores, per_endpoint), (peer, times), Goal("at most", 1.05))
        )
        name = f"peak memory, {most:,} of {network}"
        rows.append(compared("growth", name, "MB", (cores, peaks), (peer, memory), Goal("at most", 1.05)))
    seen, spent, memory_used = (list(axis) for axis in zip(*largest["growth"], strict=True))
    early, late = thirds(spent)
    name, peer = f"seconds a chunk, last third of {most:,}", "first third"
    rows.append(compared("growth", name, "s", (cores, [late]), (peer, [early]), Goal("at most", 1.05)))
    full = most == MANY and cores == 2  # the goals are stated for these
    seconds, memory_goal = Goal("at most", 300, "s"), Goal("at most", 2000, "MB")
    rows.append(
        Row(
            "growth",
            f"{most:,} endpoints of {network}",
            cores,
            largest["seconds"],
            "s",
            goal=seconds if full else None,
        )
    )
    rows.append(
        Row(
            "growth",
            f"memory of {most:,} endpoints",
            cores,
            largest["peak"],
            "MB",
            goal=memory_goal if full else None,
        )
    )
    return Found(rows, {"growth": {"endpoints": seen, "seconds": spent, "memory in MB": memory_used}})


def thirds(spent: Sequence[float]) -> tuple[float, float]:
    """Median seconds of a chunk in the first and in the last third of a run, without its shorter last chunk.

    >>> thirds([1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 9.5])
    (1.0, 2.0)
    """
    chunks = [late - early for early, late in pairwise([0.0, *spent])]
    whole = chunks[:-1] or chunks
    third = max(len(whole) // 3, 1)
    return median(whole[:third]), median(whole[-third:])


def comparison(bench: Bench) -> Found:
    """Seconds and memory of comparing endpoints with as many draws by everything there is, all cores."""
    sizes, cores = bench.sizes, len(bench.cores)
    options = {"num_networks": sizes.compared, "num_probes": sizes.compared_probes}
    name = f"{sizes.compared:,} endpoints with as many draws on {sizes.compared_probes} probes"
    race = run_race({"ours": Rival("comparing.whole_call", bench.cores, options)}, 1, bench.say)
    if race.absent:
        return Found([Row("comparison", f"comparing {name}", cores, None, "s", note=race.absent["ours"])])
    (run,) = race.results["ours"]
    full = sizes.compared == MANY and cores == 2  # the goals are stated for these
    seconds, memory = Goal("at most", COMPARISON_SECONDS, "s"), Goal("at most", COMPARISON_MEMORY, "MB")
    note = f"{run['core seconds']:.0f} core seconds"
    return Found(
        [
            Row(
                "comparison",
                f"comparing {name}",
                cores,
                run["seconds"],
                "s",
                goal=seconds if full else None,
                note=note,
            ),
            Row(
                "comparison",
                f"memory of comparing {name}",
                cores,
                run["peak"],
                "MB",
                goal=memory if full else None,
            ),
        ]
    )


def gpu(bench: Bench, platform: str = "gpu") -> Found:
    """A million endpoints of workload 1 on an accelerator: seconds, compile time excluded."""
    sizes, cores = bench.sizes, len(bench.cores)
    network = "-".join(map(str, sizes.widths))
    name = f"{sizes.million:,} endpoints of {network} on a GPU"
    free = {"accelerator": platform != "cpu"}
    found = run_race({"devices": Rival("machine.devices", bench.cores, free)}, 1, bench.say)
    if found.absent:
        return Found([Row("gpu", name, cores, None, "s", note=found.absent["devices"])])
    (device,) = found.results["devices"]
    if device["platform"] != platform:
        note = f"no GPU: jax finds {device['count']} devices of the kind {device['platform']} here"
        return Found([Row("gpu", name, cores, None, "s", note=note)])
    options = free | {
        "widths": sizes.widths,
        "num_train": sizes.num_train,
        "num_endpoints": sizes.million,
        "lanes": sizes.million_lanes,
        "chunk": sizes.million_chunk,
    }
    race = run_race({"ours": Rival("training.ours", bench.cores, options)}, 1, bench.say)
    if race.absent:
        return Found([Row("gpu", name, cores, None, "s", note=race.absent["ours"])])
    (run,) = race.results["ours"]
    goal = Goal("at most", MILLION_SECONDS, "s")
    return Found([Row("gpu", name, cores, run["seconds"], "s", goal=goal, note=device["kind"])])
