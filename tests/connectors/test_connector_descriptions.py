"""What goes over the wire between our connectors and the practice CRMs, against the vendors' own descriptions.

One tour does everything that a daemon does in a day; then every request and every answer of it is looked at.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from connector_benches import Bench, HubSpotBench, SalesforceBench
from vendor_descriptions import (
    ASSOCIATIONS,
    LEADS,
    OWNERS,
    PIPELINES,
    PROPERTIES,
    SALESFORCE,
    TASKS,
    TICKETS,
    body_of,
    needs_descriptions,
    problems,
    schema_of,
)

import emulators.core
from connectors.base import Action, WriteBack
from connectors.salesforce import names
from connectors.setup import setup_of
from emulators.http import Request, Response

pytestmark = needs_descriptions


class Exchange(NamedTuple):
    method: str
    path: str
    query: dict[str, list[str]]
    sent: Any
    status: int
    answer: Any

    @property
    def call(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


def _json(body: object) -> Any:
    if isinstance(body, bytes | bytearray | str):
        try:
            return json.loads(body) if body else None
        except ValueError:
            return None
    return json.loads(json.dumps(body, default=str))


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    heard: list[Exchange] = []
    respond = emulators.core.respond

    def listening(emulator: emulators.core.Emulator, request: Request) -> tuple[Response, Any]:
        response, cut = respond(emulator, request)
        query = {name: list(values) for name, values in request.query.items()}
        sent, answer = _json(request.body), _json(response.body)
        heard.append(Exchange(request.method, request.path, query, sent, response.status, answer))
        return response, cut

    monkeypatch.setattr(emulators.core, "respond", listening)
    return heard


def order(number: int, record: str, action: Action, **more: Any) -> WriteBack:
    return WriteBack(key=f"key-{number}", record=record, action=action, **more)


def tour(bench: Bench) -> None:
    """A day of a daemon: everything is asked, everything is written."""
    now = 1_772_460_300_000
    lead, ticket, gone = bench.create("lead"), bench.create("ticket"), bench.create("ticket")
    bench.connector.check()
    cursors = {stream.name: bench.connector.poll(stream.name, None, now) for stream in bench.connector.streams()}
    bench.customer_writes(ticket)
    bench.agent_writes(ticket, bench.maria)
    bench.agent_calls(lead, bench.maria, reached=True)
    bench.give(ticket, bench.maria, bench.li)
    bench.give(lead, bench.maria, bench.li)
    bench.delete(gone)
    for _ in range(2):
        bench.pass_time(700)
        for stream, page in cursors.items():
            cursors[stream] = bench.connector.poll(stream, page.cursor, now)
    bench.connector.read([lead, ticket, gone])
    bench.connector.people()
    values = {"sla_due": now, "sla_status": "running"}
    wishes: list[list[WriteBack]] = [
        [order(1, lead, "fields", values=values), order(2, ticket, "fields", values=values)],
        [order(3, ticket, "fields", values={**values, "sla_status": "met"}, attempts=1)],
        [order(4, ticket, "owner", owner=bench.li), order(5, lead, "owner", owner=bench.li)],
        [order(6, ticket, "owner", owner=bench.gone)],
        [order(7, ticket, "set", values={"priority": "urgent", "status": "pending"})],
        [order(8, lead, "task", subject="Call", owner=bench.li, due_at=now, priority="high")],
        [order(9, ticket, "task", subject="Call", owner=bench.li, due_at=now, priority="high", attempts=1)],
        [order(10, ticket, "complete", task="key-9"), order(11, lead, "complete", task="key-8")],
        [order(12, ticket, "note", subject="late"), order(13, lead, "note", subject="late", attempts=1)],
        [order(14, ticket, "tag", subject="slow")],
        [order(15, ticket, "message", subject="We are on it", since=now)],
        [order(16, gone, "fields", values=values)],
    ]
    for batch in wishes:
        if batch[0].action in bench.connector.capabilities.batch:
            bench.connector.write(batch)


# ---- HubSpot

O3 = "/crm/v3/objects"
OLDER = (
    (re.compile(r"^/crm/objects/2026-\d\d/([^/]+)/([^/]+)/associations/"), r"/crm/v4/objects/\1/\2/associations/"),
    (re.compile(r"^/crm/objects/2026-\d\d/"), f"{O3}/"),
    (re.compile(r"^/crm/associations/2026-\d\d/"), "/crm/v4/associations/"),
    (re.compile(r"^/crm/(owners|pipelines|properties)/2026-\d\d"), r"/crm/v3/\1"),
)
"""The descriptions are those of the numbered versions; bodies and answers of the dated ones are the same."""
ALIKE = re.compile(rf"^{O3}/(contacts|emails|calls|meetings|notes|communications)(?=/|$)")
"""Objects whose own description is not there: all objects share one API, so they are held to that of tickets."""
PARTLY = re.compile(r"/2026-09/")
"""From this version on, rows that failed are told with the status of a success, in the shape of the older 207."""
SORTS = "https://developers.hubspot.com/docs/api-reference/search/guide#sort-search-results"
"""The guide sorts by ``{"propertyName", "direction"}`` where the description says text."""
UNDESCRIBED = (
    re.compile(r"/account-info/|/conversations/|/oauth/|/labels$|/integrations/|/webhooks-journal/"),
    re.compile(r"^/crm/v3/pipelines/0-136"),
)


def hubspot_description(path: str) -> tuple[str, str] | None:
    """The file and the path in it that describe a call; None where nothing does."""
    if any(pattern.search(path) for pattern in UNDESCRIBED):
        return None
    for pattern, older in OLDER:
        path = pattern.sub(older, path)
    path = ALIKE.sub(f"{O3}/tickets", path)
    files = {
        f"{O3}/tickets": TICKETS, f"{O3}/leads": LEADS, f"{O3}/tasks": TASKS, "/crm/v3/owners": OWNERS,
        "/crm/v3/pipelines": PIPELINES, "/crm/v3/properties": PROPERTIES, "/crm/v4/": ASSOCIATIONS,
    }  # fmt: skip
    return next((file, path) for start, file in files.items() if path.startswith(start))


def hubspot_problems(exchange: Exchange) -> Iterator[str]:
    found = hubspot_description(exchange.path)
    if found is None:
        return
    file, path = found
    partly = exchange.status == 200 and isinstance(exchange.answer, dict) and "numErrors" in exchange.answer
    asked = body_of(file, exchange.method, path)
    answered = schema_of(
        file, exchange.method, path, 207 if partly and PARTLY.search(exchange.path) else exchange.status
    )
    if asked is not None:
        sent = exchange.sent
        if isinstance(sent, dict) and path.endswith("/search"):
            sent = {**sent, "sorts": [one["propertyName"] for one in sent.get("sorts", [])]}  # see SORTS
        yield from problems(file, _as_sent(asked, file), sent, "request")
    elif exchange.sent:
        yield "a body where none is described"
    if answered is not None:
        yield from problems(file, answered, exchange.answer, "answer")


def _as_sent(schema: dict[str, Any], file: str) -> dict[str, Any]:
    """A request's schema without ``required``: the vendor marks keys so that its own clients leave out."""
    from vendor_descriptions import described

    name = schema.get("$ref", "").rpartition("/")[2]
    whole = described(file)["components"]["schemas"][name] if name else schema
    return {**whole, "required": []}


