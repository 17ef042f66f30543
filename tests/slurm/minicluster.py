"""A private Slurm on this machine for the tests: everything below one folder, nothing global.

Debian's packages slurm-wlm and munge are enough: no systemd, no cgroups, no root, no accounting.
Virtual nodes are several slurmd on one host; GPUs are pretended (numbered links to /dev/null).
Also a program: ``python -m tests.slurm.minicluster DIR NODES`` runs one until Ctrl-C.
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


class MiniCluster:
    """One controller and some virtual nodes."""

    def __init__(self, root: Path, nodes: int = 2, cpus: int = 1, gpus: int = 1) -> None:
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
            "AuthType=auth/munge", f"AuthInfo=socket={root}/munge/munge.sock",
            "CredType=cred/munge", f"StateSaveLocation={root}/state",
            f"SlurmdSpoolDir={root}/spool/%n", f"SlurmctldPidFile={root}/slurmctld.pid",
            f"SlurmdPidFile={root}/slurmd.%n.pid", f"SlurmctldLogFile={root}/slurmctld.log",
            f"SlurmdLogFile={root}/slurmd.%n.log",
            # No cgroups, no systemd: processes are followed by their parents.
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none",
            "JobAcctGatherType=jobacct_gather/linux", "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU", "MpiDefault=none", "ReturnToService=2",
            "SlurmdTimeout=10", "InactiveLimit=0", "MinJobAge=300", "KillWait=5",
            "BatchStartTimeout=10", "SlurmdParameters=config_overrides", "GresTypes=gpu",
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

    def start_node(self, node: str) -> None:
        self.call("slurmd", "-N", node)

    def kill_node(self, node: str) -> None:
        """SIGKILL a node's daemon and everything that runs on it."""
        self._kill(self.root / f"slurmd.{node}.pid", signal.SIGKILL)
        for _ in range(3):  # whoever was just being forked
            for pid, environment, line in self._processes():
                if f"SLURMD_NODENAME={node}" in environment or (
                    line.startswith("slurmstepd") and self._step_on(pid, node)
                ):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)

    def _step_on(self, pid: int, node: str) -> bool:
        """Tell whether a slurmstepd serves a node: its working directory is the node's spool."""
        with contextlib.suppress(OSError):
            if node in os.readlink(f"/proc/{pid}/cwd").split("/"):
                return True
            return any(
                f"/spool/{node}/" in os.readlink(f"/proc/{pid}/fd/{fd}")
                for fd in os.listdir(f"/proc/{pid}/fd")
            )
        return False

    def _processes(self) -> Iterator[tuple[int, list[str], str]]:
        """Yield pid, environment and command line of this cluster's job processes."""
        mine = f"SLURM_CONF={self.root}/slurm.conf"
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
                line = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if mine in environment and int(entry.name) != os.getpid():
                yield int(entry.name), environment, line

    def _kill(self, pid_file: Path, how: signal.Signals) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            os.kill(pid, how)
            for _ in range(100):
                os.kill(pid, 0)
                time.sleep(0.05)

    def stop(self) -> None:
        """End everything, leaving no process behind."""
        for pid, environment, line in self._processes():
            if line.startswith("slurmstepd") or any(
                e.startswith("SLURM_JOB_ID=") for e in environment
            ):
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
    with running(Path(sys.argv[1]).resolve(), int(sys.argv[2])) as found:
        print(f"export SLURM_CONF={found.env['SLURM_CONF']}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
