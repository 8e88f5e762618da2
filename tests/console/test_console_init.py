"""``init``: by flags and at a terminal, against both practice CRMs; what it writes is taken and runs."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Person
from connectors.errors import RetryLater
from connectors.setup import Account, RawStatus, Watchable
from console import init_login
from console.__main__ import run
from console.boundary import Failure
from console.init_proposal import Hours, Known, Proposal, Taker, hours, objects, taker
from console.init_questions import Questions
from console.init_text import configuration
from emulators.core import Server, serve
from emulators.hubspot import EMULATOR as HubSpot
from emulators.salesforce import EMULATOR as Salesforce
from sync.configuration import load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def salesforce() -> Iterator[Server]:
    server = serve(Salesforce())
    yield server
    server.close()


@pytest.fixture
def hubspot() -> Iterator[Server]:
    server = serve(HubSpot())
    yield server
    server.close()


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def flags(server: Server) -> list[str]:
    """The flags for a practice Salesforce whose secret is in SECRET."""
    key = server.emulator.credentials()["consumer_key"]
    named = ["--crm", "salesforce", "--domain", "acme.my", "--client-id", key, "--client-secret", "env:SECRET"]
    return ["--non-interactive", *named, "--url", server.url]


# ---- for scripts


def test_salesforce_by_flags_gives_a_file_that_is_checked_and_runs(
    salesforce: Server, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", salesforce.emulator.credentials()["consumer_secret"])
    code, out, err = cli("init", *flags(salesforce), "--json")
    assert code == 0
    assert json.loads(out) == {
        "file": "config.toml",
        "connection": "acme-salesforce",
        "account": "00DEm0000000001MAA",
        "secrets": [],
        "next": [
            "sla-sidecar check --config config.toml",
            "sla-sidecar provision acme-salesforce --config config.toml",
            "sla-sidecar run --config config.toml",
        ],
    }
    text = Path("config.toml").read_text()
    assert os.environ["SECRET"] not in text + out + err
    configuration = load(Path("config.toml"))
    assert configuration.daemon.mode == "shadow"
    assert [(p.name, p.applies_to) for p in configuration.policies.policies] == [
        ("New leads", "lead"),
        ("New tickets", "ticket"),
    ]
    assert '"Waiting on Customer" = "pending"\n' in text
    assert 'lead = { first_response_due = "SLA_First_Response_Due__c", ' in text
    assert configuration.pools["owners"].fallback == "queue:Unassigned"
    assert "sidecar@acme.test" not in text
    code, out, _ = cli("check", "--json")
    assert (code, [one for one in json.loads(out)["findings"] if one["level"] == "fail"]) == (0, [])
    assert cli("once", "--dry-run")[0] == 0


def test_hubspot_by_flags_gives_a_file_that_is_checked_and_runs(hubspot: Server, cli: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(hubspot.emulator.credentials()["access_token"])
    token.chmod(0o600)
    named = ["--crm", "hubspot", "--access-token", "file:token", "--url", hubspot.url, "--name", "desk"]
    code, out, _ = cli("init", "my.toml", "--non-interactive", *named, "--objects", "tickets", "--hours", "24x7",
                       "--pool", "team:Inside Sales")  # fmt: skip
    assert code == 0
    assert out.splitlines()[:2] == ["my.toml is written, in shadow mode.", "Read it, then:"]
    text = Path("my.toml").read_text()
    assert 'objects = ["tickets"]' in text
    assert '[pools.inside-sales]\nmembers = [\n  "team:Inside Sales",\n]\n' in text
    assert "New leads" not in text
    code, out, _ = cli("check", "--config", "my.toml", "--json")
    assert (code, [one for one in json.loads(out)["findings"] if one["level"] == "fail"]) == (0, [])
    assert cli("once", "--dry-run", "--config", "my.toml")[0] == 0


def test_the_jwt_login_takes_a_key_that_lies_in_a_file(salesforce: Server, cli: Any, tmp_path: Path) -> None:
    credentials = salesforce.emulator.credentials()
    (tmp_path / "key.pem").write_text(credentials["private_key"])
    (tmp_path / "key.pem").chmod(0o600)
    named = ["--domain", "acme.my", "--client-id", credentials["consumer_key"], "--username", credentials["username"]]
    code, _, err = cli("init", "--non-interactive", "--crm", "salesforce", "--login", "jwt", *named,
                       "--private-key", "file:key.pem", "--url", salesforce.url)  # fmt: skip
    assert code == 0, err
    assert 'private_key = "file:key.pem"' in Path("config.toml").read_text()


def test_an_app_of_hubspot_logs_in_by_its_refresh_token(
    hubspot: Server, cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = hubspot.emulator.credentials()
    monkeypatch.setenv("SECRET", credentials["client_secret"])
    (tmp_path / "refresh").write_text(credentials["refresh_token"])
    (tmp_path / "refresh").chmod(0o600)
    named = ["--client-id", credentials["client_id"], "--client-secret", "env:SECRET", "--url", hubspot.url]
    oauth = ["--non-interactive", "--crm", "hubspot", "--login", "oauth", *named]
    code, _, err = cli("init", *oauth, "--refresh-token", "file:refresh")
    assert code == 0, err
    monkeypatch.setenv("REFRESH", credentials["refresh_token"])
    code, _, err = cli("init", "other.toml", *oauth, "--refresh-token", "env:REFRESH")
    assert code == 2
    assert "file of its own" in err


def test_a_file_that_is_there_is_never_written_over(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("mine")
    code, _, err = cli("init", "--non-interactive", "--crm", "hubspot")
    assert code == 2
    assert "config.toml is there already\n  name another file: sla-sidecar init config.toml.new" in err
    assert (tmp_path / "config.toml").read_text() == "mine"


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(cli: Any) -> None:
    code, out, err = cli("init", "--non-interactive", "--crm", "hubspot", "--access-token", "pat-na1-canary")
    assert code == 2
    assert "--access-token takes no secret" in err
    assert "canary" not in out + err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--crm", "hubspot"], '--access-token is missing: "env:NAME", "file:PATH" or "keyring:SERVICE/NAME"'),
        (["--crm", "salesforce"], "--domain is missing"),
        ([], "--crm is missing"),
        (["--crm", "hubspot", "--login", "soap"], "--login is one of token, oauth, not 'soap'"),
        (["--crm", "hubspot", "--access-token", "env:NOT_SET"], "the environment variable NOT_SET is not set"),
        (["no/such/folder.toml"], "mkdir -p no/such"),
    ],
)
def test_what_is_missing_is_wrong_usage_and_is_named(cli: Any, arguments: list[str], said: str) -> None:
    code, _, err = cli("init", "--non-interactive", *arguments)
    assert code == 2
    assert said in err


def test_without_a_terminal_nothing_is_asked(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115 - as a service has it
    code, _, err = cli("init")
    assert code == 2
    assert "--non-interactive" in err


def test_a_refused_login_writes_nothing(salesforce: Server, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "wrong-canary")
    code, out, err = cli("init", *flags(salesforce))
    assert code == 1
    assert "canary" not in out + err
    assert list(Path().iterdir()) == []


def test_a_crm_that_cannot_be_reached_is_code_three(
    salesforce: Server, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> Account:
        raise RetryLater("no answer within 5 s")

    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setattr("connectors.salesforce.setting_up.SalesforceSetUp.account", away)
    code, _, err = cli("init", *flags(salesforce))
    assert code == 3
    assert "no answer within 5 s" in err
    assert list(Path().iterdir()) == []


# ---- at a terminal


class Terminal:
    """A person at a pseudo-terminal: waits for a question, types the answer."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", "init", *arguments],
            cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        os.close(theirs)

    def answers(self, question: str, answer: str) -> None:
        self._until(question)
        os.write(self._ours, answer.encode() + b"\n")

    def _until(self, text: str) -> None:
        start = len(self.seen)
        while text not in self.seen[start:]:
            ready, _, _ = select.select([self._ours], [], [], 10)
            assert ready, f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self._ours, 4096).decode()

    def ends(self) -> int:
        while True:
            try:
                if not (piece := os.read(self._ours, 4096)):
                    break
            except OSError:  # the other side is closed
                break
            self.seen += piece.decode()
        os.close(self._ours)
        return self.process.wait(10)


