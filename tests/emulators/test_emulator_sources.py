"""The emulators stay honest: every module says which page it follows, or that nobody's page says so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from emulators.faults import KINDS
from emulators.webhooks import KEYS

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for path in (ROOT / "emulators").rglob("*.py") if not path.name.startswith("__"))
PAGES = [ROOT / "docs" / "emulators.md", ROOT / "docs" / "emulators-hubspot.md"]
SOURCED = re.compile(r"https://|\bassumed\b|our own machinery", re.IGNORECASE)


@pytest.mark.parametrize("module", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_a_module_names_a_page_or_says_that_it_follows_none(module: Path) -> None:
    text = ast.get_docstring(ast.parse(module.read_text())) or ""
    assert SOURCED.search(text), "name the vendor's page, say what is assumed, or that it is our own machinery"


def rows(page: Path, heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    section = page.read_text().partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_behaviour_on_the_page_has_its_source(page: Path) -> None:
    told = rows(page, "What it does as the vendor does, and where that is written")
    assert len(told) > 40
    assert [row for row in told if len(row) != 2 or not row[1]] == []
    assert len({row[0] for row in told}) == len(told)


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_nastiness_has_a_way_to_it_and_a_test(page: Path) -> None:
    listed = rows(page, "Everything nasty, and how to bring it about")
    assert len(listed) > 15
    for nasty, way, test in listed:
        assert nasty
        assert way, "say how to bring it about"
        file, name = re.fullmatch(r"`(\w+)`: `(\w+)`", test).groups()  # type: ignore[union-attr]
        assert f"def {name}(" in (ROOT / "tests" / "emulators" / f"{file}.py").read_text(), f"{file} has no {name}"


def test_every_fault_and_every_key_of_webhooks_is_on_the_page() -> None:
    text = PAGES[0].read_text()
    assert [kind for kind in KINDS if f"`{kind}" not in text] == []
    assert [key for key in KEYS if f'"{key}"' not in text] == []
