"""What comes along when `fieldfare.testing` is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fieldfare.testing


@pytest.mark.parametrize("module", ["pytest", "hypothesis", "httpx", "aiohttp"])
def test_a_project_that_imports_the_playground_needs_no_test_tool_and_no_client(module: str) -> None:
    code = f"import sys, fieldfare.testing; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_names_behind_the_door_are_these() -> None:
    assert fieldfare.testing.__all__ == [
        "Fault",
        "Handler",
        "Hands",
        "Lent",
        "Playground",
        "Simulation",
        "Trial",
        "answer_lost",
        "answered",
        "author",
        "delivered",
        "due",
        "entry",
        "follow",
        "hook",
        "mention",
        "post",
        "published",
        "reading",
        "reply",
        "simulate",
        "slot",
        "swallowed",
        "trouble",
        "unreachable",
    ]