def test_a_person_is_asked_and_a_typed_secret_lies_where_nobody_else_reads_it(
    salesforce: Server, tmp_path: Path
) -> None:
    credentials = salesforce.emulator.credentials()
    terminal = Terminal(tmp_path, "--url", salesforce.url)
    terminal.answers("Number", "1")  # Salesforce
    terminal.answers("Number", "")  # client credentials
    terminal.answers("My Domain", "acme.my")
    terminal.answers("Consumer key", credentials["consumer_key"])
    terminal.answers("Number", "1")  # in a file
    terminal.answers("Consumer secret", "mistyped-canary")
    terminal.answers("Once more", "")
    terminal.answers("My Domain", "acme.my")
    terminal.answers("Consumer key", credentials["consumer_key"])
    terminal.answers("Number", "")
    terminal.answers("Consumer secret", credentials["consumer_secret"])
    terminal.answers("What shall be watched?", "Lead")
    terminal.answers("Number", "2")  # other hours
    terminal.answers("Time zone", "")
    terminal.answers("Opening hours", "mon-fri 08:00-18:00")
    terminal.answers("Number", "")  # the owners
    assert terminal.ends() == 0, terminal.seen
    assert "Secrets: file:secrets/acme-salesforce-client-secret" in terminal.seen
    secret = tmp_path / "secrets/acme-salesforce-client-secret"
    assert secret.read_text() == credentials["consumer_secret"] + "\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    text = (tmp_path / "config.toml").read_text()
    assert credentials["consumer_secret"] not in text + terminal.seen
    assert "canary" not in text + terminal.seen
    assert 'hours = { mon-fri = "08:00-18:00" }' in text
    assert (
        load(tmp_path / "config.toml").connections["acme-salesforce"].settings["client_secret"].reveal()
        == (credentials["consumer_secret"])
    )


