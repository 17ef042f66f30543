"""A checkpoint: all a killed run needs to continue to the same final numbers."""

from __future__ import annotations

import copy
import hashlib
import io
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

import torch
from torch import Tensor

from harness.store.files import write_atomically

_MAGIC = b"clip-bench checkpoint\n"
SHARE = 0.02
"""Of a run's time that writing checkpoints may take."""


class Unusable(Exception):
    """A checkpoint that a run must not continue from; the text says why."""


@dataclass
class TrainState:
    """Where a training is. Random draws are functions of (seed, step), so none are stored."""

    step: int = 0
    """Optimiser steps done."""
    losses: dict[str, list[float]] = field(default_factory=dict)
    """Sums of each loss term over the run's tenths."""
    best_correct: int = -1
    """Correct source-validation images of the best weights so far; -1 before the first look."""
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    zero_shot_val: dict[str, list[int]] = field(default_factory=dict)
    """Per source domain [correct, n] before the first step."""
    step_ms: list[float] = field(default_factory=list)
    earlier_s: float = 0.0
    """Seconds that earlier attempts took up to this checkpoint."""
    earlier_j: float | None = 0.0
    """Joules of the GPU in earlier attempts; None if one of them did not know."""
    resumed: int = 0


_KINDS: dict[str, type | tuple[type, ...]] = {
    "step": int, "best_correct": int, "best_step": int, "resumed": int, "earlier_s": (int, float),
    "earlier_j": (int, float, NoneType), "losses": dict, "best": dict, "zero_shot_val": dict,
    "step_ms": list,
}  # fmt: skip


def save(path: Path, state: TrainState, parts: dict[str, Any], owner: Mapping[str, str]) -> None:
    """Write `state` and the state dicts in `parts` in one file, atomically.

    Args:
        path: Where to.
        state: Where the training is.
        parts: State dicts by name.
        owner: Whose it is: the run's id, the hash of the method's source.
    """
    buffer = io.BytesIO()
    torch.save({"owner": dict(owner), "state": vars(state), **parts}, buffer)
    content = buffer.getvalue()
    write_atomically(path, _MAGIC + hashlib.sha256(content).digest() + content)


class Writer:
    """Writes checkpoints in the background, and not so often that it costs much."""

    def __init__(self, path: Path, owner: Mapping[str, str], least_seconds: float) -> None:
        """Begin to count the time.

        Args:
            path: Where to.
            owner: See `save`.
            least_seconds: Between two checkpoints; they are further apart where writing one takes
                more than a `SHARE` of that. 0: as often as asked.
        """
        self._path = path
        self._owner = owner
        self._least = least_seconds
        self._cost = 0.0
        self._last = time.monotonic()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    @property
    def due(self) -> bool:
        """Tell whether it is time for the next; never while one is being written."""
        if self._thread is not None and self._thread.is_alive():
            return False
        apart = max(self._least, self._cost / SHARE) if self._least else 0.0
        return time.monotonic() - self._last > apart

    def begin(self, state: TrainState, parts: dict[str, Any]) -> None:
        """Copy what `save` takes to the host, then write it while the training goes on."""
        self.finish()
        start = time.monotonic()
        copied = _on_host({"state": vars(state), **parts})

        def write() -> None:
            try:
                save(self._path, TrainState(**copied.pop("state")), copied, self._owner)
            except BaseException as error:  # raised where the training is
                self._error = error
            self._cost = time.monotonic() - start

        self._thread = threading.Thread(target=write, name="checkpoint")
        self._thread.start()
        self._last = time.monotonic()

    def finish(self) -> None:
        """Wait for the one that is being written.

        Raises:
            OSError: If it could not be.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error


def _on_host(value: Any) -> Any:
    """Return a copy that nothing changes any more, tensors on the CPU."""
    if isinstance(value, int | float | str | None):
        return value
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {key: _on_host(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_on_host(inner) for inner in value)
    return copy.deepcopy(value)


def load(
    path: Path, device: torch.device | str, owner: Mapping[str, str]
) -> tuple[TrainState, dict[str, Any]] | None:
    """Return what `save` wrote, or None if there is no checkpoint.

    Raises:
        Unusable: If its content is not what was written, or it is another run's or another
            code's. The run then starts afresh and ends in the same numbers, only later.
    """
    if not path.is_file():
        return None
    data = path.read_bytes()
    head = len(_MAGIC) + hashlib.sha256().digest_size
    if (
        not data.startswith(_MAGIC)
        or hashlib.sha256(data[head:]).digest() != data[len(_MAGIC) : head]
    ):
        raise Unusable("its content is not what was written (SHA-256)")
    try:
        parts = torch.load(io.BytesIO(data[head:]), map_location=device, weights_only=True)
        written = parts.pop("owner")
        state = TrainState(**parts.pop("state"))
    except Exception as error:
        raise Unusable(f"it cannot be read ({type(error).__name__})") from None
    for key, value in owner.items():
        if written.get(key) != value:
            raise Unusable(f"its {key} is {written.get(key)}, this run's is {value}")
    for name, kind in _KINDS.items():
        if not isinstance(getattr(state, name), kind):
            raise Unusable(f"its {name} is {str(getattr(state, name))[:40]}")
    return state, parts


def digest(path: Path) -> bytes:
    """Return the SHA-256 that a checkpoint holds of itself, empty without one."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC) + hashlib.sha256().digest_size)[len(_MAGIC) :]
    except FileNotFoundError:
        return b""


def check_shapes(saved: Mapping[str, Tensor], live: Mapping[str, Tensor]) -> None:
    """Raise Unusable unless two sets of named tensors have the same names, shapes and types.

    A tensor of one number would be copied over a whole parameter without a word, and one of whole
    numbers rounded.
    """
    if list(saved) != list(live):
        raise Unusable(f"it has other parameters: {sorted(set(saved) ^ set(live)) or 'order'}")
    for name, tensor in live.items():
        if saved[name].shape != tensor.shape:
            shapes = f"{list(saved[name].shape)}, not {list(tensor.shape)}"
            raise Unusable(f"its '{name}' has shape {shapes}")
        if saved[name].dtype != tensor.dtype or not torch.isfinite(saved[name]).all():
            raise Unusable(f"its '{name}' is {saved[name].dtype}, or not finite")
