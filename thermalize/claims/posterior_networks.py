r"""Is an endpoint of training a posterior sample? Networks on images, where functions cannot be counted.

Networks are trained to their first fit, to the training loss of Bayes' posterior, and some steps past
it, and meet that posterior and the one of the family

.. math:: \pi_s(\theta)\, e^{-\beta N L(\theta)}

that is nearest to them in energy distance, over ``beta`` and prior scale ``s``. The first is sampled by
HMC from draws of the prior and again by another library's NUTS, the family by one tempered pass a prior
scale; where the nearest is at an end of the scales, further ones are searched. The nearest member is sampled
by HMC and NUTS too, at the fitted temperature itself.

Sources: Wilson et al. 2022, Sharma et al. 2023 (measured by others); Soudry et al. 2018 (margin).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np

from compare import Arm, Verdict
from compare.tables import one_thread
from models.datasets import MissingExtra
from samplers.draws import Progress, share_of

from ..family import CITATION, Fit, Rung, fit_family
from .claim import Case, Check, Evidence, Number, Preset, Sampled, settled
from .network_case import (
    COLDER,
    MARGIN,
    PASS,
    SECOND,
    Met,
    checks_of,
    meet,
    numbers_of,
    verdict_of,
)
from .network_family import family_of, gates_of, nearest_of, next_scale, rung_at
from .network_presets import AMOUNTS, Amount
from .network_report import NEAREST, answer_of, graphs_of, headline_of, published_of
from .network_samplers import (
    STOP_NAMES,
    draw_chains,
    draw_second,
    max_margin,
    stops_at,
    train,
)
from .network_systems import Member, NetworkSystem, load_system
from .side_by_side import side_by_side

type Array = np.ndarray
BAYES = Member(1.0, 1.0)
CITATIONS = [CITATION, "Duane et al. 1987; Neal 2011", "Soudry et al. 2018", "Lopez-Paz and Oquab 2017"]
MIN_ENDPOINTS = 8
FIT_ENDPOINTS, FIT_DRAWS = 512, 700  # that the nearest member is found by


def evidence(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Sample and train every system of the preset, and judge every arm."""
    amount = AMOUNTS[preset]
    cases: list[Case] = []
    samples: list[Sampled] = []
    data: list[Array] = []
    fits: dict[str, Fit] = {}
    for place, setting in enumerate(amount.systems):
        key_task, key = jax.random.split(jax.random.fold_in(jax.random.key(seed), place))
        try:
            system = load_system(key_task, setting)
        except MissingExtra as missing:
            cases.append(not_installed(setting.name, missing))
            continue
        share = share_of(progress, place, len(amount.systems))
        found, drawn, fitted = _system(key, system, amount, seed, share)
        cases, samples, fits = cases + found, samples + drawn, fits | fitted
        data += [np.asarray(leaf) for leaf in (*system.task.train, *system.task.probe)]
    return Evidence(
        cases,
        headline_of(cases),
        graphs_of(cases, fits),
        samples,
        data,
        CITATIONS,
        published_of(cases),
        answer_of(cases),
    )


def not_installed(name: str, missing: MissingExtra) -> Case:
    """The case of a system whose images are not there: INCONCLUSIVE, and what to install."""
    checks = [Check("images are installed", False, str(missing))]
    verdict, reason = settled(Verdict.INCONCLUSIVE, "", checks)
    return Case(f"{name}, not installed, {NEAREST}", {"system": name}, verdict, reason, [], checks)


