"""What a run takes of its GPU's energy, by the counter of the card itself (NVML)."""

from __future__ import annotations

from typing import Any


class EnergyMeter:
    """Joules since it was made; None where nothing counts them.

    The counter is the card's: what other processes on it took meanwhile is in it. NVML is reached
    through the package nvidia-ml-py, if it is installed.
    """

    def __init__(self, device: str) -> None:
        """Begin to count.

        Args:
            device: Torch's name of it, ``cpu`` or ``cuda:0``.
        """
        self._handle = _handle(device)
        self._start = self._counter()

    def joules(self) -> float | None:
        """Return what was taken so far."""
        now = self._counter()
        return None if now is None or self._start is None else (now - self._start) / 1e3

    def _counter(self) -> int | None:
        if self._handle is None:
            return None
        nvml, card = self._handle
        try:
            return int(nvml.nvmlDeviceGetTotalEnergyConsumption(card))  # mJ since the driver loaded
        except nvml.NVMLError:  # cards before Volta
            return None


def _handle(device: str) -> tuple[Any, Any] | None:
    if not device.startswith("cuda"):
        return None
    try:
        import pynvml
    except ImportError:
        return None
    import torch

    # by its UUID: NVML numbers all cards, torch those that CUDA_VISIBLE_DEVICES leaves
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    try:
        pynvml.nvmlInit()
        return pynvml, pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except pynvml.NVMLError:
        return None
