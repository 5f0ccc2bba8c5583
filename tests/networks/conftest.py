"""Fixtures of the real networks: each starts once per session, when the first test asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.networks.bluesky_network import bluesky_network
from tests.networks.mastodon_mock import mastodon_mock

__all__ = ["bluesky_network", "mastodon_mock"]

HERE = Path(__file__).parent
SECONDS = 1200
"""The first test of a session pays for the installation of a network."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))