def _system(
    key: jax.Array, system: NetworkSystem, amount: Amount, seed: int, progress: Progress
) -> tuple[list[Case], list[Sampled], dict[str, Fit]]:
    keys = iter(jax.random.split(key, 7))
    num_parts, part = 5 + len(system.setting.optimisers), 0

    def share() -> Progress:
        nonlocal part
        part += 1
        return share_of(progress, part - 1, num_parts)

    key_chains, key_second, key_passes, key_prior, key_train, key_margin, key_members = keys
    pool = ThreadPoolExecutor(1)
    try:
        # Most of the time of small presets goes into compiling, each program on one core.
        beside = pool.submit(family_of, key_passes, key_prior, system, amount, amount.scales)
        reference, loss = draw_chains(key_chains, system, BAYES, amount.chains, share())
        second = draw_second(key_second, system, BAYES, amount.chains.num_chains, *amount.second, share())
        margin = max_margin(key_margin, system, *amount.margin, share())
        arms: dict[str, Arm] = {}
        for place, name in enumerate(system.setting.optimisers):
            trained = train(
                jax.random.fold_in(key_train, place), system, name, stops_at(loss), amount.endpoints, share()
            )
            arms |= {f"{name}, {stop}": arm for stop, arm in zip(STOP_NAMES, trained, strict=True)}
        drawn_beside = share()
        passes, priors = beside.result()
        drawn_beside(1, 1)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)

    usable = {name: arm for name, arm in arms.items() if len(arm.usable) >= MIN_ENDPOINTS}
    fits = fits_of(passes, usable, seed)
    while (scale := next_scale(fits.values(), passes, amount.widest)) is not None:
        further = family_of(key_passes, key_prior, system, amount, [scale])
        passes, priors = passes | further[0], priors | further[1]
        fits = fits_of(passes, usable, seed)
    impostors = {MARGIN: margin}
    nearest = {name: nearest_of(fit) for name, fit in fits.items() if fit.member}
    apart = sorted(set(nearest.values()) - {BAYES})

    def meet_bayes(progress: Progress) -> Met:
        controls = {SECOND: second, PASS: rung_at(passes[1.0], 1.0).arm}
        colder = {COLDER: rung_at(passes[1.0], 4.0).arm}
        return meet(usable, BAYES, reference, controls, priors[1.0], impostors | colder, seed)

    def meet_member(place: int, member: Member, progress: Progress) -> Met:
        key_first, key_again = jax.random.split(jax.random.fold_in(key_members, place))
        first, again = (share_of(progress, i, 2) for i in (0, 1))
        drawn, _ = draw_chains(key_first, system, member, amount.chains, first)
        other = draw_second(key_again, system, member, amount.chains.num_chains, *amount.second, again)
        some = {name: arm for name, arm in usable.items() if nearest.get(name) == member}
        return meet(some, member, drawn, {SECOND: other}, priors[member.scale], impostors, seed)

    meetings: list[Callable[[Progress], Met]] = [meet_bayes]
    meetings += [partial(meet_member, *one) for one in enumerate(apart)]
    met = dict(zip([BAYES, *apart], side_by_side(meetings, share()), strict=True))
    gates = gates_of(passes)
    cases = [
        _case(system, name, arm, fits.get(name), met, nearest.get(name), gates) for name, arm in arms.items()
    ]
    label = system.setting.name
    samples = [
        Sampled(
            f"{label}-{name}".replace(", ", "-").replace(" ", "_"), {"probabilities": arm.probabilities}, law
        )
        for name, arm, law in [
            ("hmc", reference, "the posterior at beta 1, exactly invariant"),
            *((name, arm, "not known in general") for name, arm in arms.items()),
        ]
    ]
    return cases, samples, {f"{label}, {name}": fit for name, fit in fits.items()}


def fits_of(passes: Mapping[float, Sequence[Rung]], arms: Mapping[str, Arm], seed: int) -> dict[str, Fit]:
    """The nearest member of the family for every arm, two arms at a time."""
    fit = partial(fit_family, passes, seed=seed, max_endpoints=FIT_ENDPOINTS, max_draws=FIT_DRAWS)
    with one_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(fit, [arm.probabilities[arm.usable, 0] for arm in arms.values()])
        return dict(zip(arms, found, strict=True))


def _case(
    system: NetworkSystem,
    name: str,
    arm: Arm,
    fit: Fit | None,
    met: dict[Member, Met],
    member: Member | None,
    gates: list[Check],
) -> Case:
    optimiser, stop = name.split(", ")
    label = f"{system.setting.name}, {name}, {NEAREST}"
    num, usable = len(arm.probabilities), len(arm.usable)
    conditions = {
        "system": system.setting.name,
        "widths": system.widths,
        "training images": system.setting.num_train,
        "probe images": system.setting.num_probe,
        "optimiser": optimiser,
        "stopping": stop,
        "endpoints": num,
        "endpoints that can be used": usable,
    }
    some = Check(
        "endpoints", usable >= MIN_ENDPOINTS, f"{usable} of {num} met their rule, needed {MIN_ENDPOINTS}"
    )
    checks = [some, *gates]
    if fit is None or member is None:
        verdict, reason = settled(Verdict.INCONCLUSIVE, "there is no nearest posterior", checks)
        return Case(label, conditions, verdict, reason, [], checks)
    bayes, nearest = met[BAYES], met[member]
    checks += [check for one in dict.fromkeys([BAYES, member]) for check in checks_of(met[one])]
    verdict, reason = verdict_of(name, nearest, fit, checks)
    targets = np.asarray(system.task.probe.targets)
    numbers: list[Number] = numbers_of(name, arm, bayes, nearest, fit, targets)
    return Case(label, conditions, verdict, reason, numbers, checks)
