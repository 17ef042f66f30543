"""A finished run leaves as a folder that others' code loads, with the accuracy of its record."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from harness.cli import main
from harness.clip import transformers
from harness.clip.load import load_backbone
from harness.execution.run import Shared, execute
from harness.export.card import LOADER, card
from harness.protocols.single_source import SingleSource
from harness.specs import ModelSpec, RunSpec
from harness.store.store import Store
from tests.engine import make_context, make_spec
from tests.report import fakes

ROOT = Path(__file__).parents[2]


def finished(method: str, images: Path, model: Path, store: Path, **given: Any) -> RunSpec:
    spec = make_spec(method, images, model, **given)
    execute(spec, Shared(make_context(store, images, keep_weights=True)))
    return spec


def export(spec: RunSpec, images: Path, store: Path, out: Path, *words: str) -> int:
    where = ["--store", str(store), "--data-root", str(images), "--cache-dir", str(store / "c")]
    return main(["export", spec.id[:8], "--out", str(out), *where, *words])


# What a stranger runs: open_clip and safetensors, nothing of ours but what makes torchvision
# importable beside a torch that it was not built for.
STRANGER = f"""
import sys, json
from harness.clip.compat import ensure_torchvision
ensure_torchvision()
sys.modules["harness"] = None
from pathlib import Path
from PIL import Image
FOLDER, images = sys.argv[1:]
found = []
picture = None
for path in sorted(Path(images).glob("*/*.png")):
    picture = Image.open(path).convert("RGB")
    {LOADER.replace(chr(10), chr(10) + "    ")}
    found.append([path.parent.name, int(best)])
print(json.dumps(found))
"""


@pytest.mark.parametrize("method", ["finetune", "clipood", "coop", "zero_shot"])
def test_plain_open_clip_gives_the_record_s_answers(
    method: str, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = finished(method, image_folder, random_clip, tmp_path / "store")
    assert export(spec, image_folder, tmp_path / "store", tmp_path / "out") == 0
    record = Store(tmp_path / "store").read(spec.id)
    words = [sys.executable, "-c", STRANGER, str(tmp_path / "out"), str(image_folder / spec.target)]
    said = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert said.returncode == 0, said.stderr[-2000:]
    answers = json.loads(said.stdout)
    names = [name.replace(" ", "_") for name in record.class_names]
    correct = sum(names.index(label.replace(" ", "_")) == best for label, best in answers)
    score = record.metrics.tests["target"]
    assert (correct, len(answers)) == (score.correct, score.n)


def test_the_folder_says_what_it_is(image_folder: Path, random_clip: Path, tmp_path: Path) -> None:
    spec = finished("clipood", image_folder, random_clip, tmp_path / "store")
    export(spec, image_folder, tmp_path / "store", tmp_path / "out")
    with safe_open(tmp_path / "out" / "open_clip_model.safetensors", "pt") as file:
        words = json.loads(file.metadata()["about"])
    assert words["run"] == spec.id
    assert json.loads(words["spec"])["config"]["lr"] == 1e-3
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    record = Store(tmp_path / "store").read(spec.id)
    assert f"{100 * record.accuracy:.2f}" in card
    assert "Licence" in card
    with safe_open(Store(tmp_path / "store").weights_file(spec.id), "pt") as file:
        assert json.loads(file.metadata()["about"])["run"] == spec.id
    again = load_backbone(ModelSpec(name=f"local-dir:{tmp_path / 'out'}"), "cpu")
    assert again.logit_scale == pytest.approx(load_backbone(spec.model, "cpu").logit_scale)
    assert str(image_folder) not in card
    export(spec, image_folder, tmp_path / "store", tmp_path / "again")
    for path in (tmp_path / "out").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_card_does_not_call_held_out_what_trained() -> None:
    protocol = SingleSource(domains=("noto", "twemoji"))
    text = card(fakes.record(fakes.spec("a", "noto", protocol=protocol), 1))
    assert "single_source (train on one domain), target noto,\ntested on all images" in text
    assert "held out" not in text


@pytest.mark.parametrize("method", ["maple", "cocoop", "clip_surgery"])
def test_what_is_more_than_a_tower_is_refused(
    method: str,
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = finished(method, image_folder, random_clip, tmp_path / "store")
    assert export(spec, image_folder, tmp_path / "store", tmp_path / "out") == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error:")]
    assert method in line
    assert not (tmp_path / "out").exists()


def test_mistakes_are_one_line(
    image_folder: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    spec = make_spec("finetune", image_folder, random_clip)
    execute(spec, Shared(make_context(store, image_folder)))  # no weights kept
    assert export(spec, image_folder, store, tmp_path / "out") == 2
    assert "--keep-weights" in capsys.readouterr().err
    assert main(["export", "ffff", "--store", str(store), "--out", str(tmp_path / "o")]) == 2
    assert "neither a finished run" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    assert export(spec, image_folder, store, tmp_path / "full") == 2
    assert "is not empty" in capsys.readouterr().err


def test_to_transformers_and_back_is_the_same_model(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = finished("finetune", image_folder, random_clip, tmp_path / "store")
    export(spec, image_folder, tmp_path / "store", tmp_path / "plain")
    export(spec, image_folder, tmp_path / "store", tmp_path / "hf", "--format", "transformers")
    assert main(["export", str(tmp_path / "hf"), "--out", str(tmp_path / "back")]) == 0
    one, other = (
        load_file(tmp_path / n / "open_clip_model.safetensors") for n in ("plain", "back")
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    configs = [
        json.loads((tmp_path / n / "open_clip_config.json").read_text(encoding="utf-8"))
        for n in ("plain", "back")
    ]
    assert configs[0]["preprocess_cfg"] == configs[1]["preprocess_cfg"]
    images = torch.randn(2, 3, 16, 16)
    first, second = (
        load_backbone(ModelSpec(name=f"local-dir:{tmp_path / n}"), "cpu") for n in ("plain", "back")
    )
    assert torch.equal(first.image_features(images), second.image_features(images))


def test_transformers_names_are_those_of_its_clip_model() -> None:
    """Names and shapes of a CLIPModel of two layers, as transformers' own code makes them."""
    width, text, out = 8, 4, 6
    ours: dict[str, torch.Tensor] = {
        "visual.transformer.resblocks.1.attn.in_proj_weight": torch.arange(
            3 * width * width, dtype=torch.float32
        ).view(3 * width, width),
        "transformer.resblocks.0.attn.in_proj_bias": torch.arange(3.0 * text),
        "visual.proj": torch.randn(width, out),
        "visual.conv1.weight": torch.randn(width, 3, 2, 2),
    }
    theirs = transformers.to_transformers(ours)
    block = "vision_model.encoder.layers.1.self_attn"
    whole = ours["visual.transformer.resblocks.1.attn.in_proj_weight"]
    assert torch.equal(theirs[f"{block}.k_proj.weight"], whole[width : 2 * width])
    assert torch.equal(
        theirs["text_model.encoder.layers.0.self_attn.v_proj.bias"],
        torch.arange(2.0 * text, 3.0 * text),
    )
    assert torch.equal(theirs["visual_projection.weight"], ours["visual.proj"].T)
    assert "vision_model.embeddings.patch_embedding.weight" in theirs


