"""Time a run spends beside itself: ``python -m tests.execution.slurm.overhead --runs 60``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import resources
from harness.store.store import Store
from tests.conftest import make_folder, make_model
from tests.execution.slurm.minicluster import running

SWEEP = """\
name: overhead
model: "local-dir:{model}"
dataset: folder
seeds: {seeds}
targets: [domain0, domain1]
defaults: {{steps: 1, batch_per_domain: 4, lr: 1.0e-3}}
methods: [finetune]
"""
CLUSTER = """\
timeout_min: 60
gpus_per_node: 1
device: cpu
cpus_per_task: 1
slurm_signal_delay_s: 10
"""


def main() -> None:
    """Submit the sweep, wait for it, print where the time went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--runs-per-job", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)
        images, model = make_folder(root / "images"), make_model(root / "model")
        sweep, cluster, store = root / "sweep.yaml", root / "cluster.yaml", root / "store"
        sweep.write_text(SWEEP.format(model=model, seeds=list(range(args.runs // 2))))
        cluster.write_text(CLUSTER)
        with running(root / "slurm") as slurm:
            env = {**slurm.env, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(resources.ROOT)}
            command = [
                sys.executable, str(resources.ROOT / "run_benchmark.py"), "sweep", "submit",
                str(sweep), "--cluster", str(cluster), "--store", str(store), "--data-root",
                str(images), "--cache-dir", str(root / "cache"),
                "--runs-per-job", str(args.runs_per_job), "--force",
            ]  # fmt: skip
            began = time.time()
            subprocess.run(command, env=env, check=True)
            submitted = time.time()
            while len(os.listdir(store / "runs") if (store / "runs").is_dir() else []) < args.runs:
                time.sleep(0.2)
            ended = time.time()
        records = list(Store(store).records())
        inside = sum(record.provenance.wall_s for record in records)
        jobs = [json.loads(p.read_text()) for p in store.glob("slurm/jobs/*/*/*.state")]
        nodes = {job["node"] for job in jobs}
        beside = (ended - submitted) * len(nodes) - inside
        print(f"{len(records)} runs in {len(jobs)} jobs on {len(nodes)} nodes")
        print(f"sweep submit: {submitted - began:.1f} s, of which most is importing torch")
        print(f"submitted to last record: {ended - submitted:.1f} s; in runs: {inside:.1f} s")
        print(f"beside the runs: {beside / len(jobs):.1f} s per job, {beside / len(records):.2f} s per run")  # fmt: skip # noqa: E501


if __name__ == "__main__":
    main()
