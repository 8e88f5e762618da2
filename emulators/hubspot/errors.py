"""The vendor's refusals: one exception that knows its body.

Owns the shape of an error answer. Refuses to decide when something is wrong.
Invariant: every body has status, message, correlationId and category; the rest only when there is something to say.
https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

GATEWAY_PAGE: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)
HTML_STATUSES: Final = frozenset({502, 504, 520, 521, 522, 523, 524})
"""Answered by the proxy in front of the API, not by the API: a page, not JSON."""


class HubSpotError(Exception):
    """A refused request. developers.hubspot.com/docs/api-reference/error-handling"""

    def __init__(
        self,
        status: int,
        message: str,
        category: str = "VALIDATION_ERROR",
        *,
        errors: Sequence[dict[str, Any]] = (),
        context: dict[str, list[str]] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.errors = list(errors)
        self.context = context or {}
        self.more = more

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer to the whole request."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        if self.errors:
            body["errors"] = self.errors
        if self.context:
            body["context"] = self.context
        return body | self.more | {"category": self.category}

    def row(self, context: dict[str, list[str]]) -> dict[str, Any]:
        """The entry of one failed input in a multi-status answer (schema StandardError)."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "errors": self.errors,
            "context": self.context | context,
            "links": {},
        }


@dataclass(frozen=True, slots=True)
class Issue:
    """One property value that is not valid."""

    name: str
    code: str
    message: str

    def detail(self) -> dict[str, Any]:
        return {"message": self.message, "code": self.code, "context": {"propertyName": [self.name]}}


def invalid_properties(issues: Sequence[Issue], portal_id: int) -> HubSpotError:
    """All wrong values at once; the message repeats them as JSON in text, as the vendor's does."""
    told = [
        {
            "isValid": False,
            "message": issue.message,
            "error": issue.code,
            "name": issue.name,
            "localizedErrorMessage": issue.message,
            "portalId": portal_id,
        }
        for issue in issues
    ]
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return HubSpotError(400, f"Property values were not valid: {text}", errors=[issue.detail() for issue in issues])


def missing_properties(label: str, names: Sequence[str]) -> HubSpotError:
    return HubSpotError(
        400, f"Error creating {label}. Some required properties were not set.", context={"properties": list(names)}
    )


def not_unique(label: str, name: str, value: str, portal_id: int) -> HubSpotError:
    """Another record holds this value of a unique property. The code is captured, its message assumed; contacts answer
    409 for an address instead, see ``checks``."""
    message = f"{label} with {name} {value} already exists"
    return invalid_properties([Issue(name, "CONFLICTING_UNIQUE_VALUE", message)], portal_id)


def not_found(what: str = "resource not found") -> HubSpotError:
    return HubSpotError(404, what, "OBJECT_NOT_FOUND")


def objects_not_found(label: str, ids: Sequence[str]) -> HubSpotError:
    """The one entry of a multi-status answer that stands for all unknown ids."""
    message = f"Could not get some {label} objects, they may be deleted or not exist. Check that ids are valid."
    return HubSpotError(404, message, "OBJECT_NOT_FOUND", context={"ids": list(ids)})


def bad_input(reason: str) -> HubSpotError:
    return HubSpotError(400, f"Invalid input JSON: {reason}")


def bad_search() -> HubSpotError:
    """A search that names an unknown property or misuses an operator is refused without saying why."""
    return HubSpotError(400, "There was a problem with the request.")


def no_such_type(word: str) -> HubSpotError:
    return HubSpotError(400, f"Unable to infer object type from: {word}")


def missing_scopes(scopes: Sequence[str]) -> HubSpotError:
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(scopes)},
    }
    return HubSpotError(
        403,
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
        "https://developers.hubspot.com/scopes.",
        "MISSING_SCOPES",
        errors=[detail],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def rate_limited(policy: str, *, terse: bool = False) -> HubSpotError:
    """``policy``: SECONDLY, TEN_SECONDLY_ROLLING or DAILY; ``terse``: only the message names it."""
    named: dict[str, Any] = {} if terse else {"errorType": "RATE_LIMIT", "policyName": policy}
    return HubSpotError(429, f"You have reached your {policy.lower()} limit.", "RATE_LIMITS", **named)


OTHERS: Final = {
    401: ("Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
          "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview", "INVALID_AUTHENTICATION"),
    404: ("resource not found", "OBJECT_NOT_FOUND"),
    409: ("Conflict", "CONFLICT"),
    423: ("The resource is locked. Please retry.", "LOCKED"),
    477: ("A migration of this account is in progress.", "MIGRATION_IN_PROGRESS"),
}  # fmt: skip


def by_status(status: int) -> HubSpotError:
    """What the vendor says with a status when nothing more is known: for faults."""
    if status == 403:
        return missing_scopes(["crm.objects.contacts.read"])
    message, category = OTHERS.get(status, ("internal error", "INTERNAL_ERROR") if status >= 500 else
                                   ("Bad request", "VALIDATION_ERROR"))  # fmt: skip
    return HubSpotError(status, message, category)
