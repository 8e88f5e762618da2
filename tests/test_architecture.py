"""The rules of the house, held by the syntax tree: who imports whom, what stays pure, who owns an outside thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("sla", "connectors", "sync", "console", "emulators")

# What each room may import of the others. `sla.model` is the vocabulary that connectors share.
ALLOWED = {
    "sla": set(),
    "connectors": {"sla.model"},
    "sync": {"sla", "connectors"},
    "console": {"sla", "connectors", "sync"},
    "emulators": set(),
}

# One importer per outside thing: top-level module -> the only files or folders that may import it.
OWNERS = {
    "sqlite3": ("sync/store.py", "sync/migrations.py"),
    "sqlite_utils": ("sync/store.py", "sync/migrations.py"),
    "apscheduler": ("sync/daemon.py",),
    "simple_salesforce": ("connectors/salesforce/login.py",),
    "hubspot": ("connectors/hubspot/api.py",),
    "holidays": ("sla/holiday.py",),
    "requests": (
        "connectors/http.py",
        "connectors/salesforce/api.py",
        "connectors/salesforce/login.py",
        "connectors/hubspot/api.py",
    ),
    "tenacity": ("connectors/http.py",),
    "lxml": ("connectors/salesforce/webhook.py", "connectors/salesforce/holiday_links.py"),
    "keyring": ("sync/secrets.py",),
    "grpc": ("connectors/salesforce/pubsub",),
    "google": ("connectors/salesforce/pubsub_wire.py",),
    "fastavro": ("connectors/salesforce/pubsub_events.py",),
    "tomllib": ("sync/configuration.py", "sync/toml_"),
    "click": ("console/",),
    "rich": ("console/",),
    "jinja2": ("console/dashboard/", "console/report_html.py"),
    "uvicorn": ("sync/web.py",),
    "starlette": ("sync/receiver.py", "sync/web.py", "sync/daemon.py", "console/dashboard/"),
    "lark": ("emulators/salesforce/",),
}

# What a pure room may not touch: files, network, processes, the wall clock, randomness, logging.
IMPURE = {
    "asyncio", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "queue", "random", "requests",
    "secrets", "shutil", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
    "urllib3", "uuid",
}  # fmt: skip
PURE_FILES = ("connectors/*/mapping.py", "connectors/*/webhook.py", "connectors/signature.py")
WALL_CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic"}


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


@cache
def imports(path: Path) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            assert node.module is not None
            found.append((node.module, node.lineno))
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def allowed(module: str, room: str) -> bool:
    return any(module == name or module.startswith(name + ".") for name in ALLOWED[room])


def test_imports_run_one_way() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in modules()
        for module, line in imports(path)
        if (target := module.split(".")[0]) in ROOMS
        and target != (room := name_of(path).split("/")[0])
        and not allowed(module, room)
        and not (module == "sla" and room == "connectors")
    ]
    assert wrong == []


def test_no_crm_imports_another() -> None:
    crms = {path.name for path in (ROOT / "connectors").iterdir() if (path / "__init__.py").exists()}
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in modules()
        if name_of(path).startswith("connectors/") and (own := name_of(path).split("/")[1]) in crms
        for module, line in imports(path)
        if module.split(".")[0] == "connectors" and len(module.split(".")) > 1 and module.split(".")[1] in crms - {own}
    ]
    assert wrong == []


@pytest.mark.parametrize("outside", sorted(OWNERS))
def test_each_outside_thing_has_one_importer(outside: str) -> None:
    wrong = [
        f"{name_of(path)}:{line}"
        for path in modules()
        if not name_of(path).startswith(OWNERS[outside])
        for module, line in imports(path)
        if module.split(".")[0] == outside
        # the rooms' own folders carry the vendors' names
        and not name_of(path).startswith("emulators/")
    ]
    assert wrong == []


def test_the_emulators_need_nothing_but_the_standard_library_and_lark() -> None:
    import sys

    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in modules()
        if name_of(path).startswith("emulators/")
        for module, line in imports(path)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "emulators", "lark"}
        # the event bus speaks gRPC and Avro, and only where the extra `pubsub` is installed
        and not (
            name_of(path).startswith("emulators/salesforce/pubsub")
            and module.split(".")[0] in {"grpc", "google", "fastavro"}
        )
    ]
    assert wrong == []


def test_sla_and_the_mappings_are_pure() -> None:
    pure = [*(ROOT / "sla").rglob("*.py"), *(path for pattern in PURE_FILES for path in ROOT.glob(pattern))]
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in pure
        for module, line in imports(path)
        if module.split(".")[0] in IMPURE
    ]
    assert wrong == []


def test_only_the_clock_and_the_daemon_read_the_wall_clock() -> None:
    wrong = []
    for path in modules():
        name = name_of(path)
        if name in ("sync/clock.py", "sync/daemon.py") or name.startswith("emulators/"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in WALL_CLOCKS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("datetime", "date", "time")
            ):
                wrong.append(f"{name}:{node.lineno} calls {node.func.value.id}.{node.func.attr}")
    assert wrong == []


def test_no_drawer_is_called_utils() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [name_of(path) for path in modules() if path.stem in drawers or path.parent.name in drawers] == []


def test_no_module_swallows_every_error() -> None:
    wrong = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                wrong.append(f"{name_of(path)}:{node.lineno}")
            if (
                isinstance(node, ast.ExceptHandler)
                and isinstance(node.type, ast.Name)
                and node.type.id in ("Exception", "BaseException")
                and all(isinstance(statement, ast.Pass) for statement in node.body)
            ):
                wrong.append(f"{name_of(path)}:{node.lineno}")
    assert wrong == []
