"""Documentation that cannot lie: links lead somewhere, commands and keys exist, every dependency has its reason."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.__main__ import cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> list[str]:
    """The lines of the shell blocks of a page."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", page.read_text(), re.DOTALL)
    return [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line.split("#")[0], posix=True)
        while words and ("=" in words[0] or words[0] in ("exec", "sudo")):
            words = words[1:]
        if not words or Path(words[0]).name != "sla-sidecar":
            continue
        arguments = words[1:]
        known = [word for word in arguments if not word.startswith("-")]
        assert known, line
        found = cli.get_command(None, known[0])  # type: ignore[arg-type]
        assert found is not None, f"{name(page)} shows an unknown command: {line}"
        if hasattr(found, "get_command") and len(known) > 1:
            found = found.get_command(None, known[1]) or found
        options = {option for parameter in found.params for option in parameter.opts}
        for word in arguments:
            if word.startswith("--"):
                assert word.split("=")[0] in options | {"--help", "--version"}, f"{name(page)}: {line}"


def test_every_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"\bmake ([a-z-]+)\b(?=`|$|\s{2,})", "\n".join([*commands(page)])):
            assert target in targets, f"{name(page)} shows make {target}"


def test_every_command_is_in_the_changelog_and_has_help() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    for command in cli.list_commands(None):  # type: ignore[arg-type]
        assert f"`{command}`" in changelog, command
        answer = CliRunner().invoke(cli, [command, "--help"])
        assert answer.exit_code == 0
        assert len(answer.output.splitlines()) > 3


def test_every_dependency_has_its_reason() -> None:
    decision = (ROOT / "docs/decisions/0002-dependencies.md").read_text()
    declared = [re.split(r"[<>=!~\[ ]", line)[0] for line in PROJECT["project"]["dependencies"]]
    assert [package for package in declared if f"| {package} |" not in decision] == []
    assert all(re.search(r">=\d", line) for line in PROJECT["project"]["dependencies"])


def test_every_dependency_is_locked_with_hashes() -> None:
    locked = (ROOT / "requirements.lock").read_text()
    for line in PROJECT["project"]["dependencies"]:
        package = re.split(r"[<>=!~\[ ]", line)[0]
        assert re.search(rf"^{re.escape(package)}==\S+.*\\\n\s+--hash=sha256:", locked, re.MULTILINE | re.IGNORECASE), (
            package
        )
    assert "://" not in locked


def test_every_package_folder_is_packaged() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    rooms = ("sla", "connectors", "sync", "console", "emulators")
    found = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for room in rooms
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert found == listed


def test_the_readme_stays_a_page() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_every_page_is_reached_from_the_readme_or_another_page() -> None:
    linked = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if "://" not in link
    }
    folders = {path for path in linked if path.is_dir()}
    lonely = [name(page) for page in PAGES if page.resolve() not in linked and page.parent not in folders]
    assert [page for page in lonely if page not in ("README.md", "CHANGELOG.md")] == []
