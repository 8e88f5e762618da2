"""Answers of the emulator against the OpenAPI descriptions of the vendor's API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from vendor_descriptions import (
    ASSOCIATIONS,
    LEADS,
    OWNERS,
    PIPELINES,
    PROPERTIES,
    TASKS,
    TICKETS,
    needs_descriptions,
    problems,
    schema_of,
)

from emulators.core import Server, serve
from emulators.hubspot import HubSpotEmulator

pytestmark = needs_descriptions


@pytest.fixture(scope="module")
def crm() -> Iterator[Server]:
    emulator = HubSpotEmulator(seed=6, records=30)
    emulator.limits.search_per_second = None
    server = serve(emulator)
    yield server
    server.close()


@pytest.fixture(scope="module")
def known(crm: Server) -> dict[str, str]:
    """Ids to put into paths and bodies."""
    portal = crm.emulator.portal
    tickets = [record.id for record in portal.shelves["tickets"].since()]
    contact = next(portal.shelves["contacts"].since()).id
    lead = next(portal.shelves["leads"].since()).id
    pipeline = portal.pipelines.of("tickets")[0]
    return {
        "T": tickets[0], "U": tickets[1], "V": tickets[2], "W": tickets[3], "C": contact, "L": lead,
        "P": pipeline.id, "S": pipeline.stages[0].id, "O": portal.owners.all[0].id,
    }  # fmt: skip


TICKET = {"properties": {"subject": "x", "hs_pipeline_stage": "<S>"}}
LINK = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}]
TASK = {
    "properties": {"hs_task_subject": "x", "hs_timestamp": "1772460300000"},
    "associations": [
        {"to": {"id": "<T>"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}]}
    ],
}
PROPERTY = {"name": "x_one", "label": "X", "type": "string", "fieldType": "text", "groupName": "ticketinformation"}
O3 = "/crm/v3/objects"
CALLS: list[tuple[str, str, str, Any, int]] = [
    (TICKETS, "GET", f"{O3}/tickets?limit=3&propertiesWithHistory=subject&associations=contacts", None, 200),
    (TICKETS, "GET", f"{O3}/tickets/<T>?associations=contacts,emails&propertiesWithHistory=subject", None, 200),
    (TICKETS, "GET", f"{O3}/tickets/9", None, 404),
    (TICKETS, "POST", f"{O3}/tickets", TICKET, 201),
    (TICKETS, "POST", f"{O3}/tickets", {"properties": {"subject": "x"}}, 400),
    (TICKETS, "PATCH", f"{O3}/tickets/<T>", {"properties": {"sla_status": "met"}}, 200),
    (TICKETS, "PATCH", f"{O3}/tickets/<T>", {"properties": {"nonsense": "met"}}, 400),
    (TICKETS, "POST", f"{O3}/tickets/search", {"filterGroups": [], "limit": 2, "properties": ["sla_due"]}, 200),
    (TICKETS, "POST", f"{O3}/tickets/search", {"sorts": ["nonsense"]}, 400),
    (TICKETS, "POST", f"{O3}/tickets/batch/read", {"inputs": [{"id": "<T>"}], "properties": ["subject"]}, 200),
    (TICKETS, "POST", f"{O3}/tickets/batch/read", {"inputs": [{"id": "<T>"}, {"id": "9"}]}, 207),
    (TICKETS, "POST", f"{O3}/tickets/batch/create", {"inputs": [TICKET]}, 201),
    (TICKETS, "POST", f"{O3}/tickets/batch/create",
     {"inputs": [TICKET | {"objectWriteTraceId": "1"}, {"properties": {}, "objectWriteTraceId": "2"}]}, 207),
    (TICKETS, "POST", f"{O3}/tickets/batch/update", {"inputs": [{"id": "<T>", "properties": {"subject": "y"}}]}, 200),
    (TICKETS, "POST", f"{O3}/tickets/batch/update", {"inputs": [{"id": "9", "properties": {"subject": "y"}}]}, 207),
    (TICKETS, "POST", f"{O3}/tickets/batch/archive", {"inputs": [{"id": "<W>"}]}, 204),
    (TICKETS, "POST", f"{O3}/tickets/merge", {"primaryObjectId": "<U>", "objectIdToMerge": "<V>"}, 200),
    (LEADS, "GET", f"{O3}/leads?limit=1", None, 200),
    (LEADS, "GET", f"{O3}/leads/<L>", None, 200),
    (LEADS, "POST", f"{O3}/leads/search", {}, 200),
    (LEADS, "POST", f"{O3}/leads", {"properties": {"hs_lead_name": "x"}}, 400),
    (TASKS, "POST", f"{O3}/tasks", TASK, 201),
    (TASKS, "POST", f"{O3}/tasks", {"properties": {}}, 400),
    (TASKS, "GET", f"{O3}/tasks?limit=1&associations=tickets", None, 200),
    (TASKS, "POST", f"{O3}/tasks/batch/create", {"inputs": [TASK]}, 201),
    (OWNERS, "GET", "/crm/v3/owners/?limit=2", None, 200),
    (OWNERS, "GET", "/crm/v3/owners/<O>", None, 200),
    (OWNERS, "GET", "/crm/v3/owners/1", None, 404),
    (PIPELINES, "GET", "/crm/v3/pipelines/tickets", None, 200),
    (PIPELINES, "GET", "/crm/v3/pipelines/tickets/<P>", None, 200),
    (PIPELINES, "GET", "/crm/v3/pipelines/tickets/<P>/stages", None, 200),
    (PIPELINES, "GET", "/crm/v3/pipelines/tickets/<P>/stages/<S>", None, 200),
    (PIPELINES, "GET", "/crm/v3/pipelines/leads", None, 200),
    (PIPELINES, "GET", "/crm/v3/pipelines/deals", None, 200),
    (PROPERTIES, "GET", "/crm/v3/properties/tickets", None, 200),
    (PROPERTIES, "GET", "/crm/v3/properties/tickets/sla_due", None, 200),
    (PROPERTIES, "GET", "/crm/v3/properties/tickets/nonsense", None, 404),
    (PROPERTIES, "POST", "/crm/v3/properties/tickets", PROPERTY, 201),
    (PROPERTIES, "POST", "/crm/v3/properties/tickets", PROPERTY, 409),
    (PROPERTIES, "PATCH", "/crm/v3/properties/tickets/x_one", {"label": "Y"}, 200),
    (PROPERTIES, "POST", "/crm/v3/properties/tickets/batch/create", {"inputs": [PROPERTY | {"name": "x_two"}]}, 201),
    (PROPERTIES, "POST", "/crm/v3/properties/tickets/batch/read",
     {"archived": False, "inputs": [{"name": "x_two"}, {"name": "nonsense"}]}, 207),
    (PROPERTIES, "DELETE", "/crm/v3/properties/tickets/x_two", None, 204),
    (PROPERTIES, "POST", "/crm/v3/properties/tickets/groups", {"name": "g", "label": "G"}, 201),
    (PROPERTIES, "GET", "/crm/v3/properties/tickets/groups/g", None, 200),
    (ASSOCIATIONS, "PUT", "/crm/v4/objects/tickets/<T>/associations/default/contacts/<C>", None, 200),
    (ASSOCIATIONS, "PUT", "/crm/v4/objects/tickets/<T>/associations/contacts/<C>", LINK, 201),
    (ASSOCIATIONS, "PUT", "/crm/v4/objects/tickets/<T>/associations/contacts/9", LINK, 400),
    (ASSOCIATIONS, "GET", "/crm/v4/objects/tickets/<T>/associations/contacts", None, 200),
    (ASSOCIATIONS, "POST", "/crm/v4/associations/tickets/contacts/batch/read", {"inputs": [{"id": "<T>"}]}, 200),
    (ASSOCIATIONS, "POST", "/crm/v4/associations/tickets/deals/batch/read", {"inputs": [{"id": "<T>"}]}, 207),
    (ASSOCIATIONS, "POST", "/crm/v4/associations/tickets/contacts/batch/create",
     {"inputs": [{"from": {"id": "<T>"}, "to": {"id": "<C>"}, "types": LINK}]}, 201),
    (ASSOCIATIONS, "POST", "/crm/v4/associations/tickets/contacts/batch/associate/default",
     {"inputs": [{"from": {"id": "<T>"}, "to": {"id": "<C>"}}]}, 200),
    (ASSOCIATIONS, "POST", "/crm/v4/associations/tickets/contacts/batch/archive",
     {"inputs": [{"from": {"id": "<T>"}, "to": [{"id": "<C>"}]}]}, 204),
    (ASSOCIATIONS, "DELETE", "/crm/v4/objects/tickets/<T>/associations/contacts/<C>", None, 204),
    (TICKETS, "DELETE", f"{O3}/tickets/<T>", None, 204),
    (TICKETS, "GET", f"{O3}/tickets?archived=true", None, 200),
]  # fmt: skip


def test_every_answer_has_the_shape_that_the_vendor_describes(crm: Server, known: dict[str, str]) -> None:
    """One walk, in order: later calls meet what earlier ones left behind."""
    token = crm.emulator.credentials()["access_token"]
    wrong: list[str] = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for file, method, path, body, status in CALLS:
            sent = json.loads(_filled(json.dumps(body), known))
            answer = session.request(method, crm.url + _filled(path, known), json=sent)
            call = f"{method} {path}"
            if answer.status_code != status:
                wrong.append(f"{call}: {answer.status_code}, not {status}: {answer.text[:200]}")
                continue
            schema = schema_of(file, method, _filled(path, known).partition("?")[0], status)
            if schema is None:
                wrong += [f"{call}: a body where none was described"] if answer.content else []
            else:
                wrong += [f"{call}: {problem}" for problem in problems(file, schema, answer.json())]
    assert wrong == []


def _filled(text: str, known: dict[str, str]) -> str:
    return re.sub("<([A-Z])>", lambda match: known[match[1]], text)
