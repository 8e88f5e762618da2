"""The doors: one folder per CRM, found by name and loaded on first use.

Owns the registry. Refuses to import a vendor's SDK: that happens inside a connector, when it first calls its CRM.
Invariant: nothing is imported for a connector that no connection names.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from connectors.base import Connector
    from connectors.settings import ConnectionSettings

GROUP: Final = "sla_sidecar.connectors"
"""Entry points of this group name further connectors: ``mycrm = "my_package"``, laid out like ``connectors/hubspot``.
"""

BUILT_IN: Final[Mapping[str, str]] = {
    "hubspot": "connectors.hubspot",
    "memory": "connectors.memory",
    "salesforce": "connectors.salesforce",
}


class UnknownConnector(ValueError):
    """No connector has this name. ``nearest`` is the known name that is most like it, or None."""

    def __init__(self, name: str) -> None:
        close = difflib.get_close_matches(name, known(), n=1)
        self.nearest = close[0] if close else None
        hint = f': did you mean "{self.nearest}"?' if self.nearest else f"; known are {', '.join(known())}"
        super().__init__(f'there is no connector "{name}"{hint}')


def known() -> tuple[str, ...]:
    """Names of all connectors, built in and installed, in order."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in _installed())}))


def settings_model(connector: str) -> type[ConnectionSettings]:
    """The model of this connector's connection table. Imports no SDK. Raises UnknownConnector."""
    package = _module(connector)
    holder = import_module(f"{package.__name__}.settings") if hasattr(package, "__path__") else package
    model: type[ConnectionSettings] = holder.SETTINGS
    return model


def build(
    name: str, connector: str, settings: Mapping[str, Any], *, wanted: frozenset[str], clock: Callable[[], int]
) -> Connector:
    """The connector of connection ``name``.

    ``settings`` is its configuration table with secrets as ``Secret``; ``wanted`` the normalised fields that policies
    name beyond the usual ones; ``clock()`` the present in epoch ms. Nothing is called over the network yet.
    Raises UnknownConnector, or pydantic's ValidationError for settings that do not fit.
    """
    model = settings_model(connector).model_validate({"connector": connector, **settings})
    made: Connector = _module(connector).build(name, model, wanted=wanted, clock=clock)
    return made


def _module(connector: str) -> ModuleType:
    path = BUILT_IN.get(connector)
    if path is None:
        for point in _installed(connector):
            path = point.value
    if path is None:
        raise UnknownConnector(connector)
    return import_module(path)


def _installed(name: str | None = None) -> Iterable[EntryPoint]:
    """The connectors that other packages bring along; only those of a ``name`` where one is given."""
    from importlib import metadata  # costs more than most commands need

    return metadata.entry_points(group=GROUP) if name is None else metadata.entry_points(group=GROUP, name=name)
