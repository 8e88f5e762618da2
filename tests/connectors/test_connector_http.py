"""One session, its limits and what a failed call means; against a loopback server that misbehaves."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import requests

from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.http import IMPATIENT, Patience, classify, exchange, http_date, open_session, retry_after, user_agent
from connectors.settings import Timeouts

Serve = Callable[[Callable[[socket.socket, bytes], None]], str]
QUICK = Timeouts.model_validate({"connect": "1s", "read": "200ms", "total": "400ms"})


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts raw TCP servers: the handler gets the socket and the request's head, so that it can break any rule."""
    listeners: list[socket.socket] = []

    def start(handler: Callable[[socket.socket, bytes], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def loop() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    try:
                        handler(peer, peer.recv(65536))
                    except OSError:
                        continue

        threading.Thread(target=loop, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def answer(peer: socket.socket, body: bytes, status: str = "200 OK", head: str = "") -> None:
    peer.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{head}\r\n".encode() + body)


def drip(peer: socket.socket, piece: bytes, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        peer.sendall(piece)


def test_an_https_call_goes_to_the_loopback_override_with_the_fixed_headers(serve: Serve) -> None:
    seen: list[bytes] = []
    url = serve(lambda peer, head: (seen.append(head), answer(peer, b"{}"))[1])
    session = open_session(QUICK, override=url, headers={"Sforce-Auto-Assign": "FALSE"})
    session.get("https://acme.my.salesforce.com/services/data?x=1%2B2", headers={"Sforce-Auto-Assign": "TRUE"})
    head = seen[0].decode()
    assert head.startswith("GET /services/data?x=1%2B2 HTTP/1.1\r\n")
    assert "Sforce-Auto-Assign: FALSE" in head
    assert f"User-Agent: {user_agent()}" in head


def test_plain_http_to_another_machine_is_refused_as_an_override() -> None:
    with pytest.raises(ValueError, match="plain http is allowed only to this machine"):
        open_session(QUICK, override="http://crm.example")


def test_plain_http_is_not_spoken_without_an_override() -> None:
    with pytest.raises(Rejected) as caught:
        exchange(open_session(QUICK), "GET", "http://127.0.0.1:9/x", write=False)
    assert caught.value.code == "BAD_URL"


def test_a_silent_server_ends_in_a_time_out(serve: Serve) -> None:
    stop = threading.Event()
    session = open_session(QUICK, override=serve(lambda peer, head: stop.wait(2) and None))
    with pytest.raises(RetryLater) as caught:
        exchange(session, "GET", "https://crm.example/", write=False)
    stop.set()
    assert (caught.value.code, caught.value.unknown) == ("TIMEOUT", False)


@pytest.mark.parametrize("where", ["headers", "body", "body without a length"])
def test_a_server_that_drips_bytes_is_cut_off_at_the_total_deadline(serve: Serve, where: str) -> None:
    stop = threading.Event()

    def slow(peer: socket.socket, head: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        if where == "body":
            peer.sendall(b"Content-Length: 100000\r\n\r\n")
        elif where == "body without a length":
            peer.sendall(b"\r\n")
        else:
            peer.sendall(b"X-Slow: ")
        drip(peer, b"a", stop)

    session = open_session(QUICK, override=serve(slow))
    with pytest.raises(RetryLater) as caught:
        exchange(session, "POST", "https://crm.example/", write=True)
    stop.set()
    assert (caught.value.code, caught.value.unknown) == ("TIMEOUT", True)


def test_a_server_that_is_not_there_took_no_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    session = open_session(QUICK, override=f"http://127.0.0.1:{port}")
    with pytest.raises(RetryLater) as caught:
        exchange(session, "POST", "https://crm.example/", write=True)
    assert (caught.value.code, caught.value.unknown) == ("UNREACHABLE", False)


def test_a_name_that_nobody_knows_is_told_from_a_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RetryLater) as caught:
        exchange(open_session(QUICK), "POST", "https://crm.example/", write=True)
    assert (caught.value.code, caught.value.unknown) == ("DNS", False)
    assert caught.value.reason == "the server's name is not known"


def test_a_connection_that_breaks_after_a_write_leaves_it_unknown(serve: Serve) -> None:
    session = open_session(QUICK, override=serve(lambda peer, head: peer.close()))
    with pytest.raises(RetryLater) as caught:
        exchange(session, "POST", "https://crm.example/", write=True)
    assert (caught.value.code, caught.value.unknown) == ("BROKEN", True)


def test_a_truncated_body_is_not_taken_for_a_whole_one(serve: Serve) -> None:
    session = open_session(
        QUICK, override=serve(lambda peer, head: peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"))
    )
    with pytest.raises(RetryLater) as caught:
        exchange(session, "GET", "https://crm.example/", write=False)
    assert caught.value.code == "BROKEN"


def test_an_answer_larger_than_the_limit_is_refused(serve: Serve) -> None:
    session = open_session(QUICK, override=serve(lambda peer, head: answer(peer, b"x" * 5000)), max_bytes=4999)
    with pytest.raises(Rejected) as caught:
        exchange(session, "GET", "https://crm.example/", write=False)
    assert caught.value.code == "TOO_LARGE"


def test_a_redirect_is_an_answer_and_never_followed(serve: Serve) -> None:
    url = serve(lambda peer, head: answer(peer, b"", "302 Found", "Location: https://evil.example/\r\n"))
    got = exchange(open_session(QUICK, override=url), "GET", "https://crm.example/", write=False)
    assert got.status_code == 302
    assert isinstance(classify(got.status_code, got.content, got.headers), Rejected)


def test_every_answer_shows_its_headers_to_the_hook_errors_included(serve: Serve) -> None:
    seen: list[tuple[int, str | None]] = []
    url = serve(lambda peer, head: answer(peer, b"{}", "503 Oops", "Sforce-Limit-Info: api-usage=1/2\r\n"))
    session = open_session(
        QUICK, override=url, on_answer=lambda status, heads: seen.append((status, heads.get("sforce-limit-info")))
    )
    exchange(session, "GET", "https://crm.example/", write=False)
    assert seen == [(503, "api-usage=1/2")]


def test_credentials_of_the_environment_never_replace_the_authorization(
    serve: Serve, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write("default login someone password else\n")
    monkeypatch.setenv("NETRC", netrc)
    seen: list[bytes] = []
    url = serve(lambda peer, head: (seen.append(head), answer(peer, b"{}"))[1])
    open_session(QUICK, override=url).get("https://crm.example/", headers={"Authorization": "Bearer ours"})
    assert b"Authorization: Bearer ours\r\n" in seen[0]


@pytest.mark.parametrize(
    ("status", "write", "kind", "unknown"),
    [
        (302, False, Rejected, None),
        (400, True, Rejected, None),
        (401, False, AuthFailed, None),
        (403, False, AuthFailed, None),
        (404, True, Rejected, None),
        (405, False, Rejected, None),
        (408, True, RetryLater, False),
        (409, True, Conflict, None),
        (410, False, AuthFailed, None),
        (412, True, Conflict, None),
        (413, True, Rejected, None),
        (414, False, Rejected, None),
        (415, True, Rejected, None),
        (418, True, Rejected, None),
        (422, True, Rejected, None),
        (423, True, RetryLater, False),
        (425, True, RetryLater, False),
        (429, True, RateLimited, False),
        (431, True, Rejected, None),
        (477, True, Rejected, None),
        (500, True, RetryLater, True),
        (502, False, RetryLater, False),
        (503, True, RetryLater, True),
        (504, True, RetryLater, True),
        (524, True, RetryLater, True),
    ],
)
def test_a_status_means_one_thing_to_do(
    status: int, write: bool, kind: type[ConnectorError], unknown: bool | None
) -> None:
    error = classify(status, b"secret text", {}, write=write)
    assert type(error) is kind
    assert getattr(error, "unknown", None) is unknown
    assert "secret" not in error.reason


def test_a_page_of_html_instead_of_data_is_a_passing_fault() -> None:
    error = classify(200, b"\n<!DOCTYPE html>", {}, write=True)
    assert isinstance(error, RetryLater)
    assert error.unknown is True
    assert error.reason == "the server answered a web page instead of data"


def test_a_rate_limit_waits_as_long_as_it_is_told() -> None:
    told = classify(429, b"", {"Retry-After": "37"})
    silent = classify(429, b"", {})
    assert isinstance(told, RateLimited)
    assert isinstance(silent, RateLimited)
    assert (told.after, silent.after) == (37.0, 10.0)


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "1.5"}, 1.5),
        (
            {"Retry-After": "Sat, 21 Nov 2026 10:01:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"},
            60.0,
        ),
        ({"Retry-After": "Sat, 21 Nov 2026 09:00:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sat, 21 Nov 2026 09:00:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], after: float | None) -> None:
    assert retry_after(headers) == after


def test_an_http_date_is_an_instant() -> None:
    assert http_date("Sat, 21 Nov 2026 10:00:00 GMT") == 1795255200000
    assert http_date("yesterday") is None


def test_a_passing_fault_is_tried_again_and_a_quota_refusal_is_not() -> None:
    at_once = Patience(attempts=3, first_s=0, longest_s=0)
    faults: list[ConnectorError] = [RetryLater("busy"), RetryLater("busy")]

    def call() -> str:
        if faults:
            raise faults.pop(0)
        return "done"

    assert at_once.run(call) == "done"
    faults[:] = [RateLimited("quota", after=1)]
    with pytest.raises(RateLimited):
        at_once.run(call)


def test_a_write_that_may_have_happened_is_repeated_only_when_it_is_idempotent() -> None:
    at_once = Patience(attempts=2, first_s=0, longest_s=0)
    tries: list[int] = []

    def call() -> None:
        tries.append(1)
        raise RetryLater("lost", unknown=True)

    with pytest.raises(RetryLater):
        at_once.run(call, idempotent=False)
    assert len(tries) == 1
    with pytest.raises(RetryLater):
        at_once.run(call, idempotent=True)
    assert len(tries) == 3
    with pytest.raises(RetryLater):
        IMPATIENT.run(call)
    assert len(tries) == 4


def test_a_repeat_is_never_sooner_than_the_vendor_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    faults: list[ConnectorError] = [RetryLater("busy", after=3), RetryLater("busy", after=0.01)]

    def call() -> str:
        if faults:
            raise faults.pop(0)
        return "done"

    assert Patience(attempts=3, first_s=0.5, longest_s=4).run(call) == "done"
    assert waited[0] >= 3
    assert waited[1] >= 0.5


def test_the_body_is_whole_when_the_call_returns(serve: Serve) -> None:
    url = serve(lambda peer, head: answer(peer, json.dumps({"a": "é"}).encode()))
    got = exchange(open_session(QUICK, override=url), "GET", "https://crm.example/", write=False)
    assert got.content == b'{"a": "\\u00e9"}'
    assert got.json() == {"a": "é"}
    assert isinstance(got, requests.Response)
