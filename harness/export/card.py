"""The model card of an exported run."""

from __future__ import annotations

import json

from harness.protocols.base import Protocol
from harness.store.records import RunRecord
from harness.store.redact import safe_spec

LOADER = """\
import open_clip, torch
from safetensors.torch import load_file

model, _, preprocess = open_clip.create_model_and_transforms("local-dir:" + FOLDER)
classes = load_file(FOLDER + "/classes.safetensors")["classes"]   # [C, D], in the order below
model.eval()
with torch.no_grad():
    image = model.encode_image(preprocess(picture)[None])          # picture: a PIL image in RGB
    best = (torch.nn.functional.normalize(image, dim=-1) @ classes.T).argmax()
"""


def card(record: RunRecord) -> str:
    """Return Markdown with the Hub's header: what it is, its scores, and how to load it."""
    spec, made = record.spec, record.provenance
    protocol: Protocol = spec.protocol
    scores = "\n".join(
        f"| {name} | {100 * score.accuracy:.2f} | {score.correct} of {score.n} |"
        for name, score in record.metrics.tests.items()
    )
    classes = "\n".join(f"{i}. {name}" for i, name in enumerate(record.class_names))
    settings = json.dumps(safe_spec(spec).model_dump(mode="json"), indent=1, ensure_ascii=False)
    versions = made.versions
    return f"""---
library_name: open_clip
tags: [clip, {spec.method.replace("_", "-")}]
---
# {spec.title()}

Run `{record.id}` of clip-benchmark-harness: method `{spec.method}` on {spec.model.title()},
data set {spec.dataset.name}, protocol {protocol.name} ({protocol.title}), target {spec.target},
{protocol.tested_words()}.

{record.citation}

| test set | top-1 % | images |
|---|---|---|
{scores}

One run with seed {spec.seed} (data seed {spec.data_seed}); a single run has no ±. Weights tested:
{record.metrics.selection}.

**Licence.** These weights are derived from those of {spec.model.title()}: their licence holds for
them, too; look there. The images of {spec.dataset.name} have terms of their own.

## Load

```python
{LOADER}```

`classes` are the vectors that the run classified with. For other classes encode texts with the
model's own text tower, as with any CLIP; what the run learned of prompts is in these vectors alone.

## Classes

{classes}

## Provenance

Made {made.started} on {made.device} with torch {versions.get("torch", "?")}, open_clip
{versions.get("open_clip_torch", "?")}, harness {versions.get("clip-benchmark-harness", "?")}
(code {made.git or "of an installed package"}, method {record.method_source}).
Data set {record.dataset_fingerprint}, source weights {record.model_fingerprint}, predictions
{record.predictions_sha256[:16]}.

```json
{settings}
```
"""
