"""Runs on a GPU: they train, repeat, resume, agree with the CPU, and survive full memory."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest
import torch

from harness import registry
from harness.bench.record import BenchSetting
from harness.bench.steps import subject
from harness.clip import backbone, forward
from harness.clip.load import load_backbone
from harness.errors import Interrupted
from harness.execution.run import execute
from harness.execution.worker import run_one
from harness.store.records import RunRecord
from harness.store.store import Store
from tests.engine import stop_after
from tests.gpu.conftest import METHODS, ON_GPU, PRECISIONS, Place

pytestmark = pytest.mark.gpu
TRIED = METHODS if ON_GPU else ("alignclip", "coop")


def _apart(one: RunRecord, other: RunRecord) -> float:
    """Return the largest relative difference of two runs' loss terms, over all tenths."""
    pairs = [
        (a, b)
        for name, values in one.metrics.losses.items()
        for a, b in zip(values, other.metrics.losses[name], strict=True)
    ]
    return max(abs(a - b) / max(abs(a), 1e-3) for a, b in pairs)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("method", TRIED)
def test_every_method_trains_in_every_precision(place: Place, method: str, precision: str) -> None:
    record = execute(place.spec(method, precision), place.shared("trained"))
    losses = record.metrics.losses
    assert losses
    assert all(math.isfinite(value) for values in losses.values() for value in values)
    assert record.provenance.step_ms is not None
    if ON_GPU:
        assert record.provenance.settings["tf32"] == "no"
        assert record.provenance.device == torch.cuda.get_device_name(0)
        place.measured.setdefault("step_ms", {})[f"{method} {precision}"] = (
            record.provenance.step_ms
        )
        place.measured.setdefault("energy_j", {})[f"{method} {precision}"] = (
            record.provenance.energy_j
        )
        place.measured.setdefault("memory_mb", {})[f"{method} {precision}"] = (
            record.provenance.peak_memory_mb
        )


@pytest.mark.parametrize("method", TRIED)
def test_a_seed_repeats_and_a_stopped_run_goes_on(place: Place, method: str) -> None:
    """To the bit on a CPU; on a GPU as closely as its kernels allow, and that is written down."""
    spec = place.spec(method)
    first = execute(spec, place.shared("first"))
    again = execute(spec, place.shared("again"))
    parts = place.shared("parts")
    with pytest.raises(Interrupted):
        execute(spec, parts, stop=stop_after(6))
    resumed = execute(spec, parts)
    assert resumed.provenance.resumed == 1
    apart = {"repeated": _apart(first, again), "resumed": _apart(first, resumed)}
    if ON_GPU:
        place.measured.setdefault("relative difference of losses", {})[method] = apart
        assert max(apart.values()) < 1e-2
    else:
        assert apart == {"repeated": 0.0, "resumed": 0.0}
    other = execute(place.spec(method, seed=1), place.shared("first"))
    assert _apart(first, other) > max(apart.values())


@pytest.mark.parametrize("method", TRIED)
def test_cpu_and_gpu_agree(place: Place, method: str) -> None:
    given = {"steps": 2, "batch_per_domain": 2, "lr": 1e-6}
    here = execute(place.spec(method, **given), place.shared("gpu"))
    cpu = place.context("cpu").model_copy(update={"device": "cpu", "threads": 2})
    there = execute(place.spec(method, **given), type(place.shared("gpu"))(cpu))
    apart = _apart(here, there)
    place.measured.setdefault("CPU against GPU", {})[method] = apart
    assert apart < 1e-2


@pytest.mark.parametrize("method", TRIED)
def test_a_step_never_waits_for_the_device(place: Place, method: str) -> None:
    setting = BenchSetting(device=place.device, batch=6, threads=1)
    pretrained = load_backbone(place.spec(method).model, place.device)
    recipe = ",".join(f"{k}={v}" for k, v in place.spec(method).given.items())
    one = subject(setting, pretrained, f"{method}[{recipe}]")
    one.step()  # what is made once may be waited for once
    one.step()
    before = torch.cuda.get_sync_debug_mode() if ON_GPU else 0
    try:
        if ON_GPU:
            torch.cuda.set_sync_debug_mode("error")
        one.step()
    finally:
        if ON_GPU:
            torch.cuda.set_sync_debug_mode(before)


def test_the_update_is_fused_on_a_gpu(place: Place) -> None:
    pretrained = load_backbone(place.spec("finetune").model, place.device)
    one = subject(BenchSetting(device=place.device, batch=6), pretrained, "finetune")
    assert one.trainer.optimiser.defaults["fused"] is ON_GPU


@pytest.mark.parametrize("changes", [{"micro_batch": 3}, {"clip_norm": 1e6}])
def test_parts_and_a_wide_limit_change_nothing(place: Place, changes: dict[str, Any]) -> None:
    whole = execute(place.spec("alignclip"), place.shared("whole"))
    other = execute(place.spec("alignclip", **changes), place.shared("whole"))
    assert _apart(whole, other) < (1e-2 if ON_GPU else 1e-4)


def test_compiled_and_channels_last_stay_close(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not ON_GPU:  # the code generator takes a minute there
        compiled = torch.compile(forward.trace, backend="eager")
        monkeypatch.setattr(backbone, "_compiled_trace", lambda: compiled)
    spec = place.spec("alignclip", "bf16")
    whole = execute(spec, place.shared("forms"))
    for changes in ({"compile": True}, {"channels_last": True}):
        model = spec.model.model_copy(update=changes)
        other = execute(spec.model_copy(update={"model": model}), place.shared("forms"))
        place.measured.setdefault("against eager bf16", {})[next(iter(changes))] = _apart(
            whole, other
        )
        assert _apart(whole, other) < 0.1


def test_activations_computed_again_take_less_memory(place: Place) -> None:
    spec = place.spec("alignclip")
    kept = execute(spec, place.shared("kept"))
    again = execute(spec, place.shared("again", activation_checkpointing=True))
    assert _apart(kept, again) < (1e-2 if ON_GPU else 1e-12)
    if ON_GPU:
        peaks = again.provenance.peak_memory_mb, kept.provenance.peak_memory_mb
        assert peaks[0] < peaks[1]
        place.measured["activation checkpointing, MiB"] = peaks


def test_full_memory_fails_one_run_and_not_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = place.shared("full")
    spec = place.spec("alignclip")
    shared.backbone(spec.model)  # the model itself fits
    out = io.StringIO()
    if ON_GPU:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2e8) / total)
    else:
        cls = registry.method_class("alignclip")
        sound = cls.losses

        def full(self: Any, batch: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

        monkeypatch.setattr(cls, "losses", full)
    try:
        run_one(spec, shared.context, shared, lambda: False, out)  # type: ignore[arg-type]
    finally:
        if ON_GPU:
            torch.cuda.set_per_process_memory_fraction(1.0)
        else:
            monkeypatch.setattr(cls, "losses", sound)
    failed = json.loads(out.getvalue().splitlines()[-1])
    assert failed["event"] == "failed", failed
    assert "out of memory" in failed["error"]
    assert "micro_batch" in failed["error"]
    run_one(spec, shared.context, shared, lambda: False, out)  # type: ignore[arg-type]
    assert json.loads(out.getvalue().splitlines()[-1])["event"] == "done"
    assert Store(shared.context.store).has(spec.id)
