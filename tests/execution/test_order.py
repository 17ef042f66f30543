"""What a worker is told, one JSON a line."""

from __future__ import annotations

import pytest

from harness.execution.order import Order
from tests.test_specs import spec


@pytest.mark.parametrize("do", ["run", "features"])
def test_an_order_is_one_line_and_comes_back(do: str) -> None:
    order = Order.model_validate({"do": do, "spec": spec(label="two\nlines")})
    line = order.model_dump_json()
    assert "\n" not in line
    assert Order.model_validate_json(line) == order


@pytest.mark.parametrize("change", [{"do": "stop"}, {"more": 1}])
def test_other_orders_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        Order.model_validate({"do": "run", "spec": spec(), **change})
