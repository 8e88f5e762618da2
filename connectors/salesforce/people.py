"""Who can own records: users with their teams, and queues.

Owns the queries. Refuses guessing: a queue is a group of type Queue; what a person belongs to are the public groups and
queues that name them, themselves or by a group in between, and their role. Roles and territories inside a group are
left out. Invariant: inactive users are told as such, since records keep them as owners.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-user.html
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-groupmember.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from connectors.base import Person
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.ids import full_id
from connectors.salesforce.rows import Row, decode_row, rows_of
from connectors.salesforce.shape import Shapes
from connectors.salesforce.values import quote, select

_USER = ("Id", "Name", "Email", "IsActive", "ManagerId", "UserRoleId")
_GROUP = ("Id", "Name", "Email", "Type")
_MEMBER = ("Id", "GroupId", "UserOrGroupId")
_ROLE = ("Id", "Name")
_ANY = "Id != null"


class Wanted(NamedTuple):
    """Rows of an object: the columns that the org may have, and a condition."""

    name: str
    columns: tuple[str, ...]
    where: str = _ANY


def people(api: Api, shapes: Shapes) -> list[Person]:
    """Users of the org's own staff, active and not, then queues. As few calls as the rows need: the first pages come
    together."""
    staff = "UserType = 'Standard'" if shapes.has(names.USER, "UserType") else _ANY
    staff_rows, groups, members, role_rows = _all(
        api, shapes, Wanted(names.USER, _USER, staff), Wanted(names.GROUP, _GROUP, "Type IN ('Queue', 'Regular')"),
        Wanted(names.GROUP_MEMBER, _MEMBER), Wanted(names.ROLE, _ROLE),
    )  # fmt: skip
    queues = [
        Person(id=f"queue:{full_id(row['Id'])}", name=row.get("Name") or "", email=row.get("Email"))
        for row in groups
        if row.get("Type", "Queue") == "Queue"
    ]
    belongs = _belongs(groups, members)
    roles = {row["Id"]: row.get("Name") or "" for row in role_rows}
    users = [
        Person(
            id=f"user:{full_id(row['Id'])}",
            name=row.get("Name") or "",
            email=row.get("Email"),
            active=bool(row.get("IsActive", True)),
            manager=f"user:{full_id(row['ManagerId'])}" if row.get("ManagerId") else None,
            teams=_teams(belongs.get(row["Id"], ()), roles.get(row.get("UserRoleId"))),
        )
        for row in staff_rows
    ]
    return users + queues


def _teams(groups: Iterable[str], role: str | None) -> tuple[str, ...]:
    return tuple(sorted({*groups, *([role] if role else [])}))


def _belongs(groups: list[Row], members: list[Row]) -> dict[str, set[str]]:
    """The names of the groups and queues of each user, also of those that hold a group of theirs."""
    called = {row["Id"]: row.get("Name") or "" for row in groups}
    holders: dict[str, list[str]] = {}
    for row in members:
        holders.setdefault(row.get("UserOrGroupId", ""), []).append(row.get("GroupId", ""))
    return {
        one: {called[group] for group in _upwards(one, holders) if called.get(group)}
        for one in holders
        if one.startswith(names.USER_PREFIX)
    }


def _upwards(one: str, holders: dict[str, list[str]]) -> set[str]:
    """Every group around a user or group; circles end."""
    found: set[str] = set()
    ahead = list(holders.get(one, ()))
    while ahead:
        group = ahead.pop()
        if group not in found:
            found.add(group)
            ahead += holders.get(group, ())
    return found


def _all(api: Api, shapes: Shapes, *wanted: Wanted) -> list[list[Row]]:
    """Every row of each, page by page along the id; none of what the org lacks or hides."""
    found: list[list[Row]] = [[] for _ in wanted]
    chosen = [tuple(column for column in one.columns if shapes.has(one.name, column)) for one in wanted]
    left = [number for number in range(len(wanted)) if chosen[number]]
    while left:
        asked = [_page(wanted[number], chosen[number], found[number]) for number in left]
        results = [rows_of(answer) for answer in api.queries(asked)]
        for number, result in zip(left, results, strict=True):
            found[number] += [decode_row(raw) for raw in result.records]
        left = [
            number
            for number, result in zip(left, results, strict=True)
            if result.records and not (result.done and len(result.records) < names.PAGE_ROWS)
        ]
    return found


def _page(wanted: Wanted, columns: tuple[str, ...], found: list[Row]) -> str:
    """The query for what comes after the last row that was found."""
    beyond = f"{wanted.where} AND Id > {quote(found[-1]['Id'])}" if found else wanted.where
    return select(columns, wanted.name, beyond, f"ORDER BY Id ASC LIMIT {names.PAGE_ROWS}")
