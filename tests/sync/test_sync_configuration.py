"""The configuration: what a good file means, and what is said of a bad one."""

import os
from pathlib import Path

import pytest

from sla.policy import POLICY_KEYS
from sla.problem import Problem
from sync.configuration import POLICIES, REPORT, WHOLE, ConfigurationError, load, load_daemon, missing_secrets
from sync.configuration_error import locate
from sync.secrets import SecretMissing
from sync.toml_positions import positions

GOOD = """\
[daemon]
database = "state/sla.db"
listen = "127.0.0.1:0"
mode = "shadow"
tick_every = "500ms"

[calendars.office]
timezone = "America/New_York"
hours = { mon-fri = "09:00-17:00" }

[connections.acme]
connector = "hubspot"
access_token = "env:ACME_TOKEN"
poll_every = "15s"
enforce_from = 2026-03-02T14:05:00Z
write.ticket = { first_response_due = "sla_due", sla_status = "sla_status" }

[pools.inside-sales]
members = ["maria@acme.test", { user = "user:7", weight = 2, cap = 20, calendar = "office" }]
strategy = "weighted"
fallback = "queue:Unassigned"

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "office"

[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [{ at = "due", reassign = "inside-sales" }]
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return path

    return write


def complaints(path, need=WHOLE):
    with pytest.raises(ConfigurationError) as error:
        load(path, need)
    return [(p.line, p.column, p.text, p.message, p.hint) for p in error.value.problems]


def test_a_good_file_is_understood(file):
    path = file(GOOD)
    read = load(path)
    assert read.daemon.database == path.parent / "state/sla.db"
    assert read.daemon.address == ("127.0.0.1", 0)
    assert (read.daemon.mode, read.daemon.match, read.daemon.tick_every_s) == ("shadow", "strictest", 0.5)
    acme = read.connections["acme"]
    assert (acme.name, acme.connector, acme.poll_every_s) == ("acme", "hubspot", 15.0)
    assert acme.enforce_from == 1_772_460_300_000
    pool = read.pools["inside-sales"]
    assert [(m.user, m.weight, m.cap, m.calendar) for m in pool.members] == [
        ("maria@acme.test", 1, None, None),
        ("user:7", 2, 20, "office"),
    ]
    assert (pool.strategy, pool.fallback, pool.max_hops) == ("weighted", "queue:Unassigned", 3)
    assert [policy.name for policy in read.policies.policies] == ["Support"]


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("poll_every", '"0s"', 'must lie between "100ms" and "24h"'),
        ("poll_every", '"99999999999999999999h"', 'must lie between "100ms" and "24h"'),
        ("overlap", '"9999999h"', 'must lie between "0s" and "168h"'),
        ("timeouts", '{ read = "0s" }', 'must lie between "50ms" and "1h"'),
    ],
)
def test_a_duration_that_nobody_can_have_meant_is_a_mistake_in_the_file(file, key, text, message):
    lines = [line for line in GOOD.splitlines() if not line.startswith(f"{key} =")]
    at = lines.index("[connections.acme]") + 1
    [found] = complaints(file("\n".join([*lines[:at], f"{key} = {text}", *lines[at:]])))
    assert (found[0], found[3]) == (at + 1, message)


def test_every_mistake_of_a_file_is_reported_at_once_with_its_place(file):
    path = file(
        """\