def typing(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    left = iter(answers)
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(left))


def test_a_secret_that_the_vendor_rotates_at_once_is_kept_as_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Questions, "choice", lambda _, name, *__: {"login": "oauth", "secrets": "file"}[name])
    typing(monkeypatch, "id", "secret", "first")
    answers = init_login.ask(Questions({}, asks=True), "hubspot", None, None, tmp_path)
    answers.settings()["refresh_token"].replaced("second")
    assert answers.keep() == ["file:secrets/hubspot-client-secret", "file:secrets/hubspot-refresh-token"]
    assert (tmp_path / "secrets/hubspot-refresh-token").read_text() == "second\n"


def test_a_secret_file_that_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/hubspot-access-token").write_text("mine")
    monkeypatch.setattr(Questions, "choice", lambda _, name, *__: {"login": "token", "secrets": "file"}[name])
    typing(monkeypatch, "pat-new")
    answers = init_login.ask(Questions({}, asks=True), "hubspot", None, None, tmp_path)
    assert answers.keep() == ["file:secrets/hubspot-access-token-2"]
    assert (tmp_path / "secrets/hubspot-access-token").read_text() == "mine"
    with pytest.raises(FileExistsError):
        answers.keep()


def test_a_variable_or_a_keyring_that_is_not_there_is_told_before_anything_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"login": "token", "secrets": "env"}
    monkeypatch.setattr(Questions, "choice", lambda _, name, *__: place[name])
    typing(monkeypatch, "HUBSPOT_TOKEN_OF_NOBODY")
    with pytest.raises(Failure, match="HUBSPOT_TOKEN_OF_NOBODY is not set"):
        init_login.ask(Questions({}, asks=True), "hubspot", None, None, tmp_path)
    place["secrets"] = "keyring"
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(Failure, match="the keyring extra is not installed"):
        init_login.ask(Questions({}, asks=True), "hubspot", None, None, tmp_path)


