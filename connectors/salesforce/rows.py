"""Rows of queries and of bulk results, and the changes they are.

Owns what makes one row the same change wherever it was read. Refuses to understand more of a row than its identity.
Invariant: a key is made of the row's id, its stamp and its content, so that one state of a record is one change, read
by sweep, by bulk job, by webhook or twice, and another state is another, even within one second. What does not show
(a null, the address of the row, whether a number ended in ``.0``) is no content: bulk results do not tell it. Nor is
what people wrote at length, and it is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from connectors.base import Change
from connectors.errors import RetryLater
from connectors.salesforce import names
from connectors.salesforce.actors import ME, READ
from connectors.salesforce.bundle import Answer
from connectors.salesforce.content import content
from connectors.salesforce.conversation import AUTOMATIC, says_automatic
from connectors.salesforce.ids import is_id
from connectors.salesforce.marks import MARKER, is_marked

Row = dict[str, Any]
_PARENTS: Final = ("WhoId", "WhatId", "ParentId", "LeadId", "CaseId")


class Result(msgspec.Struct, rename="camel"):
    """One page of a query; a record stays the bytes it came as. ``total_size`` counts all pages."""

    records: list[msgspec.Raw]
    done: bool = True
    total_size: int = 0


_decode_result = msgspec.json.Decoder(Result).decode
decode_row = msgspec.json.Decoder(Row).decode


def rows_of(answer: Answer) -> Result:
    """The rows of a query's answer. Raises RetryLater when it is cut short or something else."""
    try:
        return _decode_result(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RetryLater("the answer to a query is not a list of records", code="UNREADABLE") from None


def decoded(answer: Answer) -> list[Row]:
    """The rows of a query's answer, understood as JSON and no further."""
    return [decode_row(raw) for raw in rows_of(answer).records]


class Taken(NamedTuple):
    """The changes of some rows, how many rows there were in all, and stamp and id of the last of them."""

    changes: list[Change]
    total: int = 0
    last: tuple[str, str] | None = None


class Rows:
    """Makes changes of one connection's rows. ``objects`` are the records it watches."""

    def __init__(self, objects: Sequence[str]) -> None:
        self._objects = frozenset(objects)

    def of_query(self, name: str, records: Iterable[msgspec.Raw], me: str | None, read_at: int, stamp: str) -> Taken:
        """The rows of a query's page on object ``name``, whose order is that of its field ``stamp``."""
        note = f',"{ME}":"{me or ""}","{READ}":{read_at}}}'.encode()

        def each() -> Iterator[tuple[Row, bytes]]:
            for raw in records:
                row = decode_row(raw)
                body = msgspec.json.encode(row) if _without_texts(name, row) else bytes(raw)
                yield row, body[:-1] + note

        return self._taken(name, each(), stamp)

    def of_bulk(self, name: str, rows: Iterable[Row], me: str | None, read_at: int, stamp: str) -> Taken:
        """The rows of a bulk job's results, nested as a query nests them."""

        def each() -> Iterator[tuple[Row, bytes]]:
            for row in rows:
                _without_texts(name, row)
                yield row, msgspec.json.encode({**row, ME: me or "", READ: read_at})

        return self._taken(name, each(), stamp)

    def _taken(self, name: str, rows: Iterable[tuple[Row, bytes]], stamp: str) -> Taken:
        changes: list[Change] = []
        total, row = 0, None
        for row, payload in rows:
            total += 1
            if self._watched(name, row):
                key = f"{name}:{row['Id']}:{row.get(stamp)}:{content(row):08x}"
                changes.append(Change(name, key, payload))
        return Taken(changes, total, None if row is None else (str(row.get(stamp)), row["Id"]))

    def _watched(self, name: str, row: Row) -> bool:
        """Whether a row is, or belongs to, a record that we watch. Of the two rows that tell a new owner, one holds
        people's names: it is left alone."""
        if name in names.KINDS:
            return True
        if name in names.HISTORIES and row.get("Field") != "Status" and not _is_owner(row.get("NewValue")):
            return False
        parents = (row.get(field) for field in _PARENTS)
        return any(isinstance(one, str) and names.PREFIXES.get(one[:3]) in self._objects for one in parents)


def _is_owner(value: object) -> bool:
    return isinstance(value, str) and is_id(value) and value[:3] in {names.USER_PREFIX, names.QUEUE_PREFIX}


def _without_texts(name: str, row: Row) -> bool:
    """Leaves of a row's long texts only the one thing that they are read for: the headers of an e-mail hold addresses,
    the description of a task whatever somebody wrote down. Whether there was one."""
    if name == names.EMAIL:
        row[AUTOMATIC] = says_automatic(row.pop("Headers", None))
        return True
    if name == names.TASK and row.get("Description"):
        row["Description"] = MARKER if is_marked(row["Description"]) else None
        return True
    return False
