"""What an administrator sets up in the practice portal: properties, and what a key may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from emulators.core import serve
from emulators.hubspot import EMULATOR

BASE = "/crm/properties/2026-09"
DUE = {"name": "sla_new", "label": "New", "type": "datetime", "fieldType": "date", "groupName": "sla"}


class Portal:
    def __init__(self) -> None:
        self.emulator = EMULATOR(seed=1)
        self.server = serve(self.emulator)
        self.token = self.emulator.credentials()["access_token"]

    def post(self, path: str, body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.post(self.server.url + path, json=body, headers=headers, timeout=5)


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.server.close()


@pytest.mark.parametrize(
    ("kind", "scope"),
    [("tickets", "tickets"), ("contacts", "crm.schemas.contacts.write"), ("tasks", "crm.schemas.contacts.write")],
)
def test_properties_take_a_scope_of_their_own(portal: Portal, kind: str, scope: str) -> None:
    portal.emulator.auth.withheld["private-app"] = {scope}
    refused = portal.post(f"{BASE}/{kind}/groups", {"name": "sla_sidecar", "label": "SLA"})
    assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
    assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == [scope]
    portal.emulator.auth.withheld.clear()
    assert portal.post(f"{BASE}/{kind}/groups", {"name": "sla_sidecar", "label": "SLA"}).status_code == 201


def test_a_name_that_is_taken_is_a_conflict_and_an_archived_one_comes_back_as_it_was(portal: Portal) -> None:
    assert portal.post(f"{BASE}/tickets", DUE).status_code == 201
    assert portal.post(f"{BASE}/tickets", DUE).status_code == 409
    portal.emulator.portal.schemas["tickets"].archive("sla_new")
    back = portal.post(f"{BASE}/tickets", {**DUE, "type": "string", "fieldType": "text", "label": "Other"})
    assert back.status_code == 201
    assert (back.json()["type"], back.json()["label"]) == ("datetime", "New")


def test_a_key_is_told_what_it_holds(portal: Portal) -> None:
    portal.emulator.auth.withheld["private-app"] = {"crm.objects.leads.write"}
    told = portal.post("/oauth/v2/private-apps/get/access-token-info", {"tokenKey": portal.token}).json()
    assert told["hubId"] == portal.emulator.portal.id
    assert "tickets" in told["scopes"]
    assert "crm.objects.leads.write" not in told["scopes"]
    unknown = portal.post("/oauth/v2/private-apps/get/access-token-info", {"tokenKey": "pat-na1-other"})
    assert unknown.status_code == 404
