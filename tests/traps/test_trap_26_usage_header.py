"""``Sforce-Limit-Info`` has two parts, and whoever expects one of them at the line's beginning reads nothing.

Documented as ``api-usage=18/5000``; where an org limits single apps, ``per-app-api-usage=17/250(appName=sample)``
stands beside it (REST API Developer Guide, Limit Info Header). singer-io/tap-salesforce matched it with an anchored
expression and failed on the second form; simple-salesforce keeps the figures of record calls on an object that is
thrown away, and none of an error's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from sync_beside import Beside

from emulators.http import Request, Response

ALONE = "api-usage=18/5000"
BOTH = "api-usage=18/5000; per-app-api-usage=17/250(appName=sample)"
TURNED = "per-app-api-usage=17/250(appName=sample);api-usage=18/5000"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path, "salesforce")
    yield beside
    beside.close()


def telling(desk: Beside, header: str, status: int | None = None) -> None:
    """Every answer carries this header; with a ``status``, answers are refusals."""
    answer = desk.emulator.answer

    def told(request: Request) -> Response:
        found: Response = answer(request)
        if "/services/data" in request.path:
            if status is not None:
                found = Response(status, [{"errorCode": "MALFORMED_QUERY", "message": "…"}])
            found.headers["Sforce-Limit-Info"] = header
        return found

    desk.emulator.answer = told


@pytest.mark.parametrize("header", [BOTH, TURNED])
def test_an_anchored_expression_reads_nothing(header: str) -> None:
    assert re.fullmatch(r"api-usage=(\d+)/(\d+)", ALONE)
    assert re.fullmatch(r"api-usage=(\d+)/(\d+)", header) is None


def test_the_sdk_forgets_what_record_calls_and_refusals_told(desk: Beside) -> None:
    telling(desk, ALONE)
    token = desk.emulator.credentials()["access_token"]
    session = requests.Session()
    session.mount("https://", Led(desk.server.url))
    sdk = Salesforce(instance="acme.my.salesforce.com", session_id=token, session=session)
    sdk.Lead.describe()
    assert sdk.api_usage == {}


@pytest.mark.parametrize("header", [ALONE, BOTH, TURNED])
def test_ours_reads_both_parts_in_any_order(desk: Beside, header: str) -> None:
    telling(desk, header)
    desk.round()
    told = {quota.window: (quota.used, quota.limit) for quota in desk.link.connector.quota()}
    expected = {"day": (18, 5000)} | ({} if header == ALONE else {"day, this app": (17, 250)})
    assert told == expected
    assert desk.link.connector.allowance.balance().limit == 5000


def test_ours_reads_it_on_refusals_too(desk: Beside) -> None:
    desk.round()
    telling(desk, TURNED, status=400)
    desk.round(60)
    assert {quota.window for quota in desk.link.connector.quota()} == {"day", "day, this app"}


@pytest.mark.parametrize("header", ["", "nonsense", "api-usage=", "api-usage=a/b", "api-usage=1/0"])
def test_a_header_that_says_nothing_holds_nothing_back(desk: Beside, header: str) -> None:
    telling(desk, header)
    desk.round()
    assert desk.link.standing.state == "ok"


class Led(requests.adapters.HTTPAdapter):
    """Leads every request to the practice org."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__()

    def send(self, request: Any, **kwargs: Any) -> requests.Response:
        request.url = self._url + "/" + request.url.split("/", 3)[3]
        return super().send(request, **{**kwargs, "verify": False})