# ---- what is proposed


def account(*kinds: tuple[str, str]) -> Account:
    watchable = tuple(Watchable(object=name, kind=kind) for name, kind in kinds)  # type: ignore[arg-type]
    return Account(id="7", name="Acme", zone=None, objects=watchable, statuses=())


def quiet(**given: str) -> Questions:
    return Questions(given, asks=False)


def people(count: int, *teams: str) -> list[Person]:
    return [Person(f"user:{n}", f"P {n}", f"p{n}@acme.test", teams=teams) for n in range(count)]


def test_one_object_of_a_kind_is_watched_the_usual_one() -> None:
    both = account(("leads", "lead"), ("contacts", "lead"), ("tickets", "ticket"))
    assert objects(quiet(), "hubspot", both) == ("contacts", "tickets")
    assert objects(quiet(), "hubspot", account(("leads", "lead"))) == ("leads",)


def taking(people: list[Person], user: str | None = None) -> Taker:
    told = Account(id="7", name="Acme", zone=None, objects=(), statuses=(), user=user)
    return taker(quiet(), Known(told, people, []))


def test_the_logins_own_user_takes_nothing_over() -> None:
    assert taking(people(2), user="user:0").members == (("p1@acme.test", "P 1"),)
    assert taking(people(1), user="user:0") == Taker(None)


def test_who_takes_over_is_a_short_list_else_a_team_else_a_queue_else_nobody() -> None:
    queue = Person("queue:1", "Waiting room")
    assert taking([*people(2), queue]) == Taker(
        "owners", (("p0@acme.test", "P 0"), ("p1@acme.test", "P 1")), "queue:Waiting room"
    )
    assert taking(people(26, "Next")) == Taker("next-team", (("team:Next", ""),), None)
    assert taking([*people(26), queue]) == Taker("queue:Waiting room")
    assert taking([]) == Taker(None)


def test_two_owners_of_one_address_are_named_by_id() -> None:
    twice = [Person("user:1", "A", "desk@acme.test"), Person("user:2", "B", "desk@acme.test")]
    assert taking(twice).members == (("user:1", "A"), ("user:2", "B"))


def test_hours_are_those_of_an_office_where_the_crm_has_none() -> None:
    known = Known(account(), [], [])
    assert hours(quiet(), known) == Hours("office", {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}})
    assert hours(quiet(hours="24x7", timezone="Europe/Berlin"), known).table["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize("given", [{"timezone": "Europe/Berln"}, {"hours": "9 to 5"}, {"hours": "mon-fri 25:00-26:00"}])
def test_hours_that_are_none_are_found_before_anything_is_written(given: dict[str, str]) -> None:
    with pytest.raises(Failure) as refused:
        hours(quiet(**given), Known(account(), [], []))
    assert refused.value.code == 2


def test_the_file_holds_whatever_an_account_calls_its_things(tmp_path: Path) -> None:
    nasty = 'Say "no"\n# \\ \u2028 [x]'
    statuses = (RawStatus(object="contacts", kind="lead", name=nasty, category="new"),)
    taking = Taker("owners", (("a@b.test", nasty), ("user:1", "\x07")), f"queue:{nasty[:8]}")
    write = {"lead": {"sla_status": "sla_status"}}
    made = Proposal(("contacts",), ("lead",), statuses, Hours("o f", {"timezone": "UTC", "hours": "24x7"}, (nasty,)),
                    taking, write)  # fmt: skip
    file = tmp_path / "config.toml"
    file.write_text(configuration("x.y", {"connector": "hubspot", "access_token": "env:T"}, nasty, made))
    read = load(file)
    assert read.document["connections"]["x.y"]["status"]["lead"] == {nasty: "new"}
    assert [member.user for member in read.pools["owners"].members] == ["a@b.test", "user:1"]
