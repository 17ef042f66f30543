"""All groups of figures, one after the other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from harness.bench import inference, inputs, original, processes, reports, steps
from harness.bench.pictures import write_pictures
from harness.bench.record import BenchReport, BenchRow, BenchSetting
from harness.clip import names
from harness.clip.backbone import Backbone
from harness.clip.load import check_architecture, load_backbone, random_backbone
from harness.errors import UserError, error_line, unknown_name
from harness.seeding import derive, tf32
from harness.specs import ModelSpec
from harness.store import provenance
from harness.store.timestamps import now

GROUPS = ("step", "attention", "input", "inference", "growth", "sweep", "report", "startup")


def check(setting: BenchSetting, groups: Sequence[str]) -> None:
    """Raise UserError for an unknown group or model."""
    for group in groups:
        if group not in GROUPS:
            raise unknown_name("group", group, GROUPS)
    if not _is_architecture(setting.model):
        names.check(setting.model)


def measure(
    setting: BenchSetting,
    groups: Sequence[str] = GROUPS,
    note: Callable[[str], None] = lambda group: None,
) -> BenchReport:
    """Measure; what is there stays when the user interrupts or a group cannot be measured.

    Args:
        setting: On what.
        groups: Which of `GROUPS`.
        note: Told of each group before it begins.

    Raises:
        KeyboardInterrupt: If interrupted before there is a figure.
        UserError: As `check`.
    """
    check(setting, groups)
    torch.set_num_threads(setting.threads)
    torch.manual_seed(derive("random weights"))
    rows: list[BenchRow] = []
    failed: dict[str, str] = {}
    stopped = False
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        work = _Work(setting, Path(name))
        try:
            for group in groups:
                note(group)
                try:
                    rows += work.rows_of(group)
                except UserError:
                    raise
                except Exception as error:  # the other groups' figures are worth having
                    failed[group] = error_line(error)
        except KeyboardInterrupt:
            if not rows:
                raise
            stopped = True
    return BenchReport(
        setting=setting,
        device=provenance.device_name(setting.device),
        cores=os.cpu_count() or 1,
        when=now(),
        git=provenance.git_state(),
        versions=provenance.versions(),
        rows=tuple(rows),
        failed=failed,
        stopped=stopped,
    )


class _Work:
    """What several groups need, made when the first asks for it."""

    def __init__(self, setting: BenchSetting, root: Path) -> None:
        self.setting = setting
        self.root = root
        self._backbone: Backbone | None = None
        self._pictures: Path | None = None

    def rows_of(self, group: str) -> list[BenchRow]:
        """Return a group's figures."""
        setting = self.setting
        if group == "step":
            return steps.measure(setting, self.backbone)
        if group == "attention":
            return original.measure(setting, self.backbone)
        if group == "input":
            return inputs.measure(setting, self.backbone, self.pictures)
        if group == "inference":
            return inference.measure(setting, self.backbone, self.pictures)
        if group == "growth":
            images = inference.growth(setting, self.backbone, self.pictures)
            return [*steps.growth(setting, self.backbone), *images]
        if group == "sweep":
            return processes.sweeps(setting, self.root)
        if group == "report":
            return reports.measure(setting, self.root)
        return processes.start_up(setting)

    @property
    def backbone(self) -> Backbone:
        """The model."""
        if self._backbone is None:
            make = random_backbone if _is_architecture(self.setting.model) else load_backbone
            self._backbone = make(self.setting.model, self.setting.device)
            if self.setting.cuda:
                tf32(self.setting.model.precision == "tf32")
        return self._backbone

    @property
    def pictures(self) -> Path:
        """A folder of photographs."""
        if self._pictures is None:
            self._pictures = write_pictures(self.root / "pictures", 20)
        return self._pictures


def _is_architecture(spec: ModelSpec) -> bool:
    """Tell whether a name stands for no weights of its own, as that of an embedded model does."""
    try:
        check_architecture(spec)
    except UserError:
        return False
    return True
