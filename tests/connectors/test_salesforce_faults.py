"""What Salesforce's error codes mean, line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.salesforce.faults import RULES, Rule, call_error, everybody_s, row_receipt

CALLS = [
    # code, error, after a write unknown, after
    ("INVALID_SESSION_ID", AuthFailed, None, None),
    ("INVALID_AUTH_HEADER", AuthFailed, None, None),
    ("INVALID_LOGIN", AuthFailed, None, None),
    ("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", AuthFailed, None, None),
    ("API_DISABLED_FOR_ORG", AuthFailed, None, None),
    ("API_CURRENTLY_DISABLED", AuthFailed, None, None),
    ("INSUFFICIENT_ACCESS", AuthFailed, None, None),
    ("FORBIDDEN", AuthFailed, None, None),
    ("UNSUPPORTED_API_VERSION", AuthFailed, None, None),
    ("GONE", AuthFailed, None, None),
    ("INVALIDVERSION", AuthFailed, None, None),
    ("REQUEST_LIMIT_EXCEEDED", RateLimited, False, 900.0),
    ("SERVER_UNAVAILABLE", RetryLater, True, None),
    ("UNKNOWN_EXCEPTION", RetryLater, True, None),
    ("REQUEST_RUNNING_TOO_LONG", RetryLater, True, None),
    ("QUERY_TIMEOUT", RetryLater, False, None),
    ("INVALID_QUERY_LOCATOR", RetryLater, False, None),
    ("UNABLE_TO_LOCK_ROW", RetryLater, False, None),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", RetryLater, False, None),
    ("PROCESSING_HALTED", RetryLater, False, None),
    ("ENTITY_IS_LOCKED", RetryLater, False, 900.0),
    ("STORAGE_LIMIT_EXCEEDED", RetryLater, False, 3600.0),
    ("ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", Conflict, None, None),
    ("ENTITY_IS_DELETED", Rejected, None, None),
    ("NOT_FOUND", Rejected, None, None),
    ("INVALID_CROSS_REFERENCE_KEY", Rejected, None, None),
    ("MALFORMED_ID", Rejected, None, None),
    ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Rejected, None, None),
    ("INSUFFICIENT_ACCESS_OR_READONLY", Rejected, None, None),
    ("CANNOT_UPDATE_CONVERTED_LEAD", Rejected, None, None),
    ("INACTIVE_OWNER_OR_USER", Rejected, None, None),
    ("TRANSFER_REQUIRES_READ", Rejected, None, None),
    ("INVALID_OWNER", Rejected, None, None),
    ("INVALID_OPERATION", Rejected, None, None),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Rejected, None, None),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Rejected, None, None),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", Rejected, None, None),
    ("FIELD_FILTER_VALIDATION_EXCEPTION", Rejected, None, None),
    ("FIELD_INTEGRITY_EXCEPTION", Rejected, None, None),
    ("DUPLICATES_DETECTED", Rejected, None, None),
    ("DUPLICATE_DEVELOPER_NAME", Rejected, None, None),
    ("DUPLICATE_VALUE", Rejected, None, None),
    ("DUPLICATE_EXTERNAL_ID", Rejected, None, None),
    ("APEX_ERROR", Rejected, None, None),
    ("MISSING_ARGUMENT", Rejected, None, None),
    ("INVALID_REPLICATION_DATE", Rejected, None, None),
    ("LIMIT_EXCEEDED", Rejected, None, None),
    ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Rejected, None, None),
    ("REQUIRED_FIELD_MISSING", Rejected, None, None),
    ("STRING_TOO_LONG", Rejected, None, None),
    ("NUMBER_OUTSIDE_VALID_RANGE", Rejected, None, None),
    ("INVALID_FIELD", Rejected, None, None),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", Rejected, None, None),
    ("INVALID_TYPE", Rejected, None, None),
    ("MALFORMED_QUERY", Rejected, None, None),
    ("JSON_PARSER_ERROR", Rejected, None, None),
    ("METHOD_NOT_ALLOWED", Rejected, None, None),
    ("EXCEEDED_ID_LIMIT", Rejected, None, None),
    ("OPERATION_TOO_LARGE", Rejected, None, None),
]


def body(code: str, message: str = "Jane Doe's field: bad value") -> bytes:
    return json.dumps([{"message": message, "errorCode": code}]).encode()


def test_every_line_of_the_table_is_tested() -> None:
    assert {line[0] for line in CALLS} == set(RULES)


@pytest.mark.parametrize(("code", "kind", "unknown", "after"), CALLS)
def test_a_call_s_error_code_means_one_thing(
    code: str, kind: type[ConnectorError], unknown: bool | None, after: float | None
) -> None:
    error = call_error(400, body(code), {}, write=True)
    assert type(error) is kind
    assert error.code == code
    assert getattr(error, "unknown", None) is unknown
    assert getattr(error, "after", None) == after
    assert "Jane" not in error.reason
    assert getattr(call_error(400, body(code), {}, write=False), "unknown", False) is False


def test_a_permission_that_is_missing_is_no_revoked_login() -> None:
    """A write that is told so holds up its like; the connection goes on reading."""
    refused = {line[0]: call_error(403, body(line[0]), {}, write=True) for line in CALLS if line[1] is AuthFailed}
    narrow = {code for code, error in refused.items() if isinstance(error, AuthFailed) and error.narrow}
    assert narrow == {"INSUFFICIENT_ACCESS", "FORBIDDEN"}


@pytest.mark.parametrize(("code", "kind"), [(line[0], line[1]) for line in CALLS])
def test_a_row_s_error_code_means_the_same(code: str, kind: type[ConnectorError]) -> None:
    outcome = {AuthFailed: "rejected", Rejected: "rejected", Conflict: "conflict"}.get(kind, "retry")
    if RULES[code].everybody:
        outcome = "retry"
    receipt = row_receipt("k", [{"statusCode": code, "message": "Jane Doe's field", "fields": []}])
    assert (receipt.outcome, receipt.code, receipt.wrote) == (outcome, code, False)
    assert "Jane" not in str(receipt.reason)


@pytest.mark.parametrize("wrapper", ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER"])
@pytest.mark.parametrize(("code", "kind"), [(line[0], line[1]) for line in CALLS if "_" in line[0]])
def test_what_a_trigger_or_flow_met_is_tried_again_only_if_it_passes_by_itself(
    code: str, kind: type[ConnectorError], wrapper: str
) -> None:
    inside = f"Jane: execution of AfterUpdate caused by: System.DmlException: Update failed; first error: {code}, Jane"
    row = row_receipt("k", [{"statusCode": wrapper, "message": inside, "fields": []}])
    call = call_error(400, body(wrapper, inside), {}, write=True)
    passing = kind is RetryLater
    assert (row.outcome, row.code, row.unknown) == ("retry" if passing else "rejected", wrapper, False)
    assert type(call) is (RetryLater if passing else Rejected)
    assert getattr(call, "unknown", False) is False
    assert RULES[code].reason in str(row.reason)
    assert "Jane" not in f"{row.reason} {call.reason}"


NOBODY_S_OWN = {
    "INVALID_SESSION_ID", "INVALID_AUTH_HEADER", "INVALID_LOGIN", "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
    "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "UNSUPPORTED_API_VERSION", "GONE", "INVALIDVERSION",
    "REQUEST_LIMIT_EXCEEDED",
}  # fmt: skip


@pytest.mark.parametrize("code", [line[0] for line in CALLS])
def test_a_code_on_every_row_speaks_for_the_connection_only_if_it_is_about_the_connection(code: str) -> None:
    error = everybody_s([[{"statusCode": code}], [{"statusCode": code}]])
    assert (error is not None) is (code in NOBODY_S_OWN)
    if error is not None:
        assert isinstance(error, AuthFailed | RateLimited)
        assert error.code == code


def test_rows_that_went_through_keep_the_others_from_stopping_the_connection() -> None:
    assert everybody_s([]) is None
    assert everybody_s([[{"statusCode": "INVALID_SESSION_ID"}], [{"statusCode": "STRING_TOO_LONG"}]]) is None
    receipt = row_receipt("k", [{"statusCode": "INVALID_SESSION_ID", "message": "", "fields": []}])
    assert (receipt.outcome, receipt.after, receipt.unknown) == ("retry", 60.0, False)


SHEET = {
    "INACTIVE_OWNER_OR_USER", "INVALID_CROSS_REFERENCE_KEY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "INSUFFICIENT_ACCESS_OR_READONLY", "TRANSFER_REQUIRES_READ", "INVALID_OWNER", "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "ENTITY_IS_DELETED", "ENTITY_IS_LOCKED",
    "DUPLICATES_DETECTED", "DUPLICATE_VALUE", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG", "UNABLE_TO_LOCK_ROW", "REQUEST_RUNNING_TOO_LONG", "STORAGE_LIMIT_EXCEEDED", "QUERY_TIMEOUT",
    "INVALID_QUERY_LOCATOR", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "CANNOT_UPDATE_CONVERTED_LEAD",
    "INVALID_SESSION_ID", "INVALID_FIELD", "INVALID_TYPE", "EXCEEDED_ID_LIMIT", "INVALID_REPLICATION_DATE",
    "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", "UNSUPPORTED_API_VERSION", "GONE", "INSUFFICIENT_ACCESS", "INVALID_LOGIN",
}  # fmt: skip
"""The codes that reading, writing and logging in are known to meet."""


def test_no_code_that_is_known_to_happen_is_missing() -> None:
    assert set(RULES) >= SHEET
    assert "OPERATION_WITH_INACTIVE_USER" not in RULES  # folklore: in neither of the vendor's lists


def test_a_full_day_and_a_crowd_are_told_apart() -> None:
    day = call_error(403, body("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), {}, write=True)
    crowd = call_error(403, body("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), {}, write=True)
    assert isinstance(day, RateLimited)
    assert isinstance(crowd, RateLimited)
    assert (day.after, crowd.after) == (900.0, 20.0)


def test_a_lock_inside_a_trigger_is_a_lock() -> None:
    message = "Rollup: execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access"
    receipt = row_receipt("k", [{"statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": message}])
    assert (receipt.outcome, receipt.after) == ("retry", None)


def test_a_row_names_the_fields_and_the_way_out() -> None:
    receipt = row_receipt("k", [{"statusCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "fields": ["SLA_Due__c"]}])
    assert receipt.reason == (
        "a field is read-only for the integration user (SLA_Due__c); "
        "give the integration user's permission set access to it: Setup > Permission Sets"
    )


@pytest.mark.parametrize("errors", [[], [{}], [{"statusCode": "NEVER_HEARD_OF"}]])
def test_a_row_that_failed_for_reasons_unknown_is_rejected(errors: list[dict[str, str]]) -> None:
    assert row_receipt("k", errors).outcome == "rejected"


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (503, b"<html>maintenance</html>", RetryLater),
        (401, b'{"message": "a dict", "errorCode": "X"}', AuthFailed),
        (401, b"<html></html>", AuthFailed),
        (403, b"[]", AuthFailed),
        (403, b'[{"errorCode": "NEVER_HEARD_OF"}]', AuthFailed),
        (404, b"\xff\xfe", Rejected),
        (500, b"", RetryLater),
        (200, b"<html>", RetryLater),
        (410, b"", AuthFailed),
    ],
)
def test_an_answer_without_a_known_code_goes_by_its_status(
    status: int, text: bytes, kind: type[ConnectorError]
) -> None:
    assert type(call_error(status, text, {}, write=False)) is kind


FOLLOWS = {
    "retry": "again later", "lost": "looked up, then again later", "quota": "no call before the wait is over",
    "conflict": "read and decided again", "rejected": "the record's action is set aside",
}  # fmt: skip


def follows(rule: Rule) -> str:
    if rule.verdict == "auth":
        narrow = "reading: the connection stops; a call that writes: its like waits, reading goes on; a row: set aside"
        return "the connection stops" if rule.everybody else narrow
    return FOLLOWS[rule.verdict]


def the_table() -> list[str]:
    """The lines of the page's table: codes that mean the same stand in one."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for code, rule in RULES.items():
        wait = f" ({rule.after:.0f} s)" if rule.after else ""
        groups.setdefault((follows(rule) + wait, rule.reason, rule.fix or ""), []).append(f"`{code}`")
    return [
        f"| {', '.join(codes)} | {what} | {reason}{f'; {fix}' if fix else ''} |"
        for (what, reason, fix), codes in groups.items()
    ]


def test_the_page_lists_every_code_with_what_follows() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "salesforce.md").read_text()
    table = page.split("| Salesforce says | what follows | why, and what helps |\n| --- | --- | --- |\n")[1]
    assert table.split("\n\n")[0].splitlines() == the_table()
