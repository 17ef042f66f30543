"""Names, blocks and rows of the files of maps; the verb's tests write them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UserError
from harness.maps.files import _layers, _stem, _with_branches
from harness.maps.rows import MapBlock
from harness.store.store import Store
from tests.report.fakes import add, spec


def test_a_file_is_named_by_its_parts_and_its_block() -> None:
    block = MapBlock("ViT-B/16 open", pd.DataFrame(), ())
    assert _stem(block, "maps", "attention", "a+b") == "maps-attention-a-b-ViT-B-16-open"
    assert _stem(MapBlock("", pd.DataFrame(), ()), "classes") == "classes"


def test_k_is_five_or_half_of_the_blocks() -> None:
    assert [_layers(None, blocks) for blocks in (12, 6, 3, 1)] == [5, 3, 1, 1]
    assert _layers(3, 3) == 3
    for asked in (0, 4):
        with pytest.raises(UserError, match=f"--layers {asked}: the tower has 3 blocks"):
            _layers(asked, 3)


def test_branches_are_of_the_first_untrained_row_and_the_first_with_a_branch(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    runs = {
        "tuned": spec("tuned", method="finetune", config={}),
        "still": spec("still", method="zero_shot", config={}),
        "branched": spec("branched", method="alignclip", config={"branch": "d-v"}),
        "again": spec("again", method="alignclip", config={"branch": "v-v-v"}),
    }
    for run in runs.values():
        add(store, run, 1)
    assert _with_branches(runs, store) == {"still", "branched"}
    assert _with_branches({"tuned": runs["tuned"]}, store) == {"tuned"}
