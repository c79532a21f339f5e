"""A study on a Slurm cluster: workers as Slurm jobs, through dask-jobqueue. Change what is in capitals.

    pip install 'tensorrank[cluster]' dask-jobqueue
    python slurm.py --widths 2-4 --depths 1-5 --work inf --memory 48GiB --out results

Run it where jobs may be submitted from, in a session that lasts (tmux): it holds the scheduler and the store. Options
are those of `tensorrank study`. `python slurm.py --script` prints the job that is submitted, and submits nothing.
"""

import subprocess
import sys

from dask_jobqueue import SLURMCluster

PARTITION, ACCOUNT = "compute", None
CORES, MEMORY = 8, "64GB"
WALLTIME, LIFETIME = "04:00:00", "3h45m"
MOST_JOBS = 20

cluster = SLURMCluster(
    queue=PARTITION,
    account=ACCOUNT,
    cores=CORES,
    processes=1,
    memory=MEMORY,
    walltime=WALLTIME,
    # Workers leave before Slurm ends them, and not all at once; their blocks go to others.
    worker_extra_args=["--lifetime", LIFETIME, "--lifetime-stagger", "10m"],
)
if sys.argv[1:] == ["--script"]:
    print(cluster.job_script())
    sys.exit(0)
cluster.adapt(minimum_jobs=1, maximum_jobs=MOST_JOBS)
sys.exit(subprocess.run(["tensorrank", "study", *sys.argv[1:], "--scheduler", cluster.scheduler_address]).returncode)
