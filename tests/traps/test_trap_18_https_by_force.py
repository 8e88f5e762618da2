"""Trap 18: the library speaks TLS whatever it is told.

simple-salesforce puts ``https://`` before every host, that of ``instance_url`` and of the pages of a query included: a
plain address, as a test server or a proxy on this machine has, ends in an SSLError far from its cause.
https://github.com/simple-salesforce/simple-salesforce/blob/master/simple_salesforce/api.py
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
from pydantic import ValidationError
from simple_salesforce.api import Salesforce

from connectors.salesforce.settings import SalesforceSettings


def test_the_sdk_speaks_tls_to_a_plain_address(org: Any) -> None:
    session = requests.Session()
    session.trust_env = False
    token = org.credentials["access_token"]
    naive = Salesforce(instance_url=org.url, session_id=token, session=session, version="66.0")
    assert org.url.startswith("http://")
    assert naive.base_url.startswith("https://127.0.0.1")
    with pytest.raises(requests.exceptions.SSLError):
        naive.query("SELECT Id FROM Lead")


def test_ours_goes_where_url_says(org: Any, acme: Any, drain: Any) -> None:
    org.create("Lead")
    changes, _ = drain(acme, "Lead")
    assert len(changes) == 1


@pytest.mark.parametrize("url", ["http://crm.example", "http://10.0.0.1:8080", "ftp://127.0.0.1"])
def test_ours_speaks_plainly_to_this_machine_only(org: Any, url: str) -> None:
    with pytest.raises(ValidationError):
        SalesforceSettings.model_validate(org.settings(url=url))
