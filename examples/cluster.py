"""Networks trained as jobs of SLURM, or by worker processes of this machine to try it out.

    python examples/cluster.py --task boolean_7 --preset full --jobs 50
    python examples/cluster.py --local --jobs 2

Starts a Dask cluster, waits for its first worker, trains the networks of a comparison there and
samples, compares and writes the store here: the same bits as ``thermalize compare`` alone would
give. Needs the extra ``cluster``, for SLURM also ``pip install dask-jobqueue``; what workers must
have in common, and what happens when one dies, is in docs/cluster.md. Prints the verdict of every
arm with its reason; progress goes to standard error.
"""

import argparse
from pathlib import Path

from thermalize.cores import use_cores


def slurm(jobs, cores):
    """Workers as jobs of SLURM: adapt queue, walltime and the path of the environment."""
    from dask_jobqueue import SLURMCluster

    found = SLURMCluster(
        queue="normal",
        cores=1,  # threads of a worker
        processes=1,  # workers of a job
        job_cpu=cores,
        memory="8GB",
        walltime="04:00:00",
        job_script_prologue=["source /path/to/venv/bin/activate"],
    )
    found.scale(jobs=jobs)
    return found


def here(jobs):
    """Worker processes of this machine."""
    from distributed import LocalCluster

    return LocalCluster(n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None)


def main():
    parser = argparse.ArgumentParser(description="Train the networks of a comparison on a cluster.")
    parser.add_argument("--task", default="boolean_3")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--jobs", type=int, default=2, help="jobs of SLURM, or workers here")
    parser.add_argument("--cores", type=int, default=1, help="of this process and of each worker")
    parser.add_argument("--endpoints", type=int, help="networks of the arm sgd [the preset's]")
    parser.add_argument("--local", action="store_true", help="workers of this machine instead of SLURM")
    parser.add_argument("--out", type=Path, default=Path("runs/cluster"))
    wanted = parser.parse_args()

    use_cores(wanted.cores)  # before anything imports jax
    from thermalize.cluster import cluster
    from thermalize.config import Layer, make_config
    from thermalize.pipeline import compare
    from thermalize.progress import progress_on

    known = {"preset": wanted.preset, "task": {"name": wanted.task}}
    if wanted.endpoints:
        known["arms"] = {"sgd": {"num_endpoints": wanted.endpoints}}
    config = make_config(Layer(known), select=["sgd", "hmc"])
    with here(wanted.jobs) if wanted.local else slurm(wanted.jobs, wanted.cores) as workers:
        workers.get_client().wait_for_workers(1)
        with cluster(workers.scheduler_address, config) as elsewhere, progress_on() as progress:
            result = compare(config, wanted.out, overwrite=True, progress=progress, elsewhere=elsewhere)
    for arm, found in result["verdicts"].items():
        print(f"{arm}: {found['verdict']}, {found['reason']}")


if __name__ == "__main__":  # workers of this machine are processes that import this file
    main()
