"""What `doctor` looks at around a project: the machine, the folder, the disk, the daemon; and what a finding is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .._domain.errors import ConfigError
from .._engine.control import reachable
from .._engine.home import Home
from .._engine.settings import STATE
from .act import answers, runs

LEAST_FREE = 200 * 1024 * 1024
"""Bytes of free disk space below which the store may soon be unable to write."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, how bad it is, and what to do about it."""

    check: str
    level: Literal["error", "warning", "note"]
    what: str
    fix: str = ""


def machine(now: datetime) -> Iterator[Finding]:
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        yield Finding(
            "tzdata", "error", "no time zones are installed, so no schedule can be kept", "pip install --upgrade tzdata"
        )
    if now.year < 2025:
        yield Finding(
            "clock", "error", f"the clock says {now:%Y-%m-%d}, which is past", "set it, or start time keeping"
        )
    if sqlite3.sqlite_version_info < (3, 37, 0):
        yield Finding(
            "sqlite", "error", f"SQLite {sqlite3.sqlite_version} is too old", "use a Python with 3.37 or later"
        )
    elif sqlite3.sqlite_version_info < (3, 51, 3):
        yield Finding(
            "sqlite",
            "note",
            f"SQLite {sqlite3.sqlite_version} can, very rarely, damage a write-ahead log that two connections reset at"
            " the same moment",
            "there is one writer for this reason; make backups, and upgrade when your system offers 3.51.3 or later",
        )


def permissions(home: Home) -> Iterator[Finding]:
    state = home.state
    if not os.access(home.root, os.W_OK) and not state.is_dir():
        fix = "give the folder to the user that runs the daemon"
        yield Finding("permissions", "error", f"{home.root} cannot be written, so {STATE} cannot be made in it", fix)
    paths = [state, home.database, home.root / home.settings.secrets.file]
    for path in paths:
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        except OSError as exc:
            yield Finding("permissions", "error", f"{path} cannot be looked at: {exc.strerror}", "check who owns it")
            continue
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            wanted = "700" if path.is_dir() else "600"
            yield Finding("permissions", "error", f"{path} is open to others (mode {mode:o})", f"chmod {wanted} {path}")
        if found.st_uid != os.geteuid() and os.geteuid() != 0:
            yield Finding("permissions", "error", f"{path} belongs to another user", f"chown {os.geteuid()} {path}")


def disk(home: Home) -> Iterator[Finding]:
    free = shutil.disk_usage(home.root).free
    if free < LEAST_FREE:
        fix = "make room: without it nothing can be recorded, and so nothing is sent"
        yield Finding("disk", "error", f"only {free // 1024 // 1024} MiB are free where {home.root} lies", fix)


def lock(home: Home) -> Iterator[Finding]:
    control = home.state / "control"
    try:
        with reachable(control):
            pass
    except ConfigError as exc:
        yield Finding("control", "error", str(exc), "move the project to a shorter path")
    except OSError:
        return
    if not control.exists():
        return
    if not runs(home):
        said = f"{control} was left behind by a daemon that did not end well"
        yield Finding("control", "note", said, "nothing: the next `fieldfare run` puts a new one in its place")
    elif not answers(home):
        holder = (home.state / "lock").read_text(encoding="utf-8").strip() if (home.state / "lock").exists() else "?"
        said = f"a daemon (process {holder}) runs and does not answer within two seconds"
        yield Finding("lock", "error", said, f"if it stays so: kill -9 {holder}; nothing that left is sent again")
