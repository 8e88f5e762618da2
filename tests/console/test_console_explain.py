"""``explain`` from a file and from a real store: one account, every sum with its parts, a picture that stands alone."""

import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from asgi_client import Client
from starlette.applications import Starlette

from console import explain_words as words
from console.__main__ import run
from console.columns import columns
from console.dashboard.routes import dashboard_routes
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import parse_line
from sync.clock import ManualClock
from sync.engine import Arrival, Engine, Rules
from sync.policy_book import PolicyBook
from sync.store import Store
from sync.view import View

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-03-03T19:00:00Z"
CONFIG = """\
[daemon]
database = "sla.db"

[calendars.office]
timezone = "America/New_York"
hours = { mon-fri = ["09:00-12:30", "13:00-17:00"] }

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "office"
[[policies.targets]]
metric = "first_response"
within = "1h"
[[policies.targets]]
metric = "resolution"
within = { high = "10h", urgent = "6h", normal = "20h" }
steps = [{ at = "50%", task = "Look at {record.name}" }, { at = "due", notify = "manager" }]

[[policies]]
name = "Gold"
applies_to = "ticket"
calendar = "office"
when = { tier = "gold" }
[[policies.targets]]
metric = "resolution"
within = "2h"
"""
TIMELINE = """\
{"record": "desk:ticket:42", "kind": "ticket", "at": "2026-03-02T14:05:00Z", "id": "a1", \
"seen": "2026-03-02T14:10:00Z", "event": "created", "actor": "customer:7", "set": {"status": "new", "priority": "high", "name": "Printer"}}
{"record": "desk:ticket:42", "at": "2026-03-02T14:20:00Z", "id": "a2", "event": "changed", "actor": "workflow:1", \
"set": {"owner": "queue:Support"}}
{"record": "desk:ticket:42", "at": "2026-03-02T14:30:00Z", "id": "a3", "event": "message", "actor": "bot:1", \
"direction": "outbound"}
{"record": "desk:ticket:42", "at": "2026-03-02T14:45:00Z", "id": "a4", "event": "message", "actor": "user:3", \
"direction": "outbound"}
{"record": "desk:ticket:42", "at": "2026-03-02T15:00:00Z", "id": "a5", "event": "changed", "actor": "user:3", \
"set": {"owner": "user:3", "priority": "urgent"}}
{"record": "desk:ticket:42", "at": "2026-03-02T20:00:00Z", "id": "a6", "event": "changed", "actor": "user:3", \
"set": {"status": "pending", "raw_status": "Waiting on customer"}}
{"record": "desk:ticket:42", "at": "2026-03-03T15:00:00Z", "id": "a7", "event": "message", "actor": "customer:7", \
"direction": "inbound"}
{"record": "desk:ticket:43", "kind": "ticket", "at": "2026-03-02T16:00:00Z", "id": "b1", "event": "created", \
"actor": "customer:8", "set": {"status": "new", "owner": "user:4"}}
"""  # noqa: E501 - one event a line
RESOLUTION = """\
resolution #1  missed   (policy Support, calendar office)
started 2026-03-02T14:05:00Z, due 2026-03-03T15:35:00Z, 8h55m of 6h used, late by 2h55m
2026-03-02T15:00:00Z  priority high → urgent, within 10h → 6h, due moved from 2026-03-03T16:35:00Z to 2026-03-02T20:35:00Z
"""  # noqa: E501 - as it is printed
SUMS = """\
spent: system 15m, queue:Support 40m, user:3 8h
  spent before anybody had it: Mon 2 Mar 09:05–09:20 15m = 15m
  spent by queue:Support: Mon 2 Mar 09:20–10:00 40m = 40m
  spent by user:3: Mon 2 Mar 10:00–12:30 2h30m + 13:00–15:00 2h + Tue 3 Mar 10:00–12:30 2h30m + 13:00–14:00 1h = 8h
  waiting on customer: Mon 2 Mar 15:00–17:00 2h + Tue 3 Mar 09:00–10:00 1h = 3h
  whole: 8h55m elapsed + 3h waiting on customer = 11h55m of working time from its start to now
  due: Mon 2 Mar 09:05–12:30 3h25m + 13:00–15:00 2h + Tue 3 Mar 10:00–10:35 35m = 6h
"""  # noqa: RUF001 - as it is written


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "t.jsonl").write_text(TIMELINE)

    def call(*arguments):
        code = run(["explain", *arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return call


@pytest.fixture
def stored(cli, tmp_path):
    """The same timelines, judged into a store as the daemon does, two hours apart."""
    document = tomllib.loads(CONFIG)
    book = PolicyBook(Policies.from_config(document), document)
    engine = Engine(book, {"desk": Rules(0)}, live=True)
    store = Store.open(tmp_path / "sla.db")
    events = [parse_line(line) for line in TIMELINE.splitlines()]
    start = parse_instant("2026-03-02T14:00:00Z")
    store.write(lambda t: book.register(t, start))
    for at in ("2026-03-02T18:00:00Z", "2026-03-02T21:00:00Z", "2026-03-03T16:00:00Z"):
        now = parse_instant(at)
        arrivals = {}
        for event in events:
            if start < (event.seen or event.at) <= now:
                arrivals.setdefault(event.record, Arrival(event.seen or event.at)).events.append(event)
        failures = store.write(lambda t, a=arrivals, n=now: engine.judge(t, a, n))
        assert failures == []
    store.close()
    return cli


# ---- text


def test_the_text_can_be_checked_by_hand(cli):
    code, out, _ = cli("42", "--timeline", "t.jsonl", "--now", NOW)
    assert code == 0
    assert RESOLUTION in out
    assert SUMS in out
    assert "not an answer: sent by bot, not by a person" in out
    assert "started first_response #1, started resolution #1" in out
    assert 'not Gold: its conditions do not hold: tier is empty, wanted "gold"' in out
    assert "judged by policies " in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "Mon 2 Mar 2026 09:05 -05:00 Mon 2 Mar 2026 09:10 -05:00 source lag: not seen here yet system 5m" in lines
    assert "Mon 2 Mar 2026 09:10 -05:00 Mon 2 Mar 2026 09:20 -05:00 waiting for first assignment system 10m" in lines
    pause = "Mon 2 Mar 2026 15:00 -05:00 Tue 3 Mar 2026 10:00 -05:00 paused: pending (Waiting on customer) - (3h)"
    assert pause in lines
    assert "50% 2026-03-02T17:05:00Z yes 3h of working time had gone by" in lines


def test_several_records_are_told_one_after_the_other(cli):
    _, out, _ = cli("42", "desk:ticket:43", "--timeline", "t.jsonl", "--now", NOW)
    assert out.index("desk:ticket:42   as of") < out.index("desk:ticket:43   as of")
    _, out, _ = cli("42", "43", "--timeline", "t.jsonl", "--now", NOW, "--json")
    assert [account["record"] for account in json.loads(out)["records"]] == ["desk:ticket:42", "desk:ticket:43"]


def test_one_clock_can_be_asked_for(cli):
    def told(*more):
        _, out, _ = cli("42", "--timeline", "t.jsonl", "--now", NOW, "--json", *more)
        return [(clock["target"], clock["cycle"]) for clock in json.loads(out)["clocks"]]

    assert told("--clock", "resolution") == [("resolution", 1)]
    assert told("--clock", "first_response#1") == [("first_response", 1)]
    assert told("--clock", "resolution", "--clock", "first_response") == [("first_response", 1), ("resolution", 1)]
    code, out, err = cli("42", "--timeline", "t.jsonl", "--now", NOW, "--clock", "resolution#2")
    assert (code, out) == (1, "")
    assert "there is no clock resolution#2" in err
    assert "there is first_response#1, resolution#1" in err
    assert cli("42", "--timeline", "t.jsonl", "--clock", "#")[0] == 2


def test_a_bad_line_is_told_and_the_rest_explained(cli, tmp_path):
    (tmp_path / "t.jsonl").write_text(TIMELINE + '{"record": "desk:ticket:43", "at": "soon"}\n')
    code, out, err = cli("43", "--timeline", "t.jsonl", "--now", NOW, "--json")
    assert code == 1
    assert "t.jsonl:9: " in err
    assert len(json.loads(out)["clocks"]) == 2


def test_a_record_that_nobody_knows_is_met_with_the_nearest(cli):
    code, out, err = cli("desk:tiket:42", "--timeline", "t.jsonl", "--now", NOW)
    assert (code, out) == (1, "")
    assert "did you mean 'desk:ticket:42'?" in err


def test_no_record_at_all_is_wrong_usage(cli):
    assert cli("--timeline", "t.jsonl")[0] == 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (3_600, "1h"),
        (45_005, "12h30m5s"),
        (0.25, "0.250s"),
        (61.5, "1m1.500s"),
        (-90, "-1m30s"),
    ],
)
def test_lengths_are_written_to_the_millisecond(seconds, text):
    assert words.exact(seconds) == text


