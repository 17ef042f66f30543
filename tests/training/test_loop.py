"""The training loop in whole runs: stops, selections, losses, batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness import registry
from harness.clip import backbone, forward
from harness.clip.forward import TraceRequest
from harness.clip.load import load_backbone
from harness.errors import Interrupted
from harness.execution import run
from harness.execution.run import Shared, execute
from harness.method import Batch
from harness.source import source_hash
from harness.specs import ModelSpec
from harness.store.store import Store
from harness.training import checkpoint, step
from harness.training.batches import Batches
from tests.engine import SMALL, make_context, make_spec, outcome, stop_after

TRAINED = [name for name in SMALL if registry.method_class(name).trains]


@pytest.mark.parametrize("method", TRAINED)
@pytest.mark.parametrize("selection", ["own", "best"])
def test_a_stopped_run_ends_in_the_same_bytes(
    image_folder: Path, random_clip: Path, tmp_path: Path, method: str, selection: str
) -> None:
    spec = make_spec(method, image_folder, random_clip, selection=selection)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    execute(spec, Shared(make_context(whole, image_folder)))
    # stopped in the first evaluation, in the middle, and soon after
    for asked in (0, 8, 5):
        with pytest.raises(Interrupted):
            execute(spec, Shared(make_context(parts, image_folder)), stop=stop_after(asked))
    torch.manual_seed(99)  # nothing may depend on the global generator
    record = execute(spec, Shared(make_context(parts, image_folder)))
    assert record.provenance.resumed == 2
    assert outcome(parts, spec.id) == outcome(whole, spec.id)


def test_a_damaged_checkpoint_only_costs_time(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("finetune", image_folder, random_clip)
    execute(spec, Shared(make_context(tmp_path / "whole", image_folder)))
    context = make_context(tmp_path / "parts", image_folder)
    with pytest.raises(Interrupted):
        execute(spec, Shared(context), stop=stop_after(5))
    file = Store(context.store).work_dir(spec.id) / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:1000])
    execute(spec, Shared(context))
    assert outcome(context.store, spec.id) == outcome(tmp_path / "whole", spec.id)


def test_selections_test_different_weights_of_the_same_training(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    shared = Shared(make_context(tmp_path, image_folder))
    runs = {
        selection: execute(
            make_spec("clipood", image_folder, random_clip, selection=selection, eval_every=4),
            shared,
        ).metrics
        for selection in ("own", "averaged", "last", "best")
    }
    assert {name: metrics.selection for name, metrics in runs.items()} == {
        "own": "averaged", "averaged": "averaged", "last": "last", "best": "best",
    }  # fmt: skip
    assert runs["last"].losses == runs["averaged"].losses
    assert runs["own"].model_dump() == runs["averaged"].model_dump()
    assert runs["best"].selected_step in (0, 4, 8, 12)

    def correct(name: str) -> int:
        return sum(score.correct for score in runs[name].source_val.values())

    start = sum(score.correct for score in runs["best"].zero_shot_val.values())
    assert correct("best") >= max(correct("last"), start)


def test_best_is_the_start_when_training_only_harms(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    shared = Shared(make_context(tmp_path, image_folder))
    good = make_spec("finetune", image_folder, random_clip, selection="best", lr=1e-12)
    metrics = execute(good, shared).metrics
    assert metrics.selected_step == 0  # nothing was ever better, and ties go to the earlier step
    zero = execute(make_spec("zero_shot", image_folder, random_clip), shared).metrics
    assert metrics.tests == zero.tests


def test_a_loss_that_is_not_finite_ends_the_run(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("finetune", image_folder, random_clip, lr=1e30)
    with pytest.raises(FloatingPointError, match="not finite at step"):
        execute(spec, Shared(make_context(tmp_path, image_folder)))


def test_training_reads_each_domain_as_often(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[tuple[list[int], list[int]]] = []
    original = registry.method_class("finetune").losses

    def spy(self: Any, batch: Batch) -> Any:
        batches.append((batch.domains.tolist(), batch.labels.tolist()))
        return original(self, batch)

    monkeypatch.setattr(registry.method_class("finetune"), "losses", spy)
    spec = make_spec("finetune", image_folder, random_clip, batch_per_domain=5)
    execute(spec, Shared(make_context(tmp_path, image_folder)))
    assert all(domains == [0] * 5 + [1] * 5 for domains, _ in batches)
    assert len({tuple(labels) for _, labels in batches}) > 6


def test_a_run_killed_in_its_test_does_not_train_again(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec("finetune", image_folder, random_clip)
    execute(spec, Shared(make_context(tmp_path / "whole", image_folder)))
    context = make_context(tmp_path / "parts", image_folder, checkpoint_seconds=0.0)
    ended = [False]
    original = run.train

    def train(*arguments: Any) -> Any:
        trained = original(*arguments)
        ended[0] = True
        return trained

    monkeypatch.setattr(run, "train", train)
    with pytest.raises(Interrupted):
        execute(spec, Shared(context), stop=lambda: ended[0])
    monkeypatch.setattr(Batches, "__call__", lambda self, step: pytest.fail("trained again"))
    execute(spec, Shared(context))
    assert outcome(context.store, spec.id) == outcome(tmp_path / "whole", spec.id)


@pytest.mark.parametrize("method", TRAINED)
def test_what_starts_as_the_pretrained_model_is_validated_as_it(
    image_folder: Path, random_clip: Path, tmp_path: Path, method: str, monkeypatch: Any
) -> None:
    cls = registry.method_class(method)
    spec = make_spec(method, image_folder, random_clip)
    read = execute(spec, Shared(make_context(tmp_path / "a", image_folder))).metrics
    declared = cls.starts_pretrained
    monkeypatch.setattr(cls, "starts_pretrained", False)
    computed = execute(spec, Shared(make_context(tmp_path / "b", image_folder))).metrics
    assert read == computed
    assert declared or cls.frozen_image_tower or method in ("average_pooling", "maple")


@pytest.mark.parametrize("change", ["far", "before", "optimiser"])
def test_a_checkpoint_that_was_edited_and_sealed_again_only_costs_time(
    image_folder: Path, random_clip: Path, tmp_path: Path, change: str
) -> None:
    spec = make_spec("finetune", image_folder, random_clip)
    execute(spec, Shared(make_context(tmp_path / "whole", image_folder)))
    context = make_context(tmp_path / "parts", image_folder)
    with pytest.raises(Interrupted):
        execute(spec, Shared(context), stop=stop_after(8))
    file = Store(context.store).work_dir(spec.id) / "checkpoint.pt"
    owner = {"run": spec.id, "source": source_hash(registry.method_class("finetune"))}
    loaded = checkpoint.load(file, "cpu", owner)
    assert loaded is not None
    state, parts = loaded
    if change == "optimiser":
        kept = next(iter(parts["optimiser"]["state"].values()))
        kept["exp_avg"] = kept["exp_avg"].flatten()[:1]
        parts["parameters"] = {k: v + 1 for k, v in parts["parameters"].items()}
    else:
        state.step = 10**6 if change == "far" else -5
    checkpoint.save(file, state, parts, owner)
    execute(spec, Shared(context))
    assert outcome(context.store, spec.id) == outcome(tmp_path / "whole", spec.id)


def test_losses_read_a_step_late_give_the_same_record(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec("alignclip", image_folder, random_clip, selection="best")
    execute(spec, Shared(make_context(tmp_path / "at once", image_folder)))
    monkeypatch.setattr(step, "reads_late", lambda device: True)  # as on a GPU
    late = make_context(tmp_path / "late", image_folder)
    with pytest.raises(Interrupted):
        execute(spec, Shared(late), stop=stop_after(8))
    execute(spec, Shared(late))
    assert outcome(late.store, spec.id) == outcome(tmp_path / "at once", spec.id)


@pytest.mark.parametrize("at", [3, 4, 11])
def test_nothing_is_kept_after_a_loss_that_is_read_late_and_is_not_finite(
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    """Every step asks for a checkpoint; the last one kept is of before the loss."""
    spec = make_spec("finetune", image_folder, random_clip)
    cls = registry.method_class("finetune")
    sound = cls.losses

    def spoilt(self: Any, batch: Batch) -> Any:
        terms = sound(self, batch)
        return terms | {"mine": torch.tensor(float("nan" if batch.step == at else 0))}

    monkeypatch.setattr(step, "reads_late", lambda device: True)
    monkeypatch.setattr(cls, "losses", spoilt)
    context = make_context(tmp_path, image_folder, checkpoint_seconds=0.0)
    with pytest.raises(FloatingPointError, match=rf"not finite at step {at}: .*'mine': nan"):
        execute(spec, Shared(context))
    owner = {"run": spec.id, "source": source_hash(cls)}
    found = checkpoint.load(
        Store(tmp_path).work_dir(spec.id) / "checkpoint.pt", torch.device("cpu"), owner
    )
    assert found is not None
    assert found[0].step <= at
    assert all(torch.isfinite(p).all() for p in found[1]["parameters"].values())


@pytest.mark.parametrize("method", TRAINED)
def test_activations_computed_again_give_the_same_bytes(
    image_folder: Path, random_clip: Path, tmp_path: Path, method: str
) -> None:
    spec = make_spec(method, image_folder, random_clip)
    execute(spec, Shared(make_context(tmp_path / "kept", image_folder)))
    again = make_context(tmp_path / "again", image_folder, activation_checkpointing=True)
    execute(spec, Shared(again))
    assert outcome(again.store, spec.id) == outcome(tmp_path / "kept", spec.id)


def test_activations_are_not_kept_when_asked(random_clip: Path) -> None:
    """Bytes that the graph holds between forward and backward pass, by autograd's own hooks."""

    def held(checkpointed: bool) -> int:
        backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu").fork()
        if checkpointed:
            backbone.checkpoint_activations()
        for parameter in backbone.visual.parameters():
            parameter.requires_grad_(True)
        kept: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            kept[tensor.data_ptr()] = tensor.nbytes
            return tensor

        request = TraceRequest(attention_layers=2, patches=True, branch="d-v", branch_depth=2)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            backbone.trace(torch.randn(8, 3, 16, 16), request)
        return sum(kept.values())

    assert held(True) < 0.6 * held(False)


def test_compiled_and_channels_last_are_runs_of_their_own_with_close_numbers(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the tracer without the code generator, which takes a minute
    compiled = torch.compile(forward.trace, backend="eager")
    monkeypatch.setattr(backbone, "_compiled_trace", lambda: compiled)
    plain = make_spec("alignclip", image_folder, random_clip)
    records = {}
    for changes in ({}, {"compile": True}, {"channels_last": True}):
        model = plain.model.model_copy(update=changes)
        spec = plain.model_copy(update={"model": model})
        records[model.numerics] = execute(spec, Shared(make_context(tmp_path, image_folder)))
    assert list(records) == ["fp32", "fp32, compiled", "fp32, channels last"]
    assert len({record.id for record in records.values()}) == 3
    first, *others = (record.metrics.losses for record in records.values())
    for other in others:
        for name, values in first.items():
            assert other[name] == pytest.approx(values, rel=1e-3)
