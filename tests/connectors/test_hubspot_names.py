"""Every path of HubSpot, in every version: one setting decides them all."""

from __future__ import annotations

import pytest

from connectors.hubspot import names
from connectors.hubspot.names import Paths

OLD = Paths("v3")
DATED = Paths("2026-09")


@pytest.mark.parametrize(
    ("old", "dated"),
    [
        (OLD.search("tickets"), DATED.search("tickets")),
        (OLD.batch("contacts", "update"), DATED.batch("contacts", "update")),
        (OLD.pipelines("0-136"), DATED.pipelines("0-136")),
        (OLD.properties("leads"), DATED.properties("leads")),
        (OLD.owners(), DATED.owners()),
        (OLD.associations("emails", "tickets"), DATED.associations("emails", "tickets")),
        (OLD.association_labels("tasks", "leads"), DATED.association_labels("tasks", "leads")),
        (OLD.account(), DATED.account()),
    ],
)
def test_a_path_has_a_twin_in_every_version(old: str, dated: str) -> None:
    expected = {
        "/crm/v3/objects/tickets/search": "/crm/objects/2026-09/tickets/search",
        "/crm/v3/objects/contacts/batch/update": "/crm/objects/2026-09/contacts/batch/update",
        "/crm/v3/pipelines/0-136": "/crm/pipelines/2026-09/0-136",
        "/crm/v3/properties/leads": "/crm/properties/2026-09/leads",
        "/crm/v3/owners/": "/crm/owners/2026-09",
        "/crm/v4/associations/emails/tickets/batch/read": "/crm/associations/2026-09/emails/tickets/batch/read",
        "/crm/v4/associations/tasks/leads/labels": "/crm/associations/2026-09/tasks/leads/labels",
        "/account-info/v3/details": "/account-info/2026-09/details",
    }
    assert expected[old] == dated


def test_every_version_says_when_it_ends() -> None:
    assert set(names.SUPPORT_ENDS) == set(names.VERSIONS) == {"v3", "2026-03", "2026-09"}


def test_only_contacts_call_their_stamp_by_another_name() -> None:
    assert names.CONTACTS.modified == "lastmodifieddate"
    assert {one.modified for one in names.TYPES.values() if one is not names.CONTACTS} == {"hs_lastmodifieddate"}


def test_tasks_are_associated_by_the_ids_that_hubspot_publishes() -> None:
    assert names.ASSOCIATION[("tasks", "contacts")] == 204
    assert names.ASSOCIATION[("tasks", "tickets")] == 230
