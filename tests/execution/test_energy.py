"""Energy by the card's own counter, with a stand-in for NVML."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from harness.execution.energy import EnergyMeter


class Error(Exception):
    pass


class FakeNvml:
    NVMLError = Error

    def __init__(self) -> None:
        self.millijoules = {"GPU-other": 5, "GPU-abc": 1_000_000}
        self.asked: list[str] = []

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        if uuid not in self.millijoules:
            raise Error
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, card: str) -> int:
        if card == "GPU-other":
            raise Error("not supported")
        return self.millijoules[card]


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid=device[5:])
    )
    return fake


def test_joules_are_the_card_s_counter_since_the_start(nvml: FakeNvml) -> None:
    meter = EnergyMeter("cuda:abc")
    nvml.millijoules["GPU-abc"] += 2_500
    assert meter.joules() == 2.5


@pytest.mark.parametrize("device", ["cpu", "cuda:other", "cuda:nobody"])
def test_what_does_not_count_is_none(nvml: FakeNvml, device: str) -> None:
    assert EnergyMeter(device).joules() is None


def test_without_the_package_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert EnergyMeter("cuda:0").joules() is None
