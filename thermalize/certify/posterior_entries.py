"""Lines that judge whole runs by posteriors and evidences that are known."""

from collections.abc import Callable
from functools import cache, partial

from samplers import (
    PopulationSampler,
    Sampler,
    adjusted_mclmc,
    elliptical_moves,
    elliptical_slice,
    hmc,
    hmc_moves,
    level_smc,
    mala,
    nested,
    numpyro_nuts,
    nuts,
    parallel_tempering,
    smc,
)
from samplers.acceptance import Law
from samplers.target import Key

from .check import Check
from .entry import Entry, lazily
from .evidences import evidence_check
from .exact import exact_check, population_check
from .networks import Known, boolean_draws, boolean_known, linear_known, linear_law, two_parameter_known

NUM_EXACT = 1 << 16  # draws by rejection


def posterior_entries(full: bool) -> list[Entry]:
    """Samplers and populations against the three posteriors of ``networks.py``."""
    tempering = parallel_tempering(elliptical_slice(50, 5), 5, 0.05, num_warmup=50, num_steps_per_draw=2)
    on_line: list[Sampler] = [hmc(8, num_warmup=150, num_steps_per_draw=2)]
    on_two: list[Sampler] = [nuts(6, num_warmup=200), elliptical_slice(200, 20)]
    on_boolean: list[Sampler] = [hmc(12, num_warmup=200, num_steps_per_draw=2), elliptical_slice(300, 30)]
    if full:
        on_line += [
            nuts(5, num_warmup=150),
            numpyro_nuts(5, num_warmup=150),
            mala(300, num_steps_per_draw=10),
        ]
        on_line += [adjusted_mclmc(6.0, num_warmup=150, num_steps_per_draw=2), elliptical_slice(300, 20)]
        on_two += [hmc(8, num_warmup=200), numpyro_nuts(6, num_warmup=200), tempering]
        on_boolean += [tempering, nuts(7, num_warmup=200, num_steps_per_draw=2)]
    size = {"num_chains": 512 if full else 128, "num_draws": 200 if full else 100}
    entries = [
        Entry(f"{sampler.name}: {what}", "exact posterior", lazily(exact_check, sampler, known, size))
        for what, known, samplers in (
            ("linear regression", linear_known, on_line),
            ("two-parameter network", two_parameter_known, on_two),
            ("majority of 3 bits", partial(boolean_known, "gibbs", NUM_EXACT), on_boolean),
        )
        for sampler in samplers
    ]
    boolean = partial(boolean_known, "gibbs", NUM_EXACT)
    by_population: list[tuple[str, Callable[[], Known], PopulationSampler]] = [
        ("linear regression", linear_known, _smc_hmc()),
        ("majority of 3 bits", boolean, _smc_slice()),
        ("zero training errors", partial(boolean_known, "zero_one", NUM_EXACT), _levels()),
    ]
    by_population += [("majority of 3 bits", boolean, _nested())] if full else []
    many = {"num_populations": 64 if full else 16}
    return entries + [
        Entry(f"{sampler.name}: {what}", "exact posterior", lazily(population_check, sampler, known, many))
        for what, known, sampler in by_population
    ]


def evidence_entries(full: bool) -> list[Entry]:
    """Three estimators against rejection, two against the closed form."""

    num_populations = 64 if full else 16

    def against_rejection(key: Key, sampler: PopulationSampler, law: Law) -> Check:
        exact = boolean_draws(NUM_EXACT, law)
        return evidence_check(
            key,
            sampler,
            boolean_known(law, NUM_EXACT),
            exact.log_evidence,
            exact.log_evidence_error,
            against="rejection",
            num_populations=num_populations,
        )

    def against_closed_form(key: Key, sampler: PopulationSampler) -> Check:
        return evidence_check(
            key,
            sampler,
            linear_known(),
            linear_law().log_evidence,
            against="the closed form",
            num_populations=num_populations,
        )

    by_rejection: list[tuple[PopulationSampler, Law]] = [
        (_smc_slice(), "gibbs"),
        (_levels(), "zero_one"),
    ]
    by_rejection += [(_nested(), "gibbs")] if full else []
    return [
        *(
            Entry(
                f"{sampler.name}: evidence against rejection",
                "log evidence",
                partial(against_rejection, sampler=sampler, law=law),
            )
            for sampler, law in by_rejection
        ),
        *(
            Entry(
                f"{sampler.name}: evidence against the closed form",
                "log evidence",
                partial(against_closed_form, sampler=sampler),
            )
            for sampler in ([_smc_hmc(), _nested()] if full else [_smc_hmc()])
        ),
    ]


@cache
def _smc_hmc() -> PopulationSampler:
    return smc(hmc_moves(3, 8), num_particles=256)


@cache
def _smc_slice() -> PopulationSampler:
    return smc(elliptical_moves(10), num_particles=256)


@cache
def _levels() -> PopulationSampler:
    return level_smc(elliptical_moves(8), num_particles=256)


@cache
def _nested() -> PopulationSampler:
    return nested(num_live=200, num_delete=50, inner_steps_per_parameter=3, max_stages=100)
