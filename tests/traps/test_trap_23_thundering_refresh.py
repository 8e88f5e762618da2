"""Trap 23: everybody notices at once that the session has ended, and everybody logs in.

simple-salesforce has no lock: ten threads are ten logins, and Salesforce counts logins. With rotated refresh tokens it
is worse: the second one sends a token that the first has used up, and is out.
https://github.com/singer-io/tap-salesforce/pull/216
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import requests
from salesforce_naive import LOGIN, logins, sdk

from connectors.allowance import Allowance
from connectors.errors import ConnectorError
from connectors.http import IMPATIENT
from connectors.salesforce.api import Api
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret

THREADS = 8


def together(ask: Callable[[], object]) -> list[Exception]:
    """``ask()`` from many threads; what went wrong."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - shown to the test
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def test_with_the_sdk_every_thread_logs_in(org: Any) -> None:
    naive, wire = sdk(org)
    everybody = threading.Barrier(THREADS, timeout=10)

    def refused(answer: requests.Response) -> None:
        if answer.status_code == 401:
            everybody.wait()  # all have met the end of the session before one has got a new one

    org.act("revoke_sessions")
    wire.after = refused
    before = logins(org)
    together(lambda: naive.query("SELECT Id FROM Lead"))
    assert logins(org) - before == THREADS


def test_naive_refreshes_at_once_shut_each_other_out(org: Any) -> None:
    form = {
        "grant_type": "refresh_token", "client_id": org.credentials["consumer_key"],
        "refresh_token": org.credentials["refresh_token"],
    }  # fmt: skip
    answers: list[int] = []
    together(lambda: answers.append(requests.post(org.url + LOGIN, data=form, timeout=5).status_code))
    assert sorted(answers) == [200] + [400] * (THREADS - 1)


def wire_of(org: Any, **more: Any) -> Api:
    wire = Api(SalesforceSettings.model_validate(org.settings(**more)), IMPATIENT, Allowance(lambda: 0))
    everybody = threading.Barrier(THREADS, timeout=10)
    renew = wire._current

    def renew_together(turn: Any, worn: Any = None) -> Any:
        if worn is not None:
            everybody.wait()
        return renew(turn, worn)

    wire.ensure_login()
    wire._current = renew_together  # type: ignore[method-assign]
    return wire


def test_ours_logs_in_once_for_all(org: Any) -> None:
    wire = wire_of(org)
    org.act("revoke_sessions")
    before = logins(org)
    assert together(lambda: wire.query("SELECT Id FROM Lead")) == []
    assert logins(org) - before == 1


def test_ours_rotates_once_for_all_and_what_is_kept_is_good(org: Any) -> None:
    kept: list[str] = []
    token = Secret(org.credentials["refresh_token"], "file:token", kept.append, lambda: kept[-1])
    wire = wire_of(org, client_secret=None, refresh_token=token)
    org.act("revoke_sessions")
    assert together(lambda: wire.query("SELECT Id FROM Lead")) == []
    assert len(kept) == 2
    restarted = Secret(kept[-1], "file:token", kept.append, lambda: kept[-1])
    table = org.settings(client_secret=None, refresh_token=restarted)
    Api(SalesforceSettings.model_validate(table), IMPATIENT, Allowance(lambda: 0)).ensure_login()


def test_one_login_that_is_refused_is_refused_for_all(org: Any) -> None:
    wire = wire_of(org)
    org.act("block_user")
    before = logins(org)
    failed = together(lambda: wire.query("SELECT Id FROM Lead"))
    assert [isinstance(error, ConnectorError) for error in failed] == [True] * THREADS
    assert logins(org) - before == 1
