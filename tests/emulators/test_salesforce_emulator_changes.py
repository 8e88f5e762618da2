"""What an administrator and people do in the emulated Salesforce that readers have to live with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from salesforce_emulator_org import Org, error_of


@pytest.fixture
def org() -> Iterator[Org]:
    made = Org()
    yield made
    made.close()


def test_every_change_of_a_tracked_field_is_written_down_by_its_doer(org: Org) -> None:
    case = org.case()
    org.act("update", id=case, by="maria@acme.test", fields={"Status": "Working", "OwnerId": "li@acme.test"})
    rows = org.query("SELECT Field, OldValue, NewValue, DataType, CreatedBy.Email FROM CaseHistory ORDER BY Id")
    assert [(row["Field"], row["OldValue"], row["NewValue"], row["DataType"]) for row in rows] == [
        ("created", None, None, "Text"),
        ("Status", "New", "Working", "Text"),
        ("Owner", "Sidecar Integration", "Li Wei", "Text"),
        ("Owner", org.emulator.cast.integration, org.user("li@acme.test"), "EntityId"),
    ]
    assert rows[-1]["CreatedBy"]["Email"] == "maria@acme.test"


def test_what_is_not_tracked_is_not_written_down(org: Org) -> None:
    org.act("setup", track={"Case": ["Priority"]})
    case = org.case()
    org.act("update", id=case, fields={"Status": "Working", "Priority": "Low"})
    assert [row["Field"] for row in org.query("SELECT Field FROM CaseHistory ORDER BY Id")] == ["created", "Priority"]


def test_old_and_new_values_cannot_be_filtered(org: Org) -> None:
    answer = org.get("/query", params={"q": "SELECT Id FROM CaseHistory WHERE NewValue = 'Working'"})
    assert error_of(answer)[1] == "INVALID_FIELD"


def test_a_renamed_field_keeps_its_values_under_the_new_name_alone(org: Org) -> None:
    lead = org.lead(SLA_Policy__c="Care")
    org.act("rename_field", object="Lead", field="SLA_Policy__c", to="Plan__c")
    assert org.row("Lead", lead)["Plan__c"] == "Care"
    assert error_of(org.get("/query", params={"q": "SELECT SLA_Policy__c FROM Lead"}))[1] == "INVALID_FIELD"
    names = [field["name"] for field in org.get("/sobjects/Lead/describe").json()["fields"]]
    assert ("Plan__c" in names, "SLA_Policy__c" in names) == (True, False)
    assert (
        org.control("act", {"do": "rename_field", "object": "Lead", "field": "Status", "to": "X__c"}).status_code == 400
    )


def test_a_hidden_field_is_gone_from_describe_and_query(org: Org) -> None:
    org.act("hide_field", object="Lead", field="Country")
    assert "Country" not in {field["name"] for field in org.get("/sobjects/Lead/describe").json()["fields"]}
    assert error_of(org.get("/query", params={"q": "SELECT Country FROM Lead"}))[1] == "INVALID_FIELD"


def test_a_field_that_cannot_be_filtered_can_be_read_but_not_sorted_by(org: Org) -> None:
    org.act("setup", unfilterable={"Task": ["SystemModstamp"]})
    fields = {field["name"]: field for field in org.get("/sobjects/Task/describe").json()["fields"]}
    assert (fields["SystemModstamp"]["filterable"], fields["SystemModstamp"]["sortable"]) == (False, False)
    assert org.get("/query", params={"q": "SELECT SystemModstamp FROM Task"}).status_code == 200
    for tail in ("WHERE SystemModstamp > 2026-01-01T00:00:00Z", "ORDER BY SystemModstamp"):
        assert error_of(org.get("/query", params={"q": f"SELECT Id FROM Task {tail}"}))[1] == "INVALID_FIELD"


def test_a_query_runs_too_long_as_often_as_told(org: Org) -> None:
    org.act("setup", query_timeout={"Lead": 1})
    answers = [org.get("/query", params={"q": "SELECT Id FROM Lead"}) for _ in range(2)]
    assert error_of(answers[0])[:2] == (400, "QUERY_TIMEOUT")
    assert answers[1].status_code == 200


def test_what_is_purged_no_query_shows(org: Org) -> None:
    lead = org.lead()
    org.act("purge", id=lead)
    assert org.get("/queryAll", params={"q": "SELECT Id FROM Lead"}).json()["totalSize"] == 0
    assert org.get(f"/sobjects/Lead/{lead}").status_code == 404


def test_what_went_into_the_bin_together_comes_back_together(org: Org) -> None:
    case = org.case()
    org.act("message", id=case)
    org.act("delete", id=case)
    assert org.query("SELECT Id FROM EmailMessage") == []
    org.act("undelete", id=case)
    assert len(org.query("SELECT Id FROM EmailMessage")) == 1


def test_posts_and_comments_of_customers_bear_a_portal_user(org: Org) -> None:
    case = org.case()
    org.act("message", id=case, channel="comment", direction="inbound")
    org.act("post", id=case, direction="inbound")
    org.act("post", id=case, by="maria@acme.test", public=False)
    (comment,) = org.query("SELECT CreatedBy.UserType FROM CaseComment")
    assert comment["CreatedBy"]["UserType"] == "CspLitePortal"
    posts = org.query("SELECT Visibility, CreatedBy.UserType FROM FeedItem ORDER BY Id")
    assert [(post["Visibility"], post["CreatedBy"]["UserType"]) for post in posts] == [
        ("AllUsers", "CspLitePortal"), ("InternalUsers", "Standard"),
    ]  # fmt: skip


def test_seeded_work_bears_the_dates_of_its_day() -> None:
    org = Org(records=60)
    started = org.emulator.clock.origin
    done = [row["CompletedDateTime"] for row in org.emulator.store.rows("Task") if row["IsClosed"]]
    sent = [row["MessageDate"] for row in org.emulator.store.rows("EmailMessage")]
    closed = [row["ClosedDate"] for row in org.emulator.store.rows("Case") if row["IsClosed"]]
    org.close()
    assert min(map(len, (done, sent, closed))) > 3
    assert max(done + sent + closed) < started
    assert len({*done, *sent, *closed}) > 20
