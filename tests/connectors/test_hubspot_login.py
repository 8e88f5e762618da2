"""Logging in to HubSpot by OAuth, and by keys that are rotated, over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot_samples.desk import Desk, order

from connectors.errors import AuthFailed, RetryLater
from connectors.http import IMPATIENT
from connectors.hubspot import HubSpotConnector
from connectors.secret import Secret
from sync.secrets import resolve

TOKEN = "POST /oauth/2026-09/token"
SEARCH = "POST /crm/objects/2026-09/tickets/search"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(objects=("tickets",)) as desk:
        yield desk


def app(desk: Desk, refresh_token: Secret | None = None, **settings: Any) -> HubSpotConnector:
    """A connection by the app's OAuth. Its refresh token stands in a place of the test's own."""
    given = desk.emulator.credentials()
    place = refresh_token or Secret(given["refresh_token"], "file:token", keep=lambda text: None)
    return desk.connect(
        access_token=None,
        client_id=given["client_id"],
        client_secret=Secret(given["client_secret"]),
        refresh_token=place,
        **settings,
    )


def counted(desk: Desk) -> tuple[int, int]:
    """Logins and searches since this was last asked."""
    calls = desk.calls()
    return calls.get(TOKEN, 0), calls.get(SEARCH, 0)


def in_file(desk: Desk, folder: Path) -> Secret:
    path = folder / "token"
    path.touch(0o600)
    path.write_text(desk.emulator.credentials()["refresh_token"])
    return resolve("file:token", folder)


def test_one_login_serves_until_two_minutes_before_the_token_ends(desk: Desk) -> None:
    connector = app(desk)
    for seconds in (0, 1600, 70):  # together ten seconds short of two minutes before the end
        desk.pass_time(seconds)
        connector.poll("tickets", None, 0)
    assert desk.calls()[TOKEN] == 1
    desk.pass_time(20)
    connector.poll("tickets", None, 0)
    assert desk.calls() == {TOKEN: 1, SEARCH: 1}
    connector.close()


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_the_token_endpoint_goes_by_the_version(desk: Desk, version: str) -> None:
    connector = app(desk, api_version=version)
    connector.poll("tickets", None, 0)
    assert desk.calls()[f"POST /oauth/{version}/token"] == 1
    connector.close()


def test_a_short_lived_token_is_renewed_at_half_its_life(desk: Desk) -> None:
    desk.act("settings", token_lifetime_s=100)
    connector = app(desk)
    connector.poll("tickets", None, 0)
    desk.pass_time(51)
    connector.poll("tickets", None, 0)
    assert desk.calls()[TOKEN] == 2
    connector.close()


@pytest.mark.parametrize("lifetime", [0, -5])
def test_a_token_that_ends_at_once_does_not_make_every_call_a_login(desk: Desk, lifetime: int) -> None:
    desk.act("settings", token_lifetime_s=lifetime)
    connector = app(desk)
    for _ in range(3):
        with pytest.raises(AuthFailed):
            connector.people()
    assert desk.calls()[TOKEN] == 1
    connector.close()


def test_an_answer_that_does_not_say_how_long_it_lasts_lasts_as_long_as_usual(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = desk.emulator.auth.grant
    monkeypatch.setattr(
        desk.emulator.auth, "grant", lambda form: {k: v for k, v in grant(form).items() if k != "expires_in"}
    )
    connector = app(desk)
    for _ in range(3):
        connector.people()
        desk.pass_time(500)
    assert desk.calls()[TOKEN] == 1
    connector.close()


def test_a_closed_connection_logs_in_again(desk: Desk) -> None:
    connector = app(desk)
    connector.people()
    connector.close()
    assert len(connector.people()) == 5
    connector.close()


def test_eight_threads_renew_a_token_once(desk: Desk) -> None:
    desk.act("settings", rotate_refresh_token=True)
    connector = app(desk)
    connector.poll("tickets", None, 0)
    desk.pass_time(3600)
    desk.calls()
    failed: list[BaseException] = []

    def poll() -> None:
        try:
            connector.poll("tickets", None, 0)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=poll) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert counted(desk) == (1, 8)
    connector.close()


def test_a_rotated_refresh_token_is_on_disk_before_the_first_call(desk: Desk, tmp_path: Path) -> None:
    desk.act("settings", rotate_refresh_token=True)
    connector = app(desk, in_file(desk, tmp_path))
    desk.fault("reset", path="*/tickets/search")
    with pytest.raises(RetryLater):
        connector.poll("tickets", None, 0)
    assert (tmp_path / "token").read_text().strip() == desk.emulator.credentials()["refresh_token"]
    desk.emulator.faults.clear()
    connector.close()
    again = app(desk, resolve("file:token", tmp_path))  # the next start knows the new one
    again.poll("tickets", None, 0)
    again.close()


def test_a_new_refresh_token_that_cannot_be_kept_is_told_and_not_lost(desk: Desk) -> None:
    desk.act("settings", rotate_refresh_token=True)
    kept: list[str] = []
    full = True

    def keep(text: str) -> None:
        if full:
            raise OSError("no space left on device")
        kept.append(text)

    connector = app(desk, Secret(desk.emulator.credentials()["refresh_token"], "file:token", keep=keep))
    with pytest.raises(AuthFailed) as refused:
        connector.people()
    assert (refused.value.code, refused.value.again_s) == ("TOKEN_NOT_KEPT", 10)
    assert "file:token" in refused.value.reason
    assert desk.calls() == {TOKEN: 1}  # nothing is called with what came with it
    full = False
    connector.poll("tickets", None, 0)
    assert counted(desk) == (0, 1)
    assert kept == [desk.emulator.credentials()["refresh_token"]]
    connector.close()


def test_what_could_not_be_kept_still_logs_in_once_its_token_has_ended(desk: Desk) -> None:
    desk.act("settings", rotate_refresh_token=True)
    full = [OSError("full"), OSError("full")]

    def keep(text: str) -> None:
        if full:
            raise full.pop()

    connector = app(desk, Secret(desk.emulator.credentials()["refresh_token"], "file:token", keep=keep))
    for _ in range(2):
        with pytest.raises(AuthFailed):
            connector.people()
        desk.pass_time(7200)
    connector.poll("tickets", None, 0)
    assert desk.calls()[TOKEN] == 3
    connector.close()


def test_an_uninstalled_app_is_told_at_once_with_the_next_step(desk: Desk) -> None:
    connector = app(desk)
    connector.poll("tickets", None, 0)
    desk.act("uninstall_app")
    desk.pass_time(120)
    desk.calls()
    with pytest.raises(AuthFailed) as refused:
        connector.poll("tickets", None, 0)
    assert refused.value.code == "invalid_grant"
    assert refused.value.reason.endswith("install the app again and keep the new one in `refresh_token`")
    assert desk.calls() == {SEARCH: 1, TOKEN: 1}
    connector.close()


def test_a_dead_refresh_token_is_not_tried_again_by_every_stream(desk: Desk) -> None:
    connector = app(desk)
    desk.act("uninstall_app")
    for _ in range(5):
        with pytest.raises(AuthFailed):
            connector.people()
    assert desk.calls() == {TOKEN: 1}
    desk.pass_time(61)
    with pytest.raises(AuthFailed):
        connector.people()
    assert desk.calls() == {TOKEN: 1}
    connector.close()


def test_a_refresh_token_that_is_replaced_in_its_file_mends_the_connection_at_once(desk: Desk, tmp_path: Path) -> None:
    connector = app(desk, in_file(desk, tmp_path))
    desk.act("uninstall_app")
    with pytest.raises(AuthFailed):
        connector.people()
    (tmp_path / "token").write_text(desk.emulator.credentials()["refresh_token"])  # the app is installed again
    assert len(connector.people()) == 5
    connector.close()


def test_two_processes_may_share_a_refresh_token_that_is_rotated(desk: Desk, tmp_path: Path) -> None:
    desk.act("settings", rotate_refresh_token=True)
    daemon, command = app(desk, in_file(desk, tmp_path)), app(desk, in_file(desk, tmp_path))
    for connector in (daemon, command, daemon, command):
        connector.people()
        desk.pass_time(3600)
    daemon.close()
    command.close()


def test_a_wrong_client_secret_is_told_from_a_dead_refresh_token(desk: Desk) -> None:
    connector = app(desk)
    desk.emulator.auth.client_secret = "another"
    with pytest.raises(AuthFailed) as refused:
        connector.poll("tickets", None, 0)
    assert refused.value.code == "invalid_client"
    connector.close()


def test_a_token_that_hubspot_ends_early_is_renewed_once_in_the_same_call(desk: Desk) -> None:
    connector = app(desk)
    connector.poll("tickets", None, 0)
    desk.pass_time(120)
    desk.calls()
    desk.fault("expire_token", path="*/search", times=1)
    connector.poll("tickets", None, 0)
    assert desk.calls() == {SEARCH: 2, TOKEN: 1}
    connector.close()


def test_a_write_whose_token_had_ended_is_written_once(desk: Desk) -> None:
    connector = app(desk)
    ticket = desk.ticket()
    connector.poll("tickets", None, 0)
    desk.pass_time(120)
    desk.fault("expire_token", path="*/batch/update", times=1)
    connector.write([order("fields", f"acme:ticket:{ticket}", values={"sla_status": "met"})])
    assert [effect["fields"] for effect in desk.effects()] == [{"sla_status": "met"}]
    connector.close()


def test_a_portal_that_refuses_every_token_is_asked_for_few(desk: Desk) -> None:
    connector = app(desk)
    desk.fault("status:401", path="*/search")
    for _ in range(10):
        with pytest.raises(AuthFailed):
            connector.poll("tickets", None, 0)
    assert counted(desk) == (1, 10)  # a token as young as that is not what is wrong
    connector.close()


def test_a_clock_that_is_set_back_brings_a_new_token(desk: Desk) -> None:
    connector = app(desk)
    connector.poll("tickets", None, 0)
    connector._api._login._clock = lambda: desk.now - 7_200_000  # type: ignore[attr-defined]
    connector.poll("tickets", None, 0)
    assert desk.calls()[TOKEN] == 2
    connector.close()


@pytest.mark.parametrize(("fault", "code"), [("status:503", "503"), ("html", "200"), ("reset", "BROKEN")])
def test_a_fault_of_the_token_endpoint_is_a_passing_one(desk: Desk, fault: str, code: str) -> None:
    connector = app(desk, patience=IMPATIENT)
    desk.fault(fault, path="/oauth", times=1)
    with pytest.raises(RetryLater) as failed:
        connector.poll("tickets", None, 0)
    assert (failed.value.code, failed.value.unknown) == (code, False)
    connector.poll("tickets", None, 0)
    connector.close()


def test_a_login_that_hangs_is_left_in_time(desk: Desk) -> None:
    connector = app(desk, patience=IMPATIENT, timeouts={"connect": "1s", "read": "100ms", "total": "1s"})
    desk.fault("latency", path="/oauth", times=1, seconds=0.3)
    with pytest.raises(RetryLater) as late:
        connector.poll("tickets", None, 0)
    assert late.value.code == "TIMEOUT"
    connector.close()


def test_a_login_counts_as_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = app(desk)
    taken: list[str] = []
    monkeypatch.setattr(connector.allowance, "take", taken.append)
    connector.poll("tickets", None, 0)
    assert taken[0] == "login"
    assert taken.count("login") == 1
    connector.close()


def test_no_error_of_a_login_shows_a_secret(desk: Desk) -> None:
    given = desk.emulator.credentials()
    connector = app(desk, Secret("na1-worthless", "file:token", keep=lambda text: None))
    with pytest.raises(AuthFailed) as refused:
        connector.poll("tickets", None, 0)
    found: BaseException | None = refused.value
    while found is not None:
        for secret in ("na1-worthless", given["client_secret"]):
            assert secret not in f"{found!r} {found}"
        found = found.__cause__ or found.__context__
    connector.close()


# ---- keys that an administrator rotates


def test_a_key_that_was_rotated_in_its_file_is_taken_up_without_a_restart(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(desk.emulator.credentials()["access_token"])
    connector = desk.connect(access_token=resolve("file:key", tmp_path))
    connector.poll("tickets", None, 0)
    path.write_text(desk.act("rotate_key")["access_token"])
    connector.poll("tickets", None, 0)  # the old one lives for seven days more
    desk.pass_time(8 * 86_400)
    desk.calls()
    connector.people()
    assert desk.calls() == {"GET /crm/owners/2026-09": 3}  # the first with the old key
    connector.close()


def test_a_key_that_was_rotated_and_not_replaced_stops_the_connection(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(desk.emulator.credentials()["access_token"])
    connector = desk.connect(access_token=resolve("file:key", tmp_path))
    desk.act("rotate_key", now=True)
    with pytest.raises(AuthFailed):
        connector.poll("tickets", None, 0)
    path.unlink()
    with pytest.raises(AuthFailed):
        connector.poll("tickets", None, 0)
    connector.close()


@pytest.mark.parametrize("token", ["pat-na1-x\n", "Bearer pat-na1-x", "pät"])
def test_a_token_that_no_header_can_carry_is_told_without_a_call(desk: Desk, token: str) -> None:
    connector = desk.connect(access_token=Secret(token))
    with pytest.raises(AuthFailed) as refused:
        connector.people()
    assert refused.value.reason == "the access token has a space or another sign that none has: store it alone"
    assert desk.calls() == {}
    connector.close()


def test_missing_scopes_are_no_reason_to_log_in_again(desk: Desk) -> None:
    desk.act("settings", missing_scopes_of={"oauth-app": ["tickets"]})
    connector = app(desk)
    with pytest.raises(AuthFailed) as refused:
        connector.poll("tickets", None, 0)
    assert refused.value.code == "MISSING_SCOPES"
    assert desk.calls()[TOKEN] == 1
    assert desk.connector.poll("tickets", None, 0).changes == []  # the key has its own scopes
    connector.close()


def test_check_says_what_to_do_about_an_app_that_was_uninstalled(desk: Desk) -> None:
    connector = app(desk)
    desk.act("uninstall_app")
    (finding,) = (one for one in connector.check() if one.subject == "login")
    assert (finding.level, finding.fix) == ("fail", "install the app again, and keep its new refresh token")
    connector.close()