[daemon]
databse = "x"
mode = "lve"
[calendars.office]
timezone = "America/New_Yrk"
hours = { mon-fri = ["09:00-12:30"] }
[pools.inside]
members = ["a", {user="b@x.y", weight=0, calendr="office"}, "c@d.e", "C@d.e"]
fallback = "nobody"
[connections."a b"]
connector = "salesforse"
[conections.x]
a = 1
[[policies]]
name = "P"
applies_to = "lead"
calendar = "offic"
whn = {}
[[policies.targets]]
metric = "first_respnse"
within = "2d"
steps = [{at="75%", reassign="insde"}, {at="x", notfy="owner"}]
"""
    )
    found = [(line, column, hint) for line, column, _, _, hint in complaints(path)]
    assert found == [
        (2, 1, 'did you mean "database"?'),
        (3, 8, 'did you mean "live"?'),
        (5, 12, None),
        (8, 12, None),
        (8, 39, None),
        (8, 42, 'did you mean "calendar"?'),
        (9, 12, None),
        (10, 1, None),
        (11, 13, 'did you mean "salesforce"?'),
        (12, 2, 'did you mean "connections"?'),
        (17, 12, 'did you mean "office"?'),
        (18, 1, 'did you mean "when"?'),
        (20, 10, 'did you mean "first_response"?'),
        (21, 10, None),
        (22, 30, 'did you mean "inside"?'),
        (22, 40, "known here: notify, task, reassign, set, priority, status, comment, tag, message, webhook"),
        (22, 44, None),
        (22, 49, 'did you mean "notify"?'),
    ]


def test_a_problem_reads_as_one_line_that_says_where_what_and_how(file):
    path = file(GOOD.replace("calendar = ", "calender = ", 1))
    with pytest.raises(ConfigurationError) as error:
        load(path)
    assert str(error.value).split("\n")[0] == (f"{path}:19:72: unknown key 'calender'; did you mean \"calendar\"?")


@pytest.mark.parametrize(
    ("before", "after", "place", "message"),
    [
        ("127.0.0.1:0", "localhost", (3, 10), 'must be an address and a port, such as "127.0.0.1:8080"'),
        ('"500ms"', '"1ms"', (5, 14), 'must lie between "50ms" and "1m"'),
        ('"15s"', "15", (14, 14), 'a duration is text such as "15s", "10m" or "1h30m"'),
        ('"hubspot"', '"hubsot"', (12, 13), "there is no such connector"),
        ('connector = "hubspot"\n', "", (11, 1), "'connector' is missing; it is one of hubspot, memory, salesforce"),
        (
            'access_token = "env:ACME_TOKEN"\n',
            "",
            (11, 1),
            "access_token: a HubSpot connection needs the token of a service key; "
            "or, for an app with OAuth, client_id, client_secret and refresh_token",
        ),
        ("2026-03-02T14:05:00Z", "2026-03-02", (15, 16), "must be a time with an offset, such as 2026-03-02T14:05:00Z"),
        ("sla_status = ", "sla_stats = ", (16, 50), "unknown key 'sla_stats'"),
        ("write.ticket", "write.tickt", (16, 7), "unknown key 'tickt'"),
        ('calendar = "office" }]', 'calendar = "ofice" }]', (19, 83), "no calendar is called 'ofice'"),
        ('"weighted"', '"random"', (20, 12), 'must be "round_robin", "least_loaded" or "weighted"'),
        (
            '"queue:Unassigned"',
            '"Unassigned"',
            (21, 12),
            'must be "queue:NAME", "user:ID", "user:NAME" or an e-mail address',
        ),
        ('reassign = "inside-sales"', 'reassign = "inside"', (31, 35), "there is no pool 'inside'"),
    ],
)
def test_a_mistake_is_found_where_it_stands(file, before, after, place, message):
    assert before in GOOD
    [(line, column, _, said, _)] = complaints(file(GOOD.replace(before, after)))
    assert ((line, column), said) == (place, message)


def test_a_command_is_asked_for_no_more_than_it_uses(file):
    policies = GOOD[GOOD.index("[[policies]]") :]
    calendars = GOOD[GOOD.index("[calendars") : GOOD.index("[connections")]
    path = file(calendars + policies)
    assert load(path, POLICIES).policies.policies[0].name == "Support"
    assert load(file(calendars), frozenset({"calendars"})).policies.calendars.keys() == {"office"}
    assert [said for *_, said, _ in complaints(file(calendars + policies))] == [
        "there is no [connections.NAME]",
        "there is no pool 'inside-sales'",
    ]


def test_what_is_not_used_has_only_to_be_known(file):
    unfinished = GOOD + '\n[connections.other]\nconnector = "salesforce"\n\n[pools.empty]\nmembers = []\n'
    assert len(complaints(file(unfinished), WHOLE)) >= 2
    assert [policy.name for policy in load(file(unfinished), POLICIES).policies.policies] == ["Support"]
    calendars = load(file(unfinished.replace('within = "', 'within = "x')), frozenset({"calendars"})).policies.calendars
    assert list(calendars) == ["office"]


def test_an_unknown_key_is_told_wherever_it_stands(file):
    assert [hint for *_, hint in complaints(file(GOOD.replace("poll_every", "pol_every")), POLICIES)] == [
        'did you mean "poll_every"?'
    ]


def test_the_kill_switch_works_whatever_else_is_wrong_with_the_file(file):
    path = file(GOOD.replace("first_response", "frist").replace("hubspot", "hubsot"))
    assert load_daemon(path).database == path.parent / "state/sla.db"
    with pytest.raises(ConfigurationError):
        load_daemon(file(GOOD.replace("database", "databse")))


def test_a_broken_line_elsewhere_leaves_the_kill_switch_alone_and_one_in_its_own_table_does_not(file):
    assert load_daemon(file(GOOD.replace('"1h"', "1h"))).mode == "shadow"
    with pytest.raises(ConfigurationError) as error:
        load_daemon(file(GOOD.replace('"state/sla.db"', "state/sla.db")))
    assert [problem.line for problem in error.value.problems] == [2]


def test_a_file_without_a_daemon_table_gets_its_defaults(file):
    path = file(GOOD[GOOD.index("[calendars") :])
    daemon = load(path).daemon
    assert (daemon.database, daemon.listen, daemon.mode) == (path.parent / "sla.db", "127.0.0.1:8080", "live")


def test_a_missing_file_is_one_clear_problem(tmp_path):
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path / "nowhere.toml")
    assert str(error.value) == f"{tmp_path}/nowhere.toml: no such file or directory; name the file with --config"


def test_a_file_that_is_not_text_is_one_clear_problem(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b'[daemon]\ndatabase = "caf\xe9"\n')
    assert [(line, column, said) for line, column, _, said, _ in complaints(path)] == [
        (2, 16, "this is not UTF-8 text")
    ]


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load(path).connections.keys() == {"acme"}


# ---- syntax


def test_syntax_errors_and_wrong_values_are_reported_together(file):
    path = file(GOOD.replace('"shadow"', "shadow").replace('"1h"', "1h").replace("poll_every", "pol_every"))
    assert [(line, column, text, said) for line, column, text, said, _ in complaints(path)] == [
        (4, 8, "shadow", "this is not a value"),
        (14, 1, "pol_every", "unknown key 'pol_every'"),
        (30, 11, "h", "something follows the end of this statement"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[daemon\na = 1\n", (1, 1), "the header of this table is not closed"),
        ("[daemon]\nlisten\n", (2, 1), "a key without a value"),
        ("[a]\nx = [1,\n2\n\ny = 3\n", (2, 1), "this list is never closed"),
        ('[a]\nx = """abc\ny = 1\n', (2, 1), "this text is never closed"),
        ("[daemon]\nmode = 'live'\nmode = 'live'\n", (3, 1), "this key or table stands twice"),
        ("[daemon]\n\n[daemon]\n", (3, 1), "this table stands twice"),
        ('[daemon]\ndatabase = "C:\\data"\n', (2, 17), "a backslash in double quotes begins an escape"),
        ("[daemon]\nlisten = '127.0.0.1:8080' x\n", (2, 27), "something follows the end of this statement"),
    ],
)
def test_a_syntax_error_says_where_it_begins(file, text, place, message):
    line, column, _, said, _ = complaints(file(text), frozenset())[0]
    assert ((line, column), said) == (place, message)


