"""The certification suite: every sampler against every law that it must have, and the mutants.

Two presets. ``quick`` has fewer chains and leaves out checks whose sampler is judged by others
of its kind; thresholds, false-alarm rates and rules are the same.
"""

from functools import cache, partial

from samplers import adjusted_mclmc, elliptical_slice, hmc, mala, numpyro_nuts, nuts, parallel_tempering

from .biases import adaptive_preconditioner_check, thermostat_check
from .calibration import calibration_check
from .entry import Entry, Preset
from .invariance import invariance_check
from .joint import joint_check
from .kernels import POSTERIOR_KERNELS, within_level
from .laws import finite_step_cases
from .measure import Case, certify_case
from .mutant_entries import mutant_entries
from .order import acceptance_order_check, microcanonical_bias_check
from .posterior_entries import evidence_entries, posterior_entries


@cache
def suite(preset: Preset) -> tuple[Entry, ...]:
    """All entries of a preset, in the order of the certificate.

    >>> len({entry.name for entry in suite("full")}) == len(suite("full")) > len(suite("quick"))
    True
    """
    full = preset == "full"
    return (
        *_finite_steps(16384 if full else 4096),
        *_biases(full),
        *_invariances(full),
        *_joints(full),
        *_calibrations(full),
        *posterior_entries(full),
        *evidence_entries(full),
        *mutant_entries(4096),
    )


def _finite_steps(num_chains: int) -> list[Entry]:
    def entry(case: Case) -> Entry:
        judge = partial(certify_case, case=case, num_chains=num_chains)
        return Entry(f"{case.sampler.name}: {case.law}", "finite-step law", judge)

    return [entry(case) for case in finite_step_cases()]


def _biases(full: bool) -> list[Entry]:
    return [
        Entry("sgnht: heat", "bias", partial(thermostat_check, num_chains=2048 if full else 1024)),
        Entry(
            "sgld: adaptive preconditioner",
            "bias",
            partial(adaptive_preconditioner_check, num_chains=16384 if full else 4096),
        ),
        Entry(
            "mclmc: order of the bias",
            "bias",
            partial(microcanonical_bias_check, num_chains=2048 if full else 512),
        ),
        Entry(
            "hmc: order of the leapfrog",
            "bias",
            partial(acceptance_order_check, num_chains=65536 if full else 8192),
        ),
    ]


def _invariances(full: bool) -> list[Entry]:
    num_chains = 65536 if full else 8192
    entries = [
        Entry(
            f"{name}: invariance",
            "invariance",
            partial(invariance_check, name=name, make_kernel=kernel, num_chains=num_chains),
        )
        for name, kernel in POSTERIOR_KERNELS.items()
        if full or "nuts" not in name  # trees of all sizes take a third of a minute to compile
    ]
    level = partial(
        invariance_check, name="level_smc", make_kernel=within_level, law="zero_one", num_chains=num_chains
    )
    return [*entries, Entry("level_smc: invariance of its moves", "invariance", level)]


def _joints(full: bool) -> list[Entry]:
    names = ["hmc", "mala", "adjusted_mclmc", "elliptical_slice"]
    names += ["nuts", "numpyro_nuts", "random_walk", "crank_nicolson"] if full else []
    num_chains = 32768 if full else 8192
    return [
        Entry(
            f"{name}: joint distribution",
            "joint distribution",
            partial(joint_check, name=name, make_kernel=POSTERIOR_KERNELS[name], num_chains=num_chains),
        )
        for name in names
    ]


def _calibrations(full: bool) -> list[Entry]:
    samplers = [hmc(8, num_warmup=200, num_steps_per_draw=4)]
    if full:
        samplers += [
            elliptical_slice(300, 30),
            nuts(6, num_warmup=200, num_steps_per_draw=2),
            numpyro_nuts(6, num_warmup=200, num_steps_per_draw=2),
            mala(500, num_steps_per_draw=60),
            adjusted_mclmc(8.0, num_warmup=300, num_steps_per_draw=5),
            parallel_tempering(hmc(8, num_warmup=100), 5, 0.05, num_warmup=50, num_steps_per_draw=4),
        ]
    return [
        Entry(
            f"{sampler.name}: calibration",
            "calibration",
            partial(calibration_check, sampler=sampler, num_simulations=2048 if full else 512),
        )
        for sampler in samplers
    ]
