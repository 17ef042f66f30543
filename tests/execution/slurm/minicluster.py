"""A private Slurm on this machine for the tests: everything below one folder, nothing global.

Debian's packages slurm-wlm and munge are enough: no systemd, no cgroups, no root, no accounting.
Virtual nodes are several slurmd on one host; GPUs are pretended (numbered links to /dev/null).
Also a program: ``python -m tests.execution.slurm.minicluster DIR NODES`` runs one until Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SBIN = "/usr/sbin:/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")


def missing() -> list[str]:
    """Return the programs that are not installed (Debian: slurm-wlm, munge)."""
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def supervisors(jobs: list[int]) -> set[int]:
    """Return the slurmstepd above some processes; they overwrite their own environment."""
    found = set()
    for pid in jobs:
        with contextlib.suppress(OSError, ValueError):
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if Path(f"/proc/{parent}/cmdline").read_bytes().startswith(b"slurmstepd"):
                found.add(parent)
    return found


class MiniCluster:
    """One controller and some virtual nodes."""

    def __init__(self, root: Path, nodes: int = 2, cpus: int = 1, gpus: int = 4) -> None:
        self.root = root
        self.nodes = [f"n{i}" for i in range(nodes)]
        self.env = {
            **os.environ,
            "SLURM_CONF": str(root / "slurm.conf"),
            "PATH": f"{os.environ['PATH']}:{SBIN}",
        }
        for part in ("munge", "state", *(f"spool/{n}" for n in self.nodes)):
            (root / part).mkdir(parents=True)
        (root / "munge").chmod(0o755)
        key = root / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        self._configure(cpus, gpus)

    def _configure(self, cpus: int, gpus: int) -> None:
        root, host = self.root, socket.gethostname().partition(".")[0]
        me = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
        lines = [
            "ClusterName=mini", f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={free_port()}", f"SlurmUser={me}", f"SlurmdUser={me}",
            "AuthType=auth/munge",
            # cred_expire is also how long a requeued job waits before it may start again.
            f"AuthInfo=socket={root}/munge/munge.sock,cred_expire=10",
            "CredType=cred/munge", f"StateSaveLocation={root}/state",
            f"SlurmdSpoolDir={root}/spool/%n", f"SlurmctldPidFile={root}/slurmctld.pid",
            f"SlurmdPidFile={root}/slurmd.%n.pid", f"SlurmctldLogFile={root}/slurmctld.log",
            f"SlurmdLogFile={root}/slurmd.%n.log",
            # No cgroups, no systemd: processes are followed by their parents.
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none",
            "JobAcctGatherType=jobacct_gather/linux", "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU", "MpiDefault=none", "ReturnToService=2",
            "SlurmdTimeout=6", "MessageTimeout=4", "SlurmctldTimeout=10", "InactiveLimit=0",
            "MinJobAge=300", "KillWait=5", "BatchStartTimeout=10",
            "SlurmdParameters=config_overrides", "GresTypes=gpu",
            "SchedulerParameters=sched_min_interval=50000,batch_sched_delay=0,"
            "sched_interval=2,bf_interval=2",
        ]  # fmt: skip
        lines += [
            f"NodeName={n} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} "
            f"CPUs={cpus} RealMemory=8000 Gres=gpu:{gpus}"
            for n in self.nodes
        ]
        lines.append("PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP")
        (root / "slurm.conf").write_text("\n".join(lines) + "\n")
        gres = []
        for g in range(gpus):
            (root / f"gpu{g}").symlink_to("/dev/null")  # must stat() as a character device
            gres.append(f"Name=gpu File={root}/gpu{g} Flags=nvidia_gpu_env")
        (root / "gres.conf").write_text("\n".join(gres) + "\n")

    def call(self, *words: str, seconds: float = 20) -> str:
        """Run a command of Slurm's against this cluster; return what it printed."""
        done = subprocess.run(
            words, env=self.env, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def start(self) -> None:
        """Start the daemons and wait for idle nodes."""
        munge = self.root / "munge"
        self.call(
            "munged", f"--socket={munge}/munge.sock", f"--key-file={munge}/key",
            f"--pid-file={munge}/munged.pid", f"--log-file={munge}/munged.log",
            f"--seed-file={munge}/munged.seed",
        )  # fmt: skip
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        deadline = time.monotonic() + 30
        while self.idle() < len(self.nodes):
            if time.monotonic() > deadline:
                log = (self.root / "slurmctld.log").read_text()[-2000:]
                raise RuntimeError(f"the nodes did not come up:\n{log}")
            time.sleep(0.1)

    def idle(self) -> int:
        """Return how many nodes are idle."""
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            return self.call("sinfo", "-h", "-N", "-o", "%T").split().count("idle")
        return 0

    def start_controller(self) -> None:
        self.call("slurmctld")

    def kill_controller(self) -> None:
        """SIGKILL slurmctld."""
        self._kill(self.root / "slurmctld.pid", signal.SIGKILL)

    def diagnosis(self) -> str:
        """Return what one wants to read when a test has waited in vain."""
        log = (self.root / "slurmctld.log").read_text(errors="replace")[-6000:]
        return f"{self.call('squeue', '-a', '-r')}\n{self.call('sinfo', '-N', '-l')}\n{log}"

    def start_node(self, node: str) -> None:
        self.call("slurmd", "-N", node)

    def kill_node(self, node: str) -> None:
        """SIGKILL a node's daemon and everything that runs on it."""
        self._kill(self.root / f"slurmd.{node}.pid", signal.SIGKILL)
        jobs = [pid for pid, env in self._jobs() if f"SLURMD_NODENAME={node}" in env]
        # The steps' supervisors first: they must not live to report how their jobs ended.
        for how in (signal.SIGSTOP, signal.SIGKILL):
            for pid in (*supervisors(jobs), *jobs):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)

    def _jobs(self) -> Iterator[tuple[int, list[str]]]:
        """Yield pid and environment of what runs inside this cluster's jobs."""
        mine = f"SLURM_CONF={self.root}/slurm.conf"
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
                if mine in environment and any(e.startswith("SLURM_JOB_ID=") for e in environment):
                    yield int(entry.name), environment

    def _kill(self, pid_file: Path, how: signal.Signals) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            os.kill(pid, how)
            for _ in range(100):
                os.kill(pid, 0)
                time.sleep(0.05)

    def stop(self) -> None:
        """End everything, leaving no process behind."""
        jobs = [pid for pid, _ in self._jobs()]
        for pid in (*supervisors(jobs), *jobs):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for node in self.nodes:
            self._kill(self.root / f"slurmd.{node}.pid", signal.SIGKILL)
        self._kill(self.root / "slurmctld.pid", signal.SIGKILL)
        self._kill(self.root / "munge" / "munged.pid", signal.SIGTERM)


@contextlib.contextmanager
def running(root: Path, nodes: int = 2, cpus: int = 1) -> Iterator[MiniCluster]:
    """Run a cluster while inside."""
    cluster = MiniCluster(root, nodes, cpus)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running(Path(sys.argv[1]).resolve(), int(sys.argv[2])) as found:
        print(f"export SLURM_CONF={found.env['SLURM_CONF']}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
