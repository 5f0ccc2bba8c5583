"""Late is never blasted: what an absence or a long pause has held up leaves one by one, per account."""

from __future__ import annotations

from sqlite3 import Connection

from .limits import Wait

OVERDUE_MS = 60_000
"""What was decided so long before the moment at which things may leave again is overdue."""
PACE_MS = 20_000
"""How far apart, per account, what is overdue leaves."""
_RESUMED = "resumed:"
"""How the rows of `meta` begin that say when a long pause of a scope ended; no other begins so."""
_AFTER = "resumed;"


def caught_up(c: Connection, *, scope: str, since: int, now: int) -> None:
    """A pause of a scope that began at `since` ends now: after a long one its end counts like the start of a daemon."""
    if now - since > OVERDUE_MS:
        c.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_RESUMED + scope, str(now)),
        )


def resumed(c: Connection, account: str) -> tuple[int, dict[str, int]]:
    """When (ms) a long pause that held this account last ended, 0 for never; and the same for each automation."""
    found = c.execute("SELECT key, value FROM meta WHERE key >= ? AND key < ?", (_RESUMED, _AFTER)).fetchall()
    if not found:
        return 0, {}
    rows = {key.removeprefix(_RESUMED): int(value) for key, value in found}
    platform = c.execute("SELECT platform FROM accounts WHERE name = ?", (account,)).fetchone()
    scopes = ("all", f"account:{account}", f"platform:{platform[0] if platform else ''}")
    automations = {
        scope.removeprefix("automation:"): at for scope, at in rows.items() if scope.startswith("automation:")
    }
    return max(rows.get(scope, 0) for scope in scopes), automations


def set_back(c: Connection, now: int) -> None:
    """The wall clock was set back: no pause has ended in what is the future again."""
    c.execute(
        "UPDATE meta SET value = min(CAST(value AS INTEGER), ?) WHERE key >= ? AND key < ?", (now, _RESUMED, _AFTER)
    )


def waits(c: Connection, account: str, now: int) -> list[Wait]:
    """What the one before asks of the next that is overdue; nothing when its turn has come."""
    row = c.execute("SELECT caught_up_at FROM accounts WHERE name = ?", (account,)).fetchone()
    until = (int(row[0]) if row else 0) + PACE_MS
    return [Wait(until, "catching up, one at a time")] if until > now else []


def took(c: Connection, account: str, now: int) -> None:
    """One that is overdue leaves now."""
    c.execute("UPDATE accounts SET caught_up_at = ? WHERE name = ?", (now, account))
