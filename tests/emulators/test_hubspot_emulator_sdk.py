"""HubSpot's newer client, of dated paths, against the practice portal.

It is a pre-release: its own strict validation refuses a property that is null, which HubSpot sends, and is left off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from emulators.core import Server, serve
from emulators.hubspot import HubSpotEmulator

hubspot_sdk = pytest.importorskip("hubspot_sdk")
auth = pytest.importorskip("hubspot_sdk.types.auth")
JournalFetchResponse = pytest.importorskip("hubspot_sdk.types.shared").JournalFetchResponse


@pytest.fixture(scope="module")
def crm() -> Iterator[Server]:
    emulator = HubSpotEmulator(seed=6, records=30)
    emulator.limits.search_per_second = None
    server = serve(emulator)
    yield server
    server.close()


@pytest.fixture(scope="module")
def client(crm: Server) -> Iterator[Any]:
    token = crm.emulator.credentials()["access_token"]
    with hubspot_sdk.HubSpot(access_token=token, base_url=crm.url, max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def ticket(crm: Server) -> str:
    return str(next(crm.emulator.portal.shelves["tickets"].since()).id)


def test_objects_are_listed_read_searched_and_changed(client: Any, ticket: str) -> None:
    tickets = client.crm.objects.tickets
    assert len(tickets.list(limit=3, properties=["subject"]).results) == 3
    assert tickets.get(ticket, properties=["subject"]).id == ticket
    wish = {"properties": ["subject"], "sorts": ["createdate"], "limit": 2, "after": "0", "filter_groups": []}
    assert len(tickets.search(**wish).results) == 2
    assert tickets.update(ticket, properties={"sla_status": "met"}).properties["sla_status"] == "met"
    inputs = [{"id": ticket}]
    read = tickets.batch.get(inputs=inputs, properties=["sla_status"], properties_with_history=["hs_pipeline_stage"])
    assert [row.id for row in read.results] == [ticket]
    assert read.results[0].properties_with_history["hs_pipeline_stage"][0].source_type
    written = tickets.batch.update(inputs=[{"id": ticket, "properties": {"sla_status": "running"}}])
    assert written.results[0].properties["sla_status"] == "running"


def test_tasks_are_created_with_their_record_and_completed(client: Any, ticket: str) -> None:
    link = {"to": {"id": ticket}, "types": [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 230}]}
    properties = {"hs_task_subject": "Call", "hs_timestamp": "1772460300000", "hs_task_status": "NOT_STARTED"}
    made = client.crm.objects.tasks.create(properties=properties, associations=[link])
    linked = client.crm.associations.batch.get("tasks", from_object_type="tickets", inputs=[{"id": ticket}])
    assert made.id in {str(to.to_object_id) for row in linked.results for to in row.to}
    done = client.crm.objects.tasks.update(made.id, properties={"hs_task_status": "COMPLETED"})
    assert done.properties["hs_task_status"] == "COMPLETED"


def test_owners_pipelines_properties_and_the_account_are_told(client: Any) -> None:
    assert next(iter(client.crm.owners.list(limit=5))).email
    assert client.crm.pipelines.list("tickets").results[0].stages[0].id
    assert "sla_due" in {one.name for one in client.crm.properties.list("tickets").results}
    assert client.account.get().portal_id


def test_a_refused_value_is_a_bad_request_of_the_client(client: Any, ticket: str) -> None:
    with pytest.raises(hubspot_sdk.BadRequestError):
        client.crm.objects.tickets.update(ticket, properties={"nonsense": "x"})


def test_a_revoked_key_is_an_authentication_error_of_the_client(crm: Server) -> None:
    with (
        hubspot_sdk.HubSpot(access_token="pat-eu1-wrong", base_url=crm.url, max_retries=0) as stranger,
        pytest.raises(hubspot_sdk.AuthenticationError),
    ):
        stranger.crm.owners.list()


def oauth(crm: Server, path: str, model: str, **form: str) -> Any:
    """An answer of the token endpoints as the client's own model reads it, with no key too much. The client itself
    sends JSON where the vendor's page asks for a form, and is refused here.
    https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens"""
    credentials = crm.emulator.credentials()
    keys = {name: credentials[name] for name in ("client_id", "client_secret")}
    answer = requests.post(f"{crm.url}/oauth/2026-03/{path}", data=keys | form, timeout=5)
    assert answer.status_code == 200, answer.text
    read = getattr(auth, model).model_validate(answer.json())
    assert set(answer.json()) <= {field.alias or name for name, field in type(read).model_fields.items()}
    return read


@pytest.fixture
def app(crm: Server) -> str:
    """The app's own token for the journal."""
    wish = {"grant_type": "client_credentials", "scope": "developer.webhooks_journal.read"}
    granted = oauth(crm, "token", "ClientCredentialsTokenResponse", **wish)
    assert granted.token_use == "client_credentials"
    return str(granted.access_token)


