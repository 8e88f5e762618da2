"""Trap 6: search ends at 10,000 results, and a batch job stamps more records than that with one millisecond.

Offsets run into HTTP 400 at the wall; a cursor on the stamp asks for the same stamp for ever. airbytehq/airbyte, issue
43317, pull requests 10700 and 44899; https://developers.hubspot.com/docs/api-reference/search/guide#limits
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.contacts.exceptions import ApiException
from hubspot_samples.desk import Desk

from emulators.hubspot import search
from emulators.hubspot.deeds import Deeds

WALL = 400
COUNT = 650


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A portal in which a workflow has stamped 650 contacts at once, and whose wall stands at 400 instead of 10,000."""
    monkeypatch.setattr(search, "RESULTS_MAX", WALL)
    with Desk() as desk:
        deeds = Deeds(desk.emulator.portal, silent=True)
        for number in range(COUNT):
            deeds.create("contacts", {"email": f"n{number}@example.test"})
        desk.pass_time(60)
        desk.act("bulk_edit", object="contacts", fields={"hs_lead_status": "OPEN"}, via="workflow")
        desk.pass_time(60)
        yield desk


@pytest.fixture
def sdk(desk: Desk) -> Any:
    credentials = desk.emulator.credentials()
    return Client.create(access_token=credentials["access_token"], host=desk.server.url).crm.contacts.search_api


def ask(sdk: Any, since: int, after: str | None = None) -> Any:
    order: dict[str, Any] = {
        "filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(since)}]}],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        "limit": 200,
    }
    return sdk.do_search(public_object_search_request=order | ({"after": after} if after else {}))


def test_offsets_run_into_the_wall(sdk: Any) -> None:
    seen: set[str] = set()
    page = ask(sdk, 0)
    with pytest.raises(ApiException, match="400"):  # noqa: PT012 - the page that fails is the third
        while True:
            seen |= {one.id for one in page.results}
            page = ask(sdk, 0, page.paging.next.after)
    assert len(seen) == WALL


def test_a_cursor_on_the_stamp_asks_for_the_same_page_for_ever(sdk: Any) -> None:
    since, pages = 0, []
    for _ in range(5):
        found = ask(sdk, since).results
        since = int(found[-1].updated_at.timestamp() * 1000)
        pages.append([one.id for one in found])
    assert pages[1] == pages[2] == pages[3] == pages[4]
    assert len({one for page in pages for one in page}) < COUNT


def test_a_walk_by_id_reads_everything_once(desk: Desk) -> None:
    desk.calls()
    changes, cursor = desk.poll("contacts")
    assert len({change.key for change in changes}) == len(changes) == COUNT
    assert desk.calls()["POST /crm/objects/2026-09/contacts/search"] == 4
    desk.pass_time(11 * 60)
    again, _ = desk.poll("contacts", cursor)
    assert {change.key for change in again} == {change.key for change in changes}
