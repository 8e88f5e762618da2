"""The page: what it says, how it stays fresh, and that no text of a CRM can do anything in it."""

import pytest
from asgi_client import Client
from paper_view import CLOCKS, MINUTE, NOW, PaperView, clock
from starlette.applications import Starlette

from console.dashboard.page import describe
from console.dashboard.routes import dashboard_routes
from sync.clock import ManualClock, ScaledClock
from sync.store import StoreError

NASTY = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def served(view=None, clock=None, mode="live", host="127.0.0.1", asked="127.0.0.1:8080"):
    view = view or PaperView()
    routes = dashboard_routes(lambda: view, clock or ManualClock(NOW), mode=mode, host=host)
    return Client(Starlette(routes=routes), asked)


def test_the_page_shows_clocks_by_urgency_without_any_script():
    page = served().get("/").text
    assert page.index("Ada Lovelace") < page.index("ticket 42") < page.index("ticket 43") < page.index("ticket 44")
    assert "2026-03-02T14:01:00Z" in page  # the due time stands there as text
    assert "8m20s left" in page  # of the paused one
    assert "retrying" in page
    assert "HubSpot answers 503" in page
    assert "task: Call Ada Lovelace now" in page


def test_a_state_is_a_word_and_a_shape_and_never_colour_alone():
    page = served().get("/").text
    for shape, word in (("▲", "overdue"), ("◆", "due soon"), ("●", "running"), ("‖", "paused")):
        assert f'<span class="shape" aria-hidden="true">{shape}</span> <span class="word">{word}</span>' in page


def test_a_clock_due_within_a_quarter_of_an_hour_is_due_soon():
    rows = [clock("a:lead:1", "t", due=NOW + 15 * MINUTE), clock("a:lead:2", "t", due=NOW + 15 * MINUTE + 1)]
    page = served(PaperView(clocks=rows)).get("/").text
    assert page.count('data-tone="soon"') == 1
    assert page.count('data-tone="running"') == 1


def test_the_moving_part_is_sent_again_only_after_a_commit():
    view = PaperView()
    client = served(view)
    first = client.get("/live")
    assert "<html" not in first.text
    assert "Ada Lovelace" in first.text
    tag = first.headers["etag"]
    again = client.get("/live", headers={"If-None-Match": tag})
    assert (again.status_code, again.text, again.headers["x-server-now"]) == (304, "", str(NOW))
    view.commits += 1
    assert client.get("/live", headers={"If-None-Match": tag}).status_code == 200


def test_the_page_carries_the_servers_time_and_pace():
    assert f'<body data-now="{NOW}" data-speed="1.0">' in served().get("/").text
    assert 'data-speed="60.0"' in served(clock=ScaledClock(NOW, 60)).get("/").text


def test_clocks_can_be_chosen_by_state_and_connection():
    client = served()
    overdue = client.get("/?show=overdue").text
    assert "Ada Lovelace</span>" in overdue
    assert "ticket 43</span>" not in overdue
    desk = client.get("/?connection=desk").text
    assert "Ada Lovelace</span>" not in desk
    assert "ticket 43</span>" in desk
    assert client.get("/?show=nonsense").status_code == 200


def test_clocks_from_before_the_start_are_measured_only_and_stand_apart():
    old = clock("desk:ticket:1", "t", due=NOW - 9 * MINUTE, outcome="missed", measured="older than enforce_from")
    view = PaperView(clocks=[old, *CLOCKS])
    page = served(view).get("/").text
    assert "ticket 1</span>" not in page
    assert "<strong>1</strong>" in page
    assert "ticket 1</span>" in served(view).get("/?show=measured").text
    assert "ticket 43</span>" not in served(view).get("/?show=measured").text


def test_no_more_than_the_most_urgent_are_drawn():
    rows = [clock(f"a:lead:{n}", "t", due=NOW + n * MINUTE) for n in range(150)]
    page = served(PaperView(clocks=rows)).get("/").text
    assert page.count("<tr class=") == 100
    assert "The 100 most urgent are shown." in page


def test_an_empty_store_says_so():
    page = served(PaperView(clocks=[], connections=[], ledger=[])).get("/").text
    assert "No connection has been read yet." in page
    assert "No clock is waiting for anybody." in page
    assert "Nothing has been written yet." in page


def test_shadow_and_pause_stand_at_the_top():
    assert "shadow: nothing is written" in served(mode="shadow").get("/").text
    assert "write-backs paused" in served(PaperView(paused=True)).get("/").text
    assert "write-backs paused" not in served().get("/").text


@pytest.mark.parametrize("path", ["/", "/live", "/page.css", "/page.js", "/icon.svg"])
def test_every_answer_carries_the_security_headers(path):
    answer = served().get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/live"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed_through_the_page(path, method):
    assert served().request(method, path).status_code == 405


def test_text_of_a_crm_stays_text():
    row = clock(f"a:lead:{NASTY}", NASTY, due=NOW, title=NASTY, owner=f"user:{NASTY}", policy=NASTY)
    view = PaperView(clocks=[row])
    view.rows = [view.rows[0].__class__(1, NOW, "write", NASTY, {"action": "task", "body": {"subject": NASTY}})]
    view.met = [view.met[0].__class__(NASTY, NASTY, "ok", NASTY, 0, NOW, None, 0, 0, 0, 0, [])]
    for path in ("/", "/live", f"/?connection={NASTY}"):
        page = served(view).get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page


def test_no_style_and_no_handler_is_written_into_the_page():
    page = served().get("/").text
    assert "style=" not in page
    assert "onclick" not in page
    assert page.count("<script") == 1


def test_a_page_on_this_machine_answers_to_its_own_names_only():
    for name in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost"):
        assert served(asked=name).get("/").status_code == 200
    stranger = served(asked="evil.example:8080")
    assert stranger.get("/").status_code == 421
    assert stranger.get("/live").status_code == 421
    assert "Ada" not in stranger.get("/").text
    assert served(host="0.0.0.0", asked="sla.acme.test").get("/").status_code == 200


@pytest.mark.parametrize(
    ("what", "body", "words"),
    [
        ("step", {"target": "first_response", "step": "75%", "decision": "fired"}, "first response 75%: fired"),
        ("write", {"action": "task", "body": {"subject": "Call"}}, "task: Call"),
        ("write", {"action": "owner", "body": {"pool": "p", "owner": "user:7"}}, "owner user:7"),
        ("write", {"action": "set", "body": {"values": {"priority": "high"}}}, "set priority = high"),
        (
            "write",
            {"action": "fields", "body": {"values": {"sla_due": NOW, "sla_status": None}}},
            "sla_due = 2026-03-02T14:05:00Z, sla_status = empty",
        ),
        (
            "dead",
            {"action": "task", "body": {"subject": "Call"}, "reason": "gone"},
            "task: Call - gone",
        ),
        ("alarm", {"alarm": "connection stopped", "reason": "revoked"}, "connection stopped - revoked"),
        ("retry", {"outbox": 7}, "outbox 7"),
    ],
)
def test_the_ledger_reads_in_a_few_words(what, body, words):
    assert describe(what, body) == words


def test_a_store_that_cannot_be_read_is_said_so_and_is_no_traceback():
    view = PaperView()
    view.summary = view.data_version = fails
    for path in ("/", "/live"):
        answer = served(view).get(path)
        assert (answer.status_code, answer.text) == (503, "the database is busy\n")
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def fails():
    raise StoreError("the database is busy")


def test_the_fixture_is_ordered_as_the_store_orders():
    dues = [row.due_at for row in CLOCKS if row.due_at is not None]
    assert dues == sorted(dues)
