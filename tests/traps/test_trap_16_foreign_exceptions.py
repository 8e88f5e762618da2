"""Trap 16: the libraries raise whatever went wrong inside them.

HubSpot's SDK has one ``ApiException`` for each of its packages, none of which is another's, raises urllib3's own errors
for a cut connection and UnicodeDecodeError for an error page that is not UTF-8; who catches the documented class misses
them, and the worker dies. Salesforce's SDK reads a 401 as a list of errors, and stumbles over a dict or a page of HTML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.contacts import ApiException as OfContacts
from hubspot.crm.tickets import ApiException as OfTickets
from hubspot_samples.desk import Desk
from salesforce_naive import sdk
from simple_salesforce.exceptions import SalesforceError

from connectors.errors import ConnectorError, RetryLater
from connectors.http import IMPATIENT
from emulators.http import Response

LATIN = Response(503, "<h1>Wartungsfenster für Sie geöffnet</h1>".encode("latin-1"), {"Content-Type": "text/html"})


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(objects=("tickets",), api_version="v3") as desk:
        yield desk


def naive(desk: Desk) -> Exception:
    """What the SDK raises of a typed call."""
    client = Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url, retry=False)
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the point is that it may be anything
        client.crm.tickets.basic_api.get_page()
    assert isinstance(raised.value, Exception)
    return raised.value


def ours(desk: Desk) -> ConnectorError:
    connector = desk.connect(patience=IMPATIENT)
    with pytest.raises(ConnectorError) as raised:
        connector.people()
    connector.close()
    return raised.value


def test_hubspots_exceptions_of_two_packages_are_no_relatives(desk: Desk) -> None:
    desk.fault("status:400")
    found = naive(desk)
    assert isinstance(found, OfTickets)
    assert not isinstance(found, OfContacts)


@pytest.mark.parametrize("fault", ["reset", "truncate"])
def test_a_cut_connection_is_none_of_hubspots_exceptions(desk: Desk, fault: str) -> None:
    desk.fault(fault)
    assert not isinstance(naive(desk), OfTickets)


def test_an_error_page_in_latin_1_is_a_unicode_error(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.emulator, "answer", lambda _request: LATIN)
    assert type(naive(desk)) is UnicodeDecodeError


@pytest.mark.parametrize("fault", ["status:400", "status:502", "html", "reset", "truncate", "drop_response"])
def test_ours_is_one_of_the_five_whatever_hubspot_does(desk: Desk, fault: str) -> None:
    desk.fault(fault)
    assert isinstance(ours(desk), ConnectorError)


def test_ours_of_an_error_page_in_latin_1_is_a_passing_fault(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.emulator, "answer", lambda _request: LATIN)
    found = ours(desk)
    assert (type(found), found.code) == (RetryLater, "503")


@pytest.mark.parametrize(("shape", "raised"), [("dict", KeyError), ("html", ValueError)])
def test_an_expired_session_in_another_shape_is_none_of_salesforces_exceptions(
    org: Any, shape: str, raised: type[Exception]
) -> None:
    naive, _ = sdk(org)
    org.act("logins", expired_as=shape)
    org.act("revoke_sessions")
    with pytest.raises(raised) as caught:
        naive.query("SELECT Id FROM Lead")
    assert not isinstance(caught.value, SalesforceError)


@pytest.mark.parametrize("fault", ["html", "reset", "truncate", "drop_response"])
def test_a_broken_answer_is_none_of_salesforces_exceptions(org: Any, fault: str) -> None:
    naive, _ = sdk(org)
    org.fault(fault, "/services/data")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the point is that it may be anything
        naive.query("SELECT Id FROM Lead")
    assert not isinstance(caught.value, SalesforceError)


@pytest.mark.parametrize("shape", ["list", "dict", "html"])
def test_ours_renews_a_session_whatever_salesforces_refusal_looks_like(org: Any, acme: Any, shape: str) -> None:
    acme.people()
    org.act("logins", expired_as=shape)
    org.act("revoke_sessions")
    assert acme.people()


@pytest.mark.parametrize("path", ["/services/data", "/services/oauth2"])
@pytest.mark.parametrize("fault", ["status:400", "status:401", "status:502", "html", "reset", "truncate"])
def test_ours_is_one_of_the_five_whatever_salesforce_does(org: Any, fault: str, path: str) -> None:
    org.fault(fault, path)
    with pytest.raises(ConnectorError):
        org.connect().people()
