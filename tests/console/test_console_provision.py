"""``provision`` and ``calendar import`` against practice CRMs over HTTP: shown first, asked for, and never twice."""

from __future__ import annotations

import json
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import run
from emulators.core import serve
from emulators.hubspot import EMULATOR as HUBSPOT
from emulators.salesforce import EMULATOR as SALESFORCE
from sla.calendar import Calendar

ADMIN = ["ApiEnabled", "EditTask", "TransferAnyLead", "TransferAnyCase", "ViewSetup", "CustomizeApplication",
         "ManageProfilesPermissionsets", "AssignPermissionSets"]  # fmt: skip
Cli = Callable[..., tuple[int, str, str]]

FILE = """\
[calendars.office]
timezone = "America/New_York"
hours = {{ mon-fri = "09:00-17:00" }}

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "office"
[[policies.targets]]
metric = "first_response"
within = "1h"

[connections.sf]
connector = "salesforce"
url = "{salesforce.url}"
domain = "acme.my"
client_id = "{key}"
client_secret = "env:SF_SECRET"
objects = ["Case"]
write.ticket = {{ sla_due = "SLA_New_Due__c", sla_status = "SLA_Status__c" }}

[connections.hs]
connector = "hubspot"
url = "{hubspot.url}"
access_token = "env:HS_TOKEN"
objects = ["tickets"]
write.ticket = {{ sla_due = "sla_new_due", sla_status = "sla_status" }}
"""


class Crms:
    def __init__(self) -> None:
        self.sf, self.hs = SALESFORCE(seed=1), HUBSPOT(seed=1)
        self.servers = [serve(self.sf), serve(self.hs)]
        self.salesforce, self.hubspot = self.sf.credentials(), self.hs.credentials()


@pytest.fixture
def crms() -> Iterator[Crms]:
    made = Crms()
    yield made
    for server in made.servers:
        server.close()


@pytest.fixture
def cli(crms: Crms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SF_SECRET", crms.salesforce["consumer_secret"])
    monkeypatch.setenv("HS_TOKEN", crms.hubspot["access_token"])
    text = FILE.format(salesforce=crms.sf, hubspot=crms.hs, key=crms.salesforce["consumer_key"])
    (tmp_path / "config.toml").write_text(text)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def admin(crms: Crms) -> None:
    crms.sf.act({"do": "setup", "permissions": ADMIN})


def test_what_is_missing_is_shown_and_nothing_is_created_where_nobody_can_be_asked(crms: Crms, cli: Cli) -> None:
    admin(crms)
    code, out, err = cli("provision")
    assert code == 2
    rows = [line.split()[:4] for line in out.splitlines()]
    assert ["sf", "Case", "SLA_New_Due__c", "date"] in rows
    assert ["hs", "tickets", "sla_new_due", "date"] in rows
    assert "nothing was created: there is nobody to ask" in err
    assert "--yes" in err
    assert crms.sf.store.tables["case"].field("SLA_New_Due__c") is None
    assert crms.hs.portal.schemas["tickets"].get("sla_new_due") is None


def test_yes_creates_in_both_crms_and_a_second_run_finds_nothing_to_do(crms: Crms, cli: Cli) -> None:
    admin(crms)
    code, out, _ = cli("provision", "--yes")
    assert code == 0
    assert "✓ sf: Case.SLA_New_Due__c: created" in out
    assert "✓ sf: permission set SLA Sidecar: created" in out
    assert "✓ hs: tickets.sla_new_due: created" in out
    assert crms.hs.portal.schemas["tickets"].get("sla_new_due") is not None
    code, out, _ = cli("provision", "--yes")
    assert (code, out) == (0, "every field is there\n")


def test_a_person_at_a_terminal_is_asked_and_may_say_no(crms: Crms, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text) or False)
    code, _, _ = cli("provision", "hs")
    assert (code, asked) == (1, ["Create these now?"])
    assert crms.hs.portal.schemas["tickets"].get("sla_new_due") is None
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert cli("provision", "hs")[0] == 0
    assert crms.hs.portal.schemas["tickets"].get("sla_new_due") is not None


def test_json_lists_without_creating_and_creates_with_yes(crms: Crms, cli: Cli) -> None:
    code, out, _ = cli("provision", "hs", "--json")
    document = json.loads(out)
    assert (code, document["exit_code"]) == (1, 1)
    [told] = document["connections"]
    assert (told["connection"], told["created"]) == ("hs", False)
    assert [(one["object"], one["name"], one["type"]) for one in told["fields"] if one["purpose"] != "task_key"] == [
        ("tickets", "sla_new_due", "datetime")
    ]
    code, out, _ = cli("provision", "hs", "--yes", "--json")
    [told] = json.loads(out)["connections"]
    assert (code, told["created"]) == (0, True)
    assert {one["level"] for one in told["findings"]} == {"ok"}


def test_a_user_without_the_right_is_told_what_to_do(crms: Crms, cli: Cli) -> None:
    code, out, _ = cli("provision", "sf", "--yes")
    assert code == 1
    assert "✗ sf: Case.SLA_New_Due__c: the integration user may not do this" in out
    assert "--package" in out


