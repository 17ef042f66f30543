#!/usr/bin/env python
"""Pretrain tiny-emoji's image tower against the distilled text tower's targets.

Two contrasts: an image with its captions among the batch, and with its category's name among all
categories. Never looks at a benchmark image. Processes of one thread each share the gradients.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from augment import augment
from concepts import CLASSES
from torch import Tensor, nn
from towers import CLIP, EMBED, MEAN, STD, TEXT, VISION

BATCH = 96  # per process
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.1
WARM_UP = 50
PATCH_DROPOUT = 0.5
DROPOUT_UNTIL = 0.7  # of the time
EMA = 0.995
SCALE = (20.0, 60.0)
"""Bounds of the logit scale; below, the contrasts hardly tell features of one cone apart."""
CATEGORY_WEIGHT = 1.5
KEEP_GEOMETRY = 0.02
"""Weight of the pull of the text map towards the identity: towards what words mean."""
NAME_SHARE = 0.7  # captions that are names; the rest are keywords
SAVE_EVERY_S = 120


class Corpus:
    """Images with sampling weights, captions and categories as rows of the target table."""

    def __init__(self, folder: Path) -> None:
        data = np.load(folder / "corpus.npz")
        entries: dict[str, dict[str, Any]] = json.loads((folder / "concepts.json").read_text())
        texts = {t: i for i, t in enumerate(np.load(folder / "teacher.npz")["texts"].tolist())}
        self.target = torch.from_numpy(np.load(folder / "target.npy"))
        self.images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
        self.mono = torch.from_numpy(data["mono"])
        labels, concept = np.unique(data["concept"], return_inverse=True)
        self.concept = torch.from_numpy(concept)
        self.names = [_rows(entries[c]["names"], texts) for c in labels]
        self.keywords = [_rows(entries[c]["keywords"], texts) for c in labels]
        kinds = [entries[c]["category"] for c in labels]
        known = sorted(set(kinds) - {""})
        self.categories = torch.tensor([texts[k] for k in known])
        of_concept = torch.tensor([known.index(k) if k else -1 for k in kinds])
        self.category = of_concept[self.concept]
        # Rare concepts and categories count for more; half of the weight is coloured art, which is
        # a fifth of the pictures; categories that are no class of the benchmark a half.
        weight = torch.bincount(self.concept)[self.concept].float().rsqrt()
        sizes = torch.bincount(self.category.clamp_min(0)).float()
        weight *= sizes[self.category.clamp_min(0)].rsqrt()
        side = torch.tensor([1.0 if k in CLASSES else 0.5 for k in known])
        weight *= torch.where(self.category < 0, 0.3, side[self.category.clamp_min(0)])
        for black in (True, False):
            weight[self.mono == black] /= weight[self.mono == black].sum()
        self.weight = weight

    def caption(self, concept: int, rng: np.random.Generator) -> int:
        """Return the row of a name or a keyword of a concept; -1 where it has none in the table."""
        names, keywords = self.names[concept], self.keywords[concept]
        rows = names if names and (not keywords or rng.random() < NAME_SHARE) else keywords
        return int(rows[rng.integers(len(rows))]) if rows else -1


def _rows(words: list[str], texts: dict[str, int]) -> list[int]:
    return [texts[w] for w in words if w in texts]


def losses(
    image: Tensor, captions: Tensor, kinds: Tensor, concept: Tensor, category: Tensor, scale: Tensor
) -> Tensor:
    """Return the sum of both contrasts; pictures of one concept are positives of each other."""
    same = (concept[:, None] == concept[None]).float()
    same = same / same.sum(1, keepdim=True)
    logits = scale * image @ captions.T
    pairs = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
    return pairs + CATEGORY_WEIGHT * F.cross_entropy(
        scale * image @ kinds.T, category, ignore_index=-1
    )


def work(rank: int, args: argparse.Namespace) -> None:
    """Train as one of ``args.workers`` processes; rank 0 keeps the average and saves."""
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{args.corpus}/rendezvous", rank=rank, world_size=args.workers
    )
    torch.manual_seed(0)
    corpus = Corpus(args.corpus)
    vision = CLIP(
        EMBED, {**VISION, "patch_dropout": PATCH_DROPOUT}, {**TEXT, "vocab_size": 8}
    ).visual
    text_map = nn.Parameter(torch.eye(EMBED))
    log_scale = nn.Parameter(torch.tensor(math.log(SCALE[0])))
    model = nn.ModuleDict({"visual": vision})
    model.register_parameter("text_map", text_map)
    model.register_parameter("log_scale", log_scale)
    matrices = [p for n, p in model.named_parameters() if p.ndim >= 2 and "positional" not in n]
    matrices = [p for p in matrices if p is not text_map]
    others = [p for p in model.parameters() if all(p is not m for m in matrices)]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": WEIGHT_DECAY},
            {"params": others, "weight_decay": 0.0},
        ],
        LEARNING_RATE,
        betas=(0.9, 0.98),
    )
    parameters = list(model.parameters())
    average = copy.deepcopy(model)
    torch.manual_seed(100 + rank)
    rng = np.random.default_rng(100 + rank)
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    start, saved, step, smooth, progress = time.time(), time.time(), 0, 0.0, 0.0
    while progress < 1:
        clock = torch.tensor([min(1.0, (time.time() - start) / (60 * args.minutes))])
        dist.broadcast(clock, 0)
        progress = float(clock)
        if progress > DROPOUT_UNTIL and not isinstance(vision.patch_dropout, nn.Identity):
            vision.patch_dropout = nn.Identity()
        rate = LEARNING_RATE * min(1, (step + 1) / WARM_UP)
        rate *= 0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress))
        for group in optimizer.param_groups:
            group["lr"] = rate
        index = torch.multinomial(corpus.weight, BATCH)
        rows = [corpus.caption(c, rng) for c in corpus.concept[index].tolist()]
        keep = torch.tensor(rows) >= 0
        index, captions = index[keep], torch.tensor(rows)[keep]
        x = (augment(corpus.images[index], corpus.mono[index]) - mean) / deviation
        image = F.normalize(vision(x), dim=-1)
        loss = losses(
            image,
            F.normalize(corpus.target[captions] @ text_map, dim=-1),
            F.normalize(corpus.target[corpus.categories] @ text_map, dim=-1),
            corpus.concept[index],
            corpus.category[index],
            log_scale.exp(),
        )
        pull = KEEP_GEOMETRY * (text_map - torch.eye(EMBED)).square().sum()
        optimizer.zero_grad(set_to_none=True)
        (loss + pull).backward()
        share(parameters, args.workers)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        with torch.no_grad():
            log_scale.clamp_(*map(math.log, SCALE))
            decay = min(EMA, (step + 1) / (step + 20))
            if rank == 0:
                for kept, now in zip(average.parameters(), parameters, strict=True):
                    kept.lerp_(now, 1 - decay)
        smooth += (loss.item() - smooth) * (1.0 if step == 0 else 0.02)
        step += 1
        if rank == 0 and (step % 200 == 0 or progress >= 1):
            line = f"{step} {time.time() - start:.0f}s loss {smooth:.3f}"
            print(f"{line} scale {log_scale.exp().item():.1f} pull {pull.item():.3f}", flush=True)
        if rank == 0 and (progress >= 1 or time.time() - saved > SAVE_EVERY_S):
            saved = time.time()
            torch.save({"state": average.state_dict(), "steps": step}, args.corpus / "image.pt")
    dist.destroy_process_group()


def share(parameters: list[nn.Parameter], workers: int) -> None:
    """Average the gradients over the processes, in one message."""
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    pieces = (flat / workers).split([g.numel() for g in grads])
    for parameter, piece in zip(parameters, pieces, strict=True):
        parameter.grad = piece.view_as(parameter)


def main() -> None:
    """Train until the minutes are over; write image.pt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="what distil.py wrote")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    args.corpus = args.corpus.resolve()
    (args.corpus / "rendezvous").unlink(missing_ok=True)
    mp.spawn(work, (args,), nprocs=args.workers)


if __name__ == "__main__":
    main()
