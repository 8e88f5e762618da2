"""Endpoints around the records: the account, its owners, its pipelines.

Owns their answers. Refuses the rules: see ``pipelines`` and ``owners``. Invariant: a list without paging is whole.
https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide
https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
"""

from __future__ import annotations

from typing import Any

from emulators.http import Response
from emulators.hubspot.api import Call, done
from emulators.hubspot.errors import not_found
from emulators.hubspot.kinds import Kind
from emulators.hubspot.pipelines import Pipeline


def account_details(call: Call) -> Response:
    return done(
        {
            "portalId": call.portal.id,
            "accountType": "DEVELOPER_TEST",
            "timeZone": "UTC",
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


def list_owners(call: Call) -> Response:
    call.auth.require("crm.objects.owners.read")
    limit, after = call.number("limit", 100, 500), call.offset()
    archived, email = call.flag("archived"), (call.one("email") or "").lower()
    found = [
        one
        for one in call.portal.owners.all
        if one.archived is archived and (not email or (one.email or "").lower() == email) and int(one.id) >= after
    ]
    body: dict[str, Any] = {"results": [one.body() for one in found[:limit]]}
    if len(found) > limit:
        body["paging"] = {"next": {"after": found[limit].id}}
    return done(body)


def read_owner(call: Call, id: str) -> Response:
    call.auth.require("crm.objects.owners.read")
    owners = call.portal.owners
    owner = owners.by_user(id) if call.one("idProperty") == "userId" else owners.find(id)
    if owner is None or owner.archived is not call.flag("archived"):
        raise not_found()
    return done(owner.body())


def list_pipelines(call: Call, kind: Kind) -> Response:
    call.may_read(kind)
    return done({"results": [call.portal.pipelines.body(one) for one in call.portal.pipelines.of(kind.name)]})


def _pipeline(call: Call, kind: Kind, id: str) -> Pipeline:
    call.may_read(kind)
    found = call.portal.pipelines.find(kind.name, id)
    if found is None:
        raise not_found(f"Pipeline {id} does not exist")
    return found


def read_pipeline(call: Call, kind: Kind, id: str) -> Response:
    return done(call.portal.pipelines.body(_pipeline(call, kind, id)))


def list_stages(call: Call, kind: Kind, id: str) -> Response:
    stages = _pipeline(call, kind, id).stages
    return done({"results": [call.portal.pipelines.stage_body(one) for one in stages]})


def read_stage(call: Call, kind: Kind, id: str, stage_id: str) -> Response:
    for stage in _pipeline(call, kind, id).stages:
        if stage.id == stage_id:
            return done(call.portal.pipelines.stage_body(stage))
    raise not_found(f"Stage {stage_id} does not exist")
