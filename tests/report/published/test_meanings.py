from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.errors import UserError
from harness.report.published.meanings import MEANINGS, load_meanings
from harness.report.published.numbers import load_numbers
from tests.report.published.stores import default, number


def test_every_published_name_source_and_domain_has_its_meaning() -> None:
    meanings, numbers = load_meanings(), load_numbers()
    assert {number.method for number in numbers} <= set(meanings.names)
    assert {number.source for number in numbers} == set(meanings.sources)
    assert {number.backbone for number in numbers} <= set(meanings.backbones)
    for name, domains in meanings.domains.items():
        assert sorted(registry.dataset_class(name).expected) == sorted(domains)
    for name, plugin in meanings.plugins.items():
        cls = registry.method_class(name)
        assert plugin.selection == cls.own_selection
        named = {*plugin.idea, *plugin.recipe, *plugin.unchecked, *plugin.ignored}
        assert named == set(cls.Config.model_fields)
        config = default(name)
        assert {key: config[key] for key in plugin.idea} == plugin.idea


def test_a_name_of_an_unknown_plugin_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "methods.yaml"
    text = MEANINGS.read_text(encoding="utf-8")
    file.write_text(text.replace("CoOp: {method: coop}", "CoOp: {method: coup}"), encoding="utf-8")
    with pytest.raises(UserError, match=r"names\.CoOp: method 'coup' is not among its plugins"):
        load_meanings(file)
    file.write_text(text.replace("values: {epsilon: 0.8}", "values: {eps: 0.8}"), encoding="utf-8")
    with pytest.raises(UserError, match="'eps' is not in the idea of 'alignclip'"):
        load_meanings(file)


def test_what_authors_published_is_of_the_part_they_tested() -> None:
    meanings = load_meanings()
    source = next(name for name, s in meanings.sources.items() if s.authors_numbers != s.tested)
    own = number(source=source)
    repeated = number(source=source, note="as published by its authors")
    assert meanings.tested(own) == meanings.sources[source].tested
    assert meanings.tested(repeated) == meanings.sources[source].authors_numbers