def test_tokens_are_renewed_and_inspected(crm: Server, client: Any) -> None:
    refresh = crm.emulator.credentials()["refresh_token"]
    renewing = {"grant_type": "refresh_token", "refresh_token": refresh}
    granted = oauth(crm, "token", "AccessTokenResponse", **renewing)
    assert (granted.token_use, granted.expires_in, granted.refresh_token) == ("access_token", 1800, refresh)
    told = oauth(crm, "token/introspect", "PublicAccessTokenInfoResponse", token=granted.access_token)
    assert (told.active, told.token_use, told.expires_in > 1700) == (True, "access_token", True)
    told = oauth(crm, "token/introspect", "PublicRefreshTokenInfoResponse", token=refresh)
    assert (told.active, told.token_use) == (True, "refresh_token")
    with pytest.raises(hubspot_sdk.BadRequestError, match="invalid_client"):
        client.auth.oauth.create_token(**renewing)


def test_the_journal_is_read_with_the_apps_own_token(crm: Server, client: Any, ticket: str, app: str) -> None:
    client.crm.objects.tickets.update(ticket, properties={"sla_status": "breached"})
    with hubspot_sdk.HubSpot(access_token=app, base_url=crm.url, max_retries=0) as reader:
        journal = reader.webhooks_journal.journal
        entry = JournalFetchResponse.model_validate(journal.get_earliest().json())
        told = requests.get(entry.url, timeout=5).json()
        assert (told["offset"], set(told)) == (entry.current_offset, {"offset", "journalEvents", "publishedAt"})
        assert {event["action"] for event in told["journalEvents"]} >= {"UPDATE"}
        assert journal.get_next_from_offset(entry.current_offset).status_code == 204
        with pytest.raises(hubspot_sdk.NotFoundError):
            journal.get_next_from_offset("00000000-0000-4000-8000-000000000000")


def test_the_journal_refuses_every_other_token(crm: Server) -> None:
    credentials = crm.emulator.credentials()
    renewing = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"]}
    of_account = oauth(crm, "token", "AccessTokenResponse", **renewing)
    unasked = oauth(crm, "token", "ClientCredentialsTokenResponse", grant_type="client_credentials")
    for token in (credentials["access_token"], of_account.access_token, unasked.access_token):
        with (
            hubspot_sdk.HubSpot(access_token=token, base_url=crm.url, max_retries=0) as reader,
            pytest.raises(hubspot_sdk.PermissionDeniedError),
        ):
            reader.webhooks_journal.journal.get_earliest()


def test_properties_and_their_group_are_made_in_batches(client: Any) -> None:
    client.crm.properties.groups.create("tickets", name="sla_group", label="SLA", display_order=-1)
    wanted = {"group_name": "sla_group", "type": "string", "field_type": "text", "label": "Key"}
    made = client.crm.properties.batch.create(
        "tickets", inputs=[wanted | {"name": "sla_a"}, wanted | {"name": "sla_b"}]
    )
    assert [(one.name, one.group_name) for one in made.results] == [("sla_a", "sla_group"), ("sla_b", "sla_group")]
    with pytest.raises(hubspot_sdk.ConflictError):
        client.crm.properties.groups.create("tickets", name="sla_group", label="SLA")


def test_a_task_is_made_once_by_a_unique_property(client: Any) -> None:
    client.crm.properties.create(
        "tasks", name="sla_key", label="Key", group_name="task", type="string", field_type="text", has_unique_value=True
    )
    due = {"hs_timestamp": "1772460300000", "hs_task_subject": "Call", "sla_key": "a"}
    wish = {"id": "a", "id_property": "sla_key", "properties": due}
    first, again = (client.crm.objects.tasks.batch.upsert(inputs=[wish]).results[0] for _ in range(2))
    assert (first.new, again.new, first.id == again.id) == (True, False, True)
