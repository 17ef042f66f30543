"""Weights kept beside a record make the run's method again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from harness.errors import UserError
from harness.execution.run import Shared, execute, rebuild
from harness.store.store import Store
from harness.training.evaluate import pack_predictions, predict, pretrained_answers
from tests.engine import make_context, make_spec, outcome


@pytest.mark.parametrize(
    ("method", "selection"),
    [("finetune", "last"), ("finetune", "best"), ("clipood", "own"), ("coop", "own")],
)
def test_kept_weights_predict_the_records_bytes(
    image_folder: Path, random_clip: Path, tmp_path: Path, method: str, selection: str
) -> None:
    spec = make_spec(method, image_folder, random_clip, selection=selection)
    context = make_context(tmp_path, image_folder, keep_weights=True)
    record = execute(spec, Shared(context))
    store = Store(tmp_path)
    kept = load_file(store.weights_file(spec.id))
    assert sum(value.numel() for value in kept.values()) == record.trained_parameters
    assert {value.dtype for value in kept.values()} == {torch.float32}
    shared = Shared(context)
    built, bank = rebuild(spec, shared), shared.bank(spec)
    assert set(kept) == set(built.parameters)
    tested = [
        (predict(built.method, bank, part.samples, part.class_names), part)
        for part in spec.protocol.test_sets(bank.dataset, spec.target, spec.data_seed)
    ]
    pretrained = [pretrained_answers(bank, part) for _, part in tested]
    again = pack_predictions(tested, bank.backbone.logit_scale, pretrained)
    assert again == (store.run_dir(spec.id) / "predictions.npz").read_bytes()


def test_weights_change_nothing_of_a_run_but_the_file(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("finetune", image_folder, random_clip)
    for keep, folder in ((True, tmp_path / "with"), (False, tmp_path / "without")):
        execute(spec, Shared(make_context(folder, image_folder, keep_weights=keep)))
        assert Store(folder).weights_file(spec.id).is_file() == keep
    assert outcome(tmp_path / "with", spec.id) == outcome(tmp_path / "without", spec.id)
    with pytest.raises(UserError, match=r"kept no weights; run it with --keep-weights .* --store"):
        rebuild(spec, Shared(make_context(tmp_path / "without", image_folder)))


def test_what_trains_nothing_keeps_nothing_and_is_made_again(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    shared = Shared(make_context(tmp_path, image_folder, keep_weights=True))
    execute(spec, shared)
    assert not Store(tmp_path).weights_file(spec.id).exists()
    assert rebuild(spec, shared).parameters == {}


def test_a_damaged_file_and_other_parameters_are_refused(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    shared = Shared(make_context(tmp_path, image_folder, keep_weights=True))
    finetune = make_spec("finetune", image_folder, random_clip, steps=1)
    coop = make_spec("coop", image_folder, random_clip, steps=1)
    store = Store(tmp_path)
    for spec in (finetune, coop):
        execute(spec, shared)
    own = store.weights_file(coop.id)
    own.write_bytes(store.weights_file(finetune.id).read_bytes())
    with pytest.raises(UserError, match="not the parameters of this method"):
        rebuild(coop, shared)
    own.write_bytes(b"no weights")
    with pytest.raises(UserError, match="cannot be read"):
        rebuild(coop, shared)
