"""`sweep prepare`: what it fetches and checks, and that jobs then need no network."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.store.store import Store
from tests.cli.sweep.prepared import SWEEP
from tests.execution.slurm.user import CLUSTER, User, settled, write


@contextmanager
def hub(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder as the model somebody/tiny, as the Hugging Face hub would."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            start, _, name = self.path.partition("/resolve/main/")
            file = folder / name
            found = start == "/somebody/tiny" and file.is_file()
            data = file.read_bytes() if found else b""
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("ETag", hashlib.sha256(data).hexdigest())
            if not found:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        do_GET = do_HEAD

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.slurm
@pytest.mark.xdist_group("slurm")
def test_weights_are_fetched_once_on_the_login_node(
    user: User, random_clip: Path, tmp_path: Path
) -> None:
    file = write(tmp_path / "s.yaml", SWEEP.format(model="hf-hub:somebody/tiny"))
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    user.env["HF_HOME"] = str(tmp_path / "hf")
    del user.env["HF_HUB_OFFLINE"]  # the login node has a network; jobs must still not use it
    with hub(random_clip) as (address, asked):
        user.env["HF_ENDPOINT"] = address
        user.force = False
        ask = ("submit", str(file), "--cluster", str(cluster), *user.options)
        said = user.type(*ask, status=2)
        assert said.startswith("error: not prepared: data set folder, weights of hf-hub:somebody/")
        assert said.count("\n") == 1
        user.submit(file, cluster, "--force")
        (run,) = user.wait(settled)["failed"]
        assert "HF_HUB_OFFLINE is set: run once where there is a network" in run["reason"]
        assert not asked
        assert "not prepared: data set folder" in user.type("retry", status=2)

        said = user.type("prepare", str(file), *user.options)
        assert "model hf-hub:somebody/tiny: weights in place" in said
        assert "data set folder: 90 images decoded" in said
        assert any(path.endswith("open_clip_model.safetensors") for path in asked)
        fetched = len(asked)
        user.type("retry")
        user.wait(lambda states: len(states["done"]) == 1)
        assert len(asked) == fetched
    (record,) = Store(user.store).records()
    assert f"weights in place, {record.model_fingerprint}" in said
    assert f"90 images decoded, {record.dataset_fingerprint}" in said
