from __future__ import annotations

import pytest

from harness.seeding import derive, domainbed_seed, generator


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
