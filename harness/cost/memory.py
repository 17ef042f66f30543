"""Peak memory of a method on the CPU: the resident peak of a fresh process that runs it alone."""

from __future__ import annotations

import json
import subprocess
import sys

from harness import registry, resources
from harness.cost.record import Candidate, CostSetting


def peak_in_fresh_process(candidate: Candidate, setting: CostSetting) -> float:
    """Return the peak in MiB: Python, libraries and weights included.

    Raises:
        RuntimeError: If the process fails.
    """
    environment = resources.child_environment() | {"OMP_NUM_THREADS": str(setting.threads)}
    done = subprocess.run(
        [sys.executable, "-m", "harness.cost.memory"],
        input=json.dumps([candidate.model_dump(mode="json"), setting.model_dump(mode="json")]),
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(
            f"memory of {candidate.label}: exit status {done.returncode}\n{done.stderr}"
        )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Read candidate and setting from stdin, print the peak."""
    from harness.cost.subject import Subject, prepare_backbone

    first, second = json.load(sys.stdin)
    setting = CostSetting.model_validate(second)
    for file in setting.plugins:
        registry.add_plugin_file(file)
    subject = Subject(Candidate.model_validate(first), setting, prepare_backbone(setting))
    print(subject.peak_memory_mb())


if __name__ == "__main__":
    main()
