"""A pretrained CLIP as the methods see it."""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.clip import forward
from harness.clip.forward import ImageTrace, TraceRequest
from harness.clip.text import TextTower, prompts, tokenize
from harness.clip.vectors import ClassVectors
from harness.errors import UserError
from harness.prompts import Prompts, Template
from harness.seeding import repeat_on_gpu, tf32
from harness.specs import ModelSpec
from harness.store.provenance import device_name

TEXT_BATCH = 256
_AUTOCAST = {
    "bf16": torch.bfloat16, "fp16": torch.float16, "fp16-replica": torch.float16,
}  # fmt: skip


@dataclass(frozen=True)
class Preprocess:
    """How the model's images were prepared when it was trained; from the model's own config."""

    image_size: int
    """Side of the square input."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    """``bicubic`` or ``bilinear``."""
    resize_mode: str
    """``shortest`` (then centre crop), ``squash`` or ``longest`` (then padding)."""


def weights_fingerprint(model: nn.Module) -> str:
    """Return the first 16 hex digits of a SHA-256 over names and bytes of a state dict."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


class Kept(Protocol):
    """Features by name that outlive the process."""

    def read(self, name: str, rows: int) -> Tensor | None:
        """Return what was written, on the CPU; None if it is not there."""

    def write(self, name: str, features: Tensor) -> None:
        """Keep features [rows, ...] of the CPU."""


