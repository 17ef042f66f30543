#!/usr/bin/env python
"""Teach the text tower what words mean: it learns a sentence encoder's vectors.

The target of a text is its vector's 128 principal components over the corpus' captions, whatever
the prompt around it; so class names never seen in a caption get a sensible place, too.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from towers import CLIP, EMBED, TEXT, VISION, open_clip

TEMPLATES = (
    "{}",
    "a photo of a {}.",
    "a drawing of a {}",
    "an icon of a {}",
    "a picture of a {}.",
    "a photo of the {}.",
    "a sketch of a {}.",
    "an image of a {}",
    "{} emoji",
    "a line drawing of a {}",
)
BATCH = 384
LEARNING_RATE = 2e-3


def principal(vectors: np.ndarray, fit: np.ndarray) -> Tensor:
    """Return unit vectors of the `EMBED` strongest components of `vectors` over `fit`."""
    mean = fit.mean(0)
    _, _, axes = np.linalg.svd(fit - mean, full_matrices=False)
    return F.normalize(torch.from_numpy((vectors - mean) @ axes[:EMBED].T).float(), dim=-1)


def text_features(model: CLIP, tokens: Tensor) -> Tensor:
    """Return unit features as `encode_text` does, without computing on the padding."""
    length = int((tokens != 0).sum(1).max())
    tokens = tokens[:, :length]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
    x = model.ln_final(x)[torch.arange(len(x)), tokens.argmax(1)]  # the end token has the top id
    return F.normalize(x @ model.text_projection, dim=-1)


def main() -> None:
    """Train until the minutes are over; write text.pt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="what teacher.py wrote")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    rng = random.Random(0)
    data = np.load(args.corpus / "teacher.npz")
    texts = data["texts"].tolist()
    captions = int(data["captions"])
    target = principal(data["vectors"], data["vectors"][:captions])
    np.save(args.corpus / "target.npy", target.numpy())
    tokenize = open_clip.SimpleTokenizer(context_length=TEXT["context_length"])
    # Only the rows of the vocabulary that occur are trained; ids stay in order, so that the end
    # token keeps the highest.
    rows = [tokenize(list(map(t.format, texts))) for t in TEMPLATES]
    used = torch.cat(rows).unique()
    rows = [torch.searchsorted(used, r) for r in rows]
    model = CLIP(EMBED, VISION, {**TEXT, "vocab_size": len(used)})
    weights = [p for n, p in model.named_parameters() if not n.startswith("visual")]
    optimizer = torch.optim.AdamW(weights, LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    start, step, smooth, progress = time.time(), 0, 1.0, 0.0
    while progress < 1:
        progress = min(1.0, (time.time() - start) / (60 * args.minutes))
        rate = LEARNING_RATE * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * progress))
        optimizer.param_groups[0]["lr"] = rate
        # Captions matter most, so half of the batch is theirs. One prompt per batch: equal lengths
        half = BATCH // 2
        index = torch.cat(
            [torch.randint(captions, (half,)), torch.randint(len(texts), (BATCH - half,))]
        )
        found = text_features(model, rows[rng.randrange(len(rows))][index])
        cosine = (found * target[index]).sum(-1).mean()
        likeness = F.mse_loss(found @ found.T, target[index] @ target[index].T)
        loss = 1 - cosine + 5 * likeness
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        smooth += 0.02 * (cosine.item() - smooth)
        step += 1
        if step % 100 == 0:
            print(f"{step} {time.time() - start:.0f}s cosine {smooth:.3f}", flush=True)
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("visual")}
    table = state["token_embedding.weight"]
    # A token that never occurred stands in the middle of those that did: a word of unknown meaning
    full = table.mean(0).expand(TEXT["vocab_size"], -1).clone()
    full[used] = table
    state["token_embedding.weight"] = full
    torch.save(state, args.corpus / "text.pt")
    print(f"{step} steps, {len(texts)} texts, {len(used)} tokens")


if __name__ == "__main__":
    main()
