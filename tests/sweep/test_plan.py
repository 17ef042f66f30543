"""From what a user types to specs, and identities that do not depend on places."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep import plan
from harness.sweep.file import SweepSpec, plan_sweep, read_sweep
from tests.engine import make_spec


def test_a_method_s_own_values_win_over_the_sweep_s_and_those_over_a_preset() -> None:
    given = {"preset": "paper", "lr": 1e-4}
    defaults = {"lr": 0.5, "steps": 7, "n_ctx": 3, "detach_target": False}
    choice = plan.resolve_method("alignclip", given, defaults)
    assert choice.config["lr"] == 1e-4
    assert choice.config["steps"] == 7
    assert choice.config["normalise_targets"] is True  # of the preset
    assert choice.config["detach_target"] is False
    assert "n_ctx" not in choice.config  # a default for methods that have it
    assert choice.config["margin"] == 0.3
    assert choice.given == given
    assert choice.label == "alignclip[preset=paper, lr=0.0001]"


def test_the_same_configuration_has_one_id_however_it_is_given(
    image_folder: Path, random_clip: Path
) -> None:
    plain = make_spec("clipood", image_folder, random_clip)
    spelled = make_spec("clipood", image_folder, random_clip, margin=0.3, beta=0.5)
    assert plain.id == spelled.id
    assert plain.given != spelled.given
    preset = make_spec("alignclip", image_folder, random_clip, preset="official")
    assert preset.id == make_spec("alignclip", image_folder, random_clip).id


def test_the_id_is_the_same_wherever_data_and_model_lie(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    data, model = tmp_path / "data", tmp_path / "model"
    shutil.copytree(image_folder, data)
    shutil.copytree(random_clip, model)
    here = make_spec("finetune", image_folder, random_clip)
    assert make_spec("finetune", data, model).id == here.id
    weights = model / "open_clip_model.safetensors"
    config = model / "open_clip_config.json"
    for file in (weights, config):  # a changed configuration is another model, too
        before = file.read_bytes()
        file.write_bytes(before[:-1] + b" ")
        plan.files_hash.cache_clear()
        assert make_spec("finetune", data, model).id != here.id
        file.write_bytes(before)
    plan.files_hash.cache_clear()
    assert make_spec("finetune", data, model).id == here.id
    next(data.glob("domain0/*/*.png")).unlink()
    assert make_spec("finetune", data, random_clip).id != here.id


def test_a_model_file_that_is_none_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "open_clip_config.json")
    model = ModelSpec(name=f"local-dir:{tmp_path}")
    with pytest.raises(UserError, match=r"open_clip_config.json: no file; restore it"):
        plan.files_hash(plan.local_files(model))


def test_the_weights_that_complete_a_tower_are_part_of_what_it_is(tmp_path: Path) -> None:
    files = tmp_path / "tower.pt", tmp_path / "base.pt"
    for file in files:
        file.write_bytes(file.name.encode())
    model = ModelSpec(name="ViT-B-16", pretrained=str(files[0]), base=str(files[1]))
    assert plan.local_files(model) == files
    assert plan.local_files(model.model_copy(update={"base": "openai"})) == files[:1]


def test_runs_of_one_seed_share_the_data_seed_across_methods() -> None:
    sweep = SweepSpec(name="s", methods=["zero_shot", "clipood"], seeds=[3, 5], targets="noto")
    runs = plan_sweep(sweep, None).runs
    assert [(r.method, r.seed, r.data_seed) for r in runs] == [
        ("zero_shot", 3, 3), ("clipood", 3, 3), ("zero_shot", 5, 5), ("clipood", 5, 5),
    ]  # fmt: skip
    fixed = plan_sweep(sweep.model_copy(update={"data_seed": 0}), None).runs
    assert [r.data_seed for r in fixed] == [0] * 4


def test_all_means_every_domain_and_a_name_must_be_one() -> None:
    opened = plan.open_dataset(DatasetSpec(name="emoji"), None)
    choice = [plan.resolve_method("zero_shot", {})]
    model, data = ModelSpec(name="tiny-emoji"), DatasetSpec(name="emoji")
    runs = plan.expand(choice, model, data, DomainShift(), ["all"], [0], opened)
    assert [run.target for run in runs] == list(opened.domains)
    assert len({run.id for run in runs}) == 4
    twice = plan.expand(choice, model, data, DomainShift(), ["noto", "noto"], [0], opened)
    assert len(twice) == 1
    with pytest.raises(UserError, match="seed 0 is given twice"):
        plan.expand(choice, model, data, DomainShift(), ["noto"], [0, 1, 0], opened)
    with pytest.raises(UserError, match="target 'notto' is no domain of 'emoji'"):
        plan.expand(choice, model, data, DomainShift(), ["notto"], [0], opened)


@pytest.mark.parametrize("selection", ["own", "last", "best"])
def test_methods_without_an_average_take_the_other_selections(selection: Any) -> None:
    sweep = SweepSpec(name="s", methods=["finetune"], seeds=[0], selection=selection)
    assert all(run.selection == selection for run in plan_sweep(sweep, None).runs)


EPOCHS = {  # CoOp, CoCoOp, MaPLe: images of 16 shots // batch, times the authors' epochs
    "ImageNet": (12500, 80000, 10000),
    "SUN397": (19800, 31840, 3980),
    "StanfordCars": (9800, 15680, 1960),
    "DescribableTextures": (2400, 3840, 480),
    "OxfordPets": (1800, 3040, 380),
    "EuroSAT": (400, 800, 100),
    "Caltech101": (5000, 8000, 1000),
    "FGVCAircraft": (5000, 8000, 1000),
    "OxfordFlowers": (5000, 8160, 1020),
    "Food101": (5000, 8160, 1020),
    "UCF101": (5000, 8160, 1020),
}


@pytest.mark.parametrize("dataset", EPOCHS)
def test_epochs_are_so_many_steps_on_each_data_set(dataset: str) -> None:
    sweep = read_sweep("table3-open-class")
    runs = plan_sweep(sweep, None, outline=True).runs
    own = {r.method: r for r in runs if r.dataset.name == dataset and r.seed == 1}
    for method, steps in zip(("coop", "cocoop", "maple"), EPOCHS[dataset], strict=True):
        config = own[method].config
        assert config["steps"] == steps
        assert config["warmup_steps"] == steps // config["epochs"]  # one epoch
    assert {r.data_seed for r in runs} == {1, 2, 3}  # seeds vary the shots, as CoOp's do


def test_few_shot_epochs_go_by_shots_and_imagenets_are_its_own() -> None:
    plan = plan_sweep(read_sweep("few-shot"), None, outline=True)
    runs = [run for run in plan.runs if run.method == "coop" and run.seed == 1]
    steps = {(r.dataset.name, r.protocol.shots): r.config["steps"] for r in runs}
    own = {1: 50 * 1, 2: 100 * 2, 4: 100 * 5, 8: 200 * 11, 16: 200 * 23}  # 47 n // 32, at least 1
    assert {n: s for (name, n), s in steps.items() if name == "DescribableTextures"} == own
    own = {n: 50 * (1000 * n // 32) for n in (1, 2, 4, 8, 16)}
    assert {n: s for (name, n), s in steps.items() if name == "ImageNet"} == own
    assert len(runs) == 5 * 11
    assert {run.label for run in plan.runs} == {"zero-shot CLIP", "CoOp"}


def test_a_method_changed_at_some_shots_must_be_a_row() -> None:
    values = {"name": "s", "protocol": "few_shot", "methods": ["zero_shot"],
              "shots": [1, {"shots": 2, "methods": {"coop": {"epochs": 3}}}]}  # fmt: skip
    with pytest.raises(UserError, match=r"unknown method or row 'coop'.* under '2 shots' in"):
        plan_sweep(SweepSpec.model_validate(values), None)


def test_imagenet_to_coops_ten_others_by_one_name() -> None:
    runs = plan_sweep(read_sweep("cross-dataset"), None, outline=True).runs
    assert len(runs) == 3 * 7  # one run tests all of them
    ten = ("Caltech101", "OxfordPets", "StanfordCars", "OxfordFlowers", "Food101", "FGVCAircraft",
           "SUN397", "DescribableTextures", "EuroSAT", "UCF101")  # fmt: skip
    for run in runs:
        assert (run.dataset.name, run.protocol.shots) == ("ImageNet", 16)
        assert [data.name for data in run.data()[1:]] == list(ten)
        assert [cell[0] for cell in run.protocol.cells(run.target)] == [*ten, "ImageNet"]
    steps = {run.method: run.config.get("steps") for run in runs}
    assert (steps["coop"], steps["cocoop"], steps["maple"]) == (50 * 500, 10 * 16000, 2 * 4000)


def test_epochs_over_all_images_need_the_files(image_folder: Path, random_clip: Path) -> None:
    # 3 domains of 30 images, 80 % of two train: 48; batches of 10
    spec = make_spec("coop", image_folder, random_clip, epochs=3, batch_size=10, n_ctx=4)
    assert spec.config["steps"] == 3 * 4
    assert spec.config["warmup_steps"] == 4
    sweep = SweepSpec.model_validate(
        {"name": "s", "dataset": "PACS", "methods": [{"method": "coop", "params": {"epochs": 2}}]}
    )
    with pytest.raises(UserError, match=r"need its files, to be counted: give --data-root, or st"):
        plan_sweep(sweep, None, outline=True)


def test_recipes_in_steps_stay_as_they_are(image_folder: Path, random_clip: Path) -> None:
    spec = make_spec("coop", image_folder, random_clip, steps=100, n_ctx=4)
    assert (spec.config["steps"], spec.config["warmup_steps"]) == (100, 2)
