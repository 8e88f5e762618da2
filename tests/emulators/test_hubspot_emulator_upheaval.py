"""Conversations of every kind of actor, and what changes much at once."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from emulators.core import Refused, Server, serve
from emulators.hubspot import HubSpotEmulator
from emulators.hubspot.kinds import KINDS
from emulators.hubspot.records import Record


@pytest.fixture
def server() -> Iterator[Server]:
    emulator = HubSpotEmulator(seed=11)
    emulator.limits.search_per_second = None
    server = serve(emulator)
    yield server
    server.close()


@pytest.fixture
def crm(server: Server) -> HubSpotEmulator:
    assert isinstance(server.emulator, HubSpotEmulator)
    return server.emulator


def ask(server: Server, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    token = server.emulator.credentials()["access_token"]
    url = f"{server.url}{path}?{urllib.parse.urlencode(query)}"
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def look(crm: HubSpotEmulator, kind: str, id: str) -> Record:
    record = crm.portal.shelf(KINDS[kind]).find(id)
    assert record is not None
    return record


def make(crm: HubSpotEmulator, **fields: Any) -> str:
    return str(crm.act({"do": "create", "object": "tickets", "fields": {"subject": "x", **fields}})["id"])


# ---- conversations


def test_threads_are_listed_by_their_latest_message_within_a_bound(server: Server, crm: HubSpotEmulator) -> None:
    threads = []
    for _ in range(3):
        threads.append(crm.act({"do": "chat", "object": "tickets", "id": make(crm)})["thread"])
        crm.clock.advance(60)
    first = crm.portal.threads.all[threads[0]]
    crm.act({"do": "chat", "object": "tickets", "id": first.ticket_id, "actor": "agent", "by": "sam"})
    path = "/conversations/v3/conversations/threads"
    status, body = ask(server, path, sort="latestMessageTimestamp", latestMessageTimestampAfter="2020-01-01T00:00:00Z")
    assert (status, [one["id"] for one in body["results"]]) == (200, [threads[1], threads[2], threads[0]])
    bound = body["results"][1]["latestMessageTimestamp"]
    _, later = ask(server, path, sort="latestMessageTimestamp", latestMessageTimestampAfter=bound)
    assert [one["id"] for one in later["results"]] == [threads[2], threads[0]]
    assert ask(server, path, sort="latestMessageTimestamp")[0] == 400


def test_a_thread_shows_its_ticket_to_those_who_ask_for_it(server: Server, crm: HubSpotEmulator) -> None:
    ticket = make(crm)
    crm.act({"do": "chat", "object": "tickets", "id": ticket})
    path = "/conversations/v3/conversations/threads"
    assert "threadAssociations" not in ask(server, path)[1]["results"][0]
    (thread,) = ask(server, path, association="TICKET")[1]["results"]
    assert thread["threadAssociations"] == {"associatedTicketId": ticket}


def test_pages_of_threads_follow_a_token_and_an_unknown_one_is_refused(server: Server, crm: HubSpotEmulator) -> None:
    for _ in range(3):
        crm.act({"do": "chat", "object": "tickets", "id": make(crm)})
    path = "/conversations/v3/conversations/threads"
    _, page = ask(server, path, limit="2")
    token = page["paging"]["next"]["after"]
    assert not token.isdigit()
    _, last = ask(server, path, limit="2", after=token)
    assert (len(last["results"]), "paging" in last) == (1, False)
    assert ask(server, path, limit="2", after="bm90aGluZw==")[0] == 400


@pytest.mark.parametrize(
    ("order", "shown"),
    [({}, ("MESSAGE", "INCOMING", "V", "HUBSPOT")),
     ({"actor": "agent", "by": "sam"}, ("MESSAGE", "OUTGOING", "A", "HUBSPOT")),
     ({"actor": "bot"}, ("MESSAGE", "OUTGOING", "B", "SYSTEM")),
     ({"actor": "llm"}, ("MESSAGE", "OUTGOING", "L", "SYSTEM")),
     ({"actor": "integration"}, ("MESSAGE", "OUTGOING", "I", "INTEGRATION")),
     ({"actor": "system", "type": "WELCOME_MESSAGE"}, ("WELCOME_MESSAGE", "OUTGOING", "S", "SYSTEM")),
     ({"actor": "agent", "by": "sam", "type": "COMMENT"}, ("COMMENT", None, "A", "HUBSPOT"))],
)  # fmt: skip
def test_every_kind_of_actor_can_speak(crm: HubSpotEmulator, order: dict[str, str], shown: tuple[Any, ...]) -> None:
    told = crm.act({"do": "chat", "object": "tickets", "id": make(crm), **order})
    body = crm.portal.threads.all[told["thread"]].messages[0].body()
    assert (body["type"], body.get("direction"), body["createdBy"][0], body["client"]["clientType"]) == shown


def test_only_an_agents_delivered_message_is_the_tickets_first_answer(crm: HubSpotEmulator) -> None:
    ticket = make(crm)
    for order in ({"actor": "bot"}, {"actor": "agent", "by": "sam", "status": "FAILED"},
                  {"actor": "agent", "by": "sam", "type": "COMMENT"}):  # fmt: skip
        crm.act({"do": "chat", "object": "tickets", "id": ticket, **order})
        assert look(crm, "tickets", ticket).instant("hs_first_agent_message_sent_at") is None
    crm.act({"do": "chat", "object": "tickets", "id": ticket, "actor": "agent", "by": "sam"})
    assert look(crm, "tickets", ticket).instant("hs_first_agent_message_sent_at") is not None


def test_an_actor_that_hubspot_does_not_know_is_refused(crm: HubSpotEmulator) -> None:
    with pytest.raises(Refused, match="unknown actor 'ghost'"):
        crm.act({"do": "chat", "object": "tickets", "id": make(crm), "actor": "ghost"})


# ---- sources


@pytest.mark.parametrize(
    ("order", "source", "user"),
    [({"by": "sam"}, "CRM_UI", True), ({"by": "sam", "via": "mobile"}, "MOBILE_IOS", True),
     ({"by": "sam", "via": "bulk"}, "CRM_UI_BULK_ACTION", True), ({"via": "workflow"}, "AUTOMATION_PLATFORM", False),
     ({"via": "sequence"}, "SEQUENCES", False), ({"via": "import"}, "IMPORT", False),
     ({"via": "integration"}, "INTEGRATION", False), ({"via": "sync"}, "SALESFORCE", False)],
)  # fmt: skip
def test_a_history_tells_who_wrote_by_which_way(
    server: Server, crm: HubSpotEmulator, order: dict[str, str], source: str, user: bool
) -> None:
    ticket = make(crm)
    crm.act({"do": "update", "object": "tickets", "id": ticket, "stage": "us", **order})
    body = {"inputs": [{"id": ticket}], "properties": [], "propertiesWithHistory": ["hs_pipeline_stage"]}
    _, answer = ask(server, "/crm/objects/2026-09/tickets/batch/read", body)
    newest, first = answer["results"][0]["propertiesWithHistory"]["hs_pipeline_stage"]
    assert (newest["sourceType"], "updatedByUserId" in newest) == (source, user)
    assert first["sourceType"] == "CONVERSATIONS"


def test_a_way_that_nobody_knows_is_refused(crm: HubSpotEmulator) -> None:
    with pytest.raises(Refused, match="unknown via 'fax'"):
        crm.act({"do": "update", "object": "tickets", "id": make(crm), "fields": {"subject": "y"}, "via": "fax"})


def test_a_batch_read_with_histories_takes_fifty(server: Server, crm: HubSpotEmulator) -> None:
    ids = [{"id": make(crm)} for _ in range(51)]
    path, wanted = "/crm/objects/2026-09/tickets/batch/read", {"properties": [], "propertiesWithHistory": ["subject"]}
    assert ask(server, path, {"inputs": ids, **wanted})[0] == 400
    assert len(ask(server, path, {"inputs": ids[:50], **wanted})[1]["results"]) == 50
    assert len(ask(server, path, {"inputs": ids, "properties": []})[1]["results"]) == 51


def test_the_day_a_record_entered_its_stage_moves_with_the_stage_alone(crm: HubSpotEmulator) -> None:
    ticket = make(crm)
    record = look(crm, "tickets", ticket)
    assert record.instant("hs_v2_date_entered_current_stage") == record.created_ms
    crm.clock.advance(60)
    crm.act({"do": "update", "object": "tickets", "id": ticket, "fields": {"subject": "y"}})
    assert record.instant("hs_v2_date_entered_current_stage") == record.created_ms
    crm.act({"do": "update", "object": "tickets", "id": ticket, "stage": "us", "by": "sam"})
    assert (record.instant("hs_v2_date_entered_current_stage") or 0) >= record.created_ms + 60_000


# ---- much at once


def test_a_bulk_edit_stamps_all_with_one_millisecond(crm: HubSpotEmulator) -> None:
    made = [make(crm) for _ in range(5)]
    crm.clock.advance(60)
    told = crm.act({"do": "bulk_edit", "object": "tickets", "stage": "us", "via": "workflow", "count": 4})
    assert (told["count"], told["ids"]) == (4, made[:4])
    assert len({look(crm, "tickets", one).updated_ms for one in made[:4]}) == 1
    assert look(crm, "tickets", made[4]).text("hs_pipeline_stage") != look(crm, "tickets", made[0]).text(
        "hs_pipeline_stage"
    )


def test_an_import_makes_old_records_now(crm: HubSpotEmulator) -> None:
    told = crm.act({"do": "import", "object": "contacts", "created": "2024-05-01T10:00:00Z",
                    "rows": [{"email": "a@x.test"}, {"email": "b@x.test"}]})  # fmt: skip
    record = look(crm, "contacts", told["ids"][1])
    assert record.instant("createdate") == record.created_ms == 1_714_557_600_000
    assert record.updated_ms > record.created_ms
    assert record.text("hs_object_source") == "IMPORT"


def test_an_archived_property_is_left_out_of_answers_without_a_word(server: Server, crm: HubSpotEmulator) -> None:
    make(crm, sla_tags="vip")
    order = {"properties": ["sla_tags", "sla_status"], "limit": 1}
    path = "/crm/objects/2026-09/tickets/search"
    before = ask(server, path, order)[1]["results"][0]["properties"]
    assert (before["sla_tags"], before["sla_status"]) == ("vip", None)
    crm.act({"do": "property", "object": "tickets", "name": "sla_tags", "archived": True})
    after = ask(server, path, order)[1]["results"][0]["properties"]
    assert "sla_tags" not in after
    assert after["sla_status"] is None
    crm.act({"do": "property", "object": "tickets", "name": "sla_tags", "archived": False})
    assert ask(server, path, order)[1]["results"][0]["properties"]["sla_tags"] == "vip"


def test_a_stage_is_renamed_and_keeps_its_id(server: Server, crm: HubSpotEmulator) -> None:
    told = crm.act({"do": "rename_stage", "object": "tickets", "stage": "us", "label": "Ours"})
    _, body = ask(server, "/crm/pipelines/2026-09/tickets")
    assert {stage["id"]: stage["label"] for stage in body["results"][0]["stages"]}[told["id"]] == "Ours"


def test_a_walk_by_id_sees_what_is_written_under_way_and_may_begin_again_earlier(
    server: Server, crm: HubSpotEmulator
) -> None:
    made = [make(crm) for _ in range(8)]

    def walk(after: str) -> tuple[int, list[str]]:
        bound = {"propertyName": "hs_object_id", "operator": "GT", "value": after}
        order = {"filterGroups": [{"filters": [bound]}], "limit": 2,
                 "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]}  # fmt: skip
        body = ask(server, "/crm/objects/2026-09/tickets/search", order)[1]
        return body["total"], [one["id"] for one in body["results"]]

    assert walk(made[3]) == (4, made[4:6])
    assert walk(made[5]) == (2, made[6:8])
    assert walk(made[0]) == (7, made[1:3])
    crm.act({"do": "delete", "object": "tickets", "id": made[2]})
    made.append(make(crm))
    assert walk(made[1]) == (6, made[3:5])