# ---- secrets


def test_secrets_are_fetched_when_they_are_used_and_never_shown(file, monkeypatch):
    monkeypatch.setenv("ACME_TOKEN", "hunter2")
    read = load(file(GOOD))
    assert read.connections["acme"].settings["access_token"].reveal() == "hunter2"
    assert "hunter2" not in repr(read) + repr(read.connections["acme"].settings)


def test_a_missing_secret_is_named_with_its_place_and_stops_nothing_else(file, monkeypatch):
    monkeypatch.delenv("ACME_TOKEN", raising=False)
    path = file(GOOD)
    [problem] = missing_secrets(load(path))
    assert str(problem) == (
        f"{path}:13:16: the environment variable ACME_TOKEN is not set; set ACME_TOKEN before starting"
    )
    with pytest.raises(SecretMissing, match="ACME_TOKEN is not set"):
        _ = load(path).connections["acme"].settings


def test_a_secret_in_the_file_itself_is_refused_and_not_repeated(file):
    path = file(GOOD.replace("env:ACME_TOKEN", "pat-hunter2"))
    [(line, column, text, said, _)] = complaints(path)
    assert (line, column, text) == (13, 16, "***")
    assert said.startswith("a secret does not belong in this file")


def test_a_secret_in_the_file_itself_can_be_allowed(file):
    read = load(file(GOOD.replace('"env:ACME_TOKEN"', '"pat-hunter2"\nallow_plain_secrets = true')))
    assert read.connections["acme"].settings["access_token"].reveal() == "pat-hunter2"
    assert missing_secrets(read) == []


@pytest.mark.parametrize(
    "broken",
    [
        'access_token = "pat-hunter2',
        'access_token = "pat-hunter2" x',
        "access_token = pat-hunter2",
        "access_token = 5432",
        'acces_token = "pat-hunter2"',
        'private = """pat-hunter2\n\\d"""',
    ],
)
def test_no_message_repeats_a_secret(file, broken):
    path = file(GOOD.replace('access_token = "env:ACME_TOKEN"', broken))
    with pytest.raises(ConfigurationError) as error:
        load(path)
    assert "hunter2" not in str(error.value)
    assert "5432" not in str(error.value)


