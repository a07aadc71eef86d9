"""A Dask cluster of two worker processes on this machine: prints its address, lives until its stdin ends.

A program of its own, so that the workers are spawned, never forked from a process in
which jax has started.
"""

import sys

from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        sys.stdin.read()
