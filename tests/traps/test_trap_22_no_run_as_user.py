"""Trap 22: the app is right, and the login fails.

The client credentials flow needs a *Run As* user in the app's policies, which the wizard does not ask for, and the My
Domain, since login.salesforce.com does not offer it. The answers say "invalid_grant" and "request not supported on this
domain"; simple-salesforce refuses the common host with words about a security token.
https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_client_credentials_flow.htm
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from salesforce_naive import sdk
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from connectors.salesforce.settings import SalesforceSettings


def test_the_sdk_repeats_the_vendor_s_words(org: Any) -> None:
    org.setup(run_as=None)
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        sdk(org)
    assert refused.value.code == "invalid_grant"
    assert "Setup" not in str(refused.value)


def test_the_sdk_asks_for_a_security_token_where_the_domain_is_wrong(org: Any) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="must submit either a security token"):
        sdk(org, domain="login")


def test_check_says_where_to_name_the_user(org: Any, acme: Any) -> None:
    org.setup(run_as=None)
    (finding,) = acme.check()
    assert (finding.level, finding.subject) == ("fail", "login")
    assert finding.message == "the app has no user to run as"
    assert "Policies > OAuth Policies > Client Credentials Flow" in str(finding.fix)


@pytest.mark.parametrize("domain", ["login", "test", None])
def test_a_configuration_without_my_domain_is_refused(org: Any, domain: str | None) -> None:
    with pytest.raises(ValidationError, match="needs your My Domain"):
        SalesforceSettings.model_validate(org.settings(domain=domain))