class LeadsBench(HubSpotBench):
    """A portal with lead objects."""

    OBJECTS = {"lead": "leads", "ticket": "tickets"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.desk.settings["objects"] = ["leads", "tickets"]
        self.connector.close()
        self.connector = self.connect()

    def create(self, kind: str, owner: str | None = None) -> str:
        if kind == "ticket":
            return super().create(kind, owner)
        contact = {"object": "contacts", "id": self.desk.contact(email="ada@doe.test")}
        fields = {"hs_lead_name": "Ada"} | ({"hubspot_owner_id": owner} if owner else {})
        made = self.desk.act("create", object="leads", fields=fields, associations=[contact])
        return f"acme:lead:{made['id']}"


def described_well(exchanges: list[Exchange]) -> Counter[str]:
    """How many calls each description has, all of which follow it."""
    wrong = {f"{exchange.call}: {problem}" for exchange in exchanges for problem in hubspot_problems(exchange)}
    assert not wrong, "\n".join(sorted(wrong))
    return Counter(found[0] for exchange in exchanges if (found := hubspot_description(exchange.path)))


@pytest.mark.parametrize(
    ("crm", "more"), [(HubSpotBench, set()), (LeadsBench, {LEADS})], ids=["contacts as leads", "lead objects"]
)
def test_hubspot_is_asked_and_answers_as_hubspot_describes_it(
    exchanges: list[Exchange], crm: type[HubSpotBench], more: set[str]
) -> None:
    bench = crm()
    try:
        tour(bench)
    finally:
        bench.shut()
    described = described_well(exchanges)
    assert set(described) == {TICKETS, TASKS, OWNERS, PIPELINES, PROPERTIES, ASSOCIATIONS} | more
    assert sum(described.values()) > 30
    histories = [one for one in exchanges if isinstance(one.sent, dict) and "propertiesWithHistory" in one.sent]
    assert any(row.get("propertiesWithHistory") for one in histories for row in one.answer["results"])


def test_what_is_set_up_in_hubspot_follows_its_description(exchanges: list[Exchange]) -> None:
    bench = HubSpotBench()
    try:
        new = {"lead": {"sla_due": "sla_new_due", "sla_status": "sla_new_status"}, "ticket": {"sla_due": "sla_new_due"}}
        setup = setup_of(bench.desk.connect(write=new, task_key="sla_new_key"))
        assert setup is not None
        setup.account()
        assert {finding.level for finding in setup.create(setup.missing())} == {"ok"}
    finally:
        bench.shut()
    made = [one for one in exchanges if one.method == "POST" and PROPERTIES in (hubspot_description(one.path) or ())]
    assert described_well(exchanges)[PROPERTIES] >= len(made) > 3


# ---- Salesforce

VARIABLE = re.compile(r"\{\{[^}]*\}\}|<[A-Z_]+>")
BEYOND = (
    re.compile(r"^/services/data/v[\d.]+/tooling/|^/services/Soap/m/"),
    re.compile(r"^/services/data/v[\d.]+/query(All)?/0r8"),
)
"""What the collection of 2021 does not hold: the Tooling and Metadata APIs, and the further pages of a query."""


def salesforce_requests() -> list[tuple[str, re.Pattern[str]]]:
    """Method and path of every request in the vendor's own collection."""
    found = []
    for file in sorted((SALESFORCE / "postman_2021_cc0").glob("*.json")):
        told = json.loads(file.read_text())
        path = re.sub(r"^\{\{(url|_endpoint)\}\}(\{\{site\}\})?", "", told["url"]).partition("?")[0].rstrip("/")
        pattern = "".join(
            part if part == "[^/]+" else re.escape(part)
            for part in re.split(r"(\[\^/\]\+)", VARIABLE.sub("[^/]+", path))
        )
        found.append((told["method"], re.compile(f"{pattern}/?")))
    return found


def salesforce_fields() -> dict[str, dict[str, str]]:
    told = json.loads((SALESFORCE / "sobject_fields_from_jsforce.json").read_text())["objects"]
    return {name: about["fields"] for name, about in told.items()}


def rows_in(answer: Any) -> Iterator[dict[str, Any]]:
    """Every row of an object that an answer holds, however deep."""
    if isinstance(answer, dict):
        if isinstance(answer.get("attributes"), dict):
            yield answer
        for one in answer.values():
            yield from rows_in(one)
    elif isinstance(answer, list):
        for one in answer:
            yield from rows_in(one)


LATER = {("Case", "MasterRecordId"), ("Task", "CompletedDateTime"), ("FeedItem", "Visibility")}
"""Fields of the Object Reference that the list, made for an older version and an org without sites, does not hold."""
FITS = {"string": str, "boolean": bool, "number": int | float, "DateString": str}


def field_problems(row: dict[str, Any], fields: dict[str, dict[str, str]]) -> Iterator[str]:
    name = row["attributes"].get("type", "")
    known = fields.get(name)
    for field, value in row.items():
        usual = field in {"attributes", "id"} or (name, field) in LATER
        if known is None or usual or field.endswith("__c") or isinstance(value, dict):
            continue
        told = known.get(field)
        if told is None:
            yield f"{name}.{field} is no field of Salesforce"
            continue
        kinds = told.split(" | ")
        if value is None:
            if "null" not in kinds:
                yield f"{name}.{field} is never null"
        elif not any(isinstance(value, FITS.get(kind, object)) for kind in kinds if kind != "null"):
            yield f"{name}.{field} is {told}, not {value!r}"


def salesforce_wrongs(exchanges: list[Exchange]) -> tuple[set[str], Counter[str]]:
    """What is no request or no field of Salesforce, and how many rows of each object were answered."""
    known, fields = salesforce_requests(), salesforce_fields()
    wrong: set[str] = set()
    rows: Counter[str] = Counter()
    for exchange in exchanges:
        path = exchange.path.rstrip("/")
        if not any(method == exchange.method and pattern.fullmatch(path) for method, pattern in known):
            collections = exchange.method == "PATCH" and path.endswith("/composite/sobjects")
            if not collections and not any(pattern.search(path) for pattern in BEYOND):
                wrong.add(f"{exchange.method} {path} is no request of Salesforce")
        for row in rows_in(exchange.answer):
            rows[row["attributes"].get("type", "")] += 1
            wrong.update(field_problems(row, fields))
        for row in rows_in(exchange.sent):
            wrong.update(f"sent: {problem}" for problem in field_problems(row, fields))
    return wrong, rows


def test_salesforce_is_asked_and_answers_as_salesforce_describes_it(exchanges: list[Exchange]) -> None:
    bench = SalesforceBench()
    try:
        tour(bench)
    finally:
        bench.shut()
    wrong, rows = salesforce_wrongs(exchanges)
    assert not wrong, "\n".join(sorted(wrong))
    assert set(rows) >= {"Lead", "Case", "LeadHistory", "CaseHistory", "EmailMessage", "Task", "User", "Group"}
    assert sum(rows.values()) > 30


def test_jobs_and_the_setting_up_of_salesforce_are_requests_of_salesforce(
    exchanges: list[Exchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PAGE_ROWS": 2, "BULK_PAGES": 1, "PORTION_PAGES": 1}.items():
        monkeypatch.setattr(names, name, value)
    monkeypatch.setattr("emulators.salesforce.queries.SMALLEST_PAGE", 1)
    bench = SalesforceBench()
    try:
        for _ in range(9):
            bench.create("lead")
        cursor = None
        for _ in range(12):
            page = bench.connector.poll("Lead", cursor, 0)
            bench.pass_time(2)
            cursor = page.cursor
        setup = setup_of(bench.connector)
        assert setup is not None
        setup.account()
        setup.calendars("2026-03-02")
        setup.create(setup.missing())
    finally:
        bench.shut()
    wrong, _ = salesforce_wrongs(exchanges)
    assert not wrong, "\n".join(sorted(wrong))
    jobs = {re.sub(r"/750\w+", "/ID", one.path).partition("/jobs/")[2] for one in exchanges if "/jobs/" in one.path}
    assert {"query", "query/ID", "query/ID/results"} <= jobs
