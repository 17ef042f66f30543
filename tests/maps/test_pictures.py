"""Which images are drawn, and which columns a picture has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from harness.dataset import Sample
from harness.errors import UserError
from harness.maps.compute import Maps
from harness.maps.measure import Pictured
from harness.maps.pictures import RowMaps, attention_columns, chosen_images, similarity_columns

IMAGES = [
    Pictured(Sample(f"noto/{name}/{i}.png", label, "noto"), name)
    for label, name in enumerate(("dog", "cat", "bus", "ant"))
    for i in range(2)
]


def keys(images: Sequence[Pictured]) -> list[str]:
    return [image.sample.key for image in images]


def test_a_number_takes_the_first_image_of_evenly_spread_classes() -> None:
    assert keys(chosen_images(IMAGES, "2")) == ["noto/ant/0.png", "noto/cat/0.png"]
    assert len(chosen_images(IMAGES, "9")) == 4  # no class twice


def test_keys_are_taken_in_their_order() -> None:
    asked = "noto/dog/1.png, noto/ant/0.png"
    assert keys(chosen_images(IMAGES, asked)) == ["noto/dog/1.png", "noto/ant/0.png"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [("0", "--images 0: give 1 or more"), ("noto/dog/2.png", "unknown image 'noto/dog/2.png'")],
)
def test_what_cannot_be_drawn_is_said(asked: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        chosen_images(IMAGES, asked)


def row(label: str, with_branches: bool) -> RowMaps:
    attention = torch.zeros(1, 4, 4)
    for block in range(4):
        attention[0, block, block] = 1.0  # every block looks at a patch of its own
    similarity = {name: torch.arange(4.0)[None] for name in ("plain", "v-v-v", "d-v")}
    return RowMaps(label, Maps(attention, similarity), (2, 2), 2, with_branches)


def test_attention_has_the_first_and_the_last_blocks_of_every_row() -> None:
    columns = attention_columns([row("a", False), row("b", True)], 2)
    assert [(column.group, column.label) for column in columns] == [
        ("Class-token attention, blocks 1–2", "a"),
        ("Class-token attention, blocks 1–2", "b"),
        ("Class-token attention, blocks 3–4", "a"),
        ("Class-token attention, blocks 3–4", "b"),
    ]
    assert columns[0].maps[0].flatten().tolist() == [1, 1, 0, 0]
    assert columns[2].maps[0].flatten().tolist() == [0, 0, 1, 1]
    one = attention_columns([row("a", False)], 1)
    assert [column.group[-7:] for column in one] == ["block 1", "block 4"]


def test_branches_are_drawn_only_for_rows_that_have_them() -> None:
    columns = similarity_columns([row("a", False), row("b", True)])
    assert [(column.group, column.label) for column in columns] == [
        ("Similarity, ordinary path", "a"),
        ("Similarity, ordinary path", "b"),
        ("V-V-V branch", "b"),
        ("D-V branch", "b"),
    ]
    assert columns[0].maps[0].min() == 0
    assert columns[0].maps[0].max() == 1
