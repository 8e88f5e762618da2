"""What a person is told of who was considered for a record, and of the watches that it is part of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sync_scene import LEADS, Scene

from console.__main__ import cli

WATCHED = """
[[watches]]
name = "Same customer again"
breaches = { by = "customer", count = 2, within = "7d" }
notify = "manager"
"""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path, document=LEADS + WATCHED, write={})
    for name in ("8", "9"):
        made.crm.create("lead", name, name="Mara", customer="Acme", owner="user:ann")
    made.minutes(62)
    (tmp_path / "config.toml").write_text(f'[daemon]\ndatabase = "{made.database}"\n')
    yield made
    made.close()


def _explain(scene: Scene, *more: str) -> str:
    answer = CliRunner().invoke(
        cli, ["explain", "crm:lead:9", "--config", str(scene.database.parent / "config.toml"), *more]
    )
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_explain_lists_every_candidate_with_the_verdict(scene: Scene) -> None:
    (choice,) = json.loads(_explain(scene, "--json"))["assignments"]
    assert choice == {
        "at": "2026-03-02T10:00:00Z",
        "what": "write",
        "owner": "user:ben",
        "reason": "next in turn",
        "pool": "sales",
        "considered": [
            {"user": "user:ann", "verdict": "had it before", "open": 2, "turn": 1},
            {"user": "user:ben", "verdict": "chosen", "open": 1, "turn": 2},
        ],
    }
    text = _explain(scene)
    assert "2026-03-02T10:00:00Z  owner user:ben of sales: next in turn" in text
    assert "had it before" in text


def test_explain_names_the_watches_that_a_record_is_part_of(scene: Scene) -> None:
    (seen,) = json.loads(_explain(scene, "--json"))["watches"]
    assert (seen["watch"], seen["key"], seen["begin_at"]) == ("Same customer again", "Acme", "2026-03-02T10:00:00Z")
    assert "Same customer again: Acme: 2 breaches within 7d, since 2026-03-02T10:00:00Z" in _explain(scene)
