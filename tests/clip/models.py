"""Random small open_clip models, and their attention written out as full matrices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.clip.openclip import CLIP, CustomTextCLIP

VISION = {"image_size": 24, "patch_size": 8, "width": 32, "layers": 4, "head_width": 8}
RESNET = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64}
TEXT = {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.26, 0.27)


def clip(
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    custom: bool = False,
    seed: int = 0,
    **model: Any,
) -> Any:
    """Build a CLIP with random weights large enough that no part of it is close to the identity."""
    torch.manual_seed(seed)
    kind = CustomTextCLIP if custom else CLIP
    built = kind(16, {**VISION, **(vision or {})}, {**TEXT, **(text or {})}, **model).eval()
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if "logit" not in name:
                parameter.add_(torch.randn_like(parameter) * (0.3 if parameter.ndim < 2 else 0.1))
    return built


def resnet(**model: Any) -> Any:
    return clip(vision=RESNET, **model)


def images(size: int = 24, batch: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(1)).to(dtype)


def config(text: dict[str, Any] | None = None, **model: Any) -> dict[str, Any]:
    return {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": {**TEXT, **(text or {})}, **model}


def write_local_dir(folder: Path, seed: int = 0, **model: Any) -> Path:
    """Write a random model as an open_clip local-dir and return the folder."""
    settings = config(**model)
    folder.mkdir()
    preprocess = {"size": 24, "mean": MEAN, "std": STD, "interpolation": "bilinear",
                  "resize_mode": "squash"}  # fmt: skip
    text = json.dumps({"model_cfg": settings, "preprocess_cfg": preprocess})
    (folder / "open_clip_config.json").write_text(text)
    quick = bool(model.get("quick_gelu", False))
    save_file(
        clip(seed=seed, quick_gelu=quick).state_dict(), folder / "open_clip_model.safetensors"
    )
    return folder


def heads_of(x: Tensor, heads: int) -> list[Tensor]:
    """Split [B, T, d] into H tensors [B, T, e]."""
    return list(x.split(x.shape[-1] // heads, dim=-1))


def slow_trace(visual: Any, pixels: Tensor, structure: str, depth: int) -> dict[str, Tensor]:
    """Compute everything a plain ViT's trace gives from full softmax matrices, head by head."""
    x = visual.conv1(pixels).flatten(2).permute(0, 2, 1)
    first = visual.class_embedding.expand(len(x), 1, -1)
    x = visual.ln_pre(torch.cat([first, x], dim=1) + visual.positional_embedding)
    blocks = list(visual.transformer.resblocks)
    rows, branch = [], None
    for number, block in enumerate(blocks, start=1):
        h, attn = block.ln_1(x), block.attn
        weights, biases = attn.in_proj_weight.chunk(3), attn.in_proj_bias.chunk(3)
        q, k, v = (
            heads_of(h @ w.T + b, attn.num_heads) for w, b in zip(weights, biases, strict=True)
        )
        scale = q[0].shape[-1] ** -0.5
        matrices = [torch.softmax(a @ b.mT * scale, dim=-1) for a, b in zip(q, k, strict=True)]
        rows.append(torch.stack(matrices).mean(dim=0)[:, 0, 1:])
        if number > len(blocks) - depth:
            branch = x if branch is None else branch
            if structure == "d-v":
                others = [torch.eye(x.shape[1], dtype=x.dtype) for _ in v]
            else:
                source = {"v-v-v": v, "q-q": q, "k-k": k}[structure]
                others = [torch.softmax(a @ a.mT * scale, dim=-1) for a in source]
            seen = torch.cat([m @ u for m, u in zip(others, v, strict=True)], dim=-1)
            branch = branch + seen @ attn.out_proj.weight.T + attn.out_proj.bias
        seen = torch.cat([m @ u for m, u in zip(matrices, v, strict=True)], dim=-1)
        x = x + seen @ attn.out_proj.weight.T + attn.out_proj.bias
        x = x + block.mlp(block.ln_2(x))
    assert branch is not None
    tokens = visual.ln_post(x) @ visual.proj
    return {
        "pooled": tokens[:, 0],
        "attention": torch.stack(rows, dim=1),
        "patches": tokens[:, 1:],
        "branch": (visual.ln_post(branch) @ visual.proj)[:, 1:],
    }


def slow_pool(visual: Any, pixels: Tensor, structure: str) -> dict[str, Tensor]:
    """Compute everything a ModifiedResNet's trace gives from full softmax matrices."""
    x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(pixels)))))
    x = x.flatten(2).permute(0, 2, 1)
    pool = visual.attnpool
    x = torch.cat([x.mean(dim=1, keepdim=True), x], dim=1) + pool.positional_embedding
    q, k, v = (heads_of(p(x), pool.num_heads) for p in (pool.q_proj, pool.k_proj, pool.v_proj))
    scale = q[0].shape[-1] ** -0.5
    matrices = [torch.softmax(a @ b.mT * scale, dim=-1) for a, b in zip(q, k, strict=True)]
    if structure == "d-v":
        others = [torch.eye(x.shape[1], dtype=x.dtype) for _ in v]
    else:
        source = {"v-v-v": v, "q-q": q, "k-k": k}[structure]
        others = [torch.softmax(a @ a.mT * scale, dim=-1) for a in source]
    tokens = pool.c_proj(torch.cat([m @ u for m, u in zip(matrices, v, strict=True)], dim=-1))
    branch = pool.c_proj(torch.cat([m @ u for m, u in zip(others, v, strict=True)], dim=-1))
    return {
        "pooled": tokens[:, 0],
        "attention": torch.stack(matrices).mean(dim=0)[:, :1, 1:],
        "patches": tokens[:, 1:],
        "branch": branch[:, 1:],
    }
