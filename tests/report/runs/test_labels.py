"""No label stands for two configurations."""

from __future__ import annotations

from typing import Any

from harness.report.runs.labels import disambiguate, flatten


def variant(method: str = "m", selection: str = "own", **config: Any) -> dict[str, Any]:
    return {"method": method, "config": config, "selection": selection}


def test_configurations_are_flat_and_printed() -> None:
    assert flatten({"a": 1, "b": {"c": "x", "d": {"e": True}}}) == {
        "a": "1",
        "b.c": "x",
        "b.d.e": "true",
    }


def test_only_what_differs_is_added_in_the_order_of_the_configuration() -> None:
    variants = [variant(z=1, same=0, a=2), variant(z=2, same=0, a=3), variant()]
    assert disambiguate(["M", "M", "other"], variants) == ["M (z=1, a=2)", "M (z=2, a=3)", "other"]


def test_methods_and_selections_tell_apart() -> None:
    assert disambiguate(["M", "M"], [variant("one"), variant("two")]) == ["M (one)", "M (two)"]
    labels = disambiguate(["M", "M"], [variant(selection="last"), variant(selection="best")])
    assert labels == ["M (selection=last)", "M (selection=best)"]
    assert disambiguate(["M", "M"], [variant(k=1), variant()]) == ["M (k=1)", "M (k=–)"]


def test_a_label_made_to_look_like_ours_is_numbered() -> None:
    variants = [variant(k=1), variant(k=2), variant(k=3)]
    assert disambiguate(["M", "M", "M (k=1)"], variants) == ["M (k=1)", "M (k=2)", "M (k=1) #2"]
