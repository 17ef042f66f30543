"""Finds plugins by name: files of ours and of the user's, entry points, --plugin files."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from harness import resources
from harness.dataset import Dataset
from harness.errors import UserError, error_line, line_of, unknown_name
from harness.method import Method, MethodConfig
from harness.outlines import Outline, outlines
from harness.source import source_hash

PluginKind = Literal["methods", "datasets"]
_BASES: dict[PluginKind, type] = {"methods": Method, "datasets": Dataset}
_NOUN: dict[PluginKind, str] = {"methods": "method", "datasets": "data set"}
_OWED: dict[PluginKind, tuple[str, ...]] = {
    "methods": ("name", "summary", "citation", "Config"),
    "datasets": ("name", "summary", "licence", "source"),
}
"""Class attributes that every plugin has; those but `Config` are texts."""


@dataclass
class Plugins:
    """What discovery saw: plugins by name, and files that could not be loaded."""

    plugins: dict[str, Any] = field(default_factory=dict)
    """Classes, or where they are only listed outlines of them."""
    origins: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """Origin -> the error, in one line."""


_extra_files: list[Path] = []
_found: dict[PluginKind, Plugins] = {}
_loading: list[PluginKind] = []


def add_plugin_file(path: str) -> None:
    """Register a plugin file of the user's (``--plugin FILE``) for both kinds.

    Raises:
        UserError: If there is no such file.
    """
    if not Path(path).is_file() or Path(path).suffix != ".py":
        what = "no Python file" if Path(path).exists() else "no such file"
        raise UserError(f"--plugin {path}: {what}; give the path of one, NAME.py")
    file = Path(path).resolve()
    if file not in _extra_files:
        _extra_files.append(file)
        _found.clear()


def add_own_plugins() -> None:
    """Register the plugin files in ./methods and ./datasets, as if each was given by name.

    Workers and jobs do not look for themselves, wherever they are started: they are handed
    ``plugin_files()``.
    """
    for kind in _BASES:
        for file in resources.own_plugins(kind):
            add_plugin_file(str(file))


def listed(kind: PluginKind) -> tuple[dict[str, str], dict[str, str]]:
    """Return summaries by name, and what could not be loaded, without running what need not be.

    Files that come with the harness are read, not run, where that tells the same; a user's own are
    run, for whoever writes one wants to know whether it loads.
    """
    found = _found[kind] if kind in _found else _loaded(kind, run_shipped=False)
    return {name: cls.summary for name, cls in found.plugins.items()}, found.broken


def not_loaded() -> dict[str, str]:
    """Return what could not be loaded, of both kinds: origin -> the error, in one line."""
    return discover("methods").broken | discover("datasets").broken


def plugin_files() -> list[str]:
    """Return the files that were added; workers load the same ones."""
    return [str(file) for file in _extra_files]


def discover(kind: PluginKind) -> Plugins:
    """Load every plugin of a kind, once; a broken one is noted and leaves the others working."""
    if kind in _found:
        return _found[kind]
    found = _loaded(kind)
    # A plugin file that asks for another plugin gets here while it is being loaded itself: such
    # an answer lacks that file's own plugins and must not be kept.
    if not _loading:
        _found[kind] = found
    return found


def _loaded(kind: PluginKind, run_shipped: bool = True) -> Plugins:
    _loading.append(kind)
    try:
        return _discover(kind, run_shipped)
    finally:
        _loading.pop()


def _discover(kind: PluginKind, run_shipped: bool) -> Plugins:
    found = Plugins()
    own = sorted(resources.shipped(kind).glob("[a-z]*.py"))
    for file in [*own, *(file for file in _extra_files if file not in own)]:
        load = partial(_classes_in, file, kind)
        known = outlines(file, _OWED[kind]) if file in own and not run_shipped else None
        _add(found, kind, str(file), load if known is None else partial(list, known))
    for entry in entry_points(group=f"clip_benchmark_harness.{kind}"):
        _add(found, kind, f"entry point {entry.name}", partial(_class_of, entry))
    return found


def _class_of(entry: EntryPoint) -> list[Any]:
    return [entry.load()]


def _add(found: Plugins, kind: PluginKind, origin: str, load: Callable[[], list[Any]]) -> None:
    try:
        classes = load()
    except SystemExit as error:  # a script that was taken for a plugin
        said = f"it calls sys.exit({error.code!r}) when it is loaded; remove that"
        found.broken[origin] = _located(said, error, origin)
        return
    except Exception as error:  # a plugin may raise anything; it must not take the others down
        found.broken[origin] = _located(error_line(error), error, origin)
        return
    for cls in classes:
        wrong = "" if isinstance(cls, Outline) else _wrong_with(cls, kind)
        if not wrong and cls.name in found.plugins:
            wrong = f"name '{cls.name}' is taken by {found.origins[cls.name]}; choose another"
        if wrong:
            found.broken[origin] = wrong
            continue
        found.plugins[cls.name] = cls
        found.origins[cls.name] = origin


def _located(text: str, error: BaseException, origin: str) -> str:
    line = line_of(error, origin)
    return f"{text} ({line})" if line else text


def _wrong_with(cls: Any, kind: PluginKind) -> str:
    """Return what keeps `cls` from being a plugin, or an empty text."""
    base = _BASES[kind]
    if not isinstance(cls, type) or not issubclass(cls, base):
        return f"{cls!r} is no subclass of {base.__module__}.{base.__name__}; name a class that is"
    for name in _OWED[kind]:
        value = getattr(cls, name, None)
        if value is None:
            return f"class {cls.__name__} has no `{name}`; add it"
        if name == "Config" and not (inspect.isclass(value) and issubclass(value, MethodConfig)):
            return (
                f"class {cls.__name__}: `Config` must be a subclass of harness.method.TrainConfig"
            )
        if name != "Config" and not isinstance(value, str):
            return f"class {cls.__name__}: `{name}` is {value!r}; make it a text"
    name = str(getattr(cls, "name", ""))
    if not re.fullmatch(r"[\w.-]+", name):
        return f"class {cls.__name__}: name '{name}'; use letters, digits and underscores"
    return ""


def _classes_in(file: Path, kind: PluginKind) -> list[type]:
    # The module name carries the path, so that two files of one name do not shadow each other,
    # and no package called `datasets` ever stands in the way of Hugging Face's.
    name = f"_plugin_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    module = sys.modules.get(name)
    if module is None:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    base = _BASES[kind]
    own = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base) and value.__module__ == name
    ]
    named = [cls for cls in own if "name" in vars(cls)]  # a class without is a base of others
    if own and not named:
        raise ValueError(f"class {own[0].__name__} has no `name`; add one")
    return named


def method_class(name: str) -> type[Method]:  # type: ignore[type-arg]
    """Return the method plugin called `name`.

    Raises:
        UserError: With the nearest names, then the list.
    """
    return _get("methods", name)


def method_sources(names: Iterable[str]) -> dict[str, str]:
    """Return the hash of each method's code, by name; see `source_hash`."""
    return {name: source_hash(method_class(name)) for name in dict.fromkeys(names)}


def dataset_class(name: str) -> type[Dataset]:
    """Return the data set plugin called `name`.

    Raises:
        UserError: With the nearest names, then the list.
    """
    return _get("datasets", name)


def _get(kind: PluginKind, name: str) -> type:
    found = discover(kind)
    if name in found.plugins:
        plugin: type = found.plugins[name]
        return plugin
    fix = ""
    if found.broken:
        origin, why = next(iter(found.broken.items()))
        fix = f"not loaded: {origin} ({why})"
    raise unknown_name(_NOUN[kind], name, found.plugins, fix)
