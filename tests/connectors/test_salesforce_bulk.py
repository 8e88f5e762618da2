"""First contact with very many records: a bulk job instead of pages, and nothing is lost whatever becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.errors import RetryLater
from connectors.salesforce import names
from connectors.salesforce.loading import worth_a_job
from emulators.salesforce.writes import Actor

JOBS = "/services/data/v66.0/jobs/query"
MADE = f"POST {JOBS}"
RESULTS = f"GET {JOBS}/{{id}}/results"


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs from 6 rows on, 4 rows a portion."""
    monkeypatch.setattr(names, "PAGE_ROWS", 2)
    monkeypatch.setattr(names, "BULK_PAGES", 3)
    monkeypatch.setattr(names, "PORTION_PAGES", 2)
    monkeypatch.setattr("emulators.salesforce.queries.SMALLEST_PAGE", 1)


def plant(org: Any, number: int, name: str = "Lead", **fields: Any) -> list[str]:
    usual = {"Lead": {"LastName": 'O"Neil, Ann\nB.', "Company": "Doe Ltd"}, "Case": {"Subject": "Help"}}[name]
    table, at = org.emulator.store.tables[name.lower()], org.emulator.clock.now_ms() - 86_400_000
    admin = Actor(org.emulator.cast.admin)
    return [str(org.emulator.writer.create(table, {**usual, **fields}, admin, at)) for _ in range(number)]


def pages(acme: Any, name: str, cursor: str | None = None, since: int = 0) -> Iterator[Any]:
    while True:
        page = acme.poll(name, cursor, since)
        yield page
        if not page.more:
            return
        assert page.cursor != cursor  # or whoever polls would take it for a standstill
        cursor = page.cursor


def ids(found: list[Any]) -> set[str]:
    return {change.key.split(":")[1] for page in found for change in page.changes}


def test_a_job_is_worth_it_from_ten_pages_on() -> None:
    names.PAGE_ROWS, names.BULK_PAGES = 2_000, 10
    assert (worth_a_job("Lead", 20_000), worth_a_job("Lead", 20_001)) == (False, True)
    assert (worth_a_job("EmailMessage", 5_000), worth_a_job("EmailMessage", 5_001)) == (False, True)


def test_many_records_come_by_one_job_in_portions_and_it_is_deleted(org: Any, acme: Any) -> None:
    leads = plant(org, 13)
    found = list(pages(acme, "Lead"))
    assert ids(found) == set(leads)
    assert max(len(page.changes) for page in found) == 4
    assert (org.emulator.counts[MADE], org.emulator.counts[RESULTS]) == (1, 4)
    assert org.emulator.counts[f"DELETE {JOBS}/{{id}}"] == 1
    assert org.emulator.api.bulk._jobs == {}


def test_few_records_come_by_pages(org: Any, acme: Any) -> None:
    leads = plant(org, 8)
    assert ids(list(pages(acme, "Lead"))) == set(leads)
    assert org.emulator.counts[MADE] == 0


def test_what_is_left_is_told(org: Any, acme: Any) -> None:
    plant(org, 13)
    plant(org, 5, "Case")
    found = [page.remaining for page in pages(acme, "Lead") if page.changes]
    assert found == [11, 9, 5, 1, 0]
    assert [page.remaining for page in pages(acme, "Case")] == [3, 1, 0]


def test_a_row_has_one_key_by_job_by_page_and_by_read(org: Any, acme: Any) -> None:
    leads = plant(org, 9, NumberOfEmployees=250, AnnualRevenue=1_000_000, HasOptedOutOfEmail=True, Rating="Hot")
    wanted = {"size": "NumberOfEmployees", "revenue": "AnnualRevenue", "opted_out": "HasOptedOutOfEmail",
              "rating": "Rating", "name": "LastName", "manager": "CreatedBy.Manager.IsActive"}  # fmt: skip
    by_job = [change for page in pages(org.connect(fields=wanted), "Lead") for change in page.changes]
    names.BULK_PAGES = 1_000
    by_page = [change for page in pages(org.connect(fields=wanted), "Lead") for change in page.changes]
    read = org.connect(fields=wanted).read([f"acme:lead:{lead}" for lead in leads])
    polled = {change.key for change in by_page}
    assert {change.key for change in by_job} == polled
    assert polled <= {change.key for change in read}
    states = [{event.id.partition(":")[0]: event.set for event in acme.normalise(one).events} for one in by_job]
    again = [{event.id.partition(":")[0]: event.set for event in acme.normalise(one).events} for one in by_page]
    assert sorted(map(str, states))[-1] == sorted(map(str, again))[-1]


