from __future__ import annotations

import os

import pytest
import torch

from harness.seeding import derive, domainbed_seed, generator, repeat_on_gpu


@pytest.mark.parametrize(
    ("args", "value"),
    [  # DomainBed's own values
        ((0, 0), 894182419),
        ((0, 1), 1514274641),
        ((0, 5), 1833038383),
        ((0, 0, "base"), 1300057093),
        ((0, 1, "base"), 2104057753),
    ],
)
def test_domainbed_seed_constants(args: tuple[object, ...], value: int) -> None:
    assert domainbed_seed(*args) == value


def test_generators_do_not_depend_on_order() -> None:
    first = generator("batch", 3, "a", 7)
    generator("batch", 3, "a", 8)
    assert first.initial_seed() == generator("batch", 3, "a", 7).initial_seed()
    assert derive("batch", 1, 23) != derive("batch", 12, 3)
    assert derive("batch", "1") != derive("batch", 1)


def test_a_gpu_is_asked_to_repeat_its_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        repeat_on_gpu()
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    repeat_on_gpu()
    torch.use_deterministic_algorithms(False)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"  # the user's