def test_a_folder_that_is_no_clip_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "siglip"}', encoding="utf-8")
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "model_type is 'siglip'" in capsys.readouterr().err


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub's API as an upload asks for."""

    seen: list[tuple[str, bytes]]
    refuses = False
    endpoint = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, body))
        answer: Any = {}
        if self.refuses:
            content = b'{"error": "Invalid credentials"}'
            self.send_response(401)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        if self.path.endswith("/repos/create"):
            answer = {"url": f"{self.endpoint}/someone/mine", "id": "someone/mine"}
        elif "validate-yaml" in self.path:
            answer = {"errors": [], "warnings": []}
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            answer = {
                "files": [
                    {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for f in files
                ]
            }
        elif "/commit/" in self.path:
            answer = {"commitUrl": f"{self.endpoint}/someone/mine/commit/1", "commitOid": "1" * 40,
                      "pullRequestUrl": None}  # fmt: skip
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.seen.append((self.path, b""))
        content = b'{"id": "someone/mine", "sha": "0", "siblings": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[tuple[str, type[Hub]]]:
    own = type("Own", (Hub,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield own.endpoint, own
    server.shutdown()


PUSH = """
import sys
from pathlib import Path
from harness.errors import UserError
from harness.export.hub import push
try:
    print(push(Path(sys.argv[1]), "someone/mine"))
except UserError as error:
    print("error:", error)
"""


def pushed(folder: Path, endpoint: str) -> str:
    import os

    environment = os.environ | {
        "HF_ENDPOINT": endpoint, "HF_TOKEN": "hf_" + "x" * 34, "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    words = [sys.executable, "-c", PUSH, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_folder_is_pushed_in_one_commit(hub: tuple[str, type[Hub]], tmp_path: Path) -> None:
    endpoint, server = hub
    (tmp_path / "README.md").write_text("---\ntags: [clip]\n---\n# mine\n", encoding="utf-8")
    (tmp_path / "open_clip_config.json").write_text("{}", encoding="utf-8")
    assert pushed(tmp_path, endpoint).startswith(f"{endpoint}/someone/mine")
    commits = [body for path, body in server.seen if "/commit/" in path]
    assert len(commits) == 1, server.seen
    lines = [json.loads(line) for line in commits[0].splitlines()]
    files = {line["value"]["path"] for line in lines if line["key"] == "file"}
    assert files == {"README.md", "open_clip_config.json"}


def test_a_hub_that_refuses_is_one_line(hub: tuple[str, type[Hub]], tmp_path: Path) -> None:
    endpoint, server = hub
    server.refuses = True
    (tmp_path / "README.md").write_text("# mine\n", encoding="utf-8")
    said = pushed(tmp_path, endpoint)
    assert said.startswith("error: --push-to-hub someone/mine")
    assert len(said.strip().splitlines()) == 1
