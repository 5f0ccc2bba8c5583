"""What makes a running daemon look at its files again."""

from __future__ import annotations

from pathlib import Path

import pytest
from watchfiles import Change

from fieldfare._engine.changes import OfAutomations


@pytest.mark.parametrize("name", ["answers.py", "shop/answers.py"])
@pytest.mark.parametrize("change", list(Change))
def test_a_python_file_that_came_changed_or_went_is_a_change(tmp_path: Path, name: str, change: Change) -> None:
    assert OfAutomations()(change, str(tmp_path / name))


@pytest.mark.parametrize("change", [Change.added, Change.deleted])
def test_a_folder_that_came_or_went_is_a_change(tmp_path: Path, change: Change) -> None:
    folder = tmp_path / "shop"
    if change is Change.added:
        folder.mkdir()
    assert OfAutomations()(change, str(folder))


@pytest.mark.parametrize("name", ["daemon.log", "calendar.csv", "log", ".fieldfare/fieldfare.db-wal", ".git/index"])
def test_nothing_else_that_is_written_into_the_folder_is_a_change(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert not OfAutomations()(Change.modified, str(path))
