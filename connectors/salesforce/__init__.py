"""Salesforce: leads and cases. Importing it imports no SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.salesforce.connector import SalesforceConnector
    from connectors.salesforce.settings import SalesforceSettings


def build(
    name: str, settings: SalesforceSettings, *, wanted: frozenset[str], clock: Callable[[], int]
) -> SalesforceConnector:
    """The connector of one org; see ``connectors.build``."""
    from connectors.salesforce.connector import SalesforceConnector

    return SalesforceConnector(name, settings, wanted=wanted, clock=clock)
