"""Sentences about accounts, their kept tokens, and who holds the store."""

from __future__ import annotations

from sqlite3 import Connection

from . import same, second
from .control import pause
from .events import trouble
from .settle import end

WEEK_MS = 7 * 86_400_000


def enrol(c: Connection, *, name: str, platform: str) -> None:
    """An account of the automation files: remembered with its platform."""
    c.execute(
        "INSERT INTO accounts (name, platform) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET platform = excluded.platform",
        (name, platform),
    )


def identified(c: Connection, *, name: str, identity: str, handle: str, now: int) -> None:
    """The network told us who the account is. When it is another one than before, what waits asks a person first.

    When it has had another name of ours, what was seen under that is seen under this one, and what was done is done.
    """
    before = c.execute("SELECT identity, handle FROM accounts WHERE name = ?", (name,)).fetchone()
    if before and before[0] and before[0] != identity:
        said = f"account {name!r} is @{handle} ({identity}) now, and this was meant for @{before[1]} ({before[0]})"
        _ask_first(c, name=name, said=said, now=now)
    c.execute(
        "UPDATE accounts SET identity = ?, handle = ?, seen_at = ?, error = '' WHERE name = ?",
        (identity, handle, now, name),
    )
    (platform,) = c.execute("SELECT platform FROM accounts WHERE name = ?", (name,)).fetchone() or ("",)
    for delivery, other in second.identified(c, platform=platform, account=name, identity=identity):
        row = c.execute("SELECT state, first_byte_at FROM deliveries WHERE id = ?", (delivery,)).fetchone()
        if row[0] in ("held", "due") and row[1] is None:
            end(c, delivery, "refused", f"already done by {other!r}", now)
    for former in same.names(c, name)[1:]:
        c.execute(
            "UPDATE events SET body = json_set(body, '$.account', ?)"
            " WHERE state = 0 AND json_extract(body, '$.account') = ?",
            (name, former),
        )


def _ask_first(c: Connection, *, name: str, said: str, now: int) -> None:
    """Under our name there is another account of the network: nothing meant for the one before leaves by itself."""
    approvable = c.execute(
        "UPDATE deliveries SET state = 'held', hold = 'account', reason = ?, approved_digest = '', updated_at = ?"
        " WHERE account = ? AND (state = 'due' OR state = 'held' AND hold != 'missing')",
        (said, now, name),
    ).rowcount
    doubtful = c.execute(
        "UPDATE deliveries SET hold = 'person', passable = 1, reason = ?, updated_at = ?"
        " WHERE account = ? AND state = 'uncertain'",
        (said, now, name),
    ).rowcount
    if approvable + doubtful:
        trouble(c, what="held", says=f"{said}: {approvable + doubtful} wait for a person", subject=name, now=now)


def identity(c: Connection, name: str) -> str:
    """The network's own id of an account, as last told; '' when never."""
    row = c.execute("SELECT identity FROM accounts WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""


def unreachable(c: Connection, *, name: str, error: str) -> None:
    c.execute("UPDATE accounts SET error = ? WHERE name = ?", (error, name))


def auth_failed(c: Connection, *, name: str, error: str, now: int) -> None:
    """Credentials were refused: the account is paused and a person told."""
    c.execute("UPDATE accounts SET error = ? WHERE name = ?", (error, name))
    if c.execute("SELECT 1 FROM pauses WHERE scope = ?", (f"account:{name}",)).fetchone():
        return
    pause(c, scope=f"account:{name}", reason=f"credentials refused: {error}", by="fieldfare", now=now)
    says = f"account {name!r} is paused: the network refused its credentials ({error}); log in, then `fieldfare resume {name}`"
    trouble(c, what="account-paused", says=says, subject=name, now=now)


def version_ends(c: Connection, *, name: str, on: str, now: int) -> None:
    """The version of the network that an account speaks ends on this day: a person is told, once a week."""
    row = c.execute("SELECT platform FROM accounts WHERE name = ?", (name,)).fetchone()
    version = f"a version of {row[0] if row else ''!r} that ends on {on}"
    says = f"account {name!r} speaks {version}; upgrade its connector before that day"
    trouble(c, what="version-ending", says=says, subject=name, now=now, once_in=WEEK_MS)


def keep(c: Connection, *, account: str, name: str, value: str) -> None:
    """Store a session's token."""
    c.execute(
        "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (account, name) DO UPDATE SET value = excluded.value",
        (account, name, value),
    )


def kept(c: Connection, account: str, name: str) -> str | None:
    row = c.execute("SELECT value FROM kept WHERE account = ? AND name = ?", (account, name)).fetchone()
    return row[0] if row else None


def take_over(c: Connection, *, boot: str, now: int) -> int:
    """Become the holder: a higher token, under which alone a daemon writes from now on."""
    row = c.execute("SELECT value FROM meta WHERE key = 'token'").fetchone()
    token = int(row[0]) + 1 if row else 1
    for key, value in (("token", token), ("boot", boot), ("beat", 0), ("booted_at", now)):
        c.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, str(value))
        )
    return token


def beat(c: Connection, *, now: int) -> None:
    """Move the holder's heartbeat: a counter, not a time."""
    c.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'beat'")
    saw(c, now)


def saw(c: Connection, now: int) -> None:
    """Remember the latest time that the clock has shown: one that is behind it was set back (`claim.set_back`)."""
    c.execute(
        "INSERT INTO meta VALUES ('seen_at', ?) ON CONFLICT (key)"
        " DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
        (str(now),),
    )


def heartbeat(c: Connection) -> tuple[str, str]:
    """(token, beat) of the present holder."""
    rows = dict(c.execute("SELECT key, value FROM meta WHERE key IN ('token', 'beat')"))
    return rows.get("token", ""), rows.get("beat", "")