def test_e_mails_leave_their_headers_behind_on_this_way_too(org: Any, acme: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(names, "EMAIL_PAGE_ROWS", 2)
    case = plant(org, 1, "Case")[0]
    for number in range(9):
        org.act("message", id=case, automated=number == 0)
    found = [change for page in pages(acme, "EmailMessage") for change in page.changes]
    assert org.emulator.counts[MADE] == 1
    assert all(b"Headers" not in change.payload for change in found)
    events = {change.key: acme.normalise(change).events[0] for change in found}
    assert sorted(event.automated for event in events.values()) == [False] * 8 + [True]


def test_a_kill_in_the_middle_goes_on_with_the_same_job(org: Any) -> None:
    leads = plant(org, 13)
    cursors, seen = [None], set()
    while True:
        page = org.connect().poll("Lead", cursors[-1], 0)  # nothing is remembered but the cursor
        seen |= {change.key.split(":")[1] for change in page.changes}
        cursors.append(page.cursor)
        if not page.more:
            break
    assert seen == set(leads)
    assert org.emulator.counts[MADE] == 1
    again = org.connect().poll("Lead", cursors[-3], 0)  # a page whose rows were not stored comes again
    assert again.more


@pytest.mark.parametrize("happens", ["fail_jobs", "expire_jobs"])
def test_a_job_that_fails_or_is_gone_costs_calls_and_no_row(org: Any, acme: Any, happens: str) -> None:
    leads = plant(org, 13)
    org.setup(fail_jobs=1 if happens == "fail_jobs" else 0)
    found = []
    for page in pages(acme, "Lead"):
        found.append(page)
        if happens == "expire_jobs" and len(found) == 5:
            org.setup(expire_jobs=True)
    assert ids(found) == set(leads)
    assert org.emulator.counts[MADE] == 1


def test_what_is_left_is_told_also_after_a_job_that_failed(org: Any, acme: Any) -> None:
    plant(org, 13)
    org.setup(fail_jobs=1)
    found = list(pages(acme, "Lead"))
    assert [page.remaining for page in found][:3] == [11, 11, 11]
    assert [page.remaining for page in found if page.changes] == [11, 9, 7, 5, 3, 1, 0, 0]


def test_an_object_without_bulk_queries_is_read_by_pages(org: Any, acme: Any) -> None:
    leads = plant(org, 13)
    org.fault("status:400", JOBS, method="POST")
    assert ids(list(pages(acme, "Lead"))) == set(leads)


def test_a_query_that_runs_too_long_becomes_a_job(org: Any, acme: Any) -> None:
    leads = plant(org, 3)
    org.setup(query_timeout={"Lead": 1})
    assert ids(list(pages(acme, "Lead"))) == set(leads)
    assert org.emulator.counts[MADE] == 1


def test_a_page_in_the_middle_that_takes_too_long_becomes_a_job_for_the_whole(org: Any, acme: Any) -> None:
    leads = plant(org, 5)
    first = acme.poll("Lead", None, 0)
    org.setup(query_timeout={"Lead": 1})
    rest = list(pages(acme, "Lead", first.cursor))
    assert ids([first, *rest]) == ids(rest) == set(leads)
    reached = json.loads(rest[-1].cursor)["reached"]
    assert reached == json.loads(first.cursor)["start"]


def test_a_query_of_changes_that_runs_too_long_is_asked_again_from_the_cursor(org: Any, acme: Any, drain: Any) -> None:
    _, cursor = drain(acme, "Lead")
    lead = org.create("Lead")
    org.setup(query_timeout={"Lead": 1})
    with pytest.raises(RetryLater) as caught:
        acme.poll("Lead", cursor, 0)
    assert caught.value.code == "QUERY_TIMEOUT"
    assert [change.key.split(":")[1] for change in drain(acme, "Lead", cursor)[0]] == [lead]


@pytest.mark.parametrize("fault", ["html", "truncate", "reset", "status:503", "drop_response"])
def test_a_broken_portion_is_fetched_again(org: Any, acme: Any, fault: str) -> None:
    leads = plant(org, 13)
    org.fault(fault, f"{JOBS}/*/results", times=1)
    found, cursor, broke = [], None, 0
    while True:
        try:
            page = acme.poll("Lead", cursor, 0)
        except RetryLater:
            broke += 1
            continue
        found.append(page)
        cursor = page.cursor
        if not page.more:
            break
    assert (ids(found), broke) == (set(leads), 1)


def test_what_changes_while_a_job_works_comes_with_the_next_sweep(org: Any, acme: Any, drain: Any) -> None:
    leads = plant(org, 13)
    first = acme.poll("Lead", None, 0)
    assert json.loads(first.cursor)["job"]
    org.act("update", id=leads[0], fields={"Status": "Working - Contacted"})
    *_, last = pages(acme, "Lead", first.cursor)
    changed = [acme.normalise(change).events[1].set["status"] for change in drain(acme, "Lead", last.cursor)[0]]
    assert changed == ["open"]


def test_a_portion_that_is_too_large_is_asked_for_in_smaller_ones(
    org: Any, acme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PORTION_PAGES", 400)
    leads = plant(org, 13)
    first = acme.poll("Lead", None, 0)
    second = acme.poll("Lead", first.cursor, 0)
    while "locator" not in json.loads(second.cursor):
        second = acme.poll("Lead", second.cursor, 0)
    acme._api._session.get_adapter("https://acme.my.salesforce.com")._max_bytes = 2_000
    assert ids([first, *pages(acme, "Lead", second.cursor)]) == set(leads)


def test_the_state_of_a_job_is_asked_at_a_sane_pace(org: Any) -> None:
    plant(org, 13)
    waits: list[float] = []
    acme = org.connect()
    acme._reading.feed._loading._pause = lambda seconds: (waits.append(seconds), org.emulator.clock.advance(0.4))
    list(pages(acme, "Lead"))
    assert waits == [1.0, 1.5, 2.25, 3.375, 5.0]
