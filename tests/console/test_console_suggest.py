"""``suggest``: targets from history, and a block that ``check`` accepts."""

import json
import re

import pytest
from outside_material import DATA

from console.__main__ import run

CALENDARS = """\
[calendars.office]
timezone = "UTC"
hours = { mon-fri = "09:00-17:00" }
"""
CONNECTION = '\n[connections.paper]\nconnector = "memory"\n'
POLICIES = """
[[policies]]
name = "Support \\"A\\""
applies_to = "ticket"
calendar = "office"
"""
TARGETS = """
[[policies.targets]]
name = "Answer"
metric = "first_response"
within = { urgent = "1h", high = "4h", normal = "4h", low = "none" }
steps = [{ at = "75%", notify = "owner" }, { at = "due", task = "Call {record.name}", set = { priority = "high" } }]
[[policies.targets]]
metric = "resolution"
within = "5bd"
pause = { status = ["pending"] }
"""
NOW = ("--now", "2026-07-01T00:00:00Z")
FILE = ("--timeline", "t.jsonl", *NOW)


def ticket(number, hours, priority=None, done=True):
    """Opened on Monday 2 March 2026 at nine, answered and solved so many working hours (below eight) later."""
    fields = {"status": "new", **({"priority": priority} if priority else {})}
    minute = round(hours * 60)
    story = [{"at": "2026-03-02T09:00:00Z", "event": "created", "kind": "ticket", "set": fields}]
    if done:
        at = f"2026-03-02T{9 + minute // 60:02}:{minute % 60:02}:00Z"
        story.append({"at": at, "event": "message", "actor": "user:5", "direction": "outbound"})
        story.append({"at": at, "event": "changed", "actor": "user:5", "set": {"status": "resolved"}})
    return [{"record": f"desk:ticket:{number}", **event} for event in story]


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CALENDARS + CONNECTION + POLICIES + TARGETS)
    # Forty urgent ones take six minutes to four hours, twelve high ones an hour, forty without a priority three hours.
    story = [event for n in range(40) for event in ticket(n, 0.1 * (n + 1), "urgent")]
    story += [event for n in range(40, 52) for event in ticket(n, 1, "high")]
    story += [event for n in range(52, 92) for event in ticket(n, 3)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(event) + "\n" for event in story))

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def document(cli, *arguments):
    code, out, err = cli("suggest", *FILE, "--json", *arguments)
    assert (code, err) == (0, ""), err
    return json.loads(out)


def segment(found, target, **group):
    [one] = [s for s in found["segments"] if s["target"] == target and s["group"] == group]
    return one


def test_a_segment_tells_percentiles_the_target_and_every_round_value(cli):
    urgent = segment(document(cli), "Answer", priority="urgent")
    shown = ("ended", "open", "within_now", "suggested", "share", "small", "warnings")
    assert [urgent[name] for name in shown] == [40, 0, "1h", "4h", 1.0, False, []]
    assert urgent["percentiles_s"] == {"50": 7200, "80": 11520, "90": 12960, "95": 13680}
    values = {value["within"]: (value["kept"], value["share"]) for value in urgent["round_values"]}
    assert (values["1h"], values["2h"], values["3h"]) == ((10, 0.25), (20, 0.5), (30, 0.75))
    assert urgent["bounds"] == [0.9124, 1.0]


def test_another_goal_suggests_another_target(cli):
    assert segment(document(cli, "--goal", "50%"), "Answer", priority="urgent")["suggested"] == "2h"
    assert cli("suggest", *FILE, "--goal", "120%")[0] == 2


def test_a_small_segment_says_so(cli):
    high = segment(document(cli), "Answer", priority="high")
    assert (high["small"], high["suggested"]) == (True, "1h")
    assert high["warnings"] == ["12 ended: too few to say (at least 30)"]


def test_segments_can_be_by_anything_or_by_nothing_more(cli):
    assert segment(document(cli, "--by", "target"), "Answer")["ended"] == 92
    found = document(cli, "--by", "owner,priority")
    assert segment(found, "Answer", owner="system", priority="high")["ended"] == 12
    assert cli("suggest", *FILE, "--by", "prority")[2] == "no record has a field 'prority'\n"


def test_what_is_still_open_is_told_when_it_matters(cli, tmp_path):
    with (tmp_path / "t.jsonl").open("a") as file:
        file.writelines(
            json.dumps(event) + "\n" for n in range(92, 112) for event in ticket(n, 0, "urgent", done=False)
        )
    urgent = segment(document(cli), "Answer", priority="urgent")
    assert (urgent["ended"], urgent["open"], urgent["suggested"], urgent["if_open_are_late"]) == (40, 20, "4h", None)
    assert urgent["warnings"] == ["20 still open: counted as late they would make it longer than any round value"]


