"""Every kind of open_clip's towers is taken by a method or refused with a reason."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from harness import registry, resources
from harness.clip.openclip import open_clip

PATCHES = {"alignclip", "clip_surgery", "average_pooling", "maple"}
PROMPTS = {"coop", "cocoop", "maple"}
KINDS = {
    "ViT-B-32": set(),
    "ViT-L-14-336-quickgelu": set(),
    "RN50": {"alignclip", "clip_surgery", "maple"},
    "coca_ViT-B-32": PATCHES | PROMPTS,
    "convnext_tiny": PATCHES,
    "swin_base_patch4_window7_224": PATCHES,
    "vit_relpos_medium_patch16_cls_224": PATCHES,
    "EVA02-B-16": PATCHES,
    "PE-Core-T-16-384": PATCHES,
    "ViTamin-S": PATCHES,
    "MobileCLIP-B": PATCHES,
    "MobileCLIP2-S0": PATCHES | PROMPTS,
    "ViT-B-16-SigLIP": PATCHES | PROMPTS,
    "ViT-L-14-CLIPA": PATCHES | PROMPTS,
    "ViT-H-14-worldwide": set(),
}
"""A model of each kind, with the methods that refuse it."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = resources.ROOT / "scripts" / "towers.py"
    spec = importlib.util.spec_from_file_location("towers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks its module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_tower_is_taken_or_refused(script: ModuleType, name: str) -> None:
    found = script.verdict(name)
    assert set(found.refused) == KINDS[name]
    for method, reason in found.refused.items():
        assert reason.startswith(f"method '{method}'")
        assert name in reason
        assert "use a " in reason or "ask for" in reason
        assert "\n" not in reason


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("ViT-B-16-SigLIP", "tokenizer (timm/ViT-B-16-SigLIP)"),
        ("nllb-clip-base", "text tower (facebook/nllb-200-distilled-600M)"),
        ("roberta-ViT-B-32", "text tower (roberta-base)"),
    ],
)
def test_a_missing_package_is_named(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, part: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    needs = f"model '{name}': its {part} needs the package transformers; pip install transformers"
    assert script.verdict(name).package == needs


def test_no_configuration_without_a_kind_above() -> None:
    """A new family of open_clip's is to be looked at: its timm tower is none of those known."""
    known = {"convnext", "eva", "eva02", "fastvit", "swin", "vit", "vitamin"}
    configs = open_clip.factory._MODEL_CONFIGS.values()
    towers = {c["vision_cfg"].get("timm_model_name", "vit").split("_")[0] for c in configs}
    assert towers == known


def test_the_table_counts_models_and_faults(
    script: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert script.main(["RN50", "RN101"]) == 0
    said = capsys.readouterr().out
    assert "| ModifiedResNet | 2 | RN50 | alignclip, clip_surgery, maple |" in said
    assert "2 models, 0 faults" in said

    def crashes(config: object, backbone: object) -> None:
        raise AttributeError("no such part")

    monkeypatch.setattr(registry.method_class("coop"), "check_tower", crashes)
    assert script.main(["RN50"]) == 1
    assert "FAULT RN50: AttributeError: no such part" in capsys.readouterr().out
