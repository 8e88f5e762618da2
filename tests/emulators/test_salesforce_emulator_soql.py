"""SOQL as a table: what each query finds, and how what is not understood is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from salesforce_emulator_org import Org, error_of


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    """Four leads a minute apart, two cases, one task."""
    org = Org()
    maria, li = org.user("maria@acme.test"), org.user("li@acme.test")
    queue = org.user("Unassigned")
    rows = [
        {"LastName": "Ada", "Country": "US", "LeadSource": "Web", "OwnerId": maria, "NumberOfEmployees": 10},
        {"LastName": "ben", "Country": "DE", "LeadSource": "Web", "OwnerId": li, "NumberOfEmployees": 200},
        {"LastName": "Chloe O'Neil", "LeadSource": "Partner Referral", "OwnerId": queue},
        {"LastName": "Dev_50%", "Country": "us", "OwnerId": maria, "HasOptedOutOfEmail": True},
    ]
    leads = []
    for fields in rows:
        leads.append(org.lead(**fields))
        org.advance(60)
    org.make("Task", WhoId=leads[1], Subject="Call", OwnerId=li, ActivityDate="2026-03-04")
    contact = org.query("SELECT Id FROM Contact WHERE Account.Tier__c = 'Gold' ORDER BY Id LIMIT 1")[0]["Id"]
    org.case(Subject="Gold case", ContactId=contact, OwnerId=org.user("Support"))
    org.case(Subject="Plain case")
    yield org
    org.close()


def names(org: Org, where: str) -> list[str]:
    return [row["LastName"].split()[0] for row in org.query(f"SELECT LastName FROM Lead {where}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", ["Ada", "ben", "Chloe", "Dev_50%"]),
        ("WHERE Country = 'US'", ["Ada", "Dev_50%"]),
        ("where country = 'us'", ["Ada", "Dev_50%"]),
        ("WHERE Country != 'US'", ["ben", "Chloe"]),
        ("WHERE Country <> 'DE'", ["Ada", "Chloe", "Dev_50%"]),
        ("WHERE Country = null", ["Chloe"]),
        ("WHERE Country != NULL", ["Ada", "ben", "Dev_50%"]),
        ("WHERE NumberOfEmployees > 10", ["ben"]),
        ("WHERE NumberOfEmployees >= 10", ["Ada", "ben"]),
        ("WHERE NumberOfEmployees < 1e1", None),
        ("WHERE NumberOfEmployees <= 10.0", ["Ada"]),
        ("WHERE LeadSource IN ('Web', 'Other')", ["Ada", "ben"]),
        ("WHERE LeadSource NOT IN ('Web')", ["Chloe", "Dev_50%"]),
        ("WHERE LastName LIKE 'B%'", ["ben"]),
        ("WHERE LastName LIKE '_d_'", ["Ada"]),
        (r"WHERE LastName LIKE '%\_50\%'", ["Dev_50%"]),
        (r"WHERE LastName = 'Chloe O\'Neil'", ["Chloe"]),
        ("WHERE HasOptedOutOfEmail = TRUE", ["Dev_50%"]),
        ("WHERE NOT HasOptedOutOfEmail = true", ["Ada", "ben", "Chloe"]),
        ("WHERE NOT (Country = 'US' OR Country = 'DE')", ["Chloe"]),
        ("WHERE Country = 'US' AND (LeadSource = 'Web' OR LeadSource = null)", ["Ada", "Dev_50%"]),
        ("WHERE Owner.Name = 'Maria Costa'", ["Ada", "Dev_50%"]),
        ("WHERE Owner.Type = 'Queue'", ["Chloe"]),
        ("WHERE Owner.IsActive = true AND Owner.Email LIKE '%@acme.test'", ["Ada", "ben", "Dev_50%"]),
        ("WHERE SystemModstamp > 2026-03-02T14:06:00Z", ["Chloe", "Dev_50%"]),
        ("WHERE SystemModstamp >= 2026-03-02T15:06:00.000+0100", ["ben", "Chloe", "Dev_50%"]),
        ("WHERE SystemModstamp > 2026-03-02T14:05:59.999+0000", ["ben", "Chloe", "Dev_50%"]),
        ("WHERE CreatedDate = TODAY", ["Ada", "ben", "Chloe", "Dev_50%"]),
        ("WHERE CreatedDate < TODAY", []),
        ("WHERE CreatedDate = LAST_N_DAYS:3", ["Ada", "ben", "Chloe", "Dev_50%"]),
        ("WHERE CreatedDate > YESTERDAY AND CreatedDate <= THIS_WEEK", ["Ada", "ben", "Chloe", "Dev_50%"]),
        ("WHERE Id IN (SELECT WhoId FROM Task WHERE Subject = 'Call')", ["ben"]),
        ("WHERE Id NOT IN (SELECT WhoId FROM Task)", ["Ada", "Chloe", "Dev_50%"]),
        ("ORDER BY LastName DESC", ["Dev_50%", "Chloe", "ben", "Ada"]),
        ("ORDER BY Country, LastName DESC", ["Chloe", "ben", "Dev_50%", "Ada"]),
        ("ORDER BY Country NULLS LAST, LastName", ["ben", "Ada", "Dev_50%", "Chloe"]),
        ("ORDER BY SystemModstamp DESC NULLS FIRST, Id ASC LIMIT 2", ["Dev_50%", "Chloe"]),
        ("ORDER BY Id LIMIT 2 OFFSET 1", ["ben", "Chloe"]),
        ("LIMIT 0", []),
        ("WHERE Lead.Country = 'DE'", ["ben"]),
    ],
)
def test_a_condition_finds(org: Org, where: str, found: list[str] | None) -> None:
    if found is None:
        assert error_of(org.get("/query", params={"q": f"SELECT Id FROM Lead {where}"}))[1] == "MALFORMED_QUERY"
    else:
        assert names(org, where) == found


def test_a_cursor_by_stamp_and_id_continues_after_the_last_row(org: Org) -> None:
    second = org.query("SELECT Id, SystemModstamp FROM Lead ORDER BY SystemModstamp, Id LIMIT 2")[1]
    where = f"(SystemModstamp = {second['SystemModstamp']} AND Id > '{second['Id']}')"
    later = names(org, f"WHERE {where} OR SystemModstamp > {second['SystemModstamp']} ORDER BY SystemModstamp, Id")
    assert later == ["Chloe", "Dev_50%"]


def test_an_id_is_found_by_15_and_by_18_characters_but_not_by_other_case(org: Org) -> None:
    lead = org.query("SELECT Id FROM Lead WHERE LastName = 'Ada'")[0]["Id"]
    assert names(org, f"WHERE Id = '{lead[:15]}'") == names(org, f"WHERE Id = '{lead}'") == ["Ada"]
    assert names(org, f"WHERE Id = '{lead[:15].lower()}'") == []


def test_parents_are_nested_and_missing_ones_are_null(org: Org) -> None:
    gold, plain = org.query(
        "SELECT Subject, Account.Name, Account.Tier__c, Account.Owner.Email, Contact.Account.Tier__c, Owner.Type, "
        "Owner.Name, BusinessHours.Name FROM Case ORDER BY CaseNumber"
    )
    assert gold["Account"] == {
        "Name": "Alder Freight", "Tier__c": "Gold", "Owner": {"Email": "admin@acme.test"},
    }  # fmt: skip
    assert gold["Contact"] == {"Account": {"Tier__c": "Gold"}}
    assert gold["Owner"] == {"Type": "Queue", "Name": "Support"}
    assert plain["Account"] is None
    assert plain["BusinessHours"] == {"Name": "Default"}


def test_a_polymorphic_parent_is_of_type_name(org: Org) -> None:
    record = org.get("/query", params={"q": "SELECT Owner.Name FROM Lead LIMIT 1"}).json()["records"][0]
    maria = org.user("maria@acme.test")
    assert record["Owner"]["attributes"] == {"type": "Name", "url": f"/services/data/v66.0/sobjects/User/{maria}"}
    assert record["attributes"]["type"] == "Lead"


def test_typeof_shows_fields_by_the_parents_object(org: Org) -> None:
    soql = "SELECT TYPEOF Owner WHEN User THEN Email, Manager.Name WHEN Group THEN DeveloperName END FROM Lead"
    owners = [row["Owner"] for row in org.query(soql)]
    assert owners[0] == {"Email": "maria@acme.test", "Manager": {"Name": "Jo Santos"}}
    assert owners[2] == {"DeveloperName": "Unassigned"}


def test_count_counts_without_records(org: Org) -> None:
    answer = org.get("/query", params={"q": "SELECT COUNT() FROM Lead WHERE Country = 'US'"}).json()
    assert answer == {"totalSize": 2, "done": True, "records": []}


def test_dates_compare_as_days(org: Org) -> None:
    assert len(org.query("SELECT Id FROM Task WHERE ActivityDate = 2026-03-04")) == 1
    assert len(org.query("SELECT Id FROM Task WHERE ActivityDate = NEXT_N_DAYS:2")) == 1
    assert len(org.query("SELECT Id FROM Task WHERE ActivityDate > 2026-03-04")) == 0


def test_both_forms_of_the_query_path_answer(org: Org) -> None:
    soql = {"q": "SELECT Id FROM Lead"}
    assert org.get("/query", params=soql).json() == org.get("/query/", params=soql).json()


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT Id FORM Lead", "MALFORMED_QUERY", "unexpected token: 'FORM'"),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT FROM Lead", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Lead WHERE Name = 'x' AND Email = 'y' OR City = 'z'", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Id FROM Lead WHERE Name = \"x\"", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-03-02T14:05:00.000 0000", "MALFORMED_QUERY", "unexpected"),
        ("SELECT Id FROM Lead GROUP BY Status", "MALFORMED_QUERY", "GROUP BY: not part of what this emulator"),
        ("SELECT COUNT(Id) FROM Lead", "MALFORMED_QUERY", "functions and child queries: not part of"),
        ("SELECT Id, (SELECT Id FROM Tasks) FROM Lead", "MALFORMED_QUERY", "functions and child queries"),
        ("SELECT Id FROM Lead WHERE CreatedDate = SOMEDAY", "MALFORMED_QUERY", "unexpected token: 'SOMEDAY'"),
        ("SELECT Id FROM Leed", "INVALID_TYPE", "sObject type 'Leed' is not supported."),
        ("SELECT Nme FROM Lead", "INVALID_FIELD", "No such column 'Nme' on entity 'Lead'."),
        ("SELECT Id, Id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Boss.Name FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Boss' in field path."),
        ("SELECT Owner.ManagerId FROM Lead", "INVALID_FIELD", "No such column 'ManagerId' on entity 'Name'."),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-03-02T14:05:00Z'", "INVALID_FIELD",
         "'CreatedDate' must be of type dateTime and should not be enclosed in quotes"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-03-02", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Lead WHERE Name = 5", "INVALID_FIELD", "type string and should be enclosed in quotes"),
        ("SELECT Id FROM Lead WHERE OwnerId = 'maria'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: maria"),
        ("SELECT Id FROM Lead WHERE OwnerId LIKE '005%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on"),
        ("SELECT Id FROM Lead WHERE IsConverted > true", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on"),
        ("SELECT Id FROM Lead LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "offset allowed is 2000"),
        ("", "MISSING_ARGUMENT", "Missing required parameter: q"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_the_reason(org: Org, soql: str, code: str, message: str) -> None:
    status, found, text = error_of(org.get("/query", params={"q": soql}))
    assert (status, found) == (400, code)
    assert message in text


def test_a_hidden_field_does_not_exist_for_queries() -> None:
    org = Org()
    org.act("setup", hide={"Lead": ["SLA_Due__c"]})
    assert error_of(org.get("/query", params={"q": "SELECT SLA_Due__c FROM Lead"}))[1] == "INVALID_FIELD"
    assert "SLA_Due__c" not in {one["name"] for one in org.get("/sobjects/Lead/describe").json()["fields"]}
    org.close()


def test_queryall_shows_the_recycle_bin_too() -> None:
    org = Org()
    lead = org.lead()
    org.delete(f"/sobjects/Lead/{lead}")
    assert org.query("SELECT Id FROM Lead") == []
    records = org.get("/queryAll", params={"q": "SELECT Id, IsDeleted FROM Lead WHERE IsDeleted = true"}).json()[
        "records"
    ]
    assert [record["Id"] for record in records] == [lead]
    org.close()


def test_an_address_has_16_384_bytes_at_most(org: Org) -> None:
    long = "SELECT Id FROM Lead WHERE LastName = '" + "x" * 16_400 + "'"
    assert org.get("/query", params={"q": long}).status_code == 414
