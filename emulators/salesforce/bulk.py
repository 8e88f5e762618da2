"""Bulk API 2.0 query jobs: made, worked at, fetched as CSV in sets, aborted, deleted.

Owns the jobs of an org, their states by emulated time, and their results. Refuses ingest jobs and the language.
Invariant: a job's results are the rows that were there when it was made, each once, in no order that was not asked for.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Create a Query Job", "Get Information About a Query Job", "Get
Results for a Query Job" (maxRecords, Sforce-Locator, "null" after the last set, 409 for another version), "Abort" and
"Delete a Query Job", "Understanding Bulk API 2.0 Query" (what SOQL is refused, chunks). Assumed: how long a job works,
the codes of refusals, that every value is quoted and that instants end in Z.
"""

from __future__ import annotations

import base64
import binascii
import random
from dataclasses import dataclass
from typing import Any, Final

from emulators.http import Response
from emulators.salesforce import errors
from emulators.salesforce.call import Call
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import make_id
from emulators.salesforce.org import Org
from emulators.salesforce.soql import Path, Query, parse
from emulators.salesforce.soql_run import Run
from emulators.salesforce.store import Store, Values
from emulators.salesforce.values import show_instant

QUEUED_MS: Final = 1_000
CHUNK: Final = 10_000
CHUNK_MS: Final = 1_000
SET: Final = 50_000
"""Records in a set of results when the client names no number."""
LIFE_MS: Final = 7 * 24 * 3_600_000


@dataclass(slots=True)
class Job:
    """``ended`` is Aborted or Failed once it is. Results are kept as rows; CSV is made for each set."""

    id: str
    operation: str
    run: Run
    query: Query
    rows: list[Values]
    base: str
    user: str
    made_ms: int
    ended: str | None = None


class Bulk:
    def __init__(self, store: Store, org: Org) -> None:
        self._store = store
        self._org = org
        self._jobs: dict[str, Job] = {}
        self._made = 0

    @property
    def made(self) -> int:
        return self._made

    def expire(self) -> None:
        """As after seven days."""
        self._jobs.clear()

    def answer(self, call: Call) -> Response:
        """``parts`` start after ``jobs/query``."""
        match call.method, call.parts:
            case "POST", ():
                return self._make(call)
            case "GET", ():
                return Response(200, {"done": True, "records": [self._show(job) for job in self._jobs.values()]})
            case "GET", (job,):
                return Response(200, self._show(self._found(job), whole=True))
            case "GET", (job, "results"):
                return self._results(call, self._found(job))
            case "PATCH", (job,):
                return self._abort(call, self._found(job))
            case "DELETE", (job,):
                return self._delete(self._found(job))
        raise errors.not_found()

    def _make(self, call: Call) -> Response:
        body = call.body()
        operation = body.get("operation")
        if operation not in ("query", "queryAll"):
            raise ApiError(400, "INVALIDOPERATION", f"Operation not supported: {operation}")
        query = parse(str(body.get("query", "")))
        if query.counts or query.offset or not all(isinstance(item, Path) for item in query.items):
            raise ApiError(400, "API_ERROR", "Aggregate functions, OFFSET and TYPEOF are not supported in a bulk query")
        run = Run(self._store, self._org, query, deleted=operation == "queryAll")
        self._made += 1
        made = Job(
            make_id("750", self._made), operation, run, query, run.rows(), call.base, call.user, self._store.now_ms()
        )
        if not query.order:
            _shuffle(made.rows, self._made)
        if self._org.failing_jobs:
            self._org.failing_jobs -= 1
            made.ended = "Failed"
        self._jobs[made.id] = made
        return Response(200, self._show(made) | {"state": "UploadComplete"})

    def _found(self, id: str) -> Job:
        job = self._jobs.get(id)
        if job is None or self._store.now_ms() - job.made_ms > LIFE_MS:
            raise errors.not_found()
        return job

    def _state(self, job: Job) -> str:
        worked = self._store.now_ms() - job.made_ms
        if worked < QUEUED_MS:
            return "UploadComplete"
        if worked < QUEUED_MS + CHUNK_MS * (1 + len(job.rows) // CHUNK):
            return "InProgress"
        return job.ended or "JobComplete"

    def _show(self, job: Job, *, whole: bool = False) -> dict[str, Any]:
        state = job.ended if job.ended == "Aborted" else self._state(job)
        shown: dict[str, Any] = {
            "id": job.id, "operation": job.operation, "object": job.run.table.name, "createdById": job.user,
            "createdDate": show_instant(job.made_ms), "systemModstamp": show_instant(job.made_ms), "state": state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(job.base.rpartition("/v")[2]),
            "lineEnding": "LF", "columnDelimiter": "COMMA", "jobType": "V2Query",
        }  # fmt: skip
        if whole:
            done = len(job.rows) if state == "JobComplete" else 0
            shown |= {"numberRecordsProcessed": done, "retries": 0, "totalProcessingTime": 0}
        if state == "Failed":
            shown["errorMessage"] = "InternalServerError: something failed inside"
        return shown

    def _results(self, call: Call, job: Job) -> Response:
        if call.base != job.base:
            raise ApiError(409, "API_ERROR", "The API version does not match the one that created the job")
        if job.ended or self._state(job) != "JobComplete":
            raise ApiError(400, "INVALIDJOBSTATE", "The job has no results")
        start = _place(call.parameter("locator"))
        end = start + int(call.parameter("maxRecords") or SET)
        rows = job.rows[start:end]
        locator = base64.b64encode(str(end).encode()).decode().rstrip("=") if end < len(job.rows) else "null"
        headers = {
            "Content-Type": "text/csv; charset=UTF-8", "Sforce-Locator": locator,
            "Sforce-NumberOfRecords": str(len(rows)),
        }  # fmt: skip
        return Response(200, _csv(job, rows), headers)

    def _abort(self, call: Call, job: Job) -> Response:
        if call.body().get("state") != "Aborted" or job.ended or self._state(job) == "JobComplete":
            raise ApiError(400, "INVALIDJOBSTATE", "The job cannot be aborted")
        job.ended = "Aborted"
        return Response(200, self._show(job))

    def _delete(self, job: Job) -> Response:
        if not job.ended and self._state(job) != "JobComplete":
            raise ApiError(400, "INVALIDJOBSTATE", "A job that is being worked at cannot be deleted")
        del self._jobs[job.id]
        return Response(204)


def _shuffle(rows: list[Values], seed: int) -> None:
    """Chunks finish in any order, and nothing promises an order inside one."""
    random.Random(seed).shuffle(rows)


def _place(locator: str | None) -> int:
    if not locator:
        return 0
    try:
        return int(base64.b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        raise ApiError(400, "INVALIDLOCATOR", "The locator is not valid") from None


def _csv(job: Job, rows: list[Values]) -> bytes:
    paths = [item.names for item in job.query.items if isinstance(item, Path)]
    lines = [",".join(f'"{".".join(names)}"' for names in paths)]
    for row in rows:
        shown = job.run.show(row, job.base)
        lines.append(",".join(_quoted(_value(shown, names)) for names in paths))
    return ("\n".join(lines) + "\n").encode()


def _value(shown: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if not isinstance(shown, dict):
            return None
        shown = next((value for key, value in shown.items() if key.lower() == name.lower()), None)
    return shown


def _quoted(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    text = str(value)
    if text.endswith(".000+0000"):
        text = text.removesuffix("+0000") + "Z"
    return '"' + text.replace('"', '""') + '"'
