"""The mutants as lines of the certificate: each must be caught by the check it is given to."""

from functools import partial

from samplers import Target, hmc

from . import wrong
from .biases import thermostat_check
from .calibration import calibration_check
from .entry import Entry, lazily
from .exact import exact_check, population_check
from .invariance import MakeKernel, invariance_check
from .joint import ALL_ROWS, joint_check
from .kernels import POSTERIOR_KERNELS
from .measure import certify_case
from .mutants import finite_step_mutants
from .networks import boolean_known, boolean_target


def mutant_entries(num_chains: int) -> list[Entry]:
    """Mutants of the finite-step laws and of the exact samplers."""

    def invariance(mistake: str, name: str, kernel: MakeKernel, target: Target | None = None) -> Entry:
        judge = partial(
            invariance_check, name=name, make_kernel=kernel, target=target, num_chains=2 * num_chains
        )
        return Entry(f"mutant: {mistake}", "invariance", judge, mistake)

    kernels = POSTERIOR_KERNELS
    joint = partial(
        joint_check,
        name="hmc",
        make_kernel=kernels["hmc"],
        target=wrong.prior_forgotten(boolean_target(ALL_ROWS)),
        num_chains=2 * num_chains,
    )
    calibration = partial(
        calibration_check,
        sampler=hmc(8, num_warmup=200, num_steps_per_draw=4),
        target=wrong.data_counted_once(boolean_target(ALL_ROWS)),
    )
    boolean = partial(boolean_known, "gibbs", 1 << 16)
    start_kept = lazily(exact_check, wrong.start_kept(), boolean, {"num_chains": 128, "num_draws": 60})
    unweighted = lazily(population_check, wrong.weights_ignored(), boolean, {"num_populations": 16})
    return [
        *(
            Entry(
                f"mutant: {mutant.mistake}, {mutant.case.sampler.name}",
                "finite-step law",
                partial(certify_case, case=mutant.case, num_chains=num_chains),
                mutant.mistake,
            )
            for mutant in finite_step_mutants()
        ),
        Entry(
            "mutant: a thermostat that does not act",
            "bias",
            partial(thermostat_check, thermostat_mass=1e8),
            "a thermostat that does not act",
        ),
        invariance("no Metropolis test", "mala", wrong.no_metropolis_test),
        invariance("refused steps not counted", "random_walk", wrong.accepted_states_only),
        invariance("a chain that never moves, exact start", "hmc", wrong.never_moves),
        invariance("mean loss for its sum", "hmc", kernels["hmc"], wrong.data_counted_once(boolean_target())),
        invariance(
            "variance for standard deviation",
            "elliptical_slice",
            kernels["elliptical_slice"],
            wrong.variance_for_deviation(),
        ),
        Entry("mutant: prior forgotten", "joint distribution", joint, "prior forgotten"),
        Entry(
            "mutant: mean loss for its sum, calibration", "calibration", calibration, "mean loss for its sum"
        ),
        Entry("mutant: the start counted", "exact posterior", start_kept, "the start counted, no warm-up"),
        Entry("mutant: weights ignored", "exact posterior", unweighted, "weights of particles ignored"),
    ]
