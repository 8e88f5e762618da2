"""Records over the wire, through hubspot-api-client as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.tickets import ApiException

from emulators.core import Server, serve
from emulators.hubspot import HubSpotEmulator


@pytest.fixture
def crm() -> Iterator[Server]:
    server = serve(HubSpotEmulator(seed=7))
    yield server
    server.close()


@pytest.fixture
def portal(crm: Server) -> Any:
    return crm.emulator.portal  # type: ignore[attr-defined]


@pytest.fixture
def client(crm: Server) -> Client:
    token = crm.emulator.credentials()["access_token"]
    return Client.create(access_token=token, host=crm.url, base_url=crm.url, retry=False)


@pytest.fixture
def ticket(client: Client, portal: Any) -> Callable[..., Any]:
    def make(**properties: str) -> Any:
        stage = portal.pipelines.stage("tickets", "new").id
        body = {"properties": {"subject": "Help", "hs_pipeline_stage": stage} | properties}
        return client.crm.tickets.basic_api.create(body)

    return make


def refusal(call: Callable[[], Any]) -> tuple[int, dict[str, Any]]:
    try:
        call()
    except Exception as refused:  # noqa: BLE001 - each sub-package of the client has exception classes of its own
        return refused.status, json.loads(refused.body)  # type: ignore[attr-defined]
    raise AssertionError("the call was not refused")


def codes(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["context"]["propertyName"][0], one["code"]) for one in body["errors"]]


def test_a_created_ticket_is_read_back_with_what_was_asked_for(client: Client, ticket: Callable[..., Any]) -> None:
    made = ticket(hs_ticket_priority="HIGH")
    read = client.crm.tickets.basic_api.get_by_id(made.id, properties=["hs_ticket_priority", "closed_date", "nonsense"])
    assert read.properties["hs_ticket_priority"] == "HIGH"
    assert read.properties["closed_date"] is None
    assert "nonsense" not in read.properties
    assert read.properties["hs_object_id"] == made.id


def test_a_ticket_without_a_stage_is_refused(client: Client) -> None:
    status, body = refusal(lambda: client.crm.tickets.basic_api.create({"properties": {"subject": "Help"}}))
    assert status == 400
    assert body["message"] == "Error creating TICKET. Some required properties were not set."
    assert body["context"] == {"properties": ["hs_pipeline_stage"]}


def test_every_wrong_value_is_told_at_once_and_nothing_is_written(
    crm: Server, client: Client, ticket: Callable[..., Any]
) -> None:
    made = ticket()
    wrong = {
        "nonsense": "1", "hs_is_closed": "true", "hs_object_id": "5", "hs_ticket_priority": "HUGE", "sla_due": "soon",
        "hubspot_owner_id": "12", "hs_pipeline_stage": "1", "subject": "New",
    }  # fmt: skip
    status, body = refusal(lambda: client.crm.tickets.basic_api.update(made.id, {"properties": wrong}))
    assert (status, body["category"]) == (400, "VALIDATION_ERROR")
    assert codes(body) == [
        ("nonsense", "PROPERTY_DOESNT_EXIST"),
        ("hs_is_closed", "READ_ONLY_VALUE"),
        ("hs_object_id", "READ_ONLY_VALUE"),
        ("hs_ticket_priority", "INVALID_OPTION"),
        ("sla_due", "INVALID_LONG"),
        ("hubspot_owner_id", "INVALID_OWNER_ID"),
        ("hs_pipeline_stage", "INVALID_OPTION"),
    ]
    assert client.crm.tickets.basic_api.get_by_id(made.id).properties["subject"] == "Help"
    assert len(crm.emulator.effects.lines()) == 1


def test_an_owner_who_left_is_no_owner(crm: Server, client: Client, ticket: Callable[..., Any], portal: Any) -> None:
    sam = portal.owners.named("sam@acme.test").id
    made = ticket(hubspot_owner_id=sam)
    crm.emulator.act({"do": "deactivate_user", "email": "sam@acme.test"})
    status, body = refusal(
        lambda: client.crm.tickets.basic_api.update(made.id, {"properties": {"hubspot_owner_id": sam}})
    )
    assert (status, codes(body)) == (400, [("hubspot_owner_id", "INVALID_OWNER_ID")])
    assert client.crm.tickets.basic_api.get_by_id(made.id, properties=["hubspot_owner_id"]).properties[
        "hubspot_owner_id"
    ] == sam  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1772460300000", "2026-03-02T14:05:00Z"),
        ("1772460300123", "2026-03-02T14:05:00.123Z"),
        ("2026-03-02T14:05:00Z", "2026-03-02T14:05:00Z"),
        ("2026-03-02T15:05:00.5+01:00", "2026-03-02T14:05:00.500Z"),
        ("", None),
    ],
)
def test_an_instant_comes_as_epoch_ms_or_iso_and_goes_as_iso(
    client: Client, ticket: Callable[..., Any], sent: str, kept: str | None
) -> None:
    made = ticket(sla_due="1600000000000")
    client.crm.tickets.basic_api.update(made.id, {"properties": {"sla_due": sent}})
    assert client.crm.tickets.basic_api.get_by_id(made.id, properties=["sla_due"]).properties["sla_due"] == kept


@pytest.mark.parametrize(
    ("sent", "kept", "code"),
    [
        ("2026-03-02", "2026-03-02", None),
        ("1772409600000", "2026-03-02", None),
        ("1772460300000", None, "INVALID_DATE"),
        ("tomorrow", None, "INVALID_DATE"),
    ],
)
def test_a_date_is_a_utc_midnight(
    client: Client, ticket: Callable[..., Any], sent: str, kept: str | None, code: str | None
) -> None:
    client.crm.properties.core_api.create(
        "tickets",
        {"name": "go_live", "label": "Go live", "type": "date", "fieldType": "date", "groupName": "ticketinformation"},
    )
    if code is None:
        assert ticket(go_live=sent).properties["go_live"] == kept
    else:
        assert codes(refusal(lambda: ticket(go_live=sent))[1]) == [("go_live", code)]


def test_a_write_that_changes_nothing_moves_the_stamp_but_not_the_history(
    client: Client, ticket: Callable[..., Any], crm: Server
) -> None:
    made = ticket(sla_status="running")
    crm.emulator.clock.advance(60)
    client.crm.tickets.basic_api.update(made.id, {"properties": {"sla_status": "running"}})
    read = client.crm.tickets.basic_api.get_by_id(made.id, properties_with_history=["sla_status"])
    assert read.updated_at > made.updated_at
    assert [one.value for one in read.properties_with_history["sla_status"]] == ["running"]


def test_history_is_newest_first_and_says_who(
    crm: Server, client: Client, ticket: Callable[..., Any], portal: Any
) -> None:
    made = ticket()
    crm.emulator.act(
        {"do": "update", "object": "tickets", "id": made.id, "stage": "Waiting on contact", "by": "sam@acme.test"}
    )
    read = client.crm.tickets.basic_api.get_by_id(made.id, properties_with_history=["hs_pipeline_stage"])
    newest, oldest = read.properties_with_history["hs_pipeline_stage"]
    sam = portal.owners.named("sam")
    assert newest.value == portal.pipelines.stage("tickets", "customer").id
    assert (newest.source_type, newest.source_id) == ("CRM_UI", f"userId:{sam.user_id}")
    assert newest.updated_by_user_id == sam.user_id
    assert (oldest.source_type, oldest.source_id) == ("INTEGRATION", str(portal.app_id))


def test_contacts_have_a_stamp_of_another_name(client: Client) -> None:
    made = client.crm.contacts.basic_api.create({"properties": {"email": "ada@acme.test"}})
    assert "lastmodifieddate" in made.properties
    assert "hs_lastmodifieddate" not in made.properties


def test_a_second_contact_with_the_same_address_is_a_conflict_that_names_the_first(client: Client) -> None:
    first = client.crm.contacts.basic_api.create({"properties": {"email": "ada@acme.test"}})
    status, body = refusal(lambda: client.crm.contacts.basic_api.create({"properties": {"email": "ADA@acme.test"}}))
    assert (status, body["category"]) == (409, "CONFLICT")
    assert body["message"] == f"Contact already exists. Existing ID: {first.id}"


def test_a_lifecycle_stage_moves_back_only_when_it_is_cleared_first(client: Client) -> None:
    made = client.crm.contacts.basic_api.create(
        {"properties": {"email": "ada@acme.test", "lifecyclestage": "opportunity"}}
    )
    api = client.crm.contacts.basic_api
    assert api.update(made.id, {"properties": {"lifecyclestage": "lead"}}).properties["lifecyclestage"] == "opportunity"
    api.update(made.id, {"properties": {"lifecyclestage": ""}})
    assert api.update(made.id, {"properties": {"lifecyclestage": "lead"}}).properties["lifecyclestage"] == "lead"


def test_a_lead_needs_a_contact_that_exists(client: Client, portal: Any) -> None:
    leads = client.crm.objects.leads.basic_api
    assert refusal(lambda: leads.create({"properties": {"hs_lead_name": "Ada"}, "associations": []}))[0] == 400
    contact = client.crm.contacts.basic_api.create({"properties": {"email": "ada@acme.test"}})
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}
    made = leads.create(
        {"properties": {"hs_lead_name": "Ada"}, "associations": [{"to": {"id": contact.id}, "types": [link]}]}
    )
    assert made.properties["hs_pipeline_stage"] == portal.pipelines.stage("leads", "new").id
    assert client.crm.objects.basic_api.get_by_id("0-136", made.id).id == made.id


def test_a_list_pages_by_id_and_archived_records_have_a_list_of_their_own(
    client: Client, ticket: Callable[..., Any]
) -> None:
    made = [ticket(subject=str(number)).id for number in range(5)]
    api = client.crm.tickets.basic_api
    api.archive(made[1])
    page = api.get_page(limit=3)
    assert [one.id for one in page.results] == [made[0], made[2], made[3]]
    assert [one.id for one in api.get_page(limit=3, after=page.paging.next.after).results] == [made[4]]
    assert [one.id for one in api.get_page(archived=True).results] == [made[1]]
    assert refusal(lambda: api.get_by_id(made[1]))[0] == 404
    assert api.get_by_id(made[1], archived=True).archived_at is not None


def test_a_batch_read_tells_what_is_missing_and_is_still_a_success(client: Client, ticket: Callable[..., Any]) -> None:
    made = ticket()
    answer = client.crm.tickets.batch_api.read(
        {"inputs": [{"id": made.id}, {"id": "9"}], "properties": ["subject"], "propertiesWithHistory": ["subject"]}
    )
    assert answer.num_errors == 1
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"
    assert answer.errors[0].context == {"ids": ["9"]}
    assert answer.results[0].properties_with_history["subject"][0].value == "Help"


def test_one_wrong_input_refuses_a_whole_batch(crm: Server, client: Client, ticket: Callable[..., Any]) -> None:
    made = [ticket().id for _ in range(2)]
    inputs = [
        {"id": made[0], "properties": {"sla_status": "running"}},
        {"id": made[1], "properties": {"nonsense": "x"}},
    ]
    before = len(crm.emulator.effects.lines())
    status, body = refusal(lambda: client.crm.tickets.batch_api.update({"inputs": inputs}))
    assert (status, codes(body)) == (400, [("nonsense", "PROPERTY_DOESNT_EXIST")])
    assert len(crm.emulator.effects.lines()) == before


def test_with_a_trace_id_on_each_input_rows_fail_alone(client: Client, ticket: Callable[..., Any]) -> None:
    made = [ticket().id for _ in range(2)]
    inputs = [
        {"id": made[0], "properties": {"sla_status": "running"}, "objectWriteTraceId": "a"},
        {"id": made[1], "properties": {"nonsense": "x"}, "objectWriteTraceId": "b"},
    ]
    answer = client.crm.tickets.batch_api.update({"inputs": inputs})
    assert [one.id for one in answer.results] == [made[0]]
    assert answer.num_errors == 1
    assert answer.errors[0].context == {"ids": [made[1]], "objectWriteTraceId": ["b"]}


def test_an_unknown_id_fails_alone_and_a_doubled_id_sinks_the_batch(client: Client, ticket: Callable[..., Any]) -> None:
    made = ticket().id
    change = {"properties": {"sla_status": "paused"}}
    answer = client.crm.tickets.batch_api.update({"inputs": [{"id": made} | change, {"id": "9"} | change]})
    assert ([one.id for one in answer.results], answer.errors[0].context) == ([made], {"ids": ["9"]})
    status, body = refusal(
        lambda: client.crm.tickets.batch_api.update({"inputs": [{"id": made} | change, {"id": made} | change]})
    )
    assert (status, body["message"]) == (400, f"Duplicate IDs found in batch input: [{made}]. IDs must be unique")


def test_a_batch_takes_a_hundred_inputs(client: Client, portal: Any) -> None:
    stage = portal.pipelines.stage("tickets", "new").id
    inputs = [{"properties": {"subject": str(n), "hs_pipeline_stage": stage}} for n in range(101)]
    assert refusal(lambda: client.crm.tickets.batch_api.create({"inputs": inputs}))[0] == 400
    answer = client.crm.tickets.batch_api.create({"inputs": inputs[:100]})
    assert {one.properties["subject"] for one in answer.results} == {str(n) for n in range(100)}
    assert answer.results[0].properties["subject"] != "0"  # results come in no order of the inputs


def test_an_upsert_needs_a_unique_property(client: Client, portal: Any) -> None:
    stage = portal.pipelines.stage("tickets", "new").id
    one = {"idProperty": "desk_key", "id": "k1", "properties": {"subject": "Help", "hs_pipeline_stage": stage}}
    assert refusal(lambda: client.crm.tickets.batch_api.upsert({"inputs": [one]}))[0] == 400
    client.crm.properties.core_api.create(
        "tickets",
        {"name": "desk_key", "label": "Key", "type": "string", "fieldType": "text", "groupName": "ticketinformation",
         "hasUniqueValue": True},
    )  # fmt: skip
    first = client.crm.tickets.batch_api.upsert({"inputs": [one]}).results[0]
    again = client.crm.tickets.batch_api.upsert({"inputs": [one | {"properties": {"subject": "Again"}}]}).results[0]
    assert (first.new, again.new, first.id == again.id) == (True, False, True)
    assert again.properties["subject"] == "Again"


def test_merged_tickets_become_a_new_one_to_which_the_old_ids_lead(client: Client, ticket: Callable[..., Any]) -> None:
    one, other = ticket(subject="One"), ticket(subject="Other", content="Details")
    merged = client.crm.tickets.basic_api.merge({"primaryObjectId": one.id, "objectIdToMerge": other.id})
    assert merged.id not in (one.id, other.id)
    assert (merged.properties["subject"], merged.properties["content"]) == ("One", "Details")
    assert merged.properties["hs_merged_object_ids"] == f"{one.id};{other.id}"
    assert client.crm.tickets.basic_api.get_by_id(other.id).id == merged.id
    assert [each.id for each in client.crm.tickets.basic_api.get_page().results] == [merged.id]


def test_the_primary_id_survives_a_merge_where_the_account_keeps_it(
    crm: Server, client: Client, ticket: Callable[..., Any]
) -> None:
    crm.emulator.act({"do": "settings", "merge_keeps_primary": True})
    one, other = ticket(), ticket()
    merged = client.crm.tickets.basic_api.merge({"primaryObjectId": one.id, "objectIdToMerge": other.id})
    assert merged.id == one.id


def test_a_task_is_created_with_its_association_and_touches_the_ticket(
    crm: Server, client: Client, ticket: Callable[..., Any]
) -> None:
    made = ticket()
    crm.emulator.clock.advance(60)
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}
    body = {
        "properties": {"hs_task_subject": "Call now", "hs_timestamp": "1772460300000"},
        "associations": [{"to": {"id": made.id}, "types": [link]}],
    }
    task = client.crm.objects.tasks.basic_api.create(body)
    read = client.crm.tickets.basic_api.get_by_id(made.id, associations=["tasks", "nonsense"])
    assert [(one.id, one.type) for one in read.associations["tasks"].results] == [(task.id, "ticket_to_task")]
    assert read.updated_at > made.updated_at
    assert crm.emulator.effects.lines()[-1]["task"] == {
        "hs_task_subject": "Call now",
        "hs_timestamp": "2026-03-02T14:05:00Z",
        "associations": [{"object": "tickets", "id": made.id}],
    }


def test_a_task_needs_its_due_date_and_the_right_type_of_link(client: Client, ticket: Callable[..., Any]) -> None:
    tasks = client.crm.objects.tasks.basic_api
    status, body = refusal(lambda: tasks.create({"properties": {"hs_task_subject": "Call"}, "associations": []}))
    assert (status, body["context"]) == (400, {"properties": ["hs_timestamp"]})
    wrong = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 228}
    status, body = refusal(
        lambda: tasks.create(
            {
                "properties": {"hs_timestamp": "1772460300000"},
                "associations": [{"to": {"id": ticket().id}, "types": [wrong]}],
            }
        )
    )
    assert (status, body["message"]) == (
        400, "invalid from object type 0-27 for associations to be created. expected: 0-46",
    )  # fmt: skip


def test_associations_v4_by_default_by_label_and_in_batches(client: Client, ticket: Callable[..., Any]) -> None:
    made, lonely = ticket(), ticket()
    company = client.crm.companies.basic_api.create({"properties": {"name": "Acme"}})
    v4 = client.crm.associations.v4
    v4.basic_api.create_default("tickets", made.id, "companies", company.id)
    answer = v4.basic_api.create(
        "tickets", made.id, "companies", company.id,
        [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 26}],
    )  # fmt: skip
    assert answer.labels == ["Primary"]
    ends = v4.basic_api.get_page("companies", company.id, "tickets").results
    assert [(str(end.to_object_id), {one.type_id for one in end.association_types}) for end in ends] == [
        (made.id, {340, 25})
    ]
    read = v4.batch_api.get_page("tickets", "companies", {"inputs": [{"id": made.id}, {"id": lonely.id}]})
    assert [one._from.id for one in read.results] == [made.id]
    assert read.errors[0].context["fromObjectId"] == [lonely.id]
    v4.basic_api.archive("tickets", made.id, "companies", company.id)
    assert v4.basic_api.get_page("tickets", made.id, "companies").results == []


def test_labels_are_discovered(client: Client) -> None:
    found = client.crm.associations.v4.schema.definitions_api.get_all("leads", "contacts").results
    assert [(one.type_id, one.label) for one in found] == [(608, None), (578, "Primary")]


def test_owners_pipelines_and_properties_are_there_to_be_discovered(client: Client) -> None:
    owners = client.crm.owners.owners_api.get_page().results
    assert [one.email for one in owners if one.type == "PERSON"] == [
        "maria@acme.test", "li@acme.test", "sam@acme.test", "jo@acme.test",
    ]  # fmt: skip
    assert [one.first_name for one in owners if one.type == "QUEUE"] == ["Unassigned"]
    maria = owners[0]
    assert client.crm.owners.owners_api.get_by_id(maria.user_id, id_property="userId").id == maria.id
    assert client.crm.owners.owners_api.get_page(email="li@acme.test").results[0].first_name == "Li"
    stages = client.crm.pipelines.pipelines_api.get_all("tickets").results[0].stages
    assert [(one.label, one.metadata.get("ticketState"), one.metadata["isClosed"]) for one in stages] == [
        ("New", "OPEN", "false"),
        ("Waiting on us", "OPEN", "false"),
        ("Waiting on contact", "OPEN", "false"),
        ("Waiting on third party", None, "false"),
        ("Closed", "CLOSED", "true"),
    ]
    assert len(client.crm.pipelines.pipelines_api.get_all("0-136").results[0].stages) == 5
    found = client.crm.properties.core_api.get_by_name("tickets", "sla_due")
    assert (found.type, found.field_type, found.hubspot_defined) == ("datetime", "date", False)


def test_ids_follow_from_the_seed_and_differ_between_seeds() -> None:
    one, same, other = HubSpotEmulator(seed=1), HubSpotEmulator(seed=1), HubSpotEmulator(seed=2)
    ids = [[stage.id for stage in each.portal.pipelines.of("tickets")[0].stages] for each in (one, same, other)]
    assert ids[0] == ids[1] != ids[2]
    assert one.credentials() == same.credentials() != other.credentials()


def test_a_property_and_its_group_are_created_once(client: Client, ticket: Callable[..., Any]) -> None:
    client.crm.properties.groups_api.create("tickets", {"name": "clocks", "label": "Clocks", "displayOrder": 3})
    wanted = {
        "name": "sla_owner_due", "label": "Owner due", "type": "enumeration", "fieldType": "select",
        "groupName": "clocks", "options": [{"label": "Yes", "value": "yes", "hidden": False}],
    }  # fmt: skip
    client.crm.properties.core_api.create("tickets", wanted)
    status, body = refusal(lambda: client.crm.properties.core_api.create("tickets", wanted))
    assert (status, body["message"]) == (409, "A property named 'sla_owner_due' already exists.")
    assert ticket(sla_owner_due="yes").properties["sla_owner_due"] == "yes"
    answer = client.crm.properties.batch_api.create(
        "tickets", {"inputs": [wanted, wanted | {"name": "sla_other", "type": "string", "fieldType": "text"}]}
    )
    assert ([one.name for one in answer.results], answer.num_errors) == (["sla_other"], 1)


def test_date_based_paths_lead_to_the_same_records(crm: Server, client: Client, ticket: Callable[..., Any]) -> None:
    made = ticket()

    def call(method: str, path: str, body: Any = None) -> Any:
        return client.api_request({"method": method, "path": path} | ({"body": body} if body is not None else {}))

    for version in ("2025-09", "2026-03", "2026-09"):
        assert call("GET", f"/crm/objects/{version}/0-5/{made.id}").json()["id"] == made.id
        assert call("GET", f"/crm/owners/{version}?limit=1").json()["results"][0]["email"] == "maria@acme.test"
        assert call("GET", f"/crm/pipelines/{version}/tickets").status_code == 200
        assert call("GET", f"/crm/properties/{version}/tickets/sla_due").json()["type"] == "datetime"
        assert call("GET", f"/crm/associations/{version}/tickets/tasks/labels").json()["results"][0]["typeId"] == 229
        found = call("GET", f"/crm/objects/{version}/tickets/{made.id}/associations/tasks")
        assert found.json() == {"results": []}
    body = {"inputs": [{"id": made.id, "properties": {"sla_status": "met"}}, {"id": "9", "properties": {}}]}
    dated = call("POST", "/crm/objects/2026-03/tickets/batch/update", body)
    folded = call("POST", "/crm/objects/2026-09/tickets/batch/update", body)
    assert (dated.status_code, folded.status_code) == (207, 200)
    assert folded.json()["numErrors"] == 1
    assert call("GET", f"/crm/objects/2024-01/0-5/{made.id}").status_code == 404


def test_an_unknown_type_and_an_unknown_record_are_told_apart(client: Client) -> None:
    status, body = refusal(lambda: client.crm.objects.basic_api.get_page("carz"))
    assert (status, body["message"]) == (400, "Unable to infer object type from: carz")
    with pytest.raises(ApiException) as caught:
        client.crm.tickets.basic_api.get_by_id("9")
    assert caught.value.status == 404


def test_an_admins_rule_refuses_an_api_write(crm: Server, client: Client, ticket: Callable[..., Any]) -> None:
    rule = {"object": "tickets", "property": "sla_status", "forbidden": ["missed"], "message": "Ask first"}
    crm.emulator.act({"do": "settings", "validation_rule": rule})
    made = ticket()
    status, body = refusal(
        lambda: client.crm.tickets.basic_api.update(made.id, {"properties": {"sla_status": "missed"}})
    )
    assert (status, body["category"], body["errors"][0]["message"]) == (400, "VALIDATION_ERROR", "Ask first")
