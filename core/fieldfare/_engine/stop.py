"""Why nothing may leave: flag files that work when loop and database are stuck, a lost lease, a dry run, a shutdown."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from .clock import Clock

LEASE = 15.0
"""Seconds without a committed heartbeat after which a standby may take over; half of it stops our own sends."""


LONGEST = 200
"""Bytes of a flag's name; a file's may have 255. Longer ones end with a '+', which no shorter one has, and a digest."""


def flag(folder: Path, scope: str) -> Path:
    """The file whose presence pauses a scope: all, account:NAME, platform:KIND or automation:NAME."""
    name = quote(scope, safe=":")
    if len(name) > LONGEST:
        name = f"{name[:100]}+{hashlib.sha256(scope.encode()).hexdigest()}"
    return folder / name


def raise_flag(folder: Path, scope: str) -> None:
    """Pause a scope at once and durably, without loop or database."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with flag(folder, scope).open("w", encoding="utf-8") as file:
        file.write(scope)
        file.flush()
        os.fsync(file.fileno())


def lower_flag(folder: Path, scope: str) -> bool:
    """Lift the flag; False when there was none."""
    try:
        flag(folder, scope).unlink()
    except FileNotFoundError:
        return False
    return True


def flags(folder: Path) -> frozenset[str]:
    """The scopes that are paused by a flag now."""
    try:
        names = os.listdir(folder)
        return frozenset((folder / n).read_text(encoding="utf-8") if "+" in n else unquote(n) for n in names)
    except FileNotFoundError:
        return frozenset()


@dataclass(slots=True)
class Stop:
    """Asked before every claim and around every send."""

    folder: Path
    clock: Clock
    dry_run: bool = False
    stopping: bool = False
    beat_at: float | None = None
    """When our heartbeat was last committed (monotonic); None: no lease is held, the file lock alone counts."""

    def why(self, account: str = "", platform: str = "", automation: str = "") -> str | None:
        """The reason why nothing may leave in this scope now; None when it may."""
        if self.dry_run:
            return "this is a dry run"
        if self.stopping:
            return "the daemon is stopping"
        if self.beat_at is not None and self.clock.monotonic() - self.beat_at > LEASE / 2:
            return "the lease on the store was not renewed in time"
        try:
            up = frozenset(os.listdir(self.folder))
        except FileNotFoundError:
            return None
        if up:
            scopes = ("all", f"account:{account}", f"platform:{platform}", f"automation:{automation}")
            for scope in scopes:
                if flag(self.folder, scope).name in up:
                    return f"paused ({scope})"
        return None
