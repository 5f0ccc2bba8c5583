"""The questions every connector is asked: subclass `PlatformContract`, give the fixtures, inherit the tests.

    class TestPigeon(PlatformContract):
        @pytest.fixture
        def platform(self) -> Pigeon: ...

        @pytest.fixture
        def handler(self, server: PigeonServer) -> Handler: ...

        @pytest.fixture
        def world(self, server: PigeonServer) -> OtherSide: ...

`platform` is the settings, `handler` answers the requests of its session (a platform that brings its own transport
gives none), `world` makes things happen on the network and looks at what is there. Which tests run follows from the
capabilities on the session's class line. Nothing here is loaded by pytest unless a test module imports it.
"""

from __future__ import annotations

import pytest

for _name in ("_bench", "_doubts", "_reads", "_settings", "_writes"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")

from .._lent import Handler  # noqa: E402 -- the modules above must not be imported before they are registered
from ._bench import OtherSide  # noqa: E402
from ._doubts import Doubts  # noqa: E402
from ._reads import Reads  # noqa: E402
from ._settings import Settings  # noqa: E402
from ._writes import Writes  # noqa: E402

__all__ = ["Handler", "OtherSide", "PlatformContract"]


class PlatformContract(Settings, Writes, Doubts, Reads):
    """Every connector passes these. A test that does not fit may be overridden with `xfail(reason=…)` only."""

    def test_nothing_was_overridden_in_silence(self) -> None:
        silent = [
            name for name in _tests(PlatformContract) if _replaced(type(self), name) and not _excused(type(self), name)
        ]
        assert not silent, f"overridden without xfail(reason=…): {', '.join(silent)}"


def _tests(kit: type) -> list[str]:
    return [name for name in dir(kit) if name.startswith("test_")]


def _replaced(theirs: type, name: str) -> bool:
    return getattr(theirs, name, None) is not getattr(PlatformContract, name)


def _excused(theirs: type, name: str) -> bool:
    marks: list[pytest.Mark] = getattr(getattr(theirs, name, None), "pytestmark", [])
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)
