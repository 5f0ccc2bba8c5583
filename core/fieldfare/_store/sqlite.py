"""The store on SQLite: opening, migrating, reading, and one way to change."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from .._domain.errors import StoreError
from .writer import InlineWriter, ThreadWriter, Writer

P = ParamSpec("P")
T = TypeVar("T")
VERSION = 1
"""The newest migration this code knows."""


def ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return int(moment.timestamp() * 1000)


def moment(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC)


class Store:
    """Everything durable. `do` changes it in one sentence, `read` looks.

    Reads run on the event loop's thread on a connection of their own; they see only what is committed.
    """

    def __init__(self, path: Path | None, reader: sqlite3.Connection, writer: Writer) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer

    def fence(self, token: int) -> None:
        """From now on write only while the store's token is this one; else `do` raises Fenced."""
        self._writer.token = token

    async def do(
        self, sentence: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one sentence in a transaction; it is durable when this returns. What it raises undoes it alone."""
        result: T = await self._writer.write(lambda connection: sentence(connection, *args, **kwargs))
        return result

    def read(self, question: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask one question of the committed state."""
        return question(self._reader, *args, **kwargs)

    async def close(self) -> None:
        await self._writer.close()
        self._reader.close()

    @classmethod
    def in_memory(cls) -> Store:
        """A store for tests and simulation: inline writer, gone when closed."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        _migrate(connection, None)
        return cls(None, connection, InlineWriter(connection))

    @classmethod
    def inline(cls, path: Path) -> Store:
        """A store on disk, written at once on the caller's thread: for commands while no daemon runs."""
        prepare(path)
        writer = InlineWriter(connect(path))
        return cls(path, connect(path, read_only=True), writer)

    @classmethod
    def threaded(cls, path: Path) -> Store:
        """A store on disk with a writer thread and group commit: for the daemon."""
        prepare(path)
        return cls(path, connect(path, read_only=True), ThreadWriter(lambda: connect(path)))


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with our settings: WAL, FULL synchronous, no implicit transactions.

    Raises StoreError when the file cannot be opened, is no database, or is corrupt.
    """
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=512
        )
        connection.execute("PRAGMA busy_timeout = 30000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as exc:
        if connection is not None:
            connection.close()
        raise StoreError(_why(path, exc)) from exc
    return connection


def _why(path: Path, exc: sqlite3.Error) -> str:
    said = str(exc)
    if "not a database" in said or "malformed" in said:
        return f"{path} is corrupt ({said}); put a backup back with `fieldfare restore FILE`"
    if "readonly" in said or "unable to open" in said:
        return f"{path} cannot be written ({said}); check that the file and its folder belong to you"
    return f"{path} cannot be used: {said}"


def prepare(path: Path) -> None:
    """Create or migrate the file, readable by its owner only; a backup is made before the first step of a migration.

    Raises StoreError: newer than this version, corrupt, empty, read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _create(path)
        return
    refuse_empty(path)
    if not (os.access(path, os.W_OK) and path.stat().st_mode & 0o200):
        raise StoreError(f"{path} is read-only; the daemon must be able to write it (chmod u+w, or check the mount)")
    _brought_up_to_date(path)


def _create(path: Path) -> None:
    """A new store, in its place only when it is whole: one that is there and empty has lost what it held."""
    part = path.with_name(f"{path.name}.new")
    # A log left beside a store that is gone would be read into the new one.
    for old in (part, *(one.with_name(one.name + suffix) for one in (part, path) for suffix in ("-wal", "-shm"))):
        old.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600))
    _brought_up_to_date(part)
    os.replace(part, path)


def refuse_empty(path: Path) -> None:
    """Raises StoreError for a file without a byte in it: no store was ever one."""
    if path.stat().st_size == 0:
        raise StoreError(
            f"{path} is empty: what was seen and sent is not known any more; put a backup back with"
            " `fieldfare restore FILE`, or remove the file to begin anew"
        )


def _brought_up_to_date(path: Path) -> None:
    connection = connect(path)
    try:
        _migrate(connection, path)
    except sqlite3.Error as exc:
        raise StoreError(_why(path, exc)) from exc
    finally:
        connection.close()


def _migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    current = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if current > VERSION:
        raise StoreError(
            f"{path} was written by a newer Fieldfare (store version {current}, this one knows {VERSION}); upgrade Fieldfare"
        )
    if path is not None and 0 < current < VERSION:
        with contextlib.closing(sqlite3.connect(path.with_name(f"{path.name}.before-{current + 1}"))) as copy:
            connection.backup(copy)
    folder = resources.files("fieldfare._store") / "migrations"
    for number in range(current + 1, VERSION + 1):
        (script,) = (f for f in folder.iterdir() if f.name.startswith(f"{number:04d}_"))
        statements = script.read_text(encoding="utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{statements}\nPRAGMA user_version = {number};\nCOMMIT;")


def backup(source: Path, target: Path) -> None:
    """A consistent copy of a store that may be in use; raises StoreError when the target exists."""
    if target.exists():
        raise StoreError(f"{target} exists; name a new file, a backup overwrites nothing")
    refuse_empty(source)
    reader = connect(source, read_only=True)
    part = target.with_name(target.name + ".part")
    try:
        copy = sqlite3.connect(part)
        reader.backup(copy)
        copy.close()
        os.chmod(part, 0o600)
        os.replace(part, target)
    finally:
        reader.close()
        part.unlink(missing_ok=True)


def restore(copy: Path, target: Path) -> Path:
    """Put a backup in the place of a store; gives where the old one is kept: beside it, as `.before-restore`, or with a
    number where an earlier restore has left one.

    Raises StoreError when the copy is not a whole store of a version this one knows.
    """
    if not copy.is_file():
        raise StoreError(
            f"{copy} {'is not a file' if copy.exists() else 'does not exist'}; name one that `backup` wrote"
        )
    if copy.stat().st_size == 0:
        raise StoreError(f"{copy} is empty; name another backup")
    probe = connect(copy, read_only=True)
    try:
        said = probe.execute("PRAGMA integrity_check").fetchone()[0]
        version = int(probe.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as exc:
        raise StoreError(_why(copy, exc)) from exc
    finally:
        probe.close()
    if said != "ok":
        raise StoreError(f"{copy} is damaged: {said}")
    if not 0 < version <= VERSION:
        raise StoreError(f"{copy} is not a store this version knows (version {version})")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = target.with_name(f"{target.name}.before-restore")
    number = 1
    while kept.exists():
        number += 1
        kept = target.with_name(f"{target.name}.before-restore-{number}")
    for suffix in ("", "-wal", "-shm"):
        old = target.with_name(target.name + suffix)
        if old.exists():
            os.replace(old, kept.with_name(kept.name + suffix))
    part = target.with_name(target.name + ".part")
    shutil.copyfile(copy, part)
    os.chmod(part, 0o600)
    os.replace(part, target)
    return kept
