"""Sentences about events: recorded with their cursor, decided with their deliveries."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

SEEN, DECIDED, MISSED = 0, 1, 2
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An event on its way into the store."""

    id: str
    kind: str
    occurred_at: int
    body: str
    ref: str = ""
    """`platform:id` of the post it is about; a receipt of ours under this name passes on its lineage."""
    lineage: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the store has it."""

    row: int
    feed: str
    kind: str
    lineage: int
    body: str
    ref: str
    """`platform:id` of the post it is about; '' for none."""


def feed_row(c: Connection, key: str, now: int) -> int:
    """The row of a feed; created when new."""
    row = c.execute("SELECT id FROM feeds WHERE key = ?", (key,)).fetchone()
    if row is None:
        return int(c.execute("INSERT INTO feeds (key, started_at) VALUES (?, ?)", (key, now)).lastrowid or 0)
    return int(row[0])


def cursor_of(c: Connection, key: str) -> tuple[str | None, int | None]:
    """The cursor and the moment of the last successful pull; (None, None) for a feed never pulled."""
    row = c.execute("SELECT cursor, pulled_at FROM feeds WHERE key = ?", (key,)).fetchone()
    return (row[0], row[1]) if row else (None, None)


def ingest(
    c: Connection, *, feed: str, facts: Sequence[Fact], cursor: str | None, now: int, missed_before: int | None
) -> list[int]:
    """Record events and move the cursor over them: both or neither.

    A repeat of `(feed, id)` is not an event. Facts older than `missed_before` are recorded as missed. Gives the rows of
    those that are new and not missed, oldest first.
    """
    row = feed_row(c, feed, now)
    fresh: list[int] = []
    for fact in facts:
        missed = missed_before is not None and fact.occurred_at < missed_before
        lineage = max(fact.lineage, _lineage(c, fact.ref)) if fact.ref else fact.lineage
        done = c.execute(
            "INSERT INTO events (feed, event, kind, occurred_at, recorded_at, lineage, state, ref, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (row, fact.id, fact.kind, fact.occurred_at, now, lineage, MISSED if missed else SEEN, fact.ref, fact.body),
        )
        if done.rowcount and not missed:
            fresh.append(int(done.lastrowid or 0))
    c.execute(
        "UPDATE feeds SET cursor = ?, pulled_at = ?, failed_at = NULL, error = '' WHERE id = ?", (cursor, now, row)
    )
    return fresh


def _lineage(c: Connection, ref: str) -> int:
    row = c.execute(
        "SELECT max(d.lineage) + 1 FROM receipts r JOIN deliveries d ON d.id = r.delivery WHERE r.ref = ?", (ref,)
    ).fetchone()
    return int(row[0] or 0)


def pull_failed(c: Connection, *, feed: str, now: int, error: str) -> None:
    """Remember why a feed could not be read; its cursor stays."""
    row = feed_row(c, feed, now)
    c.execute("UPDATE feeds SET failed_at = ?, error = ? WHERE id = ?", (now, error, row))


def known(c: Connection, feed: str, ids: Collection[str]) -> frozenset[str]:
    """Which of these ids the feed already has."""
    if not ids:
        return frozenset()
    rows = c.execute(
        "SELECT event FROM events WHERE feed = (SELECT id FROM feeds WHERE key = ?)"
        " AND event IN (SELECT value FROM json_each(?))",
        (feed, json.dumps(list(ids))),
    )
    return frozenset(r[0] for r in rows)


def undecided(c: Connection, after: int, limit: int, but: Collection[str] = ()) -> list[Recorded]:
    """Events that nobody has judged, by row, beginning behind `after`; those of feeds `but` these."""
    rows = c.execute(
        "SELECT e.id, f.key, e.kind, e.lineage, e.body, e.ref FROM events e JOIN feeds f ON f.id = e.feed"
        " WHERE e.state = 0 AND e.id > ? AND f.key NOT IN (SELECT value FROM json_each(?)) ORDER BY e.id LIMIT ?",
        (after, json.dumps(list(but)), limit),
    )
    return [Recorded(*row) for row in rows]


def judged_pairs(c: Connection, event: int) -> frozenset[str]:
    """Automations that already have a decision about this event."""
    rows = c.execute("SELECT automation FROM decisions WHERE event = ?", (event,))
    return frozenset(r[0] for r in rows)


def recorded(c: Connection, row: int) -> Recorded | None:
    """One event by its row."""
    found = c.execute(
        "SELECT e.id, f.key, e.kind, e.lineage, e.body, e.ref FROM events e JOIN feeds f ON f.id = e.feed WHERE e.id = ?",
        (row,),
    ).fetchone()
    return Recorded(*found) if found else None


def remember_set(c: Connection, *, digest: str, description: str, names: Iterable[str], now: int) -> int:
    """The row of an automation set; the names in it that are new begin now."""
    for name in names:
        c.execute("INSERT INTO automations VALUES (?, ?) ON CONFLICT DO NOTHING", (name, now))
    c.execute(
        "INSERT INTO sets (digest, description, first_used_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (digest, description, now),
    )
    row = int(c.execute("SELECT id FROM sets WHERE digest = ?", (digest,)).fetchone()[0])
    c.execute("INSERT INTO meta VALUES ('set', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (str(row),))
    return row


def began(c: Connection, automation: str) -> int:
    """When this automation was first seen (0: never)."""
    row = c.execute("SELECT first_seen_at FROM automations WHERE name = ?", (automation,)).fetchone()
    return int(row[0]) if row else 0


def armed(c: Connection, automation: str, post: str) -> bool | None:
    """The memory of a crossing: True below the level, False spent, None never read."""
    row = c.execute("SELECT armed FROM crossings WHERE automation = ? AND post = ?", (automation, post)).fetchone()
    return None if row is None else bool(row[0])


def settled(c: Connection, after: int, automation: str, limit: int) -> list[tuple[int, int]]:
    """(position, delivery) of an automation's deliveries, in the order in which they were delivered."""
    return c.execute(
        "SELECT seq, delivery FROM settlements WHERE automation = ? AND seq > ? ORDER BY seq LIMIT ?",
        (automation, after, limit),
    ).fetchall()


