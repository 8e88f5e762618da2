"""Change events over gRPC: what they name is read again, what they cannot name is a gap, and nothing is taken twice."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outside_material import SPECS

from connectors.base import HintFeed, HintPage
from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.http import IMPATIENT
from connectors.salesforce import pubsub, pubsub_settings
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.pubsub_events import Decoder, understand
from connectors.salesforce.settings import SalesforceSettings
from emulators.core import Server, serve
from emulators.salesforce import EMULATOR
from emulators.salesforce.pubsub import PubSubServer, replay_id, schema
from sync import probe

grpc = pytest.importorskip("grpc")
LEAD = {"LastName": "Doe", "Company": "Acme"}


class Org:
    """A practice org with its event bus, and connections to it."""

    def __init__(self, messages: Any = None, keep_alive_s: float = 270.0) -> None:
        self.emulator = EMULATOR()
        self.server: Server = serve(self.emulator)
        self.bus = PubSubServer(self.emulator, messages, keep_alive_s=keep_alive_s).start()
        self.opened: list[SalesforceConnector] = []

    def connect(self, **given: Any) -> SalesforceConnector:
        credentials = self.emulator.credentials()
        settings = SalesforceSettings.model_validate(
            {"connector": "salesforce", "domain": "practice.my", "client_id": credentials["consumer_key"],
             "client_secret": credentials["consumer_secret"], "url": self.server.url,
             "pubsub": {"endpoint": self.bus.endpoint, **given}}
        )  # fmt: skip
        clock = self.emulator.clock.now_ms
        self.opened.append(SalesforceConnector("acme", settings, wanted=frozenset(), clock=clock, patience=IMPATIENT))
        return self.opened[-1]

    def feed(self, object: str = "Lead", **given: Any) -> HintFeed:
        return next(one for one in self.connect(**given).hint_feeds() if one.name == f"{object}ChangeEvent")

    def act(self, do: str, **order: Any) -> str:
        with self.emulator.lock:
            return str(self.emulator.act({"do": do, **order}).get("id", ""))

    def lead(self) -> str:
        return self.act("create", object="Lead", fields=LEAD)

    def touch(self, id: str, object: str = "Lead", **fields: Any) -> None:
        self.act("update", object=object, id=id, fields=fields or {"Title": f"T{self.emulator.bus.latest(object)}"})

    def close(self) -> None:
        for connector in self.opened:
            for feed in connector.hint_feeds():
                feed.close()
            connector.close()
        self.bus.close()
        self.server.close()


@pytest.fixture
def org() -> Iterator[Org]:
    made = Org()
    yield made
    made.close()


def start(feed: HintFeed, org: Org, cursor: str | None = None) -> None:
    """Opens the stream and waits until the bus has it."""
    before = len(org.bus.subscriptions)
    feed.pull(cursor, 0)
    reached(org, before + 1)


def reached(org: Org, times: int) -> None:
    waiting = threading.Event()
    for _ in range(1_000):
        if len(org.bus.subscriptions) >= times:
            return
        waiting.wait(0.01)
    raise AssertionError("the bus was not reached")


def until(feed: HintFeed, cursor: str | None, count: int = 1) -> HintPage:
    """Pulls until so many hints, or a gap, have come."""
    hints, gap = [], False
    for _ in range(50):
        page = feed.pull(cursor, 0.2)
        hints += page.hints
        gap, cursor = gap or page.gap, page.cursor
        if len(hints) >= count or gap:
            break
    return HintPage(hints, cursor or "", gap=gap)


def records(page: HintPage) -> list[str | None]:
    return [hint.record for hint in page.hints]


def test_a_change_in_the_org_names_its_record(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    lead = org.lead()
    page = until(feed, "")
    assert records(page) == [f"acme:lead:{lead}"]
    assert bytes.fromhex(page.cursor) == replay_id(org.emulator.bus.latest("Lead"))
    assert org.bus.subscriptions == [("/data/LeadChangeEvent", 0, b"")]
    assert org.bus.schemas == 1
    org.touch(lead)
    assert records(until(feed, page.cursor)) == [f"acme:lead:{lead}"]
    assert org.bus.schemas == 1


def test_no_value_of_a_record_is_kept(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    org.lead()
    [hint] = until(feed, "").hints
    assert b"Doe" not in hint.payload
    assert b'"changeType":"CREATE"' in hint.payload


def test_going_on_from_a_cursor_takes_what_came_meanwhile_and_the_same_change_has_the_same_key(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    first = org.lead()
    page = until(feed, "")
    second = org.lead()
    again = until(org.feed(), page.cursor)
    assert records(again) == [f"acme:lead:{second}"]
    assert [hint.key for hint in until(feed, page.cursor).hints] == [hint.key for hint in again.hints]
    assert org.bus.subscriptions[-1] == ("/data/LeadChangeEvent", 2, bytes.fromhex(page.cursor))
    assert first != second


def test_each_object_has_a_feed_of_its_own_and_an_activity_leads_to_its_record(org: Org) -> None:
    assert [one.name for one in org.connect().hint_feeds()] == ["LeadChangeEvent", "CaseChangeEvent"]
    feed = org.feed("Task", objects=["Lead", "Task"])
    start(feed, org)
    lead = org.lead()
    task = org.act("create", object="Task", fields={"WhoId": lead, "Subject": "Call", "Status": "Not Started"})
    page = until(feed, "")
    assert records(page) == [f"acme:lead:{lead}"]
    org.touch(task, "Task", Subject="Call again")
    assert records(until(feed, page.cursor)) == [None]  # an update does not show whose it is: the next poll does


def test_our_own_changes_are_no_news(org: Org) -> None:
    connector = org.connect()
    feed = connector.hint_feeds()[0]
    start(feed, org)
    lead = org.lead()
    page = until(feed, "")
    ours = f'{{"records":[{{"attributes":{{"type":"Lead"}},"id":"{lead}","Title":"ours"}}]}}'
    connector._api.send("PATCH", "composite/sobjects", ours.encode())
    assert org.emulator.bus.after("Lead", 0)[-1].header["changeType"] == "UPDATE"
    theirs = org.lead()
    page = until(feed, page.cursor)
    assert records(page) == [f"acme:lead:{theirs}"]


def test_merged_events_name_all_their_records(org: Org) -> None:
    leads = [org.lead(), org.lead(), org.lead()]
    org.emulator.bus.merge = True
    feed = org.feed()
    start(feed, org)
    with org.emulator.bus.news:  # one transaction: told at once
        for lead in leads:
            org.touch(lead, Title="same")
    assert records(until(feed, "", 3)) == [f"acme:lead:{lead}" for lead in leads]


def test_a_gap_event_names_its_record_and_an_overflow_names_none(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    org.emulator.bus.gaps = 1
    lead = org.lead()
    page = until(feed, "")
    assert (records(page), page.gap) == ([f"acme:lead:{lead}"], False)
    org.emulator.bus.overflow = True
    org.touch(lead)
    page = until(feed, page.cursor)
    assert (records(page), page.gap) == ([], True)
    org.touch(lead)
    assert records(until(feed, page.cursor)) == [f"acme:lead:{lead}"]


def test_a_place_that_the_bus_has_forgotten_is_a_gap_and_listening_goes_on_from_now(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    org.lead()
    page = until(feed, "")
    org.emulator.bus.forget()
    org.lead()
    late = org.feed()
    gap = until(late, page.cursor)
    assert (gap.hints, gap.cursor, gap.gap) == ([], "", True)
    reached(org, 2)  # a refused place is none
    lead = org.lead()
    assert records(until(late, gap.cursor)) == [f"acme:lead:{lead}"]


@pytest.mark.parametrize("cursor", ["no hexadecimal digits", "00", "ff" * 40])
def test_a_place_that_never_was_one_is_a_gap(org: Org, cursor: str) -> None:
    feed = org.feed()
    page = until(feed, cursor)
    assert (page.hints, page.cursor, page.gap) == ([], "", True)


def test_a_place_that_is_refused_without_a_known_code_is_a_gap_too(org: Org) -> None:
    feed = org.feed()
    org.bus.refuse = (grpc.StatusCode.INVALID_ARGUMENT, "something.new")
    assert until(feed, replay_id(0).hex()).gap
    reached(org, 1)  # the new stream, which begins with now
    org.bus.refuse = (grpc.StatusCode.INVALID_ARGUMENT, "something.new")
    with pytest.raises(Rejected):
        org.feed().pull("", 5.0)


def test_a_schema_with_parts_that_are_named_once_and_meant_twice_is_read() -> None:
    import io
    import json

    import fastavro

    name = {"type": "record", "name": "Switchable_PersonName", "fields": [{"name": "LastName", "type": "string"}]}
    place = {"type": "record", "name": "Address", "fields": [{"name": "City", "type": ["null", "string"]}]}
    whole = schema(EMULATOR().store.tables["task"])
    whole["fields"] += [
        {"name": "Name", "type": ["null", "string", name]},
        {"name": "Address", "type": ["null", place]},
        {"name": "OtherAddress", "type": ["null", "Address"]},
    ]
    header = {"recordIds": ["00T000000000001AAA"], "entityName": "Task", "changeType": "CREATE", "changeOrigin": "",
              "transactionKey": "t", "sequenceNumber": 1, "commitTimestamp": 1, "commitNumber": 1, "commitUser": "",
              "nulledFields": [], "diffFields": [], "changedFields": []}  # fmt: skip
    values = {"ChangeEventHeader": header, "WhoId": "00Q000000000001EAA", "Name": {"LastName": "Doe"},
              "Address": {"City": "Riga"}, "OtherAddress": {"City": "Oslo"}}  # fmt: skip
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(whole), values)
    decoder = Decoder(lambda _id: json.dumps(whole))
    event = decoder.decode("s1", written.getvalue())
    assert sorted(event) == ["ChangeEventHeader", "WhatId", "WhoId"]
    assert records(HintPage(understand(event, "acme", ("Lead",), None, "e").hints, "")) == [
        "acme:lead:00Q000000000001EAA"
    ]
    for broken in (b"", written.getvalue()[:9], b"\xff" * 40):
        with pytest.raises(ValueError, match="cannot be decoded"):
            decoder.decode("s1", broken)
    for wrong in ("", "{}", "[]", '{"fields": 7}'):
        with pytest.raises(ValueError, match="cannot be read"):
            Decoder(lambda _id, text=wrong: text).decode("s1", b"")


def test_a_keep_alive_moves_the_cursor_although_nothing_happened() -> None:
    org = Org(keep_alive_s=0.05)
    try:
        feed = org.feed("Case")
        start(feed, org)
        with org.emulator.bus.news:
            pass
        org.act("create", object="Case", fields={"Subject": "x"})
        page = until(feed, "")
        assert bytes.fromhex(page.cursor) == replay_id(org.emulator.bus.latest("Case"))
        again = feed.pull(page.cursor, 1.0)
        assert (again.hints, again.cursor) == ([], page.cursor)
    finally:
        org.close()


def test_a_session_that_ended_is_renewed_once_and_a_refused_one_is_told(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    lead = org.lead()
    page = until(feed, "")
    with org.emulator.lock:
        org.emulator.auth.end_all()
    org.bus.break_streams()
    with pytest.raises(RetryLater):
        until(feed, page.cursor)
    org.touch(lead)
    assert records(until(feed, page.cursor)) == [f"acme:lead:{lead}"]
    refused = org.feed()
    org.bus.refuse = (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")
    assert refused.pull(page.cursor, 2.0).hints == []
    org.bus.refuse = (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")
    with pytest.raises(AuthFailed):
        refused.pull(page.cursor, 2.0)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, "service.unavailable", RetryLater),
        (grpc.StatusCode.INTERNAL, "internal", RetryLater),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "subscription.limit.exceeded", RateLimited),
        (grpc.StatusCode.PERMISSION_DENIED, "topic.meta.permission", AuthFailed),
    ],
)
def test_a_broken_stream_is_one_of_the_five_errors(
    org: Org, status: Any, code: str, error: type[ConnectorError]
) -> None:
    feed = org.feed()
    org.bus.refuse = (status, code)
    with pytest.raises(error) as caught:
        feed.pull("", 5.0)
    assert caught.value.code == code
    assert "practice org" not in caught.value.reason
    lead = org.lead()
    org.touch(lead)
    start(feed, org)  # and the next pull opens another stream


def test_an_object_without_change_data_capture_is_told_with_the_way_to_switch_it_on(org: Org) -> None:
    org.emulator.bus.selected.discard("Lead")
    with pytest.raises(AuthFailed) as caught:
        org.feed().pull(None, 5.0)
    assert "Change Data Capture" in (caught.value.fix or "")


def test_check_tells_which_channel_does_not_let_us_listen(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LISTEN_S", 0.3)
    org.emulator.bus.selected.discard("Case")
    found = probe.channels(org.connect())
    assert [(one.level, one.subject) for one in found] == [
        ("ok", "channel LeadChangeEvent"),
        ("fail", "channel CaseChangeEvent"),
    ]
    assert "Change Data Capture" in (found[1].fix or "")


@pytest.mark.parametrize(
    ("given", "objects"),
    [(True, ()), ({}, ()), ({"objects": ["Task"]}, ("Task",)), (False, None), (None, None)],
)
def test_the_switch_is_true_false_or_a_table(given: Any, objects: tuple[str, ...] | None) -> None:
    told = {"connector": "salesforce", "domain": "acme.my", "client_id": "c", "client_secret": "s", "pubsub": given}
    made = SalesforceSettings.model_validate(told).pubsub
    assert (None if made is None else made.objects) == objects
    assert made is None or made.endpoint == "api.pubsub.salesforce.com:7443"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"endpoint": "https://api.pubsub.salesforce.com"}, "an endpoint reads"),
        ({"objects": ["Account"]}, "Input should be 'Lead', 'Case'"),
        ({"replay": "EARLIEST"}, "Extra inputs are not permitted"),
        ("yes", "should be a valid dictionary"),
    ],
)
def test_a_wrong_table_is_refused(given: Any, words: str) -> None:
    told = {"connector": "salesforce", "domain": "acme.my", "client_id": "c", "client_secret": "s", "pubsub": given}
    with pytest.raises(ValueError, match=words):
        SalesforceSettings.model_validate(told)


def test_without_the_extra_the_configuration_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubsub_settings, "NEEDS", ("grpc", "no_such_package.at_all"))
    told = {"connector": "salesforce", "domain": "acme.my", "client_id": "c", "client_secret": "s", "pubsub": True}
    with pytest.raises(ValueError, match=r"pip install 'sla-sidecar\[pubsub\]'"):
        SalesforceSettings.model_validate(told)


def test_a_stream_that_breaks_goes_on_where_it_was(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    org.lead()
    page = until(feed, "")
    org.bus.break_streams()
    with pytest.raises(RetryLater):
        feed.pull(page.cursor, 5.0)
    lead = org.lead()
    assert records(until(feed, page.cursor)) == [f"acme:lead:{lead}"]


def test_a_stream_that_falls_silent_is_taken_for_dead(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubsub, "SILENCE_S", 0.25)
    feed = org.feed()
    start(feed, org)
    assert [feed.pull("", 0.1).hints for _ in range(2)] == [[], []]
    with pytest.raises(RetryLater) as caught:
        feed.pull("", 0.1)
    assert caught.value.code == "SILENT"


def test_more_than_a_hundred_changes_flow_and_never_more_than_were_asked_for(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    leads = [org.lead() for _ in range(230)]
    assert records(until(feed, "", 230)) == [f"acme:lead:{lead}" for lead in leads]


def test_a_pull_that_waits_is_ended_from_another_thread(org: Org) -> None:
    feed = org.feed()
    start(feed, org)
    timer = threading.Timer(0.05, feed.close)
    timer.start()
    assert feed.pull("0a", 30.0) == HintPage([], "0a")
    timer.join()


def test_an_event_of_all_records_or_of_an_unknown_shape_is_a_gap() -> None:
    def told(**header: Any) -> tuple[int, bool]:
        event = {"ChangeEventHeader": {"entityName": "Lead", "changeType": "UPDATE", **header}}
        found = understand(event, "acme", ("Lead",), "005000000000001AAA", "e1")
        return len(found.hints), found.gap

    assert told(recordIds=["00Q*"]) == (0, True)
    assert told(recordIds=[]) == (0, True)
    assert told(recordIds=["00Q000000000001EAA"]) == (1, False)
    assert told(recordIds=["00Q000000000001EAA"], commitUser="005000000000001") == (0, False)
    assert told(recordIds=["00Q000000000001EAA"], changeType="GAP_UPDATE", commitUser="005000000000001") == (1, False)
    assert understand({}, "acme", ("Lead",), None, "e1").gap


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The messages as the vendor describes them, compiled where that description is at hand."""
    source = SPECS / "salesforce" / "pubsub_api.proto"
    tools = pytest.importorskip("grpc_tools.protoc")
    if not source.exists():
        pytest.skip("the public description is not here")
    folder: Path = tmp_path_factory.mktemp("proto")
    (folder / "vendor_pubsub.proto").write_text(source.read_text())
    assert tools.main(["", f"-I{folder}", f"--python_out={folder}", str(folder / "vendor_pubsub.proto")]) == 0
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("vendor_pubsub_pb2")
    finally:
        sys.path.remove(str(folder))


