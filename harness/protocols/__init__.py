"""Protocols, one class in one file each: what trains, what is tested, over which classes.

A file of this package that defines a subclass of `Protocol` with a name is a protocol: nothing else
needs to know of it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Tag

from harness.errors import UserError, unknown_name
from harness.protocols.base import Protocol
from harness.validation import refuse_truth_values, validated

__all__ = ["DEFAULT", "PROTOCOLS", "AnyProtocol", "Protocol", "read_protocol"]

DEFAULT = "domain_shift"


def _found() -> dict[str, type[Protocol]]:
    classes = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for cls in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if inspect.isclass(cls) and issubclass(cls, Protocol) and cls is not Protocol:
                classes[str(cls.model_fields["name"].default)] = cls
    return classes


PROTOCOLS: Mapping[str, type[Protocol]] = _found()
"""By name."""


def _name_in(values: Any) -> str:
    if isinstance(values, Protocol):
        return values.name
    return str(values.get("name", DEFAULT)) if isinstance(values, dict) else DEFAULT


if TYPE_CHECKING:
    AnyProtocol = Protocol
else:
    _ANY = reduce(or_, (Annotated[cls, Tag(name)] for name, cls in PROTOCOLS.items()))
    AnyProtocol = Annotated[_ANY, Discriminator(_name_in)]
"""A field that holds any protocol, read by its name."""


def read_protocol(values: str | Mapping[str, Any], where: str = "protocol") -> Protocol:
    """Return a protocol from its name, or from its name and options.

    Raises:
        UserError: For an unknown name or option, or a value out of range.
    """
    given = {"name": values} if isinstance(values, str) else dict(values)
    name = str(given.get("name", DEFAULT))
    if name not in PROTOCOLS:
        raise unknown_name(where, name, PROTOCOLS)
    try:  # here, not in the class: records have protocols, thousands of them
        refuse_truth_values(PROTOCOLS[name], given)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    protocol: Protocol = validated(PROTOCOLS[name], given, where)
    return protocol
