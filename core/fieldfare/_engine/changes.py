"""When a project's automation files have changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch  # pyright: ignore[reportUnknownVariableType]


class OfAutomations(DefaultFilter):
    """Python files, and folders that come or go; whatever else is written into a project's folder (its state, a log, a
    calendar, which its feed reads by itself) says nothing new about the automations."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".fieldfare")

    def __call__(self, change: Change, path: str) -> bool:
        place = Path(path)
        return super().__call__(change, path) and (place.suffix == ".py" or not (place.suffix or place.is_file()))


async def changes(root: Path) -> AsyncIterator[None]:
    """Yield whenever automation files below `root` have changed, and are quiet again.

    Raises OSError when they cannot be watched.
    """
    async for _ in awatch(
        root,
        watch_filter=OfAutomations(),
        debounce=400,
        rust_timeout=1000,
        yield_on_timeout=False,
        ignore_permission_denied=True,
    ):
        yield None