def test_a_secret_file_is_read_when_it_is_private(file, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-file\n")
    secret.chmod(0o600)
    read = load(file(GOOD.replace("env:ACME_TOKEN", "file:token")))
    assert read.connections["acme"].settings["access_token"].reveal() == "from-file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_secret_file_that_others_can_read_is_refused(file, tmp_path, mode):
    secret = tmp_path / "token"
    secret.write_text("from-file\n")
    secret.chmod(mode)
    [problem] = missing_secrets(load(file(GOOD.replace("env:ACME_TOKEN", "file:token"))))
    assert problem.message == f"others may read {secret}"
    assert problem.fix == f"chmod 600 {secret}"


def test_a_secret_file_that_is_empty_or_missing_is_refused(file, tmp_path):
    path = file(GOOD.replace("env:ACME_TOKEN", "file:token"))
    assert "no such file" in missing_secrets(load(path))[0].message
    (tmp_path / "token").touch(0o600)
    assert "is empty" in missing_secrets(load(path))[0].message


def test_a_plain_key_can_come_from_the_environment_too(file, monkeypatch):
    monkeypatch.setenv("ACME_TOKEN", "t")
    path = file(GOOD.replace('poll_every = "15s"', 'url = "env:ACME_URL"'))
    read = load(path)
    assert "ACME_URL is not set" in missing_secrets(read)[0].message
    monkeypatch.setenv("ACME_URL", "http://127.0.0.1:9")
    assert read.connections["acme"].settings["url"] == "http://127.0.0.1:9"


def test_the_keyring_says_so_when_it_is_not_there(file):
    try:
        import keyring  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("the keyring extra is installed")
    path = file(GOOD.replace("env:ACME_TOKEN", "keyring:crm/token"))
    [problem] = missing_secrets(load(path))
    assert (problem.message, problem.fix) == (
        "the keyring extra is not installed",
        "pip install 'sla-sidecar[keyring]'",
    )


# ---- typing


def one_edit(word):
    for index in range(len(word)):
        yield word[:index] + word[index + 1 :]
        yield word[:index] + "q" + word[index:]
        yield word[:index] + "q" + word[index + 1 :]
        if index and word[index - 1] != word[index]:
            yield word[: index - 1] + word[index] + word[index - 1] + word[index + 1 :]


def test_one_slip_of_the_fingers_in_any_key_is_met_with_the_right_word():
    known = POLICY_KEYS
    tried = right = 0
    for word in known:
        for typed in set(one_edit(word)) - {*known, ""}:
            document = {typed: 1}
            problem = Problem((typed,), f"unknown key {typed!r}", known)
            found = locate("f", problem, document, positions(f'"{typed}" = 1'))
            tried += 1
            right += found.nearest == word
    assert right == tried


def test_folder_of_the_file_not_of_the_process_is_where_relative_paths_begin(file, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = file(GOOD)
    monkeypatch.chdir(elsewhere)
    assert load(Path(os.path.relpath(path))).daemon.database.resolve() == tmp_path / "state/sla.db"


def test_what_an_objective_asks_for_is_read_from_the_crm(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        '[calendars.always]\ntimezone = "UTC"\nhours = "24x7"\n'
        '[[policies]]\nname = "Support"\napplies_to = "ticket"\ncalendar = "always"\nwhen = { source = "Web" }\n'
        '[[policies.targets]]\nmetric = "first_response"\nwithin = "1h"\n'
        '[[objectives]]\nname = "Chats"\ntarget = "first_response"\ngoal = "80%"\nwhen = { channel = "chat" }\n'
    )
    assert {"source", "channel"} <= load(path, REPORT).named_fields


def test_what_a_plain_key_will_hold_is_not_missed_before_it_is_fetched(file):
    salesforce = (
        'connector = "salesforce"\ndomain = "acme.my"\nclient_id = "env:NOBODY_SET_THIS"\n'
        'refresh_token = "file:secrets/token"\n'
    )
    start, end = GOOD.index('connector = "hubspot"'), GOOD.index("poll_every")
    assert load(file(GOOD[:start] + salesforce + GOOD[end:])).connections["acme"].connector == "salesforce"


@pytest.mark.parametrize(
    ("line", "words"),
    [("quota_share = 0", "must be above 0"), ("quota_share = 1.5", "must be at most 1"),
     ("searches_per_second = 0", "must be at least 1")],
)  # fmt: skip
def test_a_number_out_of_its_bounds_is_told_in_our_words(file, line, words):
    with pytest.raises(ConfigurationError) as told:
        load(file(GOOD.replace('poll_every = "15s"', f'poll_every = "15s"\n{line}')))
    assert [problem.message for problem in told.value.problems] == [words]