def test_the_block_changes_nothing_but_within_and_check_accepts_it(cli, tmp_path):
    block = document(cli)["toml"]
    assert block.splitlines()[1] == '# for the policy "Support \\"A\\"", in place of its targets of these names'
    assert 'within = { urgent = "4h", high = "4h", normal = "3h", low = "none" }' in block
    assert "# too little history to say, and left as it is: high, low" in block
    assert 'set = { priority = "high" }' in block
    assert 'pause = { status = ["pending"] }' in block
    (tmp_path / "config.toml").write_text(CALENDARS + CONNECTION + POLICIES + block)
    assert cli("check", "--offline")[0] == 0
    assert document(cli)["toml"] == block  # what it suggests of itself


def test_the_text_ends_with_the_block(cli):
    code, out, _ = cli("suggest", *FILE)
    assert code == 0
    assert out.endswith(document(cli)["toml"] + "\n")
    assert "! 12 ended: too few to say (at least 30)" in out
    assert re.search(r"urgent +40 +0 +2h00m +3h12m +3h36m +3h48m +1h +4h +100\.0 % +91 to 100 %", out)


def test_with_calendars_alone_a_whole_policy_is_suggested(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CALENDARS)
    found = document(cli)
    assert segment(found, "first_response", priority="urgent")["within_now"] is None
    assert {s["policy"] for s in found["segments"]} == {"Tickets"}
    assert found["toml"].count("[[policies]]") == 1
    (tmp_path / "config.toml").write_text(CALENDARS + CONNECTION + found["toml"])
    assert cli("check", "--offline")[0] == 0
    assert cli("backtest", *FILE, "--summary")[0] == 0


def test_a_calendar_can_be_named_whatever_the_policies_say(cli, tmp_path):
    night = CALENDARS.replace("office", "night").replace("09:00-17:00", "17:00-22:00")
    (tmp_path / "config.toml").write_text(CALENDARS + night + POLICIES + TARGETS)
    found = document(cli, "--calendar", "night")
    assert segment(found, "first_response", priority="urgent")["percentiles_s"]["95"] == 0
    code, _, err = cli("suggest", *FILE, "--calendar", "nigth")
    assert code == 2
    assert "there is no calendar 'nigth'" in err


def test_several_calendars_and_no_policy_need_a_name(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CALENDARS + CALENDARS.replace("office", "other"))
    code, out, err = cli("suggest", *FILE)
    assert (code, out) == (2, "")
    assert "--calendar office" in err


def test_what_answers_can_be_said_where_no_policy_does(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CALENDARS)
    taken = {"at": "2026-03-02T10:00:00Z", "event": "changed", "actor": "user:5", "set": {"status": "open"}}
    story = [*ticket(1, 0, done=False), {"record": "desk:ticket:1", **taken}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(event) + "\n" for event in story))
    without = segment(document(cli, "--calendar", "office"), "first_response", priority="(none)")
    told = segment(
        document(cli, "--calendar", "office", "--answers", "status_change"), "first_response", priority="(none)"
    )
    assert (without["ended"], told["ended"]) == (0, 1)
    assert cli("suggest", *FILE, "--calendar", "office", "--answers", "status_chnge")[0] == 2
    assert cli("suggest", *FILE, "--answers", "status_change")[0] == 2


def test_a_history_that_no_policy_covers_suggests_nothing(cli, tmp_path):
    (tmp_path / "config.toml").write_text((CALENDARS + POLICIES + TARGETS).replace('"ticket"', '"lead"'))
    code, out, err = cli("suggest", *FILE)
    assert (code, out) == (1, "")
    assert "no policy covers any record" in err


def test_a_bad_line_is_told_and_the_rest_is_read(cli, tmp_path):
    with (tmp_path / "t.jsonl").open("a") as file:
        file.write("oops\n")
    code, out, err = cli("suggest", *FILE, "--json")
    assert code == 1
    assert err.startswith("t.jsonl:277: not JSON")
    assert json.loads(out)["records"] == 92


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "servicenow_incidents").exists(), reason="the real log is no part of the project")
def test_the_real_log(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CALENDARS)
    log = str(DATA / "servicenow_incidents" / "timeline.jsonl.gz")
    arguments = ("--calendar", "office", "--answers", "status_change,solve_without_reply", "--by", "target")
    code, out, _ = cli("suggest", "--timeline", log, "--now", "2017-03-01T00:00:00Z", *arguments, "--json")
    assert code == 0
    found = json.loads(out)
    assert segment(found, "first_response")["ended"] == 24_918
