"""The training step: against the plain tower's, and methods against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import torch
import torch.nn.functional as F

from harness import registry
from harness.bench.record import BenchRow, BenchSetting, Unit
from harness.bench.turns import in_turns, over
from harness.clip.attention import Branch
from harness.clip.backbone import Backbone
from harness.cost.flops import count_flops
from harness.cost.record import Candidate, CostSetting
from harness.cost.subject import Subject
from harness.store import provenance
from harness.sweep import plan
from harness.sweep.calls import parse_call

CLASSES = 65


def reference() -> str:
    """Return the method that the others are compared with: it says so itself."""
    plugins = registry.discover("methods").plugins
    return max(plugins, key=lambda name: registry.method_class(name).reference)


def compared() -> list[str]:
    """Return the calls whose steps are compared: of methods with a second path, in its forms.

    The step of the others is the plain tower's and a head; verb ``cost`` measures all.
    """
    calls = []
    for name in registry.discover("methods").plugins:
        cls = registry.method_class(name)
        field = cls.Config.model_fields.get("branch")
        if field is not None and cls.trains:
            calls += [name, *(f"{name}[preset={preset}]" for preset in cls.presets)]
            calls += [
                f"{name}[branch={form}]" for form in get_args(Branch) if form != field.default
            ]
    return calls


def trained_on_features() -> list[str]:
    """Return the methods whose batches are features of the frozen tower."""
    plugins = registry.discover("methods").plugins
    classes = {name: registry.method_class(name) for name in plugins}
    return [name for name, cls in classes.items() if cls.trains and cls.frozen_image_tower]


def subject(
    setting: BenchSetting, backbone: Backbone, call: str, classes: int = CLASSES
) -> Subject:
    """Build a method, written as on the command line, on random images."""
    choice = plan.resolve_method(*parse_call(call))
    candidate = Candidate(label=call, method=choice.name, config=choice.config)
    cost = CostSetting(
        model=setting.model, random_weights=True, classes=classes, batch=setting.batch,
        device=setting.device, threads=setting.threads,
    )  # fmt: skip
    return Subject(candidate, cost, backbone)


def plain_step(setting: BenchSetting, backbone: Backbone) -> Callable[[], None]:
    """Return a step of open_clip's own tower as anybody would write it: AdamW, cross-entropy."""
    own = backbone.fork()
    visual = own.visual.requires_grad_(True)
    optimiser = torch.optim.AdamW(visual.parameters(), lr=1e-6, fused=setting.cuda)
    size = own.preprocess.image_size
    images = torch.randn(setting.batch, 3, size, size, device=setting.device)
    labels = torch.randint(CLASSES, (setting.batch,), device=setting.device)
    names = tuple(f"thing {i}" for i in range(CLASSES))
    text = own.text_features(names, "a photo of a {}.")

    def step() -> None:
        optimiser.zero_grad()
        with own.autocast():
            features = F.normalize(visual(images), dim=-1)
            loss = F.cross_entropy(100 * features.float() @ text.T, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def measure(setting: BenchSetting, backbone: Backbone) -> list[BenchRow]:
    """Return the ratios of training steps."""
    rows = []
    name = reference()
    base = subject(setting, backbone, name)
    works = {"plain": plain_step(setting, backbone), "ours": base.step}
    times = in_turns(works, setting.rounds, setting.device)
    rows.append(_row(f"{name} / open_clip's tower, AdamW", over(times["ours"], times["plain"])))
    rate = tuple(1e3 * setting.batch / ms for ms in times["ours"])
    rows.append(_row(f"{name}, input not counted", rate, "images/s"))
    for call in compared():
        other = subject(setting, backbone, call)
        times = in_turns({"base": base.step, "one": other.step}, setting.rounds, setting.device)
        rows.append(_row(f"{call} / {name}", over(times["one"], times["base"])))
        del other
    for call in trained_on_features():
        other = subject(setting, backbone, call)

        def whole(other: Subject = other) -> None:
            with torch.no_grad():
                features = other.backbone.image_features(other.images)
            other.batch = replace(other.batch, features=features)
            other.step()

        times = in_turns({"kept": other.step, "whole": whole}, setting.rounds, setting.device)
        what = f"{call}, image features computed in every step / kept"
        rows.append(_row(what, over(times["whole"], times["kept"])))
        del other
    if setting.cuda:
        rows += _on_gpu(setting, base, name)
    return rows


def growth(setting: BenchSetting, backbone: Backbone) -> list[BenchRow]:
    """Return how much longer a step takes with many classes than with few."""
    rows = []
    few, many = 10, 1000 if setting.cuda else 100
    for call in (reference(), compared()[0], *trained_on_features()):
        works = {str(count): subject(setting, backbone, call, count).step for count in (few, many)}
        times = in_turns(works, setting.rounds, setting.device)
        what = f"{call}: a step with {many:,} classes / {few}"
        values = over(times[str(many)], times[str(few)])
        rows.append(BenchRow(group="growth", what=what, values=values))
    return rows


def _row(what: str, values: tuple[float, ...], unit: Unit = "×") -> BenchRow:
    return BenchRow(group="step", what=what, values=values, unit=unit)


def _on_gpu(setting: BenchSetting, base: Subject, name: str) -> list[BenchRow]:
    """Return the share of the card's matrix products and the memory of a step."""
    flops, _ = count_flops(base.step)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(
        setting.model.precision, torch.float32
    )
    size = 8192
    a, b = (torch.randn(size, size, device=setting.device, dtype=dtype) for _ in range(2))
    times = in_turns(
        {"step": base.step, "product": lambda: a @ b}, setting.rounds, setting.device, warm=3
    )
    peak = [2 * size**3 / ms / 1e9 for ms in times["product"]]
    ours = [flops / ms / 1e9 for ms in times["step"]]
    shares = tuple(100 * one / best for one, best in zip(ours, peak, strict=True))
    provenance.reset_peak_memory(setting.device)
    base.step()
    memory = provenance.peak_memory_mb(setting.device)
    return [
        _row(f"matrix product of {size}", tuple(peak), "TFLOP/s"),
        _row(f"{name}'s share of it", shares, "%"),
        _row(f"{name}'s memory", (memory,), "MiB"),
    ]
