"""Query resources: query, queryAll and the pages that follow.

Owns cursors and page sizes. Refuses the language (``soql``, ``soql_run``).
Invariant: the pages of one cursor show the rows found at the start, each once.
Source: https://developer.salesforce.com/docs/platform/api-rest/guide/headers-queryoptions.html (2,000 rows by default,
200 at least) and https://developer.salesforce.com/docs/platform/salesforce-app-limits-cheatsheet/guide/
salesforce-app-limits-platform-apicursors.html: a cursor lives for two days, and any number may be open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from emulators.http import Response
from emulators.salesforce.call import Call
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import make_id
from emulators.salesforce.org import Org
from emulators.salesforce.soql import parse
from emulators.salesforce.soql_run import Run
from emulators.salesforce.store import Store, Values

PAGE: Final = 2000
SMALLEST_PAGE: Final = 200
CURSOR_MS: Final = 2 * 24 * 3600 * 1000
PREFIX: Final = "0r8"
"""What a locator begins with: https://help.salesforce.com/s/articleView?id=000384958."""


@dataclass(slots=True)
class Cursor:
    run: Run
    rows: list[Values]
    size: int
    made_ms: int


class Queries:
    def __init__(self, store: Store, org: Org) -> None:
        self._store = store
        self._org = org
        self._cursors: dict[str, Cursor] = {}
        self._made = 0

    def expire(self) -> None:
        self._cursors.clear()

    def query(self, call: Call, *, deleted: bool) -> Response:
        """``/query?q=`` and ``/queryAll?q=``."""
        query = parse(call.needed("q"))
        run = Run(self._store, self._org, query, deleted=deleted)
        if self._org.times_out(run.table.name):
            raise ApiError(400, "QUERY_TIMEOUT", "Your query request was running for too long.")
        rows = run.rows()
        if query.counts:
            return Response(200, {"totalSize": len(rows), "done": True, "records": []})
        return self._page(Cursor(run, rows, _page_size(call), self._store.now_ms()), None, 0, call.base)

    def more(self, call: Call, locator: str) -> Response:
        """``/query/0r8…-2000``, the path that ``nextRecordsUrl`` gave."""
        found = re.fullmatch(r"(\w+)-(\d+)", locator)
        cursor = self._cursors.get(found[1]) if found else None
        if found is None or cursor is None or self._store.now_ms() - cursor.made_ms > CURSOR_MS:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(cursor, found[1], int(found[2]), call.base)

    def _page(self, cursor: Cursor, name: str | None, start: int, base: str) -> Response:
        end = start + cursor.size
        page: dict[str, Any] = {"totalSize": len(cursor.rows), "done": end >= len(cursor.rows)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"{base}/query/{name or self._keep(cursor)}-{end}"
        page["records"] = [cursor.run.show(row, base) for row in cursor.rows[start:end]]
        return Response(200, page)

    def _keep(self, cursor: Cursor) -> str:
        self._made += 1
        name = make_id(PREFIX, self._made)
        living = self._store.now_ms() - CURSOR_MS
        self._cursors = {one: kept for one, kept in self._cursors.items() if kept.made_ms > living} | {name: cursor}
        return name


def _page_size(call: Call) -> int:
    found = re.search(r"batchSize\s*=\s*(\d+)", call.request.headers.get("sforce-query-options", ""), re.IGNORECASE)
    return min(max(int(found[1]), SMALLEST_PAGE), PAGE) if found else PAGE
