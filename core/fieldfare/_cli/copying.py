"""Copying a store page by page, with progress on a terminal."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from .._domain.errors import StoreError
from .._store.sqlite import connect, refuse_empty

PAGES = 1024


Progress = AbstractContextManager[Callable[[int, int], None]]
"""Gives what is told after each step how many pages are done, of how many."""


def copy(source: Path, target: Path, *, progress: Progress | None = None) -> int:
    """A consistent copy of a store that may be in use, readable by its owner only; gives its size in bytes.

    Raises StoreError when the target exists, or either cannot be read or written.
    """
    if target.exists():
        raise StoreError(f"{target} exists; name a new file, a backup overwrites nothing")
    if not target.parent.is_dir():
        raise StoreError(f"there is no folder {str(target.parent)!r}")
    refuse_empty(source)
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        with contextlib.closing(connect(source, read_only=True)) as reader:
            # One snapshot from the first page to the last: otherwise each commit of the daemon would begin it anew.
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM meta").fetchone()
            with contextlib.closing(sqlite3.connect(part)) as written, progress or Silent() as told:
                reader.backup(written, pages=PAGES, progress=lambda status, left, all_: told(all_ - left, all_))
        os.replace(part, target)
    except (OSError, sqlite3.Error) as exc:
        why = (getattr(exc, "strerror", None) or str(exc)).lower()
        raise StoreError(f"the backup was not made: {why}; name a file in a folder that you can write") from exc
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


class Silent:
    """No progress."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, done: int, of: int) -> None:
        return None


class Bar:
    """A progress bar on stderr."""

    def __enter__(self) -> Bar:
        from rich.progress import Progress

        from .out import console

        self._bar = Progress(console=console(sys.stderr), transient=True)
        self._bar.start()
        self._task = self._bar.add_task("copying", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, of: int) -> None:
        self._bar.update(self._task, completed=done, total=of)


LONG = 8 * 1024 * 1024
"""Bytes from which a copy takes long enough to show its progress."""


def watched(source: Path) -> Silent | Bar:
    """A bar where somebody watches and it takes a while, nothing elsewhere."""
    return Bar() if sys.stderr.isatty() and source.stat().st_size >= LONG else Silent()
