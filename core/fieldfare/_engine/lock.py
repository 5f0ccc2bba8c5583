"""One daemon per store: an operating-system lock, and a heartbeat for those who wait behind a holder that hangs."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .._domain.errors import StoreInUse
from .._store import accounts
from .._store.sqlite import connect, refuse_empty
from .clock import Clock
from .stop import LEASE


class StoreLock:
    """The lock on `.fieldfare/lock`; free means that no holder lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Try to take it; False when another process holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file
        return True

    def take_or_refuse(self) -> None:
        """Take it, or raise StoreInUse naming the holder's process."""
        if not self.take():
            holder = self.path.read_text(encoding="utf-8").strip() or "unknown"
            raise StoreInUse(
                f"a daemon (process {holder}) runs on this project; stop it, or wait behind it with `run --standby`"
            )

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


async def wait_for_turn(lock: StoreLock, database: Path, clock: Clock, lease: float = LEASE) -> bool:
    """Return when this process may take the store over: True with the lock, False past a holder whose heartbeat stood
    still for the lease time (it is fenced by its token)."""
    seen: tuple[str, str] | None = None
    since = clock.monotonic()
    while True:
        if lock.take():
            return True
        beat = _heartbeat(database)
        if beat != seen:
            seen, since = beat, clock.monotonic()
        elif clock.monotonic() - since > lease:
            return False
        await clock.sleep(lease / 10)


def _heartbeat(database: Path) -> tuple[str, str]:
    if not database.exists():
        return ("", "")
    refuse_empty(database)
    connection = connect(database, read_only=True)
    try:
        return accounts.heartbeat(connection)
    finally:
        connection.close()
