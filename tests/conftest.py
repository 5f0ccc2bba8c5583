"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stores import close_all


@pytest.fixture(autouse=True)
def stores() -> Iterator[None]:
    """No test leaves a store open: a connection that nobody closes is a warning since Python 3.13, and so an error."""
    yield
    close_all()
