"""One API call on its way through the resources: the request, the version's path and who writes.

Owns reading a call's body and headers. Refuses state.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulators.http import Request
from emulators.salesforce.errors import ApiError, bad_json
from emulators.salesforce.writes import Actor


@dataclass(frozen=True, slots=True)
class Call:
    """``base`` is ``/services/data/vXX.X``; ``parts`` the decoded path after it; ``user`` the session's user id."""

    request: Request
    base: str
    parts: tuple[str, ...]
    user: str
    client: str

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def version(self) -> int:
        return int(self.base.rpartition("/v")[2].partition(".")[0])

    def body(self) -> dict[str, Any]:
        """The JSON object of the body. Raises ApiError for anything else."""
        try:
            body = self.request.json()
        except ValueError:
            raise bad_json("Unexpected character or end of input while parsing the request body") from None
        if not isinstance(body, dict):
            raise bad_json("The HTTP entity body is required to be one JSON object")
        return body

    def parameter(self, name: str) -> str | None:
        return next(iter(self.request.query.get(name, [])), None)

    def needed(self, name: str) -> str:
        value = self.parameter(name)
        if not value:
            raise ApiError(400, "MISSING_ARGUMENT", f"Missing required parameter: {name}")
        return value

    def actor(self) -> Actor:
        """The client as a writer. ``Sforce-Auto-Assign`` is TRUE when absent (REST API Developer Guide)."""
        assign = self.request.headers.get("sforce-auto-assign", "TRUE").strip().lower() != "false"
        # REST API Developer Guide, "Duplicate Rule Header": all its values are false when absent.
        duplicates = self.request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return Actor(
            self.user, f"api:{self.client}", self.request.number, assign=assign,
            acknowledges="allowsave=true" in duplicates.split(";"), place=(self.method, self.request.path),
        )  # fmt: skip
