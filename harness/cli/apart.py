"""Plan a verb's runs in a process of its own, which then is the first worker.

The verb's module has ``planned(args)``, which returns them prepared.

A plan asks the plugins, and they import torch: seconds, and hundreds of MB, which the process that
only watches workers would hold as long as they run, and the worker would take once more.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from harness.cli.main import add_plugins, parsed, refusal
from harness.cli.running import Prepared
from harness.console.notes import verbose
from harness.errors import UserError
from harness.execution.process import begin, how_it_ended
from harness.execution.worker import leave, own_output, serve
from harness.store.secrets import redacted


@contextmanager
def planned_apart(
    args: argparse.Namespace,
) -> Iterator[tuple[Prepared, subprocess.Popen[str] | None]]:
    """Yield what is to be run, and the process that planned it, to serve as a worker.

    The process that has looked for GPUs cannot be pinned to one any more: with GPUs it is None.

    Raises:
        UserError: What is wrong with the options, the models or the data.
        RuntimeError: If the process ended without a word; its traceback is on stderr.
    """
    process = begin("harness.cli.apart", max(args.threads, 1))
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps({"argv": args.argv, "command": sys.argv}) + "\n")
        process.stdin.flush()
        said = json.loads(process.stdout.readline() or "{}")
        if "refused" in said:
            raise UserError(said["refused"])
        if "prepared" not in said:
            raise RuntimeError(f"planning: {how_it_ended(process.wait())}")
        prepared = Prepared.model_validate(said["prepared"])
        if prepared.context.device == "cpu":
            yield prepared, process
        else:
            process.stdin.close()
            yield prepared, None
    except BaseException:
        process.kill()
        raise
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()


def main() -> None:
    """Plan what the first line of stdin asks for; then serve as a worker."""
    out = own_output()
    asked = json.loads(sys.stdin.readline())
    sys.argv = asked["command"]
    args = parsed(asked["argv"])
    try:
        add_plugins(args)
        verb = importlib.import_module(args.handler.__module__)
        prepared = verb.planned(args)
        assert prepared is not None  # no dry run comes here
        said: dict[str, Any] = {"prepared": prepared.model_dump(mode="json")}
    except (UserError, OSError) as error:
        if verbose():
            print(redacted(traceback.format_exc()), file=sys.stderr)
        said = {"refused": refusal(error)}
    with suppress(BrokenPipeError):  # nobody waits for it any more
        out.write(json.dumps(said) + "\n")
        out.flush()
        serve(out)


if __name__ == "__main__":
    main()
    leave()
