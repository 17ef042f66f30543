"""data import: parquet files as Hugging Face writes them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.cli.main import main
from tests.conftest import COLOURS, draw

parquet = pytest.importorskip("pyarrow.parquet")
pa = pytest.importorskip("pyarrow")

CLASSES = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")
DOMAINS = ("art_painting", "cartoon", "photo", "sketch")


def picture(number: int, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    draw(list(COLOURS.values())[number % 3], number % 5, number).save(buffer, kind)
    return buffer.getvalue()


def rows(paths: bool = False, kind: str = "JPEG") -> list[dict[str, Any]]:
    """Two images of each class in each domain, in an order that is not the files'."""
    return [
        {
            "image": {
                "bytes": picture(i * 28 + d * 7 + label, kind),
                "path": f"PACS/{domain}/{name}/{'ba'[i]}.jpg" if paths else None,
            },
            "domain": domain,
            "label": label,
        }
        for d, domain in enumerate(DOMAINS)
        for label, name in enumerate(CLASSES)
        for i in range(2)
    ]


def write(path: Path, table: list[dict[str, Any]], named: bool = True) -> Path:
    data = pa.Table.from_pylist(table)
    if named:  # what datasets' to_parquet writes into the schema
        features = {"label": {"names": list(CLASSES), "_type": "ClassLabel"}}
        info = json.dumps({"info": {"features": features}})
        data = data.replace_schema_metadata({"huggingface": info})
    parquet.write_table(data, path, row_group_size=20)
    return path


def run(root: Path, *files: Path, more: tuple[str, ...] = (), name: str = "PACS") -> int:
    return main(
        ["data", "import", name, "--parquet", *map(str, files), "--data-root", str(root), *more]
    )


def test_pacs_from_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = rows()
    one, two = (
        write(tmp_path / "t-0.parquet", table[:30]),
        write(tmp_path / "t-1.parquet", table[30:]),
    )
    root = tmp_path / "data"
    assert run(root, one, two) == 0
    said = capsys.readouterr().out
    assert "56 images written, 0 were there" in said
    assert "56 images had no file name" in said
    assert "differs from the original" in said
    data = registry.dataset_class("PACS").as_found(root)
    for domain in DOMAINS:
        wanted = [r for r in table if r["domain"] == domain]
        got = data.samples(domain)
        assert [s.label for s in got] == [r["label"] for r in wanted]
        assert [data.read(s) for s in got] == [r["image"]["bytes"] for r in wanted]
    assert not list(root.rglob(".*"))


def test_file_names_are_kept_where_there_are_any(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows(paths=True)
    table.append({**table[0], "image": {**table[0]["image"], "bytes": picture(99, "PNG")}})
    file = write(tmp_path / "t.parquet", table)
    assert run(tmp_path, file) == 0
    assert "1 images had no file name" in capsys.readouterr().out
    dog = tmp_path / "PACS/art_painting/dog"
    assert sorted(p.name for p in dog.iterdir()) == ["a.jpg", "b.jpg", "t-0000056.png"]
    assert (dog / "b.jpg").read_bytes() == table[0]["image"]["bytes"]


def test_a_stopped_import_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.data import parquet as importer

    file = write(tmp_path / "t.parquet", rows())
    write_file = importer.write_atomically
    left = iter(range(20))

    def stop(path: Path, data: bytes, durable: bool) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write_file(path, data, durable)

    monkeypatch.setattr(importer, "write_atomically", stop)
    assert run(tmp_path, file) == 130
    monkeypatch.setattr(importer, "write_atomically", write_file)
    capsys.readouterr()
    assert run(tmp_path, file) == 0
    assert "36 images written, 20 were there" in capsys.readouterr().out
    next(tmp_path.glob("PACS/*/*/*.jpg")).write_bytes(b"mine")
    assert run(tmp_path, file) == 2
    assert "another file is in the way" in capsys.readouterr().err


def test_other_columns_names_and_plain_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = [
        {
            "jpg": r["image"]["bytes"],
            "cls": r["label"],
            "style": r["domain"].replace("_", " ").title(),
        }
        for r in rows(kind="WEBP")
    ]
    file = write(tmp_path / "t.parquet", table, named=False)
    columns = ("--image-column", "jpg", "--label-column", "cls", "--domain-column", "style")
    assert run(tmp_path, file, more=columns) == 2
    assert "cls 0 has no name (0 known); give --classes FILE" in capsys.readouterr().err
    names = tmp_path / "names.txt"
    names.write_text("\ufeff" + "\n".join(CLASSES) + "\n")
    assert run(tmp_path, file, more=(*columns, "--classes", str(names))) == 0
    assert len(list(tmp_path.glob("PACS/art_painting/house/*.webp"))) == 2


def test_a_folder_of_your_own_with_labels_in_words(tmp_path: Path) -> None:
    table = [{"image": picture(i), "label": ("red thing", "sea")[i % 2]} for i in range(10)]
    for domain in ("a", "b"):
        file = write(tmp_path / "t.parquet", table, named=False)
        assert run(tmp_path / "own", file, more=("--domain", domain), name="folder") == 0
    assert main(["data", "verify", "folder", "--data-root", str(tmp_path / "own")]) == 0
    assert (tmp_path / "own/b/red_thing").is_dir()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": "clay"}, "row 0: 'clay' is no domain of PACS: art_painting, cartoon, photo"),
        ({"label": 7}, "row 0: label 7 has no name (7 known)"),
        ({"image": {"bytes": None, "path": "dog/1.jpg"}}, "row 0: no image bytes"),
        ({"image": {"bytes": b"x", "path": None}}, "not a readable image; leave the row out"),
    ],
)
def test_a_row_that_does_not_fit(
    change: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "t.parquet", [{**rows()[0], **change}])
    assert run(tmp_path, file) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("label", ["../../x", "", ".git", "a/b", "C:x"])
def test_no_label_leads_out_of_the_folder(
    label: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "t.parquet", [{**rows()[0], "label": label}], named=False)
    assert run(tmp_path / "data", file) == 2
    assert "cannot be a folder's name" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "t.parquet", rows())
    broken = tmp_path / "half.parquet"
    broken.write_bytes(file.read_bytes()[:1000])
    for files, more, name, message in (
        ([file], ("--label-column", "y"), "PACS", "no column 'y'; it has image, domain, label"),
        ([broken], (), "PACS", "give a complete parquet file"),
        ([tmp_path / "gone.parquet"], (), "PACS", "gone.parquet"),
        ([file, file], (), "PACS", "two files have the same name"),
        ([file], (), "emoji", "has another layout"),
    ):
        assert run(tmp_path, *files, more=more, name=name) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
