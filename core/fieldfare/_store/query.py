"""Questions that people and commands ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from .._contract.delivery import Delivery, State
from .._domain.values import Receipt
from .names import numbered, span
from .sqlite import moment


@dataclass(frozen=True, slots=True)
class Full:
    """A delivery with everything that the store knows about it; moments in ms."""

    id: int
    key: str
    second: str | None
    event: int
    automation: str
    account: str
    kind: str
    action: str | None
    digest: str
    revision: int
    state: str
    reason: str
    hold: str
    token: int
    attempts: int
    absents: int
    line: str
    target: str
    lineage: int
    late: str
    not_before: int
    expires_at: int
    approver: str
    approved_digest: str
    first_byte_at: int | None
    shown: int
    receipt: str | None
    cost: str | None
    currency: str | None
    created_at: int
    updated_at: int

    @property
    def public(self) -> Delivery:
        """What a plugin or an author may see."""
        return Delivery(
            id=self.id,
            key=self.key,
            automation=self.automation,
            account=self.account,
            kind=self.kind,
            action=json.loads(self.action) if self.action else {},
            digest=self.digest,
            state=State(self.state),
            reason=self.reason,
            attempts=self.attempts,
            created_at=moment(self.created_at),
            not_before=moment(self.not_before),
            expires_at=moment(self.expires_at),
            receipt=Receipt.model_validate_json(self.receipt) if self.receipt else None,
            lineage=self.lineage,
            event=self.event,
            updated_at=moment(self.updated_at),
        )


COLUMNS = ", ".join(Full.__dataclass_fields__)


def delivery(c: Connection, row: int) -> Full | None:
    found = c.execute(f"SELECT {COLUMNS} FROM deliveries WHERE id = ?", (row,)).fetchone()
    return Full(*found) if found else None


def named(c: Connection, key: str) -> list[Full]:
    """Deliveries of this key, row number or beginning of a key; at most 20."""
    rows = c.execute(
        f"SELECT {COLUMNS} FROM deliveries WHERE key = ? OR id = ? LIMIT 20", (key, numbered(key))
    ).fetchall()
    if not rows:
        rows = c.execute(
            f"SELECT {COLUMNS} FROM deliveries WHERE key >= ? AND key < ? ORDER BY +id DESC LIMIT 20", span(key)
        ).fetchall()
    return [Full(*row) for row in rows]


def deliveries(c: Connection, *, states: Sequence[str] = (), automation: str = "", limit: int = 100) -> list[Full]:
    """The newest deliveries, newest first, of these states (all when none is named)."""
    rows = c.execute(
        f"SELECT {COLUMNS} FROM deliveries WHERE (? = '[]' OR state IN (SELECT value FROM json_each(?)))"
        " AND (? = '' OR automation = ?) ORDER BY id DESC LIMIT ?",
        (json.dumps(list(states)), json.dumps(list(states)), automation, automation, limit),
    )
    return [Full(*row) for row in rows]


def past(c: Connection, automation: str) -> list[Delivery]:
    """An automation's last 100 deliveries, newest first."""
    rows = c.execute(
        f"SELECT {COLUMNS} FROM deliveries WHERE automation = ? AND action IS NOT NULL ORDER BY id DESC LIMIT 100",
        (automation,),
    )
    return [Full(*row).public for row in rows]


