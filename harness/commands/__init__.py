"""What the verbs do; `harness.cli` holds their options."""

from harness.commands.look import doctor, info, list_all
from harness.commands.work import quickstart, run, sweep_plan, sweep_run

__all__ = ["doctor", "info", "list_all", "quickstart", "run", "sweep_plan", "sweep_run"]
