"""Names offered by the shell's completion, read from the store without importing anything of the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


def complete_keys(incomplete: str) -> list[str]:
    """Deliveries that are still open, the newest first."""
    rows = _asked(
        "SELECT key FROM deliveries WHERE state IN ('held', 'due', 'sending', 'uncertain') ORDER BY id DESC LIMIT 50"
    )
    return [key for key in rows if key.startswith(incomplete)]


def complete_accounts(incomplete: str) -> list[str]:
    return [name for name in _asked("SELECT name FROM accounts ORDER BY name") if name.startswith(incomplete)]


def complete_platforms(incomplete: str) -> list[str]:
    rows = _asked("SELECT DISTINCT platform FROM accounts ORDER BY platform")
    return [name for name in rows if name.startswith(incomplete)]


def complete_automations(incomplete: str) -> list[str]:
    return [name for name in _asked("SELECT name FROM automations ORDER BY name") if name.startswith(incomplete)]


def _asked(question: str) -> Iterator[str]:
    import sqlite3

    database = _database()
    if not database.exists():
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database, timeout=0.1)) as store:
        store.execute("PRAGMA query_only = ON")
        yield from (str(value) for (value,) in store.execute(question))


def _database() -> Path:
    """The store of the project in this folder."""
    import tomllib

    store: object = None
    with contextlib.suppress(OSError, ValueError):
        store = tomllib.loads(Path("fieldfare.toml").read_text(encoding="utf-8")).get("store")
    return Path(store) if isinstance(store, str) else Path(".fieldfare") / "fieldfare.db"
