"""What published names mean here: plugin and configuration, backbones, domains, tested parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from harness.errors import UserError
from harness.report.published.numbers import FOLDER, PublishedNumber
from harness.sweep.calls import print_value
from harness.validation import Strict, validated

MEANINGS = FOLDER / "methods.yaml"
Config = dict[str, Any]
Tested = Literal["out", "in", "all", "official", "unstated"]


class SourceMeaning(Strict):
    """What a source tests in domain_shift."""

    tested: Tested
    authors_numbers: Tested = "unstated"
    """Of numbers that it repeats from a method's authors."""


class PluginMeaning(Strict):
    """The configuration of a plugin that a published number can be compared with."""

    selection: Literal["last", "averaged"] = "last"
    """The weights that its authors test."""
    idea: Config = Field(default_factory=dict)
    """Another value is another method."""
    recipe: Config = Field(default_factory=dict)
    """Another value is another training than the published."""
    recipes: dict[str, dict[str, Config]] = Field(default_factory=dict)
    """Protocol, data set (or ``any``): what is different there."""
    unchecked: list[str] = Field(default_factory=list)
    """What sources do not say, or count in other units: said beside the verdict."""
    ignored: list[str] = Field(default_factory=list)
    """No bearing on the tested weights."""


class NameMeaning(Strict):
    """A published method's name."""

    method: str
    values: Config = Field(default_factory=dict)
    """What differs from the plugin's `idea`."""
    note: str = ""


class Meanings(Strict):
    """The file results/published/methods.yaml."""

    references: tuple[str, ...] = ()
    """Methods that others are compared with unless a sweep names one: the first a table has."""
    backbones: dict[str, list[str]]
    domains: dict[str, list[str]]
    means: dict[str, list[str]]
    shifted: str
    sources: dict[str, SourceMeaning]
    plugins: dict[str, PluginMeaning]
    names: dict[str, NameMeaning] = Field(min_length=1)

    def tested(self, number: PublishedNumber) -> Tested:
        """Return the part of the held-out domain that the number was tested on."""
        known = self.sources.get(number.source, SourceMeaning(tested="unstated"))
        return known.authors_numbers if number.by_authors else known.tested

    def is_method(self, number: PublishedNumber, method: str, config: Mapping[str, Any]) -> bool:
        """Tell whether a run's method and configuration are the number's, but for the recipe."""
        name = self.names[number.method]
        idea = self.plugins[name.method].idea | name.values
        return method == name.method and not _differing(idea, config)

    def recipe(self, number: PublishedNumber, dataset: str) -> Config:
        """Return the values of the published training on a data set, as far as known."""
        plugin = self.plugins[self.names[number.method].method]
        own = plugin.recipes.get(number.protocol, {})
        return plugin.recipe | own.get("any", {}) | own.get(dataset, {})

    def other_recipe(self, number: PublishedNumber, dataset: str, config: Mapping[str, Any]) -> str:
        """Return how a run's training differs from the published, empty if it does not."""
        recipe = self.recipe(number, dataset)
        return ", ".join(
            f"{key} is {print_value(config.get(key))} instead of {print_value(recipe[key])}"
            for key in _differing(recipe, config)
        )

    def unchecked(self, number: PublishedNumber, dataset: str, config: Mapping[str, Any]) -> str:
        """Return the values of a run that the source does not tell, empty if there is none."""
        recipe = self.recipe(number, dataset)
        names = self.plugins[self.names[number.method].method].unchecked
        return ", ".join(
            f"{name}={json.dumps(config[name])}"
            for name in names
            if name not in recipe and name in config
        )


def _differing(wanted: Config, config: Mapping[str, Any]) -> list[str]:
    absent = object()
    return [
        key
        for key, value in wanted.items()
        # a tuple becomes a list in a record
        if (list(own) if isinstance(own := config.get(key, absent), tuple) else own) != value
    ]


def load_meanings(path: Path = MEANINGS) -> Meanings:
    """Return what published names mean.

    Raises:
        UserError: If the file cannot be read, or names a plugin that it does not describe.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot read it ({' '.join(str(error).split())})") from None
    meanings: Meanings = validated(Meanings, values, str(path))
    for name, meaning in meanings.names.items():
        if meaning.method not in meanings.plugins:
            raise UserError(
                f"{path}: names.{name}: method '{meaning.method}' is not among its plugins: "
                f"{', '.join(meanings.plugins)}"
            )
        odd = set(meaning.values) - set(meanings.plugins[meaning.method].idea)
        if odd:
            raise UserError(
                f"{path}: names.{name}: '{min(odd)}' is not in the idea of '{meaning.method}'"
            )
    return meanings