def test_the_vendors_own_messages_are_understood(compiled: Any) -> None:
    org = Org(compiled)
    try:
        feed = org.feed()
        start(feed, org)
        lead = org.lead()
        page = until(feed, "")
        assert records(page) == [f"acme:lead:{lead}"]
        org.touch(lead)
        assert records(until(org.feed(), page.cursor)) == [f"acme:lead:{lead}"]
    finally:
        org.close()


def test_the_practice_messages_have_the_vendors_numbers_and_types(compiled: Any) -> None:
    from connectors.salesforce.pubsub_wire import Messages
    from emulators.salesforce.pubsub_messages import build

    names = ("ProducerEvent", "ConsumerEvent", "FetchRequest", "FetchResponse", "SchemaRequest", "SchemaInfo")
    for made in (Messages(), build()):
        for name in names:
            theirs = getattr(compiled, name).DESCRIPTOR.fields_by_name
            for field in getattr(made, name).DESCRIPTOR.fields:
                other = theirs[field.name]
                kind = field.TYPE_INT32 if other.type == field.TYPE_ENUM else other.type
                assert (field.number, field.type, field.is_repeated) == (other.number, kind, other.is_repeated), name


@pytest.mark.parametrize(
    ("endpoint", "way"),
    [
        ("api.pubsub.salesforce.com:7443", "secure_channel"),
        ("127.0.0.1.evil.example:7443", "secure_channel"),
        ("127.0.0.1:7443", "insecure_channel"),
        ("[::1]:7443", "insecure_channel"),
        ("localhost:7443", "insecure_channel"),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(endpoint: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.salesforce.pubsub_wire import Wire

    opened: list[str] = []
    for name in ("secure_channel", "insecure_channel"):
        real = getattr(grpc, name)
        monkeypatch.setattr(grpc, name, lambda *given, n=name, r=real: (opened.append(n), r(*given))[1])
    Wire(endpoint).close()
    assert opened == [way]
