"""The page about the configuration cannot lie: its blocks are one valid file, and it names every key there is."""

import re
from pathlib import Path

from connectors.settings import ConnectionSettings, Timeouts
from sla.calendar import KEYS as CALENDAR_KEYS
from sla.condition import OPERATORS
from sla.derivation import KEYS as DERIVE_KEYS
from sla.figures.credit import KEYS as CREDIT_KEYS
from sla.figures.objective import KEYS as OBJECTIVE_KEYS
from sla.figures.watch_section import BACKLOG_KEYS, BREACHES_KEYS
from sla.figures.watch_section import KEYS as WATCH_KEYS
from sla.metric import PRESETS
from sla.people import KEYS as PEOPLE_KEYS
from sla.period import KEYS as PERIOD_KEYS
from sla.policy import POLICY_KEYS
from sla.signal import ANSWER_WORDS, TRIGGER_WORDS
from sla.step import CLOCK_FIELDS
from sla.step import KEYS as STEP_KEYS
from sla.target import REOPEN_KEYS, TARGET_KEYS
from sync.configuration import load
from sync.configuration_model import DaemonTable, MemberTable, PoolTable

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/configuration.md").read_text()


def test_the_blocks_of_the_page_are_one_valid_configuration(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)))
    read = load(path)
    assert read.connections.keys() == {"acme-salesforce", "acme-hubspot"}
    assert [policy.name for policy in read.policies.policies] == ["Inbound web leads", "Support"]


def test_the_page_names_every_key():
    keys = {
        *(key for model in (DaemonTable, PoolTable, MemberTable, Timeouts) for key in model.model_fields),
        *ConnectionSettings.model_fields,
        *CALENDAR_KEYS, *POLICY_KEYS, *TARGET_KEYS, *REOPEN_KEYS, *STEP_KEYS, *OPERATORS, *PRESETS,
        *ANSWER_WORDS, *TRIGGER_WORDS, *CLOCK_FIELDS, *DERIVE_KEYS, *PERIOD_KEYS, *PEOPLE_KEYS, *OBJECTIVE_KEYS,
        *CREDIT_KEYS, *WATCH_KEYS, *BREACHES_KEYS, *BACKLOG_KEYS,
    } - {"targets"}  # fmt: skip
    assert [key for key in sorted(keys) if not re.search(rf"`[^`]*\b{key}\b[^`]*`", PAGE)] == []


def test_the_page_shows_the_defaults_that_hold():
    for key, default in (
        ("database", "sla.db"),
        ("listen", "127.0.0.1:8080"),
        ("mode", "live"),
        ("match", "strictest"),
    ):
        assert f'| `{key}` | `"{default}"` |' in PAGE
        assert DaemonTable.model_fields[key].default == default
    assert f"| `max_hops` | {PoolTable.model_fields['max_hops'].default} |" in PAGE


def test_the_example_is_a_whole_configuration():
    read = load(ROOT / "config.example.toml")
    assert read.connections.keys() == {"acme-salesforce", "acme-hubspot"}
    assert read.daemon.mode == "shadow"


def test_the_examples_of_assignment_and_watches_are_valid(tmp_path):
    policy = (
        '[[policies]]\nname = "P"\napplies_to = "lead"\ncalendar = "office"\n'
        '[[policies.targets]]\nmetric = "first_response"\nwithin = "1h"\n'
    )
    for page, rest in (("assignment", policy), ("watches", "")):
        path = tmp_path / f"{page}.toml"
        blocks = re.findall(r"```toml\n(.*?)```", (ROOT / f"docs/{page}.md").read_text(), re.DOTALL)
        connection = '[connections.crm]\nconnector = "memory"\n'
        path.write_text("\n".join([*blocks, rest, connection]))
        read = load(path)
        assert len(read.watches) == (2 if page == "watches" else 0)
        assert [pool.needs for pool in read.pools.values()] == ([1_800_000] if page == "assignment" else [])
