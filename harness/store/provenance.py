"""Where, when and with what a run was made."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import resources
from harness.version import __version__

SNAPSHOT_NOTE = "SNAPSHOT.json"
"""In a snapshot of the code: which commit it was taken from."""
_PACKAGES = ("torch", "torchvision", "open_clip_torch", "numpy", "pillow", "imagecorruptions-imaug")


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version(), "clip-benchmark-harness": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@functools.cache
def git_state() -> str:
    """Return the commit of the code, ``+dirty`` when tracked files differ, empty without git."""
    root = resources.CODE
    note = root / SNAPSHOT_NOTE
    if note.is_file():
        return str(json.loads(note.read_text(encoding="utf-8"))["git"])
    if resources.INSTALLED:  # a repository around it would be somebody else's
        return ""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        dirty = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+dirty" if dirty else "")
    except (OSError, subprocess.SubprocessError):
        return ""


@functools.cache
def device_name(device: str) -> str:
    """Return the GPU's or the CPU's name."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def settings(device: str) -> dict[str, str]:
    """Return torch's settings that a GPU's last digits depend on; of a CPU there are none."""
    if not device.startswith("cuda"):
        return {}
    import torch

    return {
        "cuda": str(torch.version.cuda),
        "deterministic kernels": "asked" if torch.are_deterministic_algorithms_enabled() else "no",
        "tf32": "yes" if torch.backends.cuda.matmul.allow_tf32 else "no",
        "cudnn benchmark": "yes" if torch.backends.cudnn.benchmark else "no",
    }


def reset_peak_memory(device: str) -> None:
    """Start measuring a run's own peak, where the device or the system (Linux) can."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb(device: str) -> float:
    """Return the peak in MiB: allocated on the GPU, or resident in this process.

    The resident peak is the process's, with all that earlier runs left in it. Linux tells that of
    the program since it was reset; getrusage's also counts whatever process started it.
    """
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.max_memory_allocated(device) / 2**20)
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def host() -> str:
    """Return the machine's name, with the Slurm job if there is one."""
    job = os.environ.get("SLURM_JOB_ID")
    return platform.node() + (f" (Slurm job {job})" if job else "")
