"""What ``pubsub`` of a Salesforce connection may say.

Owns its keys, defaults and checks, also that what it needs is installed. Refuses to import it. Invariant: a connection
without ``pubsub`` asks for nothing of this.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, field_validator, model_validator

from connectors.settings import Table

ENDPOINT: Final = "api.pubsub.salesforce.com:7443"
"""developer.salesforce.com, Pub/Sub API > Endpoints; ``api.deu.pubsub.salesforce.com:7443`` keeps events in Europe."""

NEEDS: Final = ("grpc", "google.protobuf", "fastavro")
_PLACE: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}", re.ASCII)

EventObject = Literal["Lead", "Case", "Task", "Event", "EmailMessage"]


class PubSubSettings(Table):
    """Change events by the Pub/Sub API. ``objects``: whose events; by default those that are watched."""

    objects: tuple[EventObject, ...] = ()
    endpoint: str = ENDPOINT

    @field_validator("endpoint")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if not _PLACE.fullmatch(value):
            raise ValueError(f'an endpoint reads "{ENDPOINT}"')
        return value

    @model_validator(mode="after")
    def _installed(self) -> PubSubSettings:
        if not all(_there(name) for name in NEEDS):
            raise ValueError("change events need an extra that is not installed: pip install 'sla-sidecar[pubsub]'")
        return self


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def _switch(value: Any) -> Any:
    return {True: {}, False: None}.get(value, value) if isinstance(value, bool) else value


PubSub = Annotated[PubSubSettings | None, BeforeValidator(_switch)]
"""``true``, ``false`` or a table."""
