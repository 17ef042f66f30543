"""The embedded data set: what index.json says is what the archives hold."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "datasets" / "emoji_data"
DOMAINS = ("fluent_3d", "noto", "openmoji_line", "twemoji")
INDEX = json.loads((DATA / "index.json").read_text(encoding="utf-8"))


def members(domain: str) -> list[str]:
    with zipfile.ZipFile(DATA / f"{domain}.zip") as archive:
        return archive.namelist()


def expected() -> list[str]:
    return sorted(f"{e['class'].replace(' ', '_')}/{e['hexcode']}.webp" for e in INDEX["emoji"])


def test_index_counts_its_own_emoji():
    counts = Counter(e["class"] for e in INDEX["emoji"])
    assert dict(counts) == INDEX["counts"]
    assert list(INDEX["counts"]) == INDEX["classes"]
    assert min(counts.values()) >= 12
    assert max(counts.values()) <= 36


def test_no_emoji_stands_in_two_classes():
    codes = [e["hexcode"] for e in INDEX["emoji"]]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_holds_the_same_emoji_in_order(domain):
    assert members(domain) == expected()


@pytest.mark.parametrize("domain", DOMAINS)
def test_archives_have_the_recorded_checksum(domain):
    found = hashlib.sha256((DATA / f"{domain}.zip").read_bytes()).hexdigest()
    assert found == INDEX["domains"][domain]["sha256"]


def test_nothing_else_is_shipped():
    files = {path.name for path in DATA.iterdir()}
    assert files == {"index.json", "LICENSES.md", *(f"{d}.zip" for d in DOMAINS)}
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 12_000_000


@pytest.mark.parametrize("domain", DOMAINS)
def test_licences_name_every_source(domain):
    text = (DATA / "LICENSES.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {domain}.zip"))
    source = INDEX["domains"][domain]
    assert f"{source['package']} {source['version']}" in row
    assert source["licence"] in row


def test_licences_keep_what_the_licences_ask_for():
    text = (DATA / "LICENSES.md").read_text(encoding="utf-8")
    assert "Share alike" in text
    assert "Permission is hereby granted" in text


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_image_is_readable_and_visible(domain):
    with zipfile.ZipFile(DATA / f"{domain}.zip") as archive:
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            with Image.open(io.BytesIO(archive.read(info))) as image:
                assert image.size == (64, 64), info.filename
                assert image.mode == "RGBA", info.filename
                assert image.getchannel("A").getextrema()[1] > 128, info.filename


PACK_TWICE = """
import sys
sys.path.insert(0, sys.argv[1])
from PIL import Image
from build_dataset import pack
from render import webp
images = {f"c/{i}.webp": webp(Image.new("RGBA", (64, 64), (9 * i, 7, 5, 255))) for i in range(9)}
turned = dict(reversed(images.items()))
assert list(turned) != list(images)
assert pack(images) == pack(turned)
"""


def test_packing_depends_on_nothing_but_the_pictures():
    # A process of its own: the scripts' module names are too plain to stand on this one's path.
    subprocess.run(
        [sys.executable, "-c", PACK_TWICE, str(ROOT / "scripts" / "emoji")], check=True, timeout=60
    )