def test_a_crm_that_is_away_keeps_the_other_from_nothing(crms: Crms, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    crms.sf.faults.add({"fault": "status:503", "path": "/services"})
    code, out, _ = cli("provision", "--yes")
    assert code == 3
    assert "✓ hs: tickets.sla_new_due: created" in out
    assert "✗ sf: connection:" in out


def test_a_missing_secret_is_told_once_and_without_a_traceback(
    crms: Crms, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SF_SECRET")
    code, out, _ = cli("provision", "sf", "--yes")
    assert code == 1
    assert "✗ sf: secret:" in out
    assert "SF_SECRET" in out


def test_an_unknown_connection_is_named_with_the_nearest(cli: Cli) -> None:
    code, _, err = cli("provision", "fs")
    assert code == 2
    assert "has no connection 'fs'" in err
    assert "did you mean 'sf'?" in err or "did you mean 'hs'?" in err


def test_the_package_is_the_same_file_each_time_and_creates_nothing(crms: Crms, cli: Cli) -> None:
    assert cli("provision", "sf", "--package", "a.zip")[0] == 0
    assert cli("provision", "sf", "--package", "b.zip")[0] == 0
    assert Path("a.zip").read_bytes() == Path("b.zip").read_bytes()
    with zipfile.ZipFile("a.zip") as package:
        assert package.namelist() == [
            "objects/Activity.object", "objects/Case.object", "package.xml",
            "permissionsets/SLA_Sidecar.permissionset",
        ]  # fmt: skip
        assert b"SLA_New_Due__c" in package.read("objects/Case.object")
    assert sum(crms.sf.counts.values()) == 0


def test_a_package_needs_no_secret_for_who_deploys_it_may_not_have_ours(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SF_SECRET")
    assert cli("provision", "sf", "--package", "a.zip")[0] == 0


def test_a_package_is_never_written_over_a_file_and_is_for_one_connection(cli: Cli) -> None:
    code, _, err = cli("provision", "sf", "--package", "config.toml")
    assert (code, "config.toml is there already" in err) == (2, True)
    code, _, err = cli("provision", "--package", "new.zip")
    assert (code, "name one of sf, hs" in err) == (2, True)
    assert not Path("new.zip").exists()


def hours(crms: Crms) -> None:
    week = {f"{day}{edge}Time": f"{at}:00:00.000Z" for day in ("Monday", "Friday")
            for edge, at in (("Start", "09"), ("End", "17"))}  # fmt: skip
    fields: dict[str, Any] = {"Name": "Berlin", "TimeZoneSidKey": "Europe/Berlin", **week}
    crms.sf.act({"do": "create", "object": "BusinessHours", "fields": fields})
    crms.sf.act({"do": "create", "object": "BusinessHours", "fields": {**fields, "Name": "Old", "IsActive": False}})
    crms.sf.act({"do": "create", "object": "Holiday", "fields": {"Name": "Day off", "ActivityDate": "2027-01-01"}})


def test_the_hours_of_a_crm_are_printed_as_tables_that_the_configuration_takes(crms: Crms, cli: Cli) -> None:
    hours(crms)
    code, out, err = cli("calendar", "import", "sf", "--now", "2026-11-21T09:00:00Z")
    assert code == 0
    tables = tomllib.loads(out)["calendars"]
    assert tables == {
        "default": {"timezone": "America/New_York", "hours": "24x7", "closed": ["2027-01-01"]},
        "berlin": {
            "timezone": "Europe/Berlin", "hours": {"mon": "09:00-17:00", "fri": "09:00-17:00"},
            "closed": ["2027-01-01"],
        },
    }  # fmt: skip
    for name, table in tables.items():
        Calendar.from_config(table, name)
    assert "# Berlin\n# which holidays belong to which hours cannot be read by this user" in out
    assert "Old: left out: it is not active, or never open" in err


def test_a_name_of_the_crm_cannot_leave_its_comment(crms: Crms, cli: Cli) -> None:
    crms.sf.act({"do": "create", "object": "BusinessHours", "fields": {
        "Name": 'Odd\n[daemon]\nmode = "live"', "TimeZoneSidKey": "UTC", "MondayStartTime": "09:00:00.000Z",
        "MondayEndTime": "17:00:00.000Z"}})  # fmt: skip
    _, out, _ = cli("calendar", "import", "sf")
    assert list(tomllib.loads(out)) == ["calendars"]


def test_the_hours_as_json_have_their_notes(crms: Crms, cli: Cli) -> None:
    hours(crms)
    code, out, _ = cli("calendar", "import", "sf", "--now", "2026-11-21T09:00:00Z", "--json")
    document = json.loads(out)
    assert code == 0
    assert [(one["name"], one["default"]) for one in document["calendars"]] == [("default", True), ("berlin", False)]


def test_hubspot_has_no_hours_to_import_and_that_is_said(cli: Cli) -> None:
    code, out, err = cli("calendar", "import", "hs")
    assert (code, out) == (1, "")
    assert "hubspot has no opening hours that can be read" in err
