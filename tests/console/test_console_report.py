"""``report``: four faces of one document, from a file or from the store, and one clear message for every mistake."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from console.__main__ import run
from console.report import report
from console.report_csv import safe
from sla.instant import parse_instant
from sla.timeline import event_from_mapping
from sync.configuration import POLICIES, load
from sync.engine import Arrival, Engine, Rules
from sync.policy_book import PolicyBook
from sync.store import Store

CONFIG = """\
[calendars.office]
timezone = "UTC"
hours = { mon-fri = "09:00-17:00" }

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "office"
[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [{ at = "due", notify = "manager" }]
[[policies.targets]]
metric = "resolution"
within = "8h"
"""
OBJECTIVE = """
[[objectives]]
name = "Quick answers"
target = "first_response"
goal = "80%"
window = "week"
credits = [{ below = "95%", credit = "5%" }, { below = "60%", credit = "10%" }]
"""
NOW = "2026-03-06T17:00:00Z"


def line(record, at, event, **more):
    return {"record": f"desk:ticket:{record}", "at": f"2026-03-{at}:00Z", "event": event, **more}


def ticket(number, created, answered=None, resolved=None, **fields):
    """A ticket of user:3; instants such as ``02T09:00``."""
    set_ = {"status": "new", "owner": "user:3", **fields}
    yield line(number, created, "created", kind="ticket", actor="customer:7", set=set_)
    if answered:
        yield line(number, answered, "message", actor="user:3", direction="outbound")
    if resolved:
        yield line(number, resolved, "changed", actor="user:3", set={"status": "resolved"})


HISTORY = [
    *ticket(1, "02T09:00", "02T09:30", "02T11:00", priority="high", source="Web"),
    *ticket(2, "02T09:00", "02T11:00", "03T12:00", priority="low", source="Phone"),
    *ticket(3, "03T09:00", "03T09:15", "03T10:00", priority="high", source="Web"),
    *ticket(4, "06T16:30", priority="low", source="Web"),
]


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG)
    write(HISTORY)

    def call(*arguments):
        code = run(["report", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def write(lines):
    Path("t.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))


def fill(lines, seen="2026-03-02T09:00:00Z"):
    """A store as the daemon leaves it: every record judged at ``NOW`` under the configuration of the folder."""
    configuration = load(Path("config.toml"), POLICIES)
    book = PolicyBook(configuration.policies, configuration.document)
    engine = Engine(book, {"desk": Rules(0)}, live=True)
    arrivals = {}
    for one in lines:
        event = event_from_mapping(one)
        arrivals.setdefault(event.record, Arrival(event.at)).events.append(event)
    store = Store.open(configuration.daemon.database)
    store.write(lambda t: book.register(t, parse_instant(seen)))
    assert store.write(lambda t: engine.judge(t, arrivals, parse_instant(NOW))) == []
    store.close()


FILE = ("--timeline", "t.jsonl", "--now", NOW)


def document(cli, *arguments):
    code, out, err = cli(*FILE, "--json", *arguments)
    assert (code, err) == (0, ""), err
    return json.loads(out)


def by(found):
    return {tuple(group["group"].values()): group for group in found["groups"]}


# ---- the document


def test_the_document_has_groups_a_total_and_what_each_figure_means(cli):
    found = document(cli)
    assert found["as_of"] == NOW
    assert [*by(found)] == [("Support", "first_response"), ("Support", "resolution")]
    first = by(found)["Support", "first_response"]
    assert {name: first[name] for name in ("clocks", "met", "missed", "running", "decided", "adjusted_attainment")} == {
        "clocks": 4, "met": 2, "missed": 1, "running": 1, "decided": 3, "adjusted_attainment": 0.666667,
    }  # fmt: skip
    assert first["first_response"] == {"count": 3, "p50_s": 1800, "p80_s": 7200, "p90_s": 7200, "p95_s": 7200}
    assert found["total"]["clocks"] == 8
    assert found["total"]["records"] == 4
    assert "met / (met + missed)" in found["definitions"]["adjusted_attainment"]


def test_the_order_of_lines_and_doubled_lines_change_nothing(cli):
    straight = cli(*FILE, "--json")
    write([*reversed(HISTORY), *HISTORY])
    assert cli(*FILE, "--json") == straight


def test_groups_are_of_any_dimension_and_period(cli):
    assert [*by(document(cli, "--by", "source,day"))] == [
        ("Phone", "2026-03-02"),
        ("Web", "2026-03-02"), ("Web", "2026-03-03"), ("Web", "2026-03-06"),
    ]  # fmt: skip
    assert [*by(document(cli, "--by", "owner"))] == [("user:3",)]
    assert [*by(document(cli, "--by", "week"))] == [("2026-W10",)]


def test_without_a_dimension_there_is_the_total_alone(cli):
    found = document(cli, "--by", "")
    assert [*by(found)] == [()]
    assert cli(*FILE, "--by", "", "--format", "csv")[1].splitlines()[1].startswith("8,4,2,0,2,")


def test_span_target_and_conditions_choose(cli):
    assert document(cli, "--from", "2026-03-03T00:00:00Z", "--until", "2026-03-04T00:00:00Z")["total"]["clocks"] == 2
    found = document(cli, "--target", "resolution", "--where", "priority=HIGH", "--where", "source=web")
    assert (found["total"]["clocks"], found["total"]["met"]) == (2, 2)
    assert document(cli, "--where", "priority=high", "--where", "priority=low")["total"]["clocks"] == 8


def test_a_misspelled_dimension_is_told_with_the_nearest(cli):
    code, _, err = cli(*FILE, "--by", "sorce")
    assert (code, err) == (0, "no record has a field 'sorce'; did you mean 'source'?\n")


def test_policies_that_are_only_tried_out_are_left_out_and_said_so(cli):
    shadow = CONFIG.replace('applies_to = "ticket"', 'applies_to = "ticket"\nstage = "shadow"')
    Path("config.toml").write_text(CONFIG + shadow[shadow.index("[[policies]]") :].replace("Support", "Tried out"))
    _, out, err = cli(*FILE, "--json")
    assert json.loads(out)["total"]["clocks"] == 8
    assert "left out: 8 clocks of policies that are only tried out" in err
    assert document(cli, "--where", "stage=shadow")["total"]["clocks"] == 8
    Path("config.toml").write_text(shadow)
    assert document(cli)["total"]["clocks"] == 8


def test_bad_lines_are_told_the_rest_is_counted_and_the_code_is_one(cli):
    with Path("t.jsonl").open("a") as file:
        file.write("oops\n")
    code, out, err = cli(*FILE, "--json")
    assert (code, json.loads(out)["total"]["clocks"]) == (1, 8)
    assert err.startswith(f"t.jsonl:{len(HISTORY) + 1}: not JSON")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--where", "priority"), "'priority' is not field=value"),
        (("--from", "yesterday"), "is not an ISO 8601 time"),
        (("--zone", "Mars/Olympus"), "is not an IANA time zone"),
        (("--format", "pdf"), "'pdf' is not one of"),
        (("--from", "2026-03-04T00:00:00Z", "--until", "2026-03-04T00:00:00Z"), "--until is not after --from"),
        (("-o", "no/such/folder/r.csv"), "no such file or directory"),
    ],
)
def test_a_wrong_question_is_wrong_usage(cli, arguments, says):
    code, out, err = cli(*FILE, *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


# ---- text


def test_text_tells_a_person_the_tables_and_how_they_are_meant(cli):
    code, out, err = cli(*FILE)
    assert (code, err) == (0, "")
    rows = [re.split(r"\s{2,}", row.strip()) for row in out.splitlines()]
    assert ["Support", "first_response", "4", "2", "1", "0", "0", "0", "1", "66.6 %", "66.6 %", "33.4 %", "few"] in rows
    assert ["user:3", "14h30m", "100.0 %"] in rows
    assert "Percentiles by nearest rank" in out
    assert "few: fewer than 20 decided clocks" in out


def test_text_into_a_file_is_the_same_text(cli):
    _, out, _ = cli(*FILE)
    assert cli(*FILE, "-o", "r.txt")[1] == ""
    assert Path("r.txt").read_text() == out
    assert [path.name for path in Path().iterdir() if "partial" in path.name] == []


def test_a_history_without_clocks_says_so(cli):
    write([])
    code, out, _ = cli(*FILE)
    assert code == 0
    assert "no clock was asked for" in out


# ---- CSV


def test_csv_is_one_row_a_group_with_names_for_machines(cli):
    _, out, _ = cli(*FILE, "--format", "csv", "--by", "priority,target", "-o", "r.csv")
    assert out == ""
    text = Path("r.csv").read_bytes().decode()
    assert text.count("\r\n") == text.count("\n") == 5
    rows = [*csv.DictReader(io.StringIO(text))]
    assert [(row["priority"], row["target"]) for row in rows] == [
        ("high", "first_response"), ("high", "resolution"), ("low", "first_response"), ("low", "resolution"),
    ]  # fmt: skip
    chosen = ("clocks", "met", "small", "adjusted_attainment", "first_response_p50_s", "average_handling_s")
    assert [rows[0][name] for name in chosen] == ["2", "2", "true", "1.0", "900", ""]
    assert rows[1]["time_people_s"] == "10800"
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in rows[0])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_of_foreign_text_begins_like_a_formula(cli, start):
    evil = f'{start}cmd|"/c calc"!A1'
    assert safe(evil) == f"'{evil}"
    write(ticket(1, "02T09:00", source=evil))
    text = cli(*FILE, "--format", "csv", "--by", "source")[1]
    cell = next(csv.reader(io.StringIO(text.partition("\r\n")[2], newline="")))[0]
    assert cell == f"'{evil}"


def test_other_text_is_left_as_it_is():
    assert [safe(text) for text in ("Web", "a=b", "", "'x", "1-2")] == ["Web", "a=b", "", "'x", "1-2"]


# ---- HTML


def html(cli, *arguments):
    cli(*FILE, "--format", "html", "-o", "r.html", *arguments)
    return Path("r.html").read_text()


def test_html_is_one_file_that_fetches_nothing_and_runs_nothing(cli):
    page = html(cli)
    assert "<script" not in page
    assert not re.search(r"(src|href)\s*=|url\(|@import|https?://", page)
    assert "default-src 'none'" in page
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page


def test_html_is_well_formed_and_its_tables_have_headers_and_captions(cli):
    page = html(cli).replace("<!doctype html>", "")
    page = re.sub(r"<(meta)([^>]*)>", r"<\1\2/>", page)
    root = ET.fromstring(page)
    tables = [*root.iter("table")]
    assert len(tables) >= 4
    for table in tables:
        assert table.find("caption").text
        assert {cell.get("scope") for cell in table.find("thead").iter("th")} == {"col"}
        assert all(row[0].get("scope") == "row" for row in table.find("tbody"))
    bars = [*root.iter("svg")]
    assert [bar.get("aria-label") for bar in bars] == ["66.6 % attained", "66.6 % attained"]
    assert [bar[1].get("width") for bar in bars] == ["66.67", "66.67"]


def test_html_escapes_what_comes_from_elsewhere(cli):
    write(ticket(1, "02T09:00", source="<script>alert(1)</script>\x1b[31m"))
    page = html(cli, "--by", "source")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\x1b" not in page


# ---- objectives


def test_objectives_stand_in_every_face(cli):
    Path("config.toml").write_text(CONFIG + OBJECTIVE)
    [standing] = document(cli)["objectives"]
    assert (standing["objective"], standing["window"], standing["met"], standing["missed"]) == (
        "Quick answers", "2026-W10", 2, 1,
    )  # fmt: skip
    assert (standing["allowed"], standing["remaining"], standing["status"]) == (0.6, -0.4, "exhausted")
    assert standing["formula"] == (
        "2 / (2 + 1) = 66.666667%; 10% below 60%, 5% below 95%, otherwise nothing; credit 5%"
    )
    text = cli(*FILE)[1]
    assert re.search(r"Quick answers +2026-W10 +80 % +66\.6 % +2/3 +-0\.4 +-0\.4 .* exhausted", text)
    assert "2 / (2 + 1) = 66.666667%" in text
    assert "2 / (2 + 1) = 66.666667%" in html(cli)


def test_a_mistake_in_an_objective_is_told_with_line_column_and_nearest(cli):
    Path("config.toml").write_text(CONFIG + OBJECTIVE.replace("window", "windw").replace('"95%"', '"95"'))
    code, out, err = cli(*FILE)
    assert (code, out) == (2, "")
    assert "config.toml:21:1: unknown key 'windw'" in err
    assert 'did you mean "window"?' in err
    assert "config.toml:22:22: '95' is no share" in err


def test_a_wrong_objective_stops_only_what_uses_it(cli, capsys):
    Path("config.toml").write_text(CONFIG + OBJECTIVE.replace('"80%"', '"eighty"'))
    assert run(["backtest", *FILE]) == 0
    assert run(["report", *FILE]) == 2


# ---- the store


def test_the_store_tells_the_same_as_the_file(cli):
    fill(HISTORY)
    from_file = document(cli, "--by", "priority,target")
    code, out, _ = cli("--json", "--by", "priority,target", "--now", NOW)
    from_store = json.loads(out)
    assert code == 0
    assert from_store.pop("source") == "the store"
    from_file.pop("source")
    assert from_store == from_file


def test_a_team_is_that_of_whoever_had_the_record(cli):
    Path("config.toml").write_text(CONFIG + '\n[people]\n"user:3" = { team = "Inside sales" }\n')
    fill(HISTORY)
    assert [*by(document(cli, "--by", "team"))] == [("Inside sales",)]
    assert [*by(json.loads(cli("--json", "--by", "team", "--now", NOW)[1]))] == [("Inside sales",)]


def test_stored_records_are_judged_by_the_policies_they_live_by(cli):
    fill(HISTORY)
    Path("config.toml").write_text(CONFIG.replace('"1h"', '"1m"'))
    _, out, _ = cli("--json", "--target", "first_response", "--now", NOW)
    assert json.loads(out)["total"]["met"] == 2
    assert document(cli, "--target", "first_response")["total"]["met"] == 0


def test_merged_records_bring_their_wait_in_the_store_too(cli):
    lines = [*ticket(1, "02T09:00"), *ticket(2, "02T10:30"), line(1, "02T11:00", "merged", into="desk:ticket:2"),
             line(2, "02T11:30", "message", actor="user:3", direction="outbound")]  # fmt: skip
    write(lines)
    fill(lines)
    expected = document(cli)["total"]
    assert json.loads(cli("--json", "--now", NOW)[1])["total"] == expected


def test_without_a_store_a_report_says_what_makes_one(cli):
    code, out, err = cli()
    assert (code, out) == (2, "")
    assert "`sla-sidecar run` or `once` makes it" in err


# ---- the line of `status`


def status(capsys, *arguments):
    code = run(["status", *arguments])
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    return captured.out


@pytest.fixture
def friday(monkeypatch):
    monkeypatch.setattr("sync.clock.SystemClock.now", lambda self: parse_instant(NOW))


@pytest.mark.parametrize("more", ["", 'within = "59m"\n', 'when = { priority = ["high", "low"] }\n'])
def test_status_has_a_line_for_each_objective_that_says_the_same_as_the_report(cli, capsys, friday, more):
    Path("config.toml").write_text(CONFIG + OBJECTIVE + more)
    fill(HISTORY)
    assert (
        "objective  Quick answers, 2026-W10: exhausted; 66.6 % of 80 % (2/3); -0.4 may be missed; burn week 1.7\n"
        in status(capsys)
    )
    [standing] = json.loads(status(capsys, "--json"))["objectives"]
    [told] = json.loads(cli("--json", "--now", NOW)[1])["objectives"]
    assert standing == {name: value for name, value in told.items() if name not in ("from", "until")}


def test_status_says_when_only_a_report_can_tell(cli, capsys, friday, monkeypatch):
    monkeypatch.setattr("console.objectives.MOST", 2)
    Path("config.toml").write_text(CONFIG + OBJECTIVE + 'within = "59m"\n')
    fill(HISTORY)
    assert "objective  Quick answers: too many records to look at in passing; `sla-sidecar report` tells" in status(
        capsys
    )


def test_status_shows_the_rest_when_objectives_cannot_be_read(cli, capsys, friday):
    fill(HISTORY)
    Path("config.toml").write_text(CONFIG + OBJECTIVE.replace('"80%"', '"eighty"'))
    out = status(capsys)
    assert "objectives cannot be read: the configuration has 1 problem, see `sla-sidecar check`" in out
    assert out.startswith("daemon ")


# ---- the page


def test_the_page_about_reports_shows_an_objective_that_is_one_and_names_every_option(cli):
    page = (Path(__file__).resolve().parents[2] / "docs/reports.md").read_text()
    [block] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    Path("config.toml").write_text(CONFIG + "\n" + block)
    assert [standing["objective"] for standing in document(cli)["objectives"]] == ["Chats within 20 s"]
    for option in report.params:
        if option.opts[0] not in ("--config", "--timeline", "--json"):
            assert f"`{option.opts[0]}`" in page