def troubles(c: Connection, after: int, limit: int) -> list[tuple[int, str, str, str, str, int]]:
    """(position, what, subject, automation, says, at) of troubles, oldest first."""
    return c.execute(
        "SELECT seq, what, subject, automation, says, at FROM troubles WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    ).fetchall()


def of_notice_of_notice(c: Connection, delivery: str) -> bool:
    """Whether this delivery tells of the trouble of one that was itself to tell of a trouble."""
    row = c.execute(
        "SELECT 1 FROM deliveries d JOIN events e ON e.id = d.event AND e.kind = 'trouble-seen'"
        " JOIN troubles t ON t.seq = CAST(e.event AS INTEGER) JOIN deliveries before ON before.key = t.subject"
        " JOIN events about ON about.id = before.event AND about.kind = 'trouble-seen' WHERE d.key = ?",
        (delivery,),
    ).fetchone()
    return row is not None


def trouble(
    c: Connection,
    *,
    what: str,
    says: str,
    subject: str = "",
    automation: str = "",
    now: int,
    once_in: int = HOUR_MS,
) -> None:
    """Record something that a person must see; the same about the same subject is said once in this time (ms)."""
    again = c.execute(
        "SELECT 1 FROM troubles WHERE what = ? AND subject = ? AND says = ? AND at > ?",
        (what, subject, says, now - once_in),
    ).fetchone()
    if again is None:
        c.execute(
            "INSERT INTO troubles (what, subject, automation, says, at) VALUES (?, ?, ?, ?, ?)",
            (what, subject, automation, says, now),
        )
