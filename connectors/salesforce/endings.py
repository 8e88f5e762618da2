"""Which statuses end a lead or a case, as the org itself says.

Owns the two lists of statuses. Refuses to judge a mapping. Invariant: a list that is hidden from us ends nothing.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-casestatus.html
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-leadstatus.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.rows import decoded
from connectors.salesforce.values import select

_LISTS: Final = {names.LEAD: ("LeadStatus", "IsConverted"), names.CASE: ("CaseStatus", "IsClosed")}

Endings = Mapping[str, Mapping[str, Mapping[str, bool]]]
"""By object and raw status: the flags that a record of this status carries, as a row shows them."""


def endings(api: Api) -> Endings:
    """One call."""
    asked = [select(("ApiName", "MasterLabel", flag), name, f"{flag} = true") for name, flag in _LISTS.values()]
    found: dict[str, dict[str, dict[str, bool]]] = {}
    for (name, (_, flag)), answer in zip(_LISTS.items(), api.each_query(asked), strict=True):
        rows = decoded(answer) if isinstance(answer, Answer) else []
        found[name] = {str(row.get("ApiName") or row.get("MasterLabel")): {flag: True} for row in rows}
    return found