def event_id(c: Connection, row: int) -> str:
    found = c.execute("SELECT event FROM events WHERE id = ?", (row,)).fetchone()
    return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as `explain` and `simulate` read it; moments in ms."""

    id: int
    feed: str
    event: str
    kind: str
    occurred_at: int
    recorded_at: int
    lineage: int
    state: int
    judged_by: int | None
    body: str | None


EVENT_COLUMNS = "e.id, f.key, e.event, e.kind, e.occurred_at, e.recorded_at, e.lineage, e.state, e.judged_by, e.body"


def event(c: Connection, row: int) -> EventRow | None:
    found = c.execute(
        f"SELECT {EVENT_COLUMNS} FROM events e JOIN feeds f ON f.id = e.feed WHERE e.id = ?", (row,)
    ).fetchone()
    return EventRow(*found) if found else None


def events(c: Connection, *, like: str = "", since: int = 0, limit: int = 50) -> list[EventRow]:
    """The newest events whose own id (or the post's) contains `like`, newest first."""
    rows = c.execute(
        f"SELECT {EVENT_COLUMNS} FROM events e JOIN feeds f ON f.id = e.feed"
        " WHERE e.recorded_at >= ? AND (? = '' OR instr(e.event, ?) OR instr(e.body, ?)) ORDER BY e.id DESC LIMIT ?",
        (since, like, like, like, limit),
    )
    return [EventRow(*row) for row in rows]


def decisions(c: Connection, event_row: int) -> list[tuple[str, str, str, str, int]]:
    """(automation, verdict, reason, source, at) for one event."""
    return c.execute(
        "SELECT automation, verdict, reason, source, at FROM decisions WHERE event = ? ORDER BY automation",
        (event_row,),
    ).fetchall()


def set_description(c: Connection, row: int | None) -> dict[str, Any]:
    """The stored description of an automation set."""
    found = c.execute("SELECT description FROM sets WHERE id = ?", (row,)).fetchone()
    return dict(json.loads(found[0])) if found else {}


def attempts(c: Connection, delivery_row: int) -> list[tuple[int, int, int | None, str, str]]:
    """(token, started, ended, outcome, detail) of each try."""
    return c.execute(
        "SELECT token, started_at, ended_at, outcome, detail FROM attempts WHERE delivery = ? ORDER BY token",
        (delivery_row,),
    ).fetchall()


def counts(c: Connection) -> dict[str, int]:
    """How many deliveries stand in each state."""
    return dict(c.execute("SELECT state, count(*) FROM deliveries GROUP BY state"))


def event_counts(c: Connection) -> dict[str, int]:
    """How many events were seen, decided and missed."""
    names = {0: "seen", 1: "decided", 2: "missed"}
    return {names[state]: n for state, n in c.execute("SELECT state, count(*) FROM events GROUP BY state")}


def oldest_due(c: Connection) -> int | None:
    """Since when (ms) the oldest due delivery waits; None when nothing does."""
    row = c.execute("SELECT min(max(not_before, created_at)) FROM deliveries WHERE state = 'due'").fetchone()
    return None if row[0] is None else int(row[0])


def feeds(c: Connection) -> list[tuple[str, int | None, int | None, str]]:
    """(key, last good pull, last failed pull, error) of each feed."""
    return c.execute("SELECT key, pulled_at, failed_at, error FROM feeds ORDER BY key").fetchall()


def accounts(c: Connection) -> list[tuple[str, str, str, str, int | None, str, int]]:
    """(name, platform, identity, handle, seen at, error, frozen until) of each account."""
    return c.execute(
        "SELECT name, platform, identity, handle, seen_at, error, frozen_until FROM accounts ORDER BY name"
    ).fetchall()


def pauses(c: Connection) -> list[tuple[str, str, str, int]]:
    """(scope, reason, by, since)."""
    return c.execute("SELECT scope, reason, by, at FROM pauses ORDER BY scope").fetchall()


def meta(c: Connection) -> dict[str, str]:
    return dict(c.execute("SELECT key, value FROM meta"))


def on_the_wire(c: Connection) -> list[str]:
    """Keys of deliveries that are on their way now."""
    return [
        r[0]
        for r in c.execute("SELECT key FROM deliveries INDEXED BY deliveries_busy WHERE state = 'sending' ORDER BY id")
    ]


def wanted_media(c: Connection) -> set[str]:
    """SHA-256 of every media file that a delivery names which is open, or may be tried again."""
    rows = c.execute(
        "SELECT t.value FROM (SELECT action FROM deliveries INDEXED BY deliveries_open WHERE state IN ('held', 'due')"
        " UNION ALL SELECT action FROM deliveries INDEXED BY deliveries_busy WHERE state = 'sending' OR state = 'uncertain'"
        " UNION ALL SELECT action FROM deliveries INDEXED BY deliveries_again WHERE action IS NOT NULL"
        "  AND state IN ('failed', 'expired', 'refused', 'cancelled')"
        ") d, json_tree(d.action) t WHERE d.action IS NOT NULL AND t.key = 'sha256' AND t.value != ''"
    )
    return {r[0] for r in rows}
