"""One call to HubSpot through its SDK, on every kind of bad day."""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_samples.desk import Desk, order

from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.http import IMPATIENT
from connectors.hubspot import api, wire
from emulators.http import Response

SEARCH = "POST /crm/objects/2026-09/tickets/search"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(objects=("tickets",)) as desk:
        desk.connector.check()  # what is asked once has been asked
        desk.calls()
        yield desk


def refusal(desk: Desk) -> ConnectorError:
    with pytest.raises(ConnectorError) as refused:
        desk.connector.poll("tickets", None, 0)
    return refused.value


@pytest.mark.parametrize("fault", ["status:500", "status:502", "status:503", "status:504", "html", "reset", "truncate"])
def test_a_read_is_repeated_until_a_passing_fault_has_passed(desk: Desk, fault: str) -> None:
    ticket = desk.ticket()
    desk.fault(fault, path="*/search", times=2)
    assert [change.key.split(":")[1] for change in desk.poll("tickets")[0]] == [ticket]
    assert desk.calls()[SEARCH] == 3


@pytest.mark.parametrize(
    ("fault", "code"),
    [("status:500", "500"), ("status:502", "502"), ("html", "200"), ("reset", "BROKEN"), ("truncate", "BROKEN"),
     ("drop_response", "BROKEN")],
)  # fmt: skip
def test_a_fault_that_stays_is_told_after_three_tries(desk: Desk, fault: str, code: str) -> None:
    desk.fault(fault, path="*/search")
    found = refusal(desk)
    assert type(found) is RetryLater
    assert found.code == code
    assert not found.unknown
    assert desk.calls()[SEARCH] == 3


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [("status:400", Rejected, "VALIDATION_ERROR"), ("status:401", AuthFailed, "INVALID_AUTHENTICATION"),
     ("status:403", AuthFailed, "MISSING_SCOPES"), ("status:404", Rejected, "OBJECT_NOT_FOUND"),
     ("status:423", RetryLater, "LOCKED"), ("status:477", RetryLater, "MIGRATION_IN_PROGRESS"),
     ("status:429", RateLimited, "SECONDLY"), ("quota", RateLimited, "DAILY"), ("expire_token", AuthFailed, None)],
)  # fmt: skip
def test_what_will_not_pass_within_seconds_leaves_at_once(
    desk: Desk, fault: str, kind: type[ConnectorError], code: str | None
) -> None:
    desk.fault(fault, path="*/search")
    found = refusal(desk)
    assert type(found) is kind
    assert code in (None, found.code)
    assert desk.calls()[SEARCH] == 1


def test_a_daily_quota_lasts_until_midnight_in_the_portals_zone(desk: Desk) -> None:
    desk.fault("quota")
    found = refusal(desk)
    assert isinstance(found, RateLimited)
    day = 86_400_000
    assert abs(found.after * 1000 - (day - desk.now % day)) < 5000  # the emulated portal lives in UTC


def test_a_server_that_does_not_answer_is_left_in_time(desk: Desk) -> None:
    connector = desk.connect(timeouts={"connect": "1s", "read": "100ms", "total": "5s"}, patience=IMPATIENT)
    desk.fault("latency", path="*/search", times=1, seconds=0.5)
    with pytest.raises(RetryLater) as late:
        connector.poll("tickets", None, 0)
    assert late.value.code == "TIMEOUT"
    connector.close()


def test_the_whole_call_has_a_limit_of_its_own(desk: Desk) -> None:
    connector = desk.connect(timeouts={"connect": "1s", "read": "5s", "total": "100ms"}, patience=IMPATIENT)
    desk.fault("latency", path="*/search", times=1, seconds=0.5)
    with pytest.raises(RetryLater) as late:
        connector.poll("tickets", None, 0)
    assert late.value.code == "TIMEOUT"
    connector.close()


