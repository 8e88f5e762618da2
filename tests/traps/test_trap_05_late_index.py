"""Trap 5: HubSpot's search shows a change minutes after it happened, under the stamp of when it happened.

A cursor that only moves forward has passed that stamp by then, and the record is missed for good. Results may also lie
beyond the bound that was asked for, and out of order. airbytehq/airbyte, pull request 69203; estuary/connectors, pull
request 2210; https://developers.hubspot.com/docs/api-reference/search/guide#limits
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import Client
from hubspot_samples.desk import Desk

MINUTE = 60


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


class PlainCursor:
    """What the SDK's documentation suggests: everything modified since the newest stamp that has been seen."""

    def __init__(self, desk: Desk) -> None:
        credentials = desk.emulator.credentials()
        client = Client.create(access_token=credentials["access_token"], host=desk.server.url)
        self._search: Any = client.crm.tickets.search_api
        self._newest = 0

    def poll(self) -> list[str]:
        order = {
            "filterGroups": [
                {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GT", "value": str(self._newest)}]}
            ],
            "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
            "limit": 200,
        }
        found = self._search.do_search(public_object_search_request=order).results
        self._newest = max([self._newest, *(int(one.updated_at.timestamp() * 1000) for one in found)])
        return [one.id for one in found]


def make_two_of_which_the_first_is_shown_late(desk: Desk) -> tuple[str, str]:
    desk.fault("late_index", path="*", times=1, seconds=10 * MINUTE)
    late = desk.ticket()
    desk.pass_time(MINUTE)
    return late, desk.ticket()


def test_a_plain_cursor_never_sees_the_late_one(desk: Desk) -> None:
    naive = PlainCursor(desk)
    late, prompt = make_two_of_which_the_first_is_shown_late(desk)
    seen = naive.poll()
    for _ in range(60):
        desk.pass_time(MINUTE)
        seen += naive.poll()
    assert seen == [prompt]
    assert desk.emulator.portal.shelves["tickets"].find(late) is not None


def test_overlapping_windows_see_it_and_cost_no_more_calls(desk: Desk) -> None:
    _, cursor = desk.poll("tickets")
    late, prompt = make_two_of_which_the_first_is_shown_late(desk)
    keys: list[str] = []
    for _ in range(60):
        desk.calls()
        changes, cursor = desk.poll("tickets", cursor)
        keys += [change.key for change in changes]
        assert desk.calls()["POST /crm/objects/2026-09/tickets/search"] == 1
        desk.pass_time(MINUTE)
    assert {key.split(":")[1] for key in keys} == {late, prompt}
    assert len(set(keys)) == 2  # read again and again, kept once each


def test_a_result_beyond_the_bound_is_taken_and_told_once(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.act("settings", index_lag_s=30 * MINUTE)
    desk.pass_time(1)
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")  # shown as it is, found as it was
    page = desk.connector.poll("tickets", None, 0)
    assert [change.key for change in page.changes] == [f"tickets:{ticket}:{_stamp(desk, ticket)}"]
    desk.pass_time(31 * MINUTE)
    again, _ = desk.poll("tickets", page.cursor)
    assert [change.key for change in again] == [change.key for change in page.changes]


def _stamp(desk: Desk, ticket: str) -> int:
    record = desk.emulator.portal.shelves["tickets"].find(ticket)
    assert record is not None
    return record.updated_ms
