"""Questions behind `explain`: what a delivery waits for, which steps it took, and which delivery made a post."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from .query import COLUMNS, EVENT_COLUMNS, EventRow, Full


@dataclass(frozen=True, slots=True)
class Holder:
    """Another delivery that must come to an end first, and why."""

    key: str
    why: str


def holders(c: Connection, delivery: Full) -> list[Holder]:
    """Deliveries that keep this due one from being claimed, in the order in which `claim` asks."""
    order = "it comes earlier in the same thread of order and is {state}"
    found = [
        Holder(key, order.format(state=state))
        for key, state in c.execute(
            "SELECT key, state FROM deliveries WHERE account = ? AND line = ? AND id != ?"
            " AND (state = 'sending' OR state = 'uncertain') AND (state = 'sending' OR passable = 0) ORDER BY id",
            (delivery.account, delivery.line, delivery.id),
        )
    ]
    same = "SELECT key FROM deliveries WHERE account = ? AND id != ? AND state = 'uncertain' AND fingerprint ="
    same += " (SELECT fingerprint FROM deliveries WHERE id = ?) ORDER BY id"
    for (key,) in c.execute(same, (delivery.account, delivery.id, delivery.id)):
        if all(holder.key != key for holder in found):
            found.append(Holder(key, "it says the same and is uncertain"))
    earlier = c.execute(
        "SELECT key FROM deliveries WHERE account = ? AND line = ? AND state = 'due' AND id < ? ORDER BY id",
        (delivery.account, delivery.line, delivery.id),
    )
    return found + [Holder(key, order.format(state="due")) for (key,) in earlier]


def pauses_over(c: Connection, delivery: Full) -> list[tuple[str, str, str, int]]:
    """(scope, reason, by, since) of the pauses that cover this delivery."""
    return c.execute(
        "SELECT scope, reason, by, at FROM pauses WHERE scope IN ('all', 'account:' || ?, 'automation:' || ?)"
        " OR scope = 'platform:' || (SELECT platform FROM accounts WHERE name = ?) ORDER BY scope",
        (delivery.account, delivery.automation, delivery.account),
    ).fetchall()


def account_of(c: Connection, name: str) -> tuple[str, str, int]:
    """(platform, error, frozen until) of an account; empty for one that was never seen."""
    row = c.execute("SELECT platform, error, frozen_until FROM accounts WHERE name = ?", (name,)).fetchone()
    return row or ("", "", 0)


def of_event(c: Connection, event: int) -> list[Full]:
    """The deliveries that an event led to, oldest first."""
    rows = c.execute(f"SELECT {COLUMNS} FROM deliveries WHERE event = ? ORDER BY id", (event,))
    return [Full(*row) for row in rows]


def made(c: Connection, post: str) -> list[Full]:
    """The deliveries whose receipt names this post, by its address or the network's own id; at most 20."""
    rows = c.execute(
        f"SELECT {COLUMNS} FROM deliveries WHERE receipt IS NOT NULL AND EXISTS (SELECT 1 FROM json_tree(receipt) t"
        " WHERE t.key IN ('url', 'id') AND t.value = ?) ORDER BY id DESC LIMIT 20",
        (post,),
    )
    return [Full(*row) for row in rows]


def latest_set(c: Connection) -> dict[str, Any]:
    """The description of the automation set that runs, or ran last; empty before anything has run."""
    row = c.execute("SELECT description FROM sets WHERE id = (SELECT value FROM meta WHERE key = 'set')").fetchone()
    return dict(json.loads(row[0])) if row else {}


def present_accounts(c: Connection) -> set[str]:
    """The accounts of the set that runs, or ran last: those that the files have, as far as anybody has looked."""
    found: set[str] = set()
    for one in latest_set(c).get("automations", ()):
        found |= {*one["trigger"]["accounts"], *([one["account"]] if one["account"] else [])}
    return found


def last_decisions(c: Connection, automation: str, limit: int) -> list[tuple[str, str, str, str, int]]:
    """(event, kind, verdict, reason, at) of an automation's last decisions, newest first."""
    return c.execute(
        "SELECT e.event, e.kind, d.verdict, d.reason, d.at FROM decisions d JOIN events e ON e.id = d.event"
        " WHERE d.automation = ? ORDER BY d.event DESC LIMIT ?",
        (automation, limit),
    ).fetchall()


def last_events(c: Connection, feed: str, limit: int) -> list[tuple[str, str, int, int]]:
    """(event, kind, occurred at, state) of what a feed brought last, newest first."""
    return c.execute(
        "SELECT event, kind, occurred_at, state FROM events WHERE feed = (SELECT id FROM feeds WHERE key = ?)"
        " ORDER BY id DESC LIMIT ?",
        (feed, limit),
    ).fetchall()


def named_now(c: Connection, kind: str) -> set[str]:
    """What the newest automation set calls its automations or accounts (`kind`); nothing for anything else."""
    found: set[str] = set()
    for one in latest_set(c).get("automations", ()):
        match kind:
            case "automation":
                found.add(one["name"])
            case "account":
                found |= {*one["trigger"]["accounts"], *filter(None, [one["account"]])}
            case _:
                pass
    return found


def automations(c: Connection) -> list[str]:
    """The names of all automations that ever ran here."""
    return [name for (name,) in c.execute("SELECT name FROM automations ORDER BY name")]


def oldest(c: Connection, state: str) -> int | None:
    """Since when (ms) the delivery that is longest in this state has been in it."""
    row = c.execute("SELECT min(updated_at) FROM deliveries WHERE state = ?", (state,)).fetchone()
    return None if row[0] is None else int(row[0])


def newest_moment(c: Connection) -> int:
    """The latest moment (ms) that the store has written down; 0 when nothing has happened."""
    row = c.execute(
        "SELECT max((SELECT coalesce(max(recorded_at), 0) FROM events WHERE id > (SELECT coalesce(max(id), 0) - 100 FROM events)),"
        " (SELECT coalesce(max(updated_at), 0) FROM deliveries WHERE id > (SELECT coalesce(max(id), 0) - 100 FROM deliveries)))"
    ).fetchone()
    return int(row[0])


def between(c: Connection, since: int, until: int | None) -> Iterator[EventRow]:
    """The events that occurred from `since` (ms) to before `until`, in the order in which they were recorded; those
    whose body retention has removed are left out."""
    rows = c.execute(
        f"SELECT {EVENT_COLUMNS} FROM events e JOIN feeds f ON f.id = e.feed WHERE e.body IS NOT NULL AND e.occurred_at >= ?"
        " AND (? IS NULL OR e.occurred_at < ?) ORDER BY e.id",
        (since, until, until),
    )
    return (EventRow(*row) for row in rows)
