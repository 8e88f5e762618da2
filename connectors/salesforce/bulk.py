"""Bulk query jobs: made, asked after, fetched portion by portion, deleted.

Owns the wire of Bulk API 2.0 and the turning of its CSV into rows nested as a query nests them. Refuses to wait, and to
know what a row means. Invariant: no more than one portion is in memory, and a row that comes this way has the content
that it has by query: numbers, booleans and instants are read by the types that describe shows, and an empty text is
null. Columns that describe does not know stay text.
https://developer.salesforce.com/docs/platform/api-asynch/guide/query-create-job.html
https://developer.salesforce.com/docs/platform/api-asynch/guide/query-get-job-results.html
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from connectors.errors import ConnectorError, Rejected, RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.rows import Row
from connectors.salesforce.selection import Selection

WORKING: Final = frozenset({"Queued", "UploadComplete", "InProgress"})
COMPLETE: Final = "JobComplete"
NUMBERS: Final = frozenset({"int", "double", "currency", "percent", "long"})


class Job(msgspec.Struct, rename="camel"):
    """A job as Salesforce tells of it. ``state`` is Failed or Aborted when nothing more will come."""

    id: str
    state: str
    number_records_processed: int = 0


class Portion(NamedTuple):
    """Some rows of a job's results, and where the next ones begin: None at the end."""

    rows: Iterator[Row]
    locator: str | None


_decode_job = msgspec.json.Decoder(Job).decode


class BulkQueries:
    """The bulk query jobs of one org."""

    def __init__(self, api: Api, selection: Selection) -> None:
        self._api = api
        self._selection = selection
        self._fits: dict[str, int] = {}
        """How many rows of an object were small enough, where it was not as many as wanted."""

    def begin(self, soql: str) -> Job:
        """Makes a job over what is there, deleted rows included."""
        content = msgspec.json.encode({"operation": "queryAll", "query": soql})
        return self._job(self._api.bulk("POST", names.BULK, content=content).body)

    def ask(self, job: str) -> Job:
        """How far it is."""
        return self._job(self._api.bulk("GET", f"{names.BULK}/{job}").body)

    def portion(self, job: str, locator: str, name: str, most: int) -> Portion:
        """The rows of object ``name`` after ``locator`` (empty: from the first), at most ``most`` of them; fewer where
        they are very long."""
        most = min(most, self._fits.get(name, most))
        params = {"maxRecords": str(most), **({"locator": locator} if locator else {})}
        try:
            answer = self._api.bulk("GET", f"{names.BULK}/{job}/results", params=params)
        except Rejected as error:
            if error.code != "TOO_LARGE" or most < 8:
                raise
            self._fits[name] = most // 8
            return self.portion(job, locator, name, most // 8)
        following = {field.lower(): value for field, value in answer.headers.items()}.get(names.LOCATOR.lower())
        rows = csv.reader(io.TextIOWrapper(io.BytesIO(answer.body), "utf-8", newline=""))
        heads = next(rows, [])
        if "Id" not in heads:
            raise RetryLater("the results of a bulk job are not what was asked for", code="UNREADABLE")
        return Portion(_nested(rows, [self._reader(name, head) for head in heads]), _no_null(following))

    def end(self, job: str) -> None:
        """Deletes it with its results; Salesforce does so itself after seven days."""
        with suppress(ConnectorError):
            self._api.bulk("DELETE", f"{names.BULK}/{job}")

    def _job(self, body: bytes) -> Job:
        try:
            return _decode_job(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise RetryLater("the answer about a bulk job is unreadable", code="UNREADABLE") from None

    def _reader(self, name: str, path: str) -> tuple[list[str], Callable[[str], Any]]:
        field = self._selection.field(name, path)
        kind = field.type if field is not None else ""
        return path.split("."), _NUMBER if kind in NUMBERS else _OTHERS.get(kind, str)


def _no_null(locator: str | None) -> str | None:
    """After the last portion the header says "null" in so many letters."""
    return None if locator in {None, "", "null"} else locator


def _nested(rows: Iterator[list[str]], readers: Sequence[tuple[list[str], Callable[[str], Any]]]) -> Iterator[Row]:
    try:
        for values in rows:
            if len(values) != len(readers):
                raise RetryLater("a row of a bulk job's results is incomplete", code="UNREADABLE")
            row: Row = {}
            for (parts, read), value in zip(readers, values, strict=True):
                inner = row
                for part in parts[:-1]:
                    inner = inner.setdefault(part, {})
                inner[parts[-1]] = read(value) if value else None
            yield row
    except (csv.Error, UnicodeDecodeError):
        raise RetryLater("the results of a bulk job are unreadable", code="UNREADABLE") from None


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number


def _instant(text: str) -> str:
    """Queries say ``+0000`` where bulk results say ``Z``."""
    return f"{text[:-1]}+0000" if text.endswith("Z") else text


_NUMBER: Final = _number
_OTHERS: Final[dict[str, Callable[[str], Any]]] = {"boolean": lambda text: text == "true", "datetime": _instant}
