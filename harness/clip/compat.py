"""Import torchvision beside a torch it was not built for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import torch

# The default wheel of torchvision on PyPI is a CUDA build: beside a CPU-only torch its C++ library
# does not load. torchvision itself tolerates that, except that it registers shape functions for two
# operators which then do not exist ("operator torchvision::nms does not exist"). Declared by name
# they do, and transforms and models, all that open_clip and this harness use, are pure Python.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # a declaration lives as long as its Library


def ensure_torchvision() -> None:
    """Make ``import torchvision`` work, and with it ``import open_clip``.

    Does nothing where torchvision fits torch, is already imported, or is not installed (its import
    then says so). Harmless when called twice.
    """
    if "torchvision" in sys.modules or _declared:
        return
    spec = importlib.util.find_spec("torchvision")  # finds it without running it
    if spec is None or spec.origin is None or _library_loads(Path(spec.origin).parent):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)


def _library_loads(folder: Path) -> bool:
    for path in [*folder.glob("_C*.so"), *folder.glob("_C*.pyd"), *folder.glob("_C*.dylib")]:
        try:
            # torchvision loads it a second time, which is free
            torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
        except (OSError, ImportError):
            continue
        return True
    return False
