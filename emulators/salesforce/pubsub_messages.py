"""The messages of the Pub/Sub API, as far as a practice org speaks them.

Owns their names, numbers and types. Refuses the service. Invariant: the numbers are those of the public description,
against which a test holds them where that is at hand.
https://github.com/forcedotcom/pub-sub-api/blob/main/pubsub_api.proto
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

PACKAGE: Final = "eventbus.v1"
_TEXT, _BYTES, _NUMBER, _MESSAGE = 9, 12, 5, 11
_SHAPES: Final = """
ProducerEvent: id 1 text, schema_id 2 text, payload 3 bytes
ConsumerEvent: event 1 ProducerEvent, replay_id 2 bytes
FetchRequest: topic_name 1 text, replay_preset 2 number, replay_id 3 bytes, num_requested 4 number, auth_refresh 5 text
FetchResponse: events 1 ConsumerEvent*, latest_replay_id 2 bytes, rpc_id 3 text, pending_num_requested 4 number
SchemaRequest: schema_id 1 text
SchemaInfo: schema_json 1 text, schema_id 2 text, rpc_id 3 text
"""


def build() -> Any:
    """The classes of the messages, by name."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="practice.proto", package=PACKAGE, syntax="proto3")
    scalars = {"text": _TEXT, "bytes": _BYTES, "number": _NUMBER}
    names = []
    for line in _SHAPES.strip().splitlines():
        name, _, fields = line.partition(": ")
        names.append(name)
        message = file.message_type.add(name=name)
        for field in fields.split(", "):
            called, number, kind = field.split(" ")
            made = message.field.add(name=called, number=int(number), label=3 if kind.endswith("*") else 1)
            made.type = scalars.get(kind, _MESSAGE)
            if made.type == _MESSAGE:
                made.type_name = f".{PACKAGE}.{kind.rstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    classes = {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in names}
    return SimpleNamespace(**classes)
