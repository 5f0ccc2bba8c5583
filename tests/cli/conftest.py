"""Projects that something has happened in."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldfare._engine.load import load
from fieldfare._engine.settings import state_folder
from fieldfare._store.sqlite import Store
from tests.cli.typed import typed
from tests.engine.line import Line

EXAMPLES = Path(__file__).parents[2] / "examples"
Lived = Callable[[int], Path]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project as `init` writes it."""
    folder = tmp_path / "shop"
    assert typed("init", str(folder), where=tmp_path).code == 0
    return folder


@pytest.fixture(scope="session")
def villages(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Each village as it is after so many seconds, made once; to be copied, not to be changed."""
    made: dict[int, Path] = {}

    def lived(seconds: int) -> Path:
        if seconds not in made:
            folder = tmp_path_factory.mktemp("villages") / "village"
            shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("__pycache__", ".fieldfare"))
            state_folder(folder)
            asyncio.run(_live(folder, seconds))
            made[seconds] = folder
        return made[seconds]

    return lived


@pytest.fixture
def village(tmp_path: Path, villages: Lived) -> Lived:
    """The examples after so many seconds in the village: at 2 a mention was answered, at 4 a reply is held, at 8 a post
    is published, at 10 another one is uncertain and at 12 it has been found."""

    def lived(seconds: int) -> Path:
        return shutil.copytree(villages(seconds), tmp_path / "village")

    return lived


async def _live(folder: Path, seconds: int) -> None:
    begins = datetime.now(UTC) - timedelta(seconds=seconds)
    dates = (f"{begins + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}" for at in (8, 10))
    calendar = folder / "calendar.csv"
    calendar.write_text(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", lambda _: next(dates), calendar.read_text()))
    store = Store.inline(folder / ".fieldfare" / "fieldfare.db")
    line = Line(folder, *(placed.automation for placed in load([folder]).automations), store=store)
    line.clock.set_wall(begins)
    await line.start()
    for _ in range(seconds):
        await line.move(1)
    await line.engine.aclose()
    await store.close()