def test_a_write_that_may_have_happened_says_so(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.fault("drop_response", path="*/batch/create")
    with pytest.raises(RetryLater) as lost:
        desk.connector.write([order("task", f"acme:ticket:{ticket}", subject="Call")])
    assert lost.value.unknown
    assert desk.calls()["POST /crm/objects/2026-09/tasks/batch/create"] == 1


def test_a_server_that_is_not_there_is_unreachable(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    connector = desk.connect(url=f"http://127.0.0.1:{port}", patience=IMPATIENT)
    with pytest.raises(RetryLater) as gone:
        connector.poll("tickets", None, 0)
    assert (gone.value.code, gone.value.unknown) == ("UNREACHABLE", False)


def test_a_certificate_that_cannot_be_verified_is_told_as_such(desk: Desk) -> None:
    connector = desk.connect(url=desk.server.url.replace("http://", "https://"), patience=IMPATIENT)
    with pytest.raises(RetryLater) as failed:
        connector.poll("tickets", None, 0)
    assert (failed.value.code, failed.value.unknown) == ("TLS", False)
    connector.close()


@pytest.mark.parametrize(
    ("response", "kind", "code"),
    [
        (Response(503, b"\xff\xfe\xfa not text"), RetryLater, "503"),
        (Response(400, b""), Rejected, "400"),
        (Response(302, b"", {"Location": "https://evil.example.test/"}), Rejected, "302"),
        (Response(200, b"{}{"), RetryLater, "200"),
        (Response(200, b""), RetryLater, "200"),
        (Response(200, b'{"results": 5}'), RetryLater, "200"),
        (Response(401, b'{"message": "no", "category": null}'), AuthFailed, "401"),
    ],
)
def test_a_strange_answer_is_one_of_the_five_errors(
    desk: Desk, response: Response, kind: type[ConnectorError], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.emulator, "answer", lambda request: response)
    found = refusal(desk)
    assert type(found) is kind
    assert found.code == code


def test_an_error_page_without_end_is_read_a_little(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    judge = api.understand
    monkeypatch.setattr(wire, "MAX_REFUSAL_BYTES", 100_000)
    monkeypatch.setattr(
        api, "understand", lambda *given, **more: (seen.append(len(given[1])), judge(*given, **more))[1]
    )
    monkeypatch.setattr(desk.emulator, "answer", lambda _request: Response(503, b"x" * 3_000_000))
    assert refusal(desk).code == "503"
    assert seen == [100_000] * 3


def test_an_answer_without_end_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_ANSWER_BYTES", 100_000)
    monkeypatch.setattr(desk.emulator, "answer", lambda _request: Response(200, b"x" * 3_000_000))
    assert (type(refusal(desk)), refusal(desk).code) == (Rejected, "TOO_LARGE")


def test_no_error_shows_the_token(desk: Desk) -> None:
    token = desk.emulator.credentials()["access_token"]
    for fault in ("status:401", "status:500", "reset", "html"):
        desk.fault(fault, path="*/search", times=3)
        found: BaseException | None = refusal(desk)
        while found is not None:
            assert token not in f"{found!r} {found}"
            found = found.__cause__ or found.__context__
        desk.emulator.faults.clear()


def test_the_sdks_models_are_never_built(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from hubspot.crm.objects import ApiClient

    def built(*_: Any) -> None:
        raise AssertionError("a model was built")

    monkeypatch.setattr(ApiClient, "deserialize", built)
    monkeypatch.setattr(ApiClient, "_ApiClient__deserialize", built, raising=False)
    desk.ticket()
    assert len(desk.poll("tickets")[0]) == 1


def test_the_sdk_leaves_everybodys_logging_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    logger = logging.getLogger("urllib3")
    before = logger.level
    logger.setLevel(logging.INFO)
    connector = desk.connect()
    connector.poll("tickets", None, 0)
    assert logger.level == logging.INFO
    assert http.client.HTTPConnection.debuglevel == 1
    logger.setLevel(before)
    connector.close()


def test_calls_say_who_they_are_and_keep_their_connection(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    agents: set[str] = set()
    answer = desk.emulator.answer

    def listen(request: Any) -> Response:
        agents.add(request.headers["user-agent"].split("/")[0])
        return answer(request)

    monkeypatch.setattr(desk.emulator, "answer", listen)
    opened: list[Any] = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, at: (opened.append(at), connect(self, at))[1])
    connector = desk.connect()
    for _ in range(5):
        connector.poll("tickets", None, 0)
    assert agents == {"sla-sidecar"}
    assert len(opened) == 1
    connector.close()


def test_a_closed_connector_can_be_used_again(desk: Desk) -> None:
    desk.connector.close()
    assert desk.connector.poll("tickets", None, 0).more is False


def test_quota_is_what_hubspot_last_said(desk: Desk) -> None:
    desk.connector.people()
    windows = {quota.window: quota.limit for quota in desk.connector.quota()}
    assert windows == {"day": 650_000, "10s": 190}


@pytest.mark.slow
def test_searches_keep_to_what_hubspot_allows() -> None:
    with Desk(objects=("tickets",), searches_per_second=5) as desk:
        desk.emulator.limits.search_per_second = 5
        for _ in range(8):
            desk.connector.poll("tickets", None, 0)
        assert desk.calls()[SEARCH] == 8


def test_the_servers_clock_is_known_by_its_answers(desk: Desk) -> None:
    assert desk.connector._api.skew_ms == 0
    desk.pass_time(0)
    behind = desk.connect()
    behind._api._clock = lambda: desk.now - 600_000
    behind.poll("tickets", None, 0)
    assert 598_000 < (behind._api.skew_ms or 0) < 602_000
    assert abs(behind._api.now() - desk.now) < 2000
    behind.close()
