"""``risk``, its line in ``status``, its place on the page, and the calibration: as a user sees them."""

import json
import tomllib

import pytest
from asgi_client import Client
from paper_view import CLOCKS, MINUTE, NOW, PaperView
from starlette.applications import Starlette

from console.__main__ import run
from console.dashboard.routes import dashboard_routes
from console.risk_text import percent
from sla.figures.risk import CERTAIN, Chance, Segment
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping
from sync.at_risk import AtRisk
from sync.clock import ManualClock
from sync.engine import Arrival, Engine, Rules
from sync.link import register
from sync.policy_book import PolicyBook
from sync.store import Store

CONFIG = """
[daemon]
database = "sla.db"

[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "always"
[[policies.targets]]
metric = "resolution"
within = "4h"
"""


def ticket(number, day, hours):
    record = f"desk:ticket:{number}"
    opened = {"record": record, "kind": "ticket", "at": f"2026-03-{day:02}T00:00:00Z", "event": "created",
              "actor": "customer:7", "set": {"status": "new"}}  # fmt: skip
    solved = {"record": record, "at": f"2026-03-{day:02}T{hours:02}:00:00Z", "event": "changed", "actor": "user:3",
              "set": {"status": "resolved"}}  # fmt: skip
    return [opened, solved]


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG)
    past = [event for i in range(70) for event in ticket(i, 1 + i % 7, 2 if i < 40 else 9)]
    later = [event for i in range(70, 100) for event in ticket(i, 10 + i % 7, 2 if i < 80 else 9)]
    (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in past + later))

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


CALIBRATION = ("risk", "--calibration", "--timeline", "t.jsonl", "--now", "2026-04-01T00:00:00Z")


def test_a_calibration_compares_chances_with_what_happened(cli):
    code, out, err = cli(*CALIBRATION)
    assert (code, err) == (0, "")
    assert "history    70 clocks known at 2026-03-10T00:00:00Z; 70 predictions of clocks that began later" in out
    rows = [line.split() for line in out.splitlines()]
    # After an hour 30 of 70 are to miss; of the held-out 30 tickets 20 do. Afterwards only those are left.
    assert ["40", "%", "to", "50", "%", "30", "42.9", "%", "66.7", "%", "49", "%", "-", "81", "%"] in rows
    assert ["90", "%", "to", "100", "%", "40", "100.0", "%", "100.0", "%", "91", "%", "-", "100", "%"] in rows


def test_a_calibration_as_json_is_one_document_and_the_same_each_time(cli):
    code, out, _ = cli(*CALIBRATION, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["split"], found["history"], found["predictions"]) == ("2026-03-10T00:00:00Z", 70, 70)
    assert found["targets"][0] == {
        "target": "resolution", "after": "25%", "count": 30, "predicted": 0.4286, "happened": 0.6667, "brier": 0.2789,
        "base": 0.2222, "skill": -0.2551,
    }  # fmt: skip
    assert cli(*CALIBRATION, "--json")[1] == out


def test_the_split_can_be_chosen(cli):
    found = json.loads(cli(*CALIBRATION, "--split", "2026-03-12T00:00:00Z", "--json")[1])
    assert (found["split"], found["history"]) == ("2026-03-12T00:00:00Z", 80)


def test_a_history_without_clocks_or_without_enough_of_them_says_so(cli, tmp_path):
    (tmp_path / "t.jsonl").write_text("")
    code, out, _ = cli(*CALIBRATION)
    assert (code, out) == (1, "there is no clock in this history\n")
    assert json.loads(cli(*CALIBRATION, "--json")[1])["score"] is None
    (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(e)}\n" for i in range(9) for e in ticket(i, 1 + i, 9)))
    code, out, _ = cli(*CALIBRATION)
    assert code == 0
    assert "9 for which too few had ended to tell" in out
    assert "nothing can be compared" in out


def test_a_bad_line_is_told_and_the_exit_code_is_one(cli, tmp_path):
    with (tmp_path / "t.jsonl").open("a") as file:
        file.write("no json\n")
    code, out, err = cli(*CALIBRATION)
    assert code == 1
    assert "t.jsonl:201: not JSON" in err
    assert "history    70" in out


def test_options_of_the_calibration_go_with_it_alone(cli):
    code, out, err = cli("risk", "--timeline", "t.jsonl")
    assert (code, out) == (2, "")
    assert "--timeline and --split go with --calibration" in err


def test_without_a_store_it_says_what_makes_one(cli):
    code, out, err = cli("risk")
    assert (code, out) == (2, "")
    assert "`sla-sidecar run` or `once` makes it" in err


# ---- a real store


AT = "2026-03-20T03:00:00Z"