def part(start, end, seconds):
    return {"from": start, "to": end, "working_s": seconds}


def test_a_sum_tells_midnights_later_days_and_seconds():
    night = {"working_s": 10_801.5, "parts": [
        part("2026-03-02T22:00:00Z", "2026-03-03T00:00:00Z", 7_200),
        part("2026-03-03T22:30:00Z", "2026-03-04T01:30:01.500Z", 3_601.5),
    ]}  # fmt: skip
    assert words.addition(night, "UTC") == (
        "Mon 2 Mar 22:00–24:00 2h + Tue 3 Mar 22:30–Wed 4 Mar 01:30:01.500 1h1.500s = 3h1.500s"  # noqa: RUF001
    )
    assert words.addition({"working_s": 0, "parts": []}, "UTC") == "nothing = 0s"


def test_a_long_sum_is_added_up_by_day():
    parts = [
        part(f"2026-03-{day:02}T{hour}:00:00Z", f"2026-03-{day:02}T{hour + 3}:00:00Z", 10_800)
        for day in (2, 3, 4, 5, 6)
        for hour in (10, 14)
    ]
    parts[0] = part("2026-03-02T11:00:00Z", "2026-03-02T13:00:00Z", 7_200)
    total = {"working_s": 104_400, "parts": parts}
    assert words.addition(total, "UTC") == "Mon 2 Mar 5h + Tue 3 Mar … Fri 6 Mar 4 × 6h = 29h"  # noqa: RUF001


