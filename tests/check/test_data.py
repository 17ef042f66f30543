"""A data set with one fault fails one check, and the finding names what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.check.data import DATASET_CHECKS, check_dataset

SOUND = '''
import dataclasses, itertools
from harness import registry
from harness.dataset import Sample

Folder = registry.dataset_class("folder")
counter = itertools.count()


class Broken(Folder):
    """Coloured squares, until a test puts a fault in."""

    name = "broken"
    # FAULT
'''
FAULTS = {
    "licence": ("described", '    licence = ""\n', "`licence`"),
    "order": (
        "opens",
        "    def __init__(self, options, root):\n"
        "        super().__init__(options, root)\n"
        "        self.domains = self.domains[::-1]\n",
        "sorted",
    ),
    "template": (
        "opens",
        "    def __init__(self, options, root):\n"
        "        super().__init__(options, root)\n"
        "        self.template = 'a photo'\n",
        "`template`",
    ),
    "absolute": (
        "samples",
        "    def samples(self, domain):\n"
        "        return tuple(dataclasses.replace(s, key='/' + s.key)"
        " for s in super().samples(domain))\n",
        "relative",
    ),
    "wrong domain": (
        "samples",
        "    def samples(self, domain):\n"
        "        return tuple(dataclasses.replace(s, domain='x')"
        " for s in super().samples(domain))\n",
        "domain and label",
    ),
    "shuffled": (
        "samples",
        "    def samples(self, domain):\n"
        "        found = super().samples(domain)\n"
        "        return found if next(counter) % 2 else found[::-1]\n",
        "fixed order",
    ),
    "not an image": ("images", "    def read(self, sample): return b'x'\n", "not a readable image"),
    "size": ("images", "    def size(self, sample): return 7\n", "size()"),
    "fingerprint": ("fingerprint", "    def fingerprint(self): return 'v1'\n", "16 hex digits"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check_and_no_other(
    fault: str, tmp_path: Path, image_folder: Path
) -> None:
    check, body, named = FAULTS[fault]
    file = tmp_path / "broken.py"
    file.write_text(SOUND.replace("    # FAULT\n", body))
    registry.add_plugin_file(str(file))
    results = list(check_dataset(registry.dataset_class("broken"), image_folder))
    (bad,) = [r for r in results if r.status == "FAIL"]
    assert bad.check == check
    assert named in bad.message


def test_every_check_has_a_data_set_that_fails_it() -> None:
    assert {check for check, *_ in FAULTS.values()} == {c.name for c in DATASET_CHECKS}
