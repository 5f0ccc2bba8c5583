"""Both type checkers, as an author would run them at their strictest, find every planted mistake and no other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".mypy_cache" / "authors"
PYRIGHT = {
    "include": ["."],
    "typeCheckingMode": "strict",
    # bad.py makes its mistakes in plain expressions.
    "reportUnusedExpression": False,
}


def marked(name: str) -> list[int]:
    """The lines of a file that say that they are wrong."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if "  # wrong: " in line]


def output(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files far from the settings of this repository."""
    place = tmp_path_factory.mktemp("typing")
    for name in ("good.py", "bad.py"):
        shutil.copy(HERE / name, place)
    (place / "pyrightconfig.json").write_text(json.dumps(PYRIGHT), encoding="utf-8")
    return place


def found_by_mypy(folder: Path) -> set[tuple[str, int]]:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(CACHE), "."]
    lines = output(command, folder).splitlines()
    found = [re.match(r"(\w+\.py):(\d+): error: ", line) for line in lines if ": note: " not in line]
    assert all(found), lines
    return {(match[1], int(match[2])) for match in found if match}


def found_by_pyright(folder: Path) -> set[tuple[str, int]]:
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", "."]
    report = json.loads(output(command, folder))
    return {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in report["generalDiagnostics"]}


@pytest.mark.parametrize("checker", [found_by_mypy, found_by_pyright], ids=["mypy", "pyright"])
def test_every_marked_line_is_found_and_nothing_else(
    checker: Callable[[Path], set[tuple[str, int]]], folder: Path
) -> None:
    assert sorted(checker(folder)) == [("bad.py", line) for line in marked("bad.py")]


def test_enough_mistakes_are_planted() -> None:
    assert len(marked("bad.py")) >= 12
    assert marked("good.py") == []