def test_the_two_passes_of_an_hour_that_the_clocks_repeat_are_told_apart():
    assert words.stamp("2026-10-25T00:30:00Z", "Europe/Berlin") == "Sun 25 Oct 2026 02:30 +02:00"
    assert words.stamp("2026-10-25T01:30:00Z", "Europe/Berlin") == "Sun 25 Oct 2026 02:30 +01:00"


def test_a_table_folds_what_is_too_wide_and_cuts_nothing_off():
    rows = [("a", "one two three four five six seven", 12), ("bb", None, True)]
    folded = [
        "name   words              count",
        "───────────────────────────────",
        "a      one two three         12",
        "       four five six",
        "       seven",
        "bb     -                    yes",
    ]
    assert columns(("name", "~words", ">count"), rows, 31) == folded
    assert columns(("name", "~words", ">count"), rows, 10) == folded  # narrower than this nobody reads it
    assert columns(("name",), []) == ["name", "────"]


# ---- from the store


def account(cli, *arguments):
    code, out, err = cli(*arguments, "--now", NOW, "--json")
    assert code == 0, err
    return json.loads(out)


def test_the_store_and_a_file_give_the_same_account_of_the_clocks(stored):
    from_file, from_store = account(stored, "42", "--timeline", "t.jsonl"), account(stored, "42")
    assert from_store["picture"] == from_file["picture"]
    for told, other in zip(from_store["clocks"], from_file["clocks"], strict=True):
        steps = [{k: v for k, v in s.items() if k not in ("decisions", "undecided")} for s in told["steps"]]
        assert {**told, "steps": steps} == other
    for told, other in zip(from_store["timeline"], from_file["timeline"], strict=True):
        assert {k: v for k, v in told.items() if k != "seen"} == {k: v for k, v in other.items() if k != "seen"}


