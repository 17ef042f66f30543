"""Templates and class names that a user gives, of every data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from harness.cli.main import main
from harness.clip.load import load_backbone
from harness.clip.openclip import open_clip
from harness.dataset import Dataset
from harness.errors import UserError
from harness.execution.run import Shared, execute
from harness.prompts import NAMED, Prompts
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.store import Store
from harness.sweep import plan
from tests.engine import make_context, make_spec

CLASSES = ("blue thing", "green thing", "red thing")


def opened(root: Path, **options: Any) -> Dataset:
    return plan.open_dataset(DatasetSpec(name="folder", options=options), root)


def planned(root: Path, model: Path, **options: Any) -> RunSpec:
    spec = DatasetSpec(name="folder", options=options)
    protocol = make_spec("zero_shot", root, model).protocol
    (run,) = plan.expand(
        [plan.resolve_method("zero_shot", {})],
        ModelSpec(name=f"local-dir:{model}"),
        spec,
        protocol,
        ["domain1"],
        [0],
        plan.open_dataset(spec, root),
    )
    return run


def test_the_named_lists_are_openai_s() -> None:
    from open_clip import OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES

    assert NAMED["openai-80"] == tuple(of("{}") for of in OPENAI_IMAGENET_TEMPLATES)
    assert NAMED["openai-7"] == tuple(of("{}") for of in SIMPLE_IMAGENET_TEMPLATES)
    assert [len(texts) for texts in NAMED.values()] == [80, 7]


def test_an_ensemble_is_the_mean_of_unit_features_of_unit_norm(random_clip: Path) -> None:
    backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu")
    tokenize = open_clip.get_tokenizer(f"local-dir:{random_clip}")
    found = backbone.text_features(CLASSES, Prompts(NAMED["openai-7"]))
    for name, feature in zip(CLASSES, found, strict=True):
        texts = [template.replace("{}", name) for template in NAMED["openai-7"]]
        with torch.no_grad():
            one = backbone.model.encode_text(tokenize(texts, context_length=24))
        one = one / one.norm(dim=-1, keepdim=True)
        mean = one.mean(dim=0)
        assert_close(feature, mean / mean.norm())


def test_one_template_in_a_list_is_that_template(random_clip: Path) -> None:
    backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu")
    alone = backbone.text_features(CLASSES, "{} texture.")
    assert torch.equal(backbone.text_features(CLASSES, Prompts(("{} texture.",))), alone)


def test_a_prompt_that_is_too_long_is_cut_only_when_asked(random_clip: Path) -> None:
    backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu")
    name = " ".join(["one"] * 23)
    with pytest.raises(UserError, match=rf"'{name}' has 25 tokens.* or .* option truncate=true"):
        backbone.text_features((name,), "{}")
    cut = backbone.text_features((name,), Prompts(("{}",), truncate=True))
    assert_close(cut, backbone.text_features((name.removesuffix(" one"),), "{}"))


def test_what_a_data_set_s_options_make_of_its_prompts(image_folder: Path) -> None:
    assert opened(image_folder).prompts == "a photo of a {}."
    assert opened(image_folder, template="{} texture.").prompts == "{} texture."
    named = opened(image_folder, templates="openai-80").prompts
    assert named == Prompts(NAMED["openai-80"], name="openai-80")
    assert str(named) == "openai-80"
    several = opened(image_folder, templates=["a {}.", "the {}."], truncate=True).prompts
    assert several == Prompts(("a {}.", "the {}."), truncate=True)
    assert str(several) == "a {}. | the {}., truncated"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"template": "a photo"}, "template 'a photo' must hold one {} for the class's name"),
        ({"template": "{} {}"}, "must hold one {}"),
        ({"templates": ["a {}.", "x"]}, "template 'x' must hold one {}"),
        ({"templates": "openai-81"}, "templates 'openai-81' are unknown; use openai-80, openai-7"),
        ({"template": "a {}.", "templates": "openai-7"}, "'template' or 'templates', not both"),
        ({"class_names": ["a", "b"]}, "2 names for 3 classes"),
        ({"class_names": ["a", "b", "b"]}, "cannot tell 'b' and 'b' apart"),
        ({"class_names": ["a", "b", "B"]}, "cannot tell 'b' and 'B' apart"),
        ({"class_names": {"red thing": "Blue_thing"}}, "'blue thing' and 'Blue_thing' apart"),
        ({"class_names": {"red thing": "blue thing"}}, "'blue thing' and 'blue thing' apart"),
        ({"class_names": {"rad thing": "x"}}, "option class_names 'rad thing'"),
        ({"class_names": "nowhere.txt"}, "nowhere.txt cannot be read (No such file"),
    ],
)
def test_what_is_refused_is_one_line(
    image_folder: Path,
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(UserError) as caught:
        opened(image_folder, **options)
    assert str(caught.value).removeprefix("unknown class in ").startswith("data set 'folder': ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("names.json", '["b", "g", "r"]', ("b", "g", "r")),
        ("some.json", '{"green thing": "g"}', ("blue thing", "g", "red thing")),
        ("names.txt", "b\n\n g \nr\n", ("b", "g", "r")),
        ("names.txt", "\ufeffb\r\ng\r\nr\r\n", ("b", "g", "r")),  # as Windows' editors write
        ("names.json", '\ufeff["b", "g", "r"]', ("b", "g", "r")),
    ],
)
def test_class_names_of_a_file_are_known_by_what_is_in_it(
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    file: str,
    text: str,
    expected: tuple[str, ...],
) -> None:
    path = tmp_path / file
    path.write_text(text)
    assert opened(image_folder, class_names=str(path)).class_names == expected
    run = planned(image_folder, random_clip, class_names=str(path))
    path.unlink()  # a worker elsewhere needs no such file
    assert str(tmp_path) not in json.dumps(run.content()["dataset"])
    assert opened(image_folder, **run.dataset.options).class_names == expected


@pytest.mark.parametrize("text", ["{", "3", "[1, 2, 3]", '{"red thing": 1}'])
def test_a_file_of_something_else(image_folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "n.json").write_text(text)
    with pytest.raises(UserError, match=r"n\.json (cannot be read|must hold)") as caught:
        opened(image_folder, class_names=str(tmp_path / "n.json"))
    assert "\n" not in str(caught.value)


def test_asking_for_nothing_changes_no_identity(image_folder: Path, random_clip: Path) -> None:
    plain = planned(image_folder, random_clip)
    assert plain.content()["dataset"]["options"] == {}
    others = [
        planned(image_folder, random_clip, **options)
        for options in ({"template": "a {}."}, {"templates": "openai-7"}, {"truncate": True})
    ]
    assert len({run.id for run in (plain, *others)}) == 4


def test_a_run_classifies_by_what_was_asked_for(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    names = ["azure", "lime", "ruby"]
    run = planned(image_folder, random_clip, templates="openai-7", class_names=names)
    record = execute(run, Shared(make_context(tmp_path, image_folder)))
    assert record.class_names == tuple(names)
    backbone = load_backbone(run.model, "cpu")
    text = backbone.text_features(tuple(names), Prompts(NAMED["openai-7"]))
    data = opened(image_folder)
    from harness.data.bank import ImageBank

    with torch.no_grad():
        pixels = ImageBank(data, backbone, None).test_images(data.samples("domain1"))
        expected = (backbone.image_features(pixels) @ text.T).argmax(1)
    assert Store(tmp_path).predictions(run.id).prediction.tolist() == expected.tolist()


def test_from_the_command_line(
    image_folder: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["run", "zero_shot", "--dataset", "folder", "--data-root", str(image_folder)]
    call += ["--model", f"local-dir:{random_clip}", "--target", "domain1", "--seeds", "0"]
    call += ["--store", str(tmp_path / "runs"), "--cache-dir", str(tmp_path / "cache")]
    for option in ("templates=openai-7", "templates=[a {}., the {}.]", "template={} texture."):
        assert main([*call, "--option", option]) == 0, capsys.readouterr().err
    assert len(list((tmp_path / "runs" / "runs").iterdir())) == 3
    assert main([*call, "--option", "templates=nine"]) == 2
    said = capsys.readouterr().err
    assert "templates 'nine' are unknown; use openai-80, openai-7, or a list" in said
