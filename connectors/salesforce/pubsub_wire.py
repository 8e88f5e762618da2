"""The wire of Salesforce's Pub/Sub API: a few messages, two methods, and what a broken call means.

Owns gRPC, the shape of the messages and the errors of the event bus. Refuses to know what an event says. Invariant:
nothing but ``ReplayLost``, ``SessionOver`` and the five errors leaves it; only this machine is spoken to without TLS.
The shapes are built here, in a pool of their own: names and numbers of fields as the public description has them.
https://developer.salesforce.com/docs/platform/pub-sub-api/guide/handling-errors.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.salesforce.login import Opened
from connectors.settings import is_loopback

SERVICE: Final = "eventbus.v1"
LATEST, CUSTOM = 0, 2
MOST: Final = 100
"""Events that one request may ask for: developer.salesforce.com, Pub/Sub API > Subscribe RPC, num_requested."""

ALLOCATION_WAIT_S: Final = 3_600.0
"""The allocation of delivered events is counted over 24 hours; asking sooner changes nothing."""

CALL_S: Final = 20.0
_ERROR_CODE: Final = "error-code"
_LOST: Final = ("fetch.replayid.corrupted", "fetch.replayid.validation.failed")
_MESSAGES: Final[dict[str, tuple[tuple[str, int, str, bool], ...]]] = {
    "ProducerEvent": (("id", 1, "string", False), ("schema_id", 2, "string", False), ("payload", 3, "bytes", False)),
    "ConsumerEvent": (("event", 1, "ProducerEvent", False), ("replay_id", 2, "bytes", False)),
    "FetchRequest": (
        ("topic_name", 1, "string", False), ("replay_preset", 2, "int32", False), ("replay_id", 3, "bytes", False),
        ("num_requested", 4, "int32", False),
    ),
    "FetchResponse": (
        ("events", 1, "ConsumerEvent", True), ("latest_replay_id", 2, "bytes", False), ("rpc_id", 3, "string", False),
        ("pending_num_requested", 4, "int32", False),
    ),
    "SchemaRequest": (("schema_id", 1, "string", False),),
    "SchemaInfo": (("schema_json", 1, "string", False), ("schema_id", 2, "string", False)),
}  # fmt: skip
"""Message -> its fields: name, number, type, repeated. An enumeration travels as a number, and so it stands here."""


class ReplayLost(Exception):
    """The bus does not know the place where we wanted to go on: it keeps events for 72 hours.

    https://developer.salesforce.com/docs/platform/pub-sub-api/guide/event-message-durability.html
    """


class SessionOver(Exception):
    """The token is not accepted any more."""


class Fetched(NamedTuple):
    """One answer of a subscription: events as (replay id, schema id, payload, id), and how far the stream has come."""

    events: list[tuple[bytes, str, bytes, str]]
    latest: bytes


class Messages:
    """The classes of the messages, by name."""

    def __init__(self) -> None:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

        file = descriptor_pb2.FileDescriptorProto(name="bus.proto", package=SERVICE, syntax="proto3")
        kinds = {name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}") for name in _SCALARS}
        for name, fields in _MESSAGES.items():
            message = file.message_type.add(name=name)
            for field, number, kind, repeated in fields:
                label = 3 if repeated else 1
                if kind in kinds:
                    message.field.add(name=field, number=number, label=label, type=kinds[kind])
                else:
                    message.field.add(name=field, number=number, label=label, type=11, type_name=f".{SERVICE}.{kind}")
        # A pool of its own, so that a program that also holds the vendor's description meets no second one.
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        for name in _MESSAGES:
            found = pool.FindMessageTypeByName(f"{SERVICE}.{name}")
            setattr(self, name, message_factory.GetMessageClass(found))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


_SCALARS: Final = ("string", "bytes", "int32")


class Wire:
    """A connection to the bus at ``endpoint`` (host:port). Streams may be read from several threads."""

    def __init__(self, endpoint: str) -> None:
        import grpc

        self._messages = Messages()
        options = [("grpc.keepalive_time_ms", 60_000), ("grpc.keepalive_timeout_ms", 20_000)]
        if is_loopback(endpoint.rpartition(":")[0].strip("[]")):
            self._channel = grpc.insecure_channel(endpoint, [*options, ("grpc.enable_http_proxy", 0)])
        else:
            self._channel = grpc.secure_channel(endpoint, grpc.ssl_channel_credentials(), options)
        answers = self._messages
        self._subscribe = self._channel.stream_stream(
            f"/{SERVICE}.PubSub/Subscribe",
            request_serializer=answers.FetchRequest.SerializeToString,
            response_deserializer=answers.FetchResponse.FromString,
        )
        self._get_schema = self._channel.unary_unary(
            f"/{SERVICE}.PubSub/GetSchema",
            request_serializer=answers.SchemaRequest.SerializeToString,
            response_deserializer=answers.SchemaInfo.FromString,
        )

    def schema(self, schema_id: str, session: Opened) -> str:
        """The Avro schema of that id, as JSON text."""
        import grpc

        try:
            request = self._messages.SchemaRequest(schema_id=schema_id)
            answer = self._get_schema(request, metadata=_identity(session), timeout=CALL_S)
        except grpc.RpcError as error:
            raise meaning(error) from None
        return str(answer.schema_json)

    def ask(self, number: int, topic: str = "", replay_id: bytes | None = None) -> Any:
        """A request for ``number`` more events; the first of a stream names its topic and where to begin."""
        preset = LATEST if not replay_id else CUSTOM
        return self._messages.FetchRequest(
            topic_name=topic, num_requested=number, replay_preset=preset, replay_id=replay_id or b""
        )

    def subscribe(self, requests: Iterator[Any], session: Opened) -> Any:
        """A stream of answers: iterate it for ``fetched``, ``cancel`` it from any thread."""
        return self._subscribe(requests, metadata=_identity(session))

    def close(self) -> None:
        self._channel.close()


def fetched(answer: Any) -> Fetched:
    """What one answer of a subscription holds."""
    events = [(one.replay_id, one.event.schema_id, one.event.payload, one.event.id) for one in answer.events]
    return Fetched(events, answer.latest_replay_id)


def _identity(session: Opened) -> tuple[tuple[str, str], ...]:
    """developer.salesforce.com, Pub/Sub API > Supported Authentication: three headers, whatever the login was."""
    return (
        ("accesstoken", session.token),
        ("instanceurl", f"https://{session.host}"),
        ("tenantid", session.organization or ""),
    )


def meaning(error: Any) -> Exception:
    """What a broken call means: ReplayLost, SessionOver or one of the five errors, without the bus's own text."""
    import grpc

    status = error.code() if callable(getattr(error, "code", None)) else None
    trailers = error.trailing_metadata() if callable(getattr(error, "trailing_metadata", None)) else None
    code = next((str(value) for key, value in trailers or () if key == _ERROR_CODE), "")
    short = code.rpartition("eventbus.grpc.")[2] or (status.name if status is not None else "UNKNOWN")
    if code.endswith(_LOST):
        return ReplayLost(short)
    if code.endswith("subscription.limit.exceeded"):
        return _limited(short)
    if status is grpc.StatusCode.UNAUTHENTICATED:
        return SessionOver(short)
    return _error(status, short)


def _limited(code: str) -> ConnectorError:
    reason = "the org's allocation of delivered change events is used up for today"
    return RateLimited(reason, after=ALLOCATION_WAIT_S, code=code)


def _error(status: Any, code: str) -> ConnectorError:
    import grpc

    if status in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED):
        refused = AuthFailed("the org does not let this user subscribe to these change events", code=code)
        refused.fix = (
            "Setup > Integrations > Change Data Capture: select the object; "
            "and let the integration user see it (View All, or the permission for the object)"
        )
        return refused
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return RateLimited("the event bus asks for less", after=60.0, code=code)
    if status in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION):
        return Rejected("the event bus refused the subscription", code=code)
    return RetryLater("the stream of change events broke", code=code)
