"""The vendor's refusals: HTTP status, error code, message and fields, as clients see them.

Owns the wording and both shapes of an error. Refuses to decide when one is due.
Invariant: plain REST names the code ``errorCode``, a row of a collection names it ``statusCode``.
Source: REST API Developer Guide, "Status Codes and Error Responses"; SOAP API Developer Guide, StatusCode.
The texts are captured from published answers.
https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulators.http import Response


class ApiError(Exception):
    """One refusal. ``fields`` are the API names it is about."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> list[dict[str, Any]]:
        """The list that every plain REST call answers with."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    def row(self) -> dict[str, Any]:
        """The result of one row of a collection; a failed row carries no id, so order is what tells rows apart."""
        error = {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}
        return {"success": False, "errors": [error]}

    def response(self) -> Response:
        return Response(self.status, self.body())


class Ambiguous(ApiError):
    """More than one record has this external id: 300 with their addresses, or DUPLICATE_EXTERNAL_ID as a row."""

    def __init__(self, object: str, field: str, ids: Sequence[str]) -> None:
        super().__init__(300, "DUPLICATE_EXTERNAL_ID", f"{field}: more than one record found for external id field", [])
        self._object = object
        self._ids = ids

    def response(self) -> Response:
        return Response(300, [f"/services/data/v66.0/sobjects/{self._object}/{one}" for one in self._ids])


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    return ApiError(404, "NOT_FOUND", message)


def invalid_session() -> ApiError:
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def limit_exceeded(*, concurrent: bool = False) -> ApiError:
    which = "ConcurrentPerOrgLongTxn" if concurrent else "TotalRequests"
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", f"{which} Limit exceeded.")


def method_not_allowed(method: str, allowed: str) -> ApiError:
    return ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are {allowed}")


def bad_json(message: str) -> ApiError:
    return ApiError(400, "JSON_PARSER_ERROR", message)


def malformed_id(label: str, value: object) -> ApiError:
    return ApiError(400, "MALFORMED_ID", f"{label} ID: id value of incorrect type: {value}", ["Id"])


def deleted() -> ApiError:
    return ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def no_column(field: str, entity: str) -> ApiError:
    return ApiError(400, "INVALID_FIELD", f"No such column '{field}' on sobject of type {entity}")


def read_only(fields: Sequence[str]) -> ApiError:
    return ApiError(
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set.",
        fields,
    )


def missing(fields: Sequence[str]) -> ApiError:
    return ApiError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(fields)}]", fields)


def too_long(label: str, field: str, value: str, most: int) -> ApiError:
    shown = value[:255]
    return ApiError(400, "STRING_TOO_LONG", f"{label}: data value too large: {shown} (max length={most})", [field])


def bad_choice(label: str, field: str, value: object) -> ApiError:
    return ApiError(
        400,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        f"{label}: bad value for restricted picklist field: {value}",
        [field],
    )


def inactive_owner(user_id: str, entity: str) -> ApiError:
    return ApiError(
        400,
        "INACTIVE_OWNER_OR_USER",
        f"operation performed with inactive user [{user_id[:15]}] as owner of {entity.lower()}",
        [],
    )


def bad_reference(field: str | None = None) -> ApiError:
    return ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field] if field else [])


def row_locked(id: str) -> ApiError:
    return ApiError(
        400,
        "UNABLE_TO_LOCK_ROW",
        f"unable to obtain exclusive access to this record or 1 records: {id}",
        [],
    )


def converted_lead() -> ApiError:
    return ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])


def duplicate(field: str, id: str) -> ApiError:
    return ApiError(
        400,
        "DUPLICATE_VALUE",
        f"duplicate value found: {field} duplicates value on record with id: {id}",
        [],
    )


def rolled_back() -> ApiError:
    return ApiError(
        400,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
        [],
    )


def struck(code: str) -> ApiError:
    """What a ``row:CODE`` fault makes of a row. ``OUTER,INNER`` is what a trigger of the org met, in its own words."""
    outer, _, inner = code.partition(",")
    status = {"INVALID_SESSION_ID": 401, "REQUEST_LIMIT_EXCEEDED": 403, "SERVER_UNAVAILABLE": 503}.get(outer, 400)
    message = f"practice refusal {outer}"
    if inner:
        message = f"Rollup: execution of AfterUpdate caused by: System.DmlException: Update failed; error: {inner}"
    return ApiError(status, outer, message, [])