@pytest.fixture
def store(cli, tmp_path):
    """The store of a daemon that has seen tickets solved after two hours (50) and nine (20), and two that are open."""
    document = tomllib.loads(CONFIG)
    book = PolicyBook(Policies.from_config(document), document)
    engine, now = Engine(book, {"desk": Rules(0)}, live=True), parse_instant(AT)
    stories = [ticket(i, 1 + i % 7, 2 if i < 50 else 9) for i in range(70)]
    for name, at in (("new", "2026-03-20T02:30:00Z"), ("old", "2026-03-20T00:00:00Z")):
        stories.append([{**ticket(0, 1, 2)[0], "record": f"desk:ticket:{name}", "at": at}])
    made = Store.open(tmp_path / "sla.db")
    made.write(lambda t: register(t, "desk", "salesforce", 0, now))
    made.write(lambda t: book.register(t, 0))
    arrivals = {story[0]["record"]: Arrival(now, [event_from_mapping(line) for line in story]) for story in stories}
    assert made.write(lambda t: engine.judge(t, arrivals, now)) == []
    made.close()


def test_open_clocks_are_listed_by_their_chance_to_miss(cli, store):
    code, out, _ = cli("risk", "--now", AT)
    assert code == 0
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert rows[0] == "chance to miss 95 % of record target state left compared with"
    # Of 71 that lasted half an hour 50 ended in two: 21 of 71 go on, the old one among them. Too few lasted three.
    assert rows[2:] == [
        "30 % 20 % - 41 % 70 desk:ticket:new resolution running 3h30m resolution, policy Support, priority normal",
        "unknown - - desk:ticket:old resolution running 1h00m -",
    ]


def test_the_list_as_json_has_the_count_behind_every_chance(cli, store):
    code, out, _ = cli("risk", "--limit", "1", "--json", "--now", AT)
    assert code == 0
    assert json.loads(out) == {
        "now": AT,
        "clocks": [
            {
                "record": "desk:ticket:new", "policy": "Support", "target": "resolution", "cycle": 1,
                "state": "running", "due_at": "2026-03-20T06:30:00Z", "elapsed_s": 1800.0, "remaining_s": 12600.0,
                "chance": {
                    "probability": 0.2958, "low": 0.2018, "high": 0.411, "count": 70,
                    "segment": "resolution, policy Support, priority normal",
                },
            }
        ],
    }  # fmt: skip


def test_status_shows_the_riskiest_clocks_with_their_count(cli, store, monkeypatch):
    monkeypatch.setattr("console.options.current", lambda given: parse_instant(AT) if given is None else given)
    code, out, _ = cli("status")
    assert code == 0
    assert "at risk 30 % of 70: desk:ticket:new resolution, 3h30m left\n" in out
    assert out.count("at risk") == 1  # of the other nothing is known
    assert [one["record"] for one in json.loads(cli("status", "--json")[1])["riskiest"]] == ["desk:ticket:new"]


def test_without_an_open_clock_there_is_nothing_to_list(cli, store):
    assert cli("risk", "--now", "2026-03-25T00:00:00Z")[1] == "no clock is open and in time\n"


def test_a_calibration_of_the_stored_timelines_needs_no_file(cli, store):
    found = json.loads(cli("risk", "--calibration", "--json", "--now", AT)[1])
    assert found["history"] + found["predictions"] > 0


# ---- words


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.994, "99 %"), (0.999, "> 99 %"), (1, "100 %"), (1.0, "100 %")],
)
def test_a_share_that_is_not_quite_all_or_none_never_reads_as_if_it_were(share, text):
    assert percent(share) == text


def test_the_page_shows_the_chance_beside_the_clock_and_says_of_when_and_of_how_many():
    view = PaperView(clocks=CLOCKS)
    segment = Segment("resolution", "Support", "normal")
    found = Chance(0.83, 412, segment, 0.79, 0.86)
    view.risks = [
        AtRisk("desk:ticket:43", ("resolution", "Support", 1), "running", NOW + 200 * MINUTE, 1, 1, found),
        AtRisk("desk:ticket:44", ("resolution", "Support", 1), "paused", None, 1, 0, CERTAIN),
        AtRisk("desk:ticket:42", ("next_response", "Support", 3), "running", NOW, 1, 0, None),
    ]
    routes = dashboard_routes(lambda: view, ManualClock(NOW), mode="live", host="127.0.0.1")
    page = Client(Starlette(routes=routes), "127.0.0.1:8080").get("/").text
    assert page.count("risk ") == 2
    assert (
        '<span title="chance to miss as of 2026-03-02T14:05:00Z: of 412 like it (resolution, policy Support, '
        'priority normal), 79 % to 86 %">risk 83 %</span>' in page
    )
    assert "its time is used up" in page
