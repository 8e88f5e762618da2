"""The error table of HubSpot, line by line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.hubspot.answers import MissingProperty, receipt, row_error, understand, until_midnight
from connectors.hubspot.shapes import Failed

NOON = 1_772_452_800_000  # 2026-03-02T12:00:00Z


def answer(
    status: int, zone: str | None = "UTC", write: bool = False, headers: Any = (), **body: Any
) -> ConnectorError:
    return understand(status, json.dumps(body).encode(), dict(headers), now=NOON, zone=zone, write=write)


@pytest.mark.parametrize(
    ("status", "category", "kind", "code"),
    [
        (400, "VALIDATION_ERROR", Rejected, "VALIDATION_ERROR"),
        (401, "INVALID_AUTHENTICATION", AuthFailed, "INVALID_AUTHENTICATION"),
        (401, "EXPIRED_AUTHENTICATION", AuthFailed, "EXPIRED_AUTHENTICATION"),
        (403, "MISSING_SCOPES", AuthFailed, "MISSING_SCOPES"),
        (404, "OBJECT_NOT_FOUND", Rejected, "OBJECT_NOT_FOUND"),
        (405, "METHOD_NOT_ALLOWED", Rejected, "405"),
        (409, "CONFLICT", Conflict, "CONFLICT"),
        (410, "", AuthFailed, "410"),
        (413, "", Rejected, "413"),
        (414, "", Rejected, "414"),
        (415, "", Rejected, "415"),
        (422, "VALIDATION_ERROR", Rejected, "VALIDATION_ERROR"),
        (423, "LOCKED", RetryLater, "LOCKED"),
        (429, "RATE_LIMITS", RateLimited, "429"),
        (477, "MIGRATION_IN_PROGRESS", RetryLater, "MIGRATION_IN_PROGRESS"),
        (500, "INTERNAL_ERROR", RetryLater, "500"),
        (502, "", RetryLater, "502"),
        (503, "", RetryLater, "503"),
        (504, "", RetryLater, "504"),
        (520, "", RetryLater, "520"),
        (524, "", RetryLater, "524"),
    ],
)
def test_a_status_means_one_of_five_errors(status: int, category: str, kind: type[ConnectorError], code: str) -> None:
    found = answer(status, category=category)
    assert type(found) is kind
    assert found.code == code


@pytest.mark.parametrize(
    ("policy", "after"),
    [("SECONDLY", 1.0), ("TEN_SECONDLY_ROLLING", 10.0), ("DAILY", 43_200.0), ("", 10.0)],
)
def test_each_quota_policy_has_its_wait(policy: str, after: float) -> None:
    found = answer(429, category="RATE_LIMITS", policyName=policy)
    assert isinstance(found, RateLimited)
    assert found.after == after


@pytest.mark.parametrize(
    ("message", "after"),
    [
        ("You have reached your secondly limit.", 1.0),
        ("You have reached your ten_secondly_rolling limit.", 10.0),
        ("You have reached your daily limit.", 43_200.0),
    ],
)
def test_a_policy_can_be_told_by_the_message_alone(message: str, after: float) -> None:
    found = answer(429, message=message)
    assert isinstance(found, RateLimited)
    assert found.after == after


def test_a_retry_after_that_asks_for_more_is_obeyed() -> None:
    found = answer(429, policyName="SECONDLY", headers={"Retry-After": "30"})
    assert isinstance(found, RateLimited)
    assert found.after == 30.0


def test_the_day_of_a_quota_ends_at_the_portals_midnight() -> None:
    assert until_midnight(NOON, "UTC") == 12 * 3600
    assert until_midnight(NOON, "America/New_York") == 17 * 3600  # it is 07:00 there
    assert until_midnight(NOON, "Asia/Tokyo") == 3 * 3600  # it is 21:00 there


def test_a_quota_day_is_as_long_as_the_clocks_make_it() -> None:
    assert until_midnight(1_774_738_800_000, "Europe/Berlin") == 23 * 3600  # 29 March 2026, 00:00 local


def test_without_a_known_zone_the_day_is_asked_for_again_in_an_hour() -> None:
    assert until_midnight(NOON, None) == 3600.0
    assert until_midnight(NOON, "US/Atlantis") == 3600.0


def test_a_locked_object_waits_longer_than_the_two_seconds_asked_for() -> None:
    found = answer(423)
    assert isinstance(found, RetryLater)
    assert found.after == 5.0
    assert not found.unknown


def test_a_migration_says_how_long_it_takes() -> None:
    assert answer(477, headers={"Retry-After": "120"}).after == 120.0  # type: ignore[attr-defined]
    assert answer(477).after == 60.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(("write", "unknown"), [(True, True), (False, False)])
def test_a_server_error_leaves_a_writes_outcome_open(write: bool, unknown: bool) -> None:
    found = answer(502, write=write)
    assert isinstance(found, RetryLater)
    assert found.unknown is unknown


def test_a_page_of_html_is_a_passing_fault() -> None:
    page = b"<html><title>502 Bad Gateway</title></html>"
    found = understand(502, page, {}, now=NOON)
    assert isinstance(found, RetryLater)
    assert "<" not in found.reason


def test_missing_scopes_are_named_and_are_no_revoked_token() -> None:
    found = answer(
        403,
        category="MISSING_SCOPES",
        errors=[{"message": "One or more …", "context": {"requiredGranularScopes": ["tickets"]}}],
    )
    assert found.reason == "the access token lacks the scope tickets: add it to the service key or private app"


def test_a_missing_property_is_named_with_the_way_out() -> None:
    found = answer(
        400,
        category="VALIDATION_ERROR",
        message='Property values were not valid: [{"isValid":false,"message":"Property \\"sla_due\\" does not exist"}]',
        errors=[{"message": 'Property "sla_due" does not exist', "code": "PROPERTY_DOESNT_EXIST",
                 "context": {"propertyName": ["sla_due"]}}],
    )  # fmt: skip
    assert isinstance(found, MissingProperty)
    assert found.names == ["sla_due"]
    assert found.reason == "the property sla_due does not exist: create it or mend the configuration"


def test_a_refused_value_is_named_by_property_and_code_and_never_quoted() -> None:
    found = answer(
        400,
        category="VALIDATION_ERROR",
        message="Property values were not valid: ada@example.test was not one of the allowed options",
        errors=[{"message": "ada@example.test was not one of …", "code": "INVALID_OPTION",
                 "context": {"propertyName": ["hs_lead_status"]}}],
    )  # fmt: skip
    assert found.reason == "HubSpot refused the values: hs_lead_status INVALID_OPTION"
    assert found.code == "INVALID_OPTION"


def test_a_refusal_without_details_names_the_properties_of_its_message() -> None:
    found = answer(400, message='Property values were not valid: [{"error":"X","name":"sla_status"}]')
    assert found.reason == "HubSpot refused the values of sla_status"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff\xfe", b'{"message": 3}', b'{"errors": "no"}'])
def test_a_strange_body_is_still_judged_by_its_status(body: bytes) -> None:
    assert type(understand(400, body, {}, now=NOON)) is Rejected


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("VALIDATION_ERROR", Rejected),
        ("OBJECT_NOT_FOUND", Rejected),
        ("SOMETHING_NEW", Rejected),
        ("CONFLICT", Conflict),
        ("RATE_LIMITS", RateLimited),
        ("MISSING_SCOPES", AuthFailed),
        ("LOCKED", RetryLater),
        ("INTERNAL_ERROR", RetryLater),
    ],
)
def test_a_row_of_a_batch_is_judged_by_its_category(category: str, kind: type[ConnectorError]) -> None:
    assert type(row_error(Failed(category=category), now=NOON, zone="UTC")) is kind


def test_each_error_has_its_receipt() -> None:
    assert receipt("k", Conflict("x")).outcome == "conflict"
    assert receipt("k", Rejected("x")).outcome == "rejected"
    assert receipt("k", RetryLater("x", after=3.0, unknown=True)).unknown is True
    assert receipt("k", RateLimited("x", after=10.0)).after == 10.0
    assert receipt("k", AuthFailed("x")).outcome == "retry"
