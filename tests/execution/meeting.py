"""A method whose runs wait for each other, say which GPU they see, and kill one of their workers.

GPUs are pretended: nothing but CUDA_VISIBLE_DEVICES tells a worker of them.
"""

from __future__ import annotations

from pathlib import Path

_CODE = '''
import contextlib, os, signal, time
from pathlib import Path
from harness import registry

HERE = Path("{here}")

class Meeting(registry.method_class("finetune")):
    """Fine-tuning that waits in its first step until as many runs as wanted are at theirs."""
    name = "meeting"
    summary = "meeting"

    def build(self, backbone, task):
        self.seed = task.seed
        return super().build(backbone, task)

    def losses(self, batch):
        if batch.step == 0:
            (HERE / "seen" / str(self.seed)).write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
            until = time.monotonic() + 120
            while len(list((HERE / "seen").iterdir())) < {wanted} or (HERE / "hold").exists():
                assert time.monotonic() < until, "alone"
                time.sleep(0.01)
        if batch.step == 2 and self.seed == 1:
            with contextlib.suppress(FileNotFoundError):
                (HERE / "kill").unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().losses(batch)
'''


class Meeting:
    """The plugin's file and what its runs leave in a folder."""

    def __init__(self, folder: Path, wanted: int) -> None:
        """Write the plugin.

        Args:
            folder: For it and what it leaves.
            wanted: Runs that must be under way at a time.
        """
        self.hold, self.kill = folder / "hold", folder / "kill"
        (folder / "seen").mkdir(parents=True)
        self.plugin = folder / "meeting.py"
        self.plugin.write_text(_CODE.format(here=folder, wanted=wanted))
        self._seen = folder / "seen"

    def gpus(self) -> dict[int, str]:
        """Return what CUDA_VISIBLE_DEVICES was in the run of each seed."""
        return {int(file.name): file.read_text() for file in self._seen.iterdir()}
