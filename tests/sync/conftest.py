from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_scene import Scene


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """Builds scenes with other than the usual settings."""
    made: list[Scene] = []

    def stage(**given: Any) -> Scene:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Scene(folder, **given))
        return made[-1]

    yield stage
    for each in made:
        each.close()


@pytest.fixture
def scene(staged: Callable[..., Scene]) -> Scene:
    """The usual office: a lead policy of an hour, one CRM."""
    return staged()