def test_each_step_is_told_with_what_was_decided_and_what_came_of_it(stored):
    resolution = account(stored, "42")["clocks"][1]
    half, due = resolution["steps"]
    [fired] = half["decisions"]
    assert (fired["decision"], fired["decided_at"]) == ("fired", "2026-03-02T18:00:00Z")
    assert [(r["action"], r["state"], r["done_at"]) for r in fired["receipts"]] == [("task", "waiting", None)]
    assert [d["decision"] for d in due["decisions"]] == ["fired"]
    _, out, _ = stored("42", "--now", NOW)
    assert "fired 2026-03-02T18:00:00Z, task waiting" in " ".join(out.split())
    assert "Write-backs" in out


def test_a_step_that_nobody_has_decided_about_says_so(stored):
    other = account(stored, "43", "--clock", "first_response")
    assert other["clocks"][0]["steps"] == []
    code, out, _ = stored("43", "--now", "2026-03-12T19:00:00Z", "--json")
    assert code == 0
    due = json.loads(out)["clocks"][1]["steps"][1]
    assert (due["reached"], due["decisions"]) == (True, [])
    assert due["undecided"] == "not decided: no daemon has judged it since"


def test_a_step_that_its_policy_has_no_room_for_says_until_when(cli, tmp_path):
    config = CONFIG.replace('name = "Support"', 'name = "Support"\nactions_per_hour = 1')
    (tmp_path / "config.toml").write_text(config)
    document = tomllib.loads(config)
    book = PolicyBook(Policies.from_config(document), document)
    engine = Engine(book, {"desk": Rules(0)}, live=True)
    created = [json.loads(TIMELINE.splitlines()[0]) | {"record": f"desk:ticket:{n}"} for n in (1, 2)]
    now = parse_instant("2026-03-02T19:40:00Z")
    store = Store.open(tmp_path / "sla.db")
    store.write(lambda t: book.register(t, parse_instant("2026-03-02T14:00:00Z")))
    arrivals = {line["record"]: Arrival(now, [parse_line(json.dumps(line))]) for line in created}
    assert store.write(lambda t: engine.judge(t, arrivals, now)) == []
    store.close()
    code, out, _ = cli("1", "2", "--now", "2026-03-02T19:45:00Z", "--clock", "resolution", "--json")
    assert code == 0
    steps = [account["clocks"][0]["steps"][0] for account in json.loads(out)["records"]]
    assert [[d["decision"] for d in step["decisions"]] for step in steps] == [["fired"], []]
    assert steps[1]["undecided"] == "held until 2026-03-02T20:40:00.001Z: the policy's steps of this hour are used up"


def test_an_unknown_record_of_the_store_is_one_clear_message(stored):
    code, out, err = stored("44")
    assert (code, out) == (1, "")
    assert "the store knows no record '44'" in err


