"""Chains over the devices of several hosts, as one program.

    srun python examples/several_hosts.py
    python examples/several_hosts.py --address localhost:9000 --processes 2 --number 0

Every process runs this script on the same arguments and holds the whole result in the end; the
first of them prints it. SLURM and the like tell jax who the processes are; where nothing does,
say it: the second line is the first of two processes, the second has ``--number 1``. The chains
depend on the number of devices, not on how many processes these belong to. What several hosts
must have in common is in docs/cluster.md. Prints the number of processes and devices, and R-hat
and bulk ESS of the log density.
"""

import argparse

from thermalize.cores import use_cores


def main():
    parser = argparse.ArgumentParser(description="Sample a network's posterior on several hosts.")
    parser.add_argument("--address", help="host:port of the first process [what the scheduler says]")
    parser.add_argument("--processes", type=int, help="how many there are [what the scheduler says]")
    parser.add_argument("--number", type=int, help="of this one, from 0 [what the scheduler says]")
    parser.add_argument("--chains", type=int, default=8)
    parser.add_argument("--draws", type=int, default=200)
    wanted = parser.parse_args()

    use_cores()  # before anything imports jax
    import jax

    jax.distributed.initialize(wanted.address, wanted.processes, wanted.number)
    import arviz

    from models import bayesian_model, bernoulli, boolean_task, gaussian_prior, majority, mlp
    from samplers import hmc, posterior, sample

    network = mlp([5, 16, 1])
    model = bayesian_model(network, gaussian_prior(network), bernoulli())
    task = boolean_task(0, majority(5), num_train=16)
    target = posterior(model, task.train, num_data=16)
    draws = sample(
        jax.random.key(0),
        hmc(10, num_warmup=200),
        target,
        lambda params, inputs: {"logits": jax.vmap(model.apply, (None, 0))(params, inputs)},
        task.probe.inputs,
        num_chains=wanted.chains,
        num_draws=wanted.draws,
    )
    if jax.process_index() == 0:
        table = arviz.summary({"lp": draws.stats["lp"]}, round_to="none")
        print(f"{jax.process_count()} processes, {len(jax.devices())} devices")
        print(f"log density: R-hat {table['r_hat'].item():.3f}, bulk ESS {table['ess_bulk'].item():.0f}")


if __name__ == "__main__":
    main()
