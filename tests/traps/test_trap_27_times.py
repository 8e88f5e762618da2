"""One instant has many spellings, and libraries guess a zone where none was said.

Salesforce's REST answers say ``+0000`` without a colon, its bulk results and messages ``Z``, and seconds are whole.
simple-salesforce takes a naive datetime for the process's local time in one place, and makes a malformed one of it in
another.

HubSpot gives ISO 8601 with and without milliseconds and takes epoch milliseconds; a filter takes only the latter; a
property of the type date takes only midnight UTC; the time of a task is when it is due, not when it was done; and the
SDK gives times in the machine's own zone. https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide and
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.tickets.exceptions import ApiException
from hubspot_samples.desk import Desk, order
from simple_salesforce.format import format_soql
from simple_salesforce.util import date_to_iso8601

from connectors.hubspot.shapes import instant
from connectors.salesforce.values import read_instant, show_instant

MOMENT = 1_772_460_300_000
"""2026-03-02T14:05:00Z."""
NOON = datetime(2026, 3, 2, 14, 5)  # naive on purpose


@pytest.fixture
def in_new_york() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def test_the_library_s_query_shifts_a_naive_moment_by_the_machine_s_zone(in_new_york: None) -> None:
    assert format_soql("SystemModstamp > {}", NOON) == "SystemModstamp > 2026-03-02T19:05:00+00:00"


def test_the_library_s_replication_calls_spell_a_naive_moment_wrongly() -> None:
    assert date_to_iso8601(NOON).endswith("%3A")


def test_the_usual_format_reads_neither_spelling() -> None:
    for text in ("2026-03-02T14:05:00.000+0000", "2026-03-02T14:05:00.000Z"):
        with pytest.raises(ValueError, match="does not match format"):
            datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T14:05:00.000+0000", "2026-03-02T14:05:00.000Z", "2026-03-02T14:05:00Z",
        "2026-03-02T09:05:00.000-0500", "2026-03-02T15:05:00+01:00",
    ],
)  # fmt: skip
def test_ours_reads_every_spelling_wherever_the_machine_stands(in_new_york: None, text: str) -> None:
    assert read_instant(text) == MOMENT


def test_ours_refuses_a_moment_without_a_zone_and_writes_none(in_new_york: None) -> None:
    with pytest.raises(ValueError, match="without an offset"):
        read_instant("2026-03-02T14:05:00")
    assert show_instant(MOMENT) == "2026-03-02T14:05:00.000Z"


def test_ours_asks_for_the_same_second_wherever_the_machine_stands(
    in_new_york: None, org: Any, acme: Any, drain: Any
) -> None:
    lead = org.create("Lead")
    (change,) = drain(acme, "Lead", since=org.emulator.clock.now_ms() - 60_000)[0]
    created, shown = acme.normalise(change).events
    assert created.at == shown.at == org.row(lead)["SystemModstamp"]


# ---- HubSpot


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture
def sdk(desk: Desk) -> Any:
    return Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url)


FORMS = {
    "2026-03-02T14:05:00.120Z": 1_772_460_300_120,
    "2026-03-02T14:05:00Z": 1_772_460_300_000,
    "2026-03-02T15:05:00+01:00": 1_772_460_300_000,
    "1772460300120": 1_772_460_300_120,
    "2026-03-02": 1_772_409_600_000,
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_is_the_same_instant_to_us(text: str) -> None:
    assert instant(text) == FORMS[text]


def test_one_format_string_reads_one_form_alone() -> None:
    def naive(text: str) -> datetime:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")

    refused = 0
    for text in FORMS:
        try:
            naive(text)
        except ValueError:
            refused += 1
    assert refused == 4
    assert naive("2026-03-02T14:05:00.120Z").tzinfo is None


def test_an_iso_text_in_a_filter_is_refused_and_ours_is_a_number(desk: Desk, sdk: Any) -> None:
    filters = [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "2026-03-02T14:05:00Z"}]
    with pytest.raises(ApiException, match="There was a problem with the request"):
        sdk.crm.tickets.search_api.do_search(
            public_object_search_request={"filterGroups": [{"filters": filters}], "limit": 1}
        )
    ticket = desk.ticket()
    assert [change.key.split(":")[1] for change in desk.poll("tickets")[0]] == [ticket]


def test_a_date_takes_midnight_alone_and_our_instants_need_a_datetime(desk: Desk, sdk: Any) -> None:
    schema = desk.emulator.portal.schemas["tickets"]
    wish = {"name": "sla_day", "label": "Day", "type": "date", "fieldType": "date", "groupName": "sla"}
    schema.create(wish, desk.now)
    ticket = desk.ticket()
    with pytest.raises(ApiException, match="INVALID_DATE"):
        sdk.crm.tickets.basic_api.update(
            ticket, simple_public_object_input={"properties": {"sla_day": "1772460300000"}}
        )
    write = order("fields", f"acme:ticket:{ticket}", values={"sla_due": 1_772_460_300_000})
    assert [receipt.outcome for receipt in desk.connector.write([write])] == ["done"]
    shown = sdk.crm.tickets.basic_api.get_by_id(ticket, properties=["sla_due"]).properties["sla_due"]
    assert instant(shown) == 1_772_460_300_000


def test_a_task_that_is_due_tomorrow_is_no_activity_of_tomorrow(desk: Desk, sdk: Any) -> None:
    ticket = desk.ticket()
    tomorrow = desk.now + 86_400_000
    order_ = {"hs_task_subject": "Call back", "hs_timestamp": str(tomorrow)}
    desk.act("create", object="tasks", fields=order_, associations=[{"object": "tickets", "id": ticket}], by="Sam")
    (task,) = sdk.crm.objects.tasks.basic_api.get_page(properties=["hs_timestamp"]).results
    naive = instant(task.properties["hs_timestamp"])  # "when it happened"
    assert naive is not None
    assert naive > desk.now
    events = [event for stream in desk.connector.streams() for event in desk.events(desk.poll(stream.name)[0])]
    events += desk.events(desk.connector.read([f"acme:ticket:{ticket}"]))
    assert not [event for event in events if event.event == "activity" or event.at > desk.now]


def test_the_sdk_gives_the_machines_zone_and_we_give_instants(
    desk: Desk, sdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = desk.ticket()
    shown = sdk.crm.tickets.basic_api.get_by_id(ticket).created_at
    assert shown.tzinfo is not UTC
    record = desk.emulator.portal.shelves["tickets"].find(ticket)
    assert record is not None
    created = next(event for event in desk.events(desk.poll("tickets")[0]) if event.event == "created")
    assert created.at == record.created_ms == int(shown.timestamp() * 1000 + 0.5)