def test_a_wait_that_came_with_merged_records_is_explained_alike(cli, tmp_path, stored):
    gone = (
        '{"record": "desk:ticket:43", "at": "2026-03-03T15:10:00Z", "id": "b2", "event": "merged", '
        '"into": "desk:ticket:42"}\n'
    )
    (tmp_path / "t.jsonl").write_text(TIMELINE + gone)
    store = Store.open(tmp_path / "sla.db")
    document = tomllib.loads(CONFIG)
    book = PolicyBook(Policies.from_config(document), document)
    now = parse_instant("2026-03-03T16:00:00Z")
    engine = Engine(book, {"desk": Rules(0)}, live=True)
    assert store.write(lambda t: engine.judge(t, {"desk:ticket:43": Arrival(now, [parse_line(gone)])}, now)) == []
    store.close()
    for place in ((), ("--timeline", "t.jsonl")):
        told = account(cli, "42", *place)
        assert [clock["elapsed_s"] for clock in told["clocks"]] == [2_400, 32_100]
    assert account(cli, "43")["clocks"][1]["outcome"] == "cancelled"


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_stored_record_is_explained_without_what_only_a_daemon_needs(stored, tmp_path, more):
    code = (
        f"import sys; from console.__main__ import run; run(['explain', '42', *{more}]); "
        "heavy = ('pydantic', 'rich', 'starlette', 'requests', 'apscheduler', 'sync.engine'); "
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "desk:ticket:42" in done.stdout


# ---- the picture

NASTY = '"><script>alert(1)</script>\u001b[31m'
SVG = "{http://www.w3.org/2000/svg}"


def drawn(cli, tmp_path, *records):
    code, _, err = cli(*records, "--timeline", "t.jsonl", "--now", NOW, "--picture", "p.svg", "--json")
    assert code == 0, err
    return ET.fromstring((tmp_path / "p.svg").read_text())


def test_the_picture_shows_every_interval_and_says_what_it_is(cli, tmp_path):
    root = drawn(cli, tmp_path, "42", "43")
    accounts = json.loads(cli("42", "43", "--timeline", "t.jsonl", "--now", NOW, "--json")[1])["records"]
    bars = [bar for account in accounts for lane in account["picture"]["lanes"] for bar in lane["bars"]]
    titles = [rect.findtext(f"{SVG}title") for rect in root.iter(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]
    assert len(titles) == len(bars)
    assert titles[0] == (
        "source lag: not seen here yet, system, Mon 2 Mar 2026 09:05 -05:00 to Mon 2 Mar 2026 09:10 -05:00, "
        "5m of working time"
    )
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Clocks of desk:ticket:42, desk:ticket:43"
    assert "paused: pending (Waiting on customer) from 2026-03-02T20:00:00Z to 2026-03-03T15:00:00Z" in root.findtext(
        f"{SVG}desc"
    )
    shown = " ".join(text.text for text in root.iter(f"{SVG}text"))
    for label in ("resolution #1: missed", "due, missed", "queue:Support", "waiting on customer", "out of hours"):
        assert label in shown


def test_the_picture_needs_nothing_from_elsewhere_and_runs_nothing(cli, tmp_path):
    lines = TIMELINE.replace("Waiting on customer", json.dumps(NASTY)[1:-1]).replace("queue:Support", "queue:<b>&")
    (tmp_path / "t.jsonl").write_text(lines)
    root = drawn(cli, tmp_path, "42")
    written = (tmp_path / "p.svg").read_text()
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "defs", "pattern", "rect", "path", "text", "g",
    }  # fmt: skip
    assert "<script" not in written
    assert "\x1b" not in written
    assert " style=" not in written
    assert "http" not in written.replace("http://www.w3.org/2000/svg", "")


def test_a_picture_that_cannot_be_written_is_one_clear_message(cli):
    code, _, err = cli("42", "--timeline", "t.jsonl", "--now", NOW, "--picture", "nowhere/p.svg")
    assert code == 2
    assert "nowhere/p.svg cannot be written" in err


# ---- the page of a record


@pytest.fixture
def page(stored, tmp_path):
    view = View.open(tmp_path / "sla.db")
    routes = dashboard_routes(lambda: view, ManualClock(parse_instant(NOW)), mode="live", host="127.0.0.1")
    yield Client(Starlette(routes=routes), "127.0.0.1:8080")
    view.close()


def test_the_page_of_a_record_says_what_explain_says(page):
    answer = page.get("/record/desk:ticket:42")
    assert answer.status_code == 200
    for said in (
        "resolution #1", "missed", "paused: pending (Waiting on customer)", "waiting for first assignment",
        "8h55m elapsed + 3h waiting on customer = 11h55m", "sent by bot, not by a person",
        "fired 2026-03-02T18:00:00Z, task waiting", "tier is empty", "<svg",
    ):  # fmt: skip
        assert said in answer.text, said
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "style=" not in answer.text


def test_a_record_that_the_store_does_not_know_has_no_page(page):
    assert page.get("/record/desk:ticket:77").status_code == 404
    assert page.request("POST", "/record/desk:ticket:42").status_code == 405


def test_the_clocks_lead_to_the_page_of_their_record(page):
    assert '<a href="record/desk%3Aticket%3A42">' in page.get("/").text