@dataclass(eq=False)
class Backbone:
    """A CLIP model in eval mode, float32 and frozen, with what belongs to it.

    ``load_backbone`` makes one; a run works on its own ``fork``.
    """

    model: Any
    """open_clip's ``CLIP`` or ``CustomTextCLIP``."""
    tokenizer: Any
    """Called with texts and ``context_length``; see ``text.tokenize``."""
    spec: ModelSpec
    preprocess: Preprocess
    device: torch.device
    fingerprint: str
    """Fingerprint of the pretrained weights; a fork keeps it."""
    kept: Kept | None = field(default=None, repr=False)
    """Where text features are kept for other processes, if anywhere."""
    learned: ClassVectors | None = field(default=None, repr=False)
    """Of a model that is tested as it came: what classifies in place of texts."""
    _texts: dict[tuple[tuple[str, ...], Template], Tensor] = field(default_factory=dict, repr=False)
    _scale: tuple[Tensor, int, float] | None = field(default=None, repr=False)
    _instead: Template | None = field(default=None, repr=False)

    @property
    def visual(self) -> Any:
        """The image tower."""
        return self.model.visual

    @property
    def logit_scale(self) -> float:
        """Inverse temperature: exp of what was learned, 100 for OpenAI's weights."""
        learned = self.model.logit_scale
        # read once, not in every step: a GPU would have to finish all its work for it
        kept = self._scale
        if kept is None or kept[0] is not learned or kept[1] != learned._version:
            kept = self._scale = (learned, learned._version, float(learned.detach().exp()))
        return kept[2]

    @property
    def embed_dim(self) -> int:
        """Dimension D of the features."""
        if hasattr(self.visual, "output_dim"):
            return int(self.visual.output_dim)
        text = getattr(self.model, "text", None)  # an image tower from timm does not say
        return int(self.model.text_projection.shape[1] if text is None else text.output_dim)

    @property
    def context_length(self) -> int:
        """Longest prompt in tokens, start and end of text included."""
        return int(self.model.context_length)

    @property
    def computes(self) -> tuple[object, ...]:
        """All that features depend on beside their input, to the last digit."""
        device = self.device
        kind = device_name(str(device)) if device.type == "cuda" else str(device)
        return self.fingerprint, self.spec.model_dump_json(), kind, torch.get_num_threads()

    @property
    def text_tower(self) -> TextTower:
        """The text tower for prompt learning.

        Raises:
            UserError: If prompts cannot be learned for this kind of tower.
        """
        return TextTower(self.model, self.tokenizer, self.spec.title())

    def autocast(self) -> torch.autocast:
        """Return the context in which the forward pass has the precision that the spec says."""
        dtype = _AUTOCAST.get(self.spec.precision)
        return torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not None)

    def trace(self, images: Tensor, request: TraceRequest) -> ImageTrace:
        """Run the image tower once, under autocast as the spec says; gradient flows.

        Args:
            images: [B, 3, H, W] float32, normalised.
            request: What is asked for beside the pooled feature.

        Returns:
            The pooled feature and what was asked for, float32, not normalised.

        Raises:
            UserError: If the tower cannot give it.
        """
        run = _compiled_trace() if self.spec.compile else forward.trace
        if self.spec.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with self.autocast():
            return run(self.visual, images, request, self.spec.title())

    def image_features(self, images: Tensor) -> Tensor:
        """Return [B, D] float32 unit-norm features of [B, 3, H, W] images; gradient flows."""
        return F.normalize(self.trace(images, TraceRequest()).pooled, dim=-1)

    @torch.no_grad()
    def text_features(self, class_names: tuple[str, ...], template: Template) -> Tensor:
        """Return the features of the classes' prompts, computed once and kept.

        Of several templates it is the mean of their unit-norm features, scaled to unit norm
        (Radford et al. 2021).

        Args:
            class_names: C names; underscores are read as blanks.
            template: Prompt with one ``{}``, or several; while the test set of another data set is
                predicted, that one's stand in its place (`prompted`).

        Returns:
            [C, D] float32 unit norm, without gradient; shared, not to be changed in place.

        Raises:
            UserError: If the template has no place for the name or a prompt is too long.
        """
        if self.learned is not None:
            return self.learned.of(class_names).to(self.device)
        template = self._instead or template
        key = (tuple(class_names), template)
        if key not in self._texts:
            asked = Prompts((template,)) if isinstance(template, str) else template
            first, *more = (self._encoded(class_names, text, asked) for text in asked.templates)
            self._texts[key] = F.normalize(sum(more, first), dim=-1) if more else first
        return self._texts[key].to(self.device)

    @contextmanager
    def prompted(self, template: Template | None) -> Iterator[None]:
        """Take this template, while inside, for whatever a method asks for; None for none."""
        self._instead = template
        try:
            yield
        finally:
            self._instead = None

    def _encoded(self, class_names: tuple[str, ...], template: str, asked: Prompts) -> Tensor:
        texts, length = prompts(class_names, template), self.context_length
        try:
            return self._of_tokens(tokenize(self.tokenizer, texts, length, asked.truncate))
        except UserError as error:
            raise UserError(f"{error}, or give the data set's option truncate=true") from None

    def _of_tokens(self, tokens: Tensor) -> Tensor:
        said = repr((self.computes, tokens.tolist()))
        name = hashlib.sha256(said.encode()).hexdigest()[:24]
        found = self.kept.read(name, len(tokens)) if self.kept else None
        if found is None:
            # Once per sweep, so always in full precision, whatever surrounds this call.
            with torch.autocast(self.device.type, enabled=False), tf32(False):
                parts = [
                    self.model.encode_text(part.to(self.device))
                    for part in torch.split(tokens, TEXT_BATCH)
                ]
            found = F.normalize(torch.cat(parts), dim=-1)
            if self.kept:
                self.kept.write(name, found.cpu())
        return found

    def fork(self) -> Backbone:
        """Return a backbone with its own copy of the image tower and of the logit scale.

        The text tower, the tokenizer and the text features are shared: no method changes them.
        """
        own = {"visual", "logit_scale", "logit_bias"}
        shared: dict[int, Any] = {}
        for parts in (self.model._modules, self.model._parameters, self.model._buffers):
            shared |= {id(part): part for name, part in parts.items() if name not in own}
        # deepcopy takes whatever its memo knows as already copied.
        return replace(self, model=copy.deepcopy(self.model, shared))

    def resized(self, interpolation: str) -> Backbone:
        """Return this backbone, nothing copied, with another interpolation of test images."""
        return replace(self, preprocess=replace(self.preprocess, interpolation=interpolation))

    def to(self, device: str | torch.device) -> Backbone:
        """Move the model, in place, and return self; a GPU is asked to repeat its sums."""
        self.device = torch.device(device)
        if self.device.type == "cuda":
            repeat_on_gpu()
        self.model.to(self.device)
        if self.spec.channels_last:
            self.model.to(memory_format=torch.channels_last)
        return self

    def checkpoint_activations(self) -> None:
        """Compute activations again in the backward pass instead of keeping them; same numbers."""
        self.model.set_grad_checkpointing(True)


@functools.cache
def _compiled_trace() -> Any:
    return torch.compile(forward.trace)
