"""Sentences that remove bodies: what was said and answered goes in its time; ids, keys, receipts and reasons stay."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

PORTION = 1000
"""Rows that one sentence looks at, so that nobody waits long behind it."""
FINISHED = "state IN ('delivered', 'failed', 'refused', 'cancelled', 'expired')"


@dataclass(frozen=True, slots=True)
class Portion:
    """What became of the rows from one number on, `PORTION` of them."""

    bare: bool
    """No body is left in them, and none will come."""
    more: bool
    """What follows may be old enough too."""


def of_deliveries(c: Connection, *, first: int, before: int) -> Portion:
    """Remove the content, the frozen values and the answers of deliveries that came to their end before this (ms)."""
    rows = (first, first + PORTION)
    c.execute(
        f"UPDATE deliveries SET action = NULL WHERE id >= ? AND id < ? AND action IS NOT NULL AND {FINISHED}"
        " AND updated_at < ?",
        (*rows, before),
    )
    c.execute(
        "UPDATE steps SET value = NULL, answer = NULL WHERE delivery >= ? AND delivery < ?"
        " AND (value IS NOT NULL OR answer IS NOT NULL) AND (SELECT action FROM deliveries WHERE id = delivery) IS NULL",
        rows,
    )
    left = c.execute("SELECT 1 FROM deliveries WHERE id >= ? AND id < ? AND action IS NOT NULL", rows).fetchone()
    behind = c.execute("SELECT created_at FROM deliveries WHERE id >= ? ORDER BY id LIMIT 1", rows[1:]).fetchone()
    return _portion(left, behind, before)


def of_events(c: Connection, *, first: int, before: int) -> Portion:
    """Remove the bodies of events recorded before this (ms), unless they are undecided or what follows from them still
    has its own."""
    rows = (first, first + PORTION)
    c.execute(
        "UPDATE events SET body = NULL WHERE id >= ? AND id < ? AND body IS NOT NULL AND state != 0 AND recorded_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = events.id AND d.action IS NOT NULL)",
        (*rows, before),
    )
    left = c.execute("SELECT 1 FROM events WHERE id >= ? AND id < ? AND body IS NOT NULL", rows).fetchone()
    behind = c.execute("SELECT recorded_at FROM events WHERE id >= ? ORDER BY id LIMIT 1", rows[1:]).fetchone()
    return _portion(left, behind, before)


def _portion(left: object, behind: tuple[int] | None, before: int) -> Portion:
    return Portion(bare=left is None and behind is not None, more=behind is not None and behind[0] < before)


def of_rates(c: Connection, *, before: int) -> bool:
    """Forget what left before this (ms), which no rate counts any more; True when there may be more of it."""
    fences = [
        fence
        for (fence,) in c.execute(
            "SELECT 'account:' UNION SELECT 'account:' || name FROM accounts"
            " UNION SELECT 'automation:' || name FROM automations"
        )
    ]
    room = PORTION
    for fence in fences:
        room -= c.execute(
            "DELETE FROM rates WHERE fence = ? AND delivery IN"
            " (SELECT delivery FROM rates WHERE fence = ? AND at < ? ORDER BY at LIMIT ?)",
            (fence, fence, before, room),
        ).rowcount
        if not room:
            return True
    return False
