"""Sentences about who may leave: claim, recover after a crash, expire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection

from .._contract.limits import Limit
from . import limits as fences
from . import pace
from .accounts import saw
from .events import trouble
from .settle import doubt, end, hold_missing
from .steps import AT_ONCE, is_paused, open_step


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in `sending`, with the token that its completions must carry."""

    id: int
    key: str
    token: int
    automation: str
    account: str
    kind: str
    action: str
    revision: int
    event: int
    created_at: int
    first_byte_at: int | None
    attempts: int
    lineage: int
    digest: str
    approved_digest: str


LimitsOf = Callable[[str], tuple[Limit, ...] | None]
"""The limits of an automation; None when there is none of this name (any more)."""

CLAIMED = "id, key, token, automation, account, kind, action, revision, event, created_at, first_byte_at, attempts, lineage, digest, approved_digest"


def claim(
    c: Connection, *, account: str, limits_of: LimitsOf, now: int, booted: int, most: int, in_flight: int
) -> list[Claimed]:
    """Take up to `most` due deliveries of an account that may leave now, oldest first; they are `sending` on return.

    Order is kept within each thread of order: what waits for a limit is passed by other automations only, what has begun
    by nobody, and what is paused with its automation holds up nobody. Nothing is taken from a paused scope, and never
    more than `in_flight` are on their way. A limit that says wait moves `not_before`.
    """
    frozen = c.execute("SELECT frozen_until FROM accounts WHERE name = ?", (account,)).fetchone()
    if is_paused(c, account) or (frozen is not None and frozen[0] > now):
        return []
    busy = c.execute("SELECT count(*) FROM deliveries WHERE account = ? AND state = 'sending'", (account,)).fetchone()[
        0
    ]
    room = min(most, in_flight - int(busy))
    if room <= 0:
        return []
    rows = c.execute(
        "SELECT id, automation, fingerprint, not_before, created_at, updated_at, late, attempts, first_byte_at IS NOT NULL"
        " FROM deliveries d INDEXED BY deliveries_due"
        " WHERE account = ? AND state = 'due' AND not_before <= ? AND (expires_at > ? OR first_byte_at IS NOT NULL)"
        " AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.scope = 'automation:' || d.automation)"
        " AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.account = d.account AND b.line = d.line"
        "   AND (b.state = 'sending' OR b.state = 'uncertain') AND (b.state = 'sending' OR b.passable = 0))"
        " AND NOT EXISTS (SELECT 1 FROM deliveries u WHERE u.account = d.account AND u.state = 'uncertain'"
        "   AND u.fingerprint = d.fingerprint)"
        " AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.account = d.account AND o.state = 'due' AND o.line = d.line"
        "   AND o.id < d.id AND (o.not_before <= ? OR o.attempts > 0 OR o.first_byte_at IS NOT NULL OR o.automation = d.automation)"
        "   AND (o.first_byte_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM pauses p WHERE p.scope = 'automation:' || o.automation)))"
        " ORDER BY id LIMIT ?",
        (account, now, now, now, room * 4),
    ).fetchall()
    taken: list[int] = []
    prints: set[str] = set()
    goes_on, of_automation = pace.resumed(c, account)
    for row in rows:
        id_, automation, fingerprint, not_before, created, updated, late, attempts, begun = row
        if len(taken) == room:
            break
        if fingerprint in prints:
            continue
        before = max(booted, goes_on, of_automation.get(automation, 0)) - pace.OVERDUE_MS
        overdue = created < before and not attempts and not begun
        # What a person has let go meanwhile is not late by that.
        its_time = max(not_before, created, updated)
        if overdue and late == "skip" and its_time < before:
            absent = its_time < booted - pace.OVERDUE_MS
            reason = "its time passed while " + ("the daemon was not running" if absent else "it was paused")
            end(c, id_, "expired", reason, now)
            continue
        limits = limits_of(automation)
        if limits is None:
            hold_missing(c, id_, [f"automation {automation!r}"])
            continue
        if not begun:
            waits = [w for w in (fences.at_claim(c, x, automation, account, now) for x in limits) if w is not None]
            if overdue:
                waits += pace.waits(c, account, now)
            if waits:
                wait = max(waits, key=lambda w: w.until)
                c.execute(
                    "UPDATE deliveries SET not_before = ?, reason = ? WHERE id = ?", (wait.until, wait.reason, id_)
                )
                continue
        fences.take(c, limits, automation, account, id_, now)
        if overdue:
            pace.took(c, account, now)
        prints.add(fingerprint)
        taken.append(id_)
    claimed: list[Claimed] = []
    for id_ in taken:
        row = c.execute(
            "UPDATE deliveries SET state = 'sending', token = token + 1, attempts = attempts + 1, reason = '', updated_at = ?"
            f" WHERE id = ? RETURNING {CLAIMED}",
            (now, id_),
        ).fetchone()
        c.execute("INSERT INTO attempts (delivery, token, started_at) VALUES (?, ?, ?)", (id_, row[2], now))
        claimed.append(Claimed(*row))
    return claimed


def freeze_account(c: Connection, *, account: str, until: int) -> None:
    """The network asked this account to wait: nothing of it leaves before (ms)."""
    c.execute("UPDATE accounts SET frozen_until = max(frozen_until, ?) WHERE name = ?", (until, account))


def next_due(c: Connection, account: str) -> int | None:
    """The earliest moment (ms) at which something of this account may become due; None when nothing waits."""
    row = c.execute("SELECT min(not_before) FROM deliveries WHERE account = ? AND state = 'due'", (account,)).fetchone()
    if row[0] is None:
        return None
    frozen = c.execute("SELECT frozen_until FROM accounts WHERE name = ?", (account,)).fetchone()
    return max(int(row[0]), int(frozen[0]) if frozen else 0)


def set_back(c: Connection, *, by: int, now: int) -> None:
    """The wall clock was set back by `by` ms: what waits for a span of time waits no longer than it would have.

    A wait for a time of day is none of these: limits are asked again when it is over.
    """
    c.execute("UPDATE deliveries SET not_before = max(not_before - ?, 1) WHERE state = 'due' AND not_before > 0", (by,))
    c.execute(
        "UPDATE accounts SET frozen_until = max(frozen_until - ?, 0), caught_up_at = max(caught_up_at - ?, 0)", (by, by)
    )
    c.execute("UPDATE rates SET at = at - ?", (by,))
    pace.set_back(c, now)
    c.execute("UPDATE meta SET value = ? WHERE key = 'seen_at'", (str(now),))


def recover(c: Connection, *, now: int) -> tuple[int, int]:
    """What a dead holder left in `sending`: due if no step is in doubt, else uncertain. Gives (due, uncertain).

    A clock that is behind the holder's last heartbeat, or behind what left last, was set back meanwhile (see
    `set_back`).
    """
    (seen,) = c.execute(
        "SELECT max(coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seen_at'), 0),"
        " coalesce((SELECT max(at) FROM rates), 0), coalesce((SELECT max(caught_up_at) FROM accounts), 0))"
    ).fetchone()
    if seen > now:
        set_back(c, by=seen - now, now=now)
    saw(c, now)
    rows = c.execute("SELECT id, token FROM deliveries WHERE state = 'sending'").fetchall()
    doubtful = 0
    for id_, token in rows:
        doubted = open_step(c, id_)
        c.execute("UPDATE deliveries SET token = token + 1 WHERE id = ?", (id_,))
        c.execute(
            "UPDATE attempts SET ended_at = ?, outcome = ? WHERE delivery = ? AND token = ?",
            (now, "uncertain" if doubted else "stopped", id_, token),
        )
        if doubted:
            doubtful += 1
            doubt(c, id_, f"the daemon stopped between sending and recording {doubted!r}", now)
        else:
            c.execute(
                "UPDATE deliveries SET state = 'due', attempts = max(attempts - 1, 0), not_before = ?, reason = ?,"
                " updated_at = ? WHERE id = ?",
                (AT_ONCE, "the daemon stopped before anything left", now, id_),
            )
    return len(rows) - doubtful, doubtful


def expire(c: Connection, *, now: int) -> list[tuple[int, str]]:
    """End what nobody spoke for in time, or what is too late to be of use; with `late = ask` it is held instead."""
    rows = c.execute(
        "SELECT id, key, automation, state, late, hold, account FROM deliveries"
        " WHERE state IN ('held', 'due') AND expires_at <= ? AND first_byte_at IS NULL AND hold NOT IN ('late', 'missing') LIMIT 500",
        (now,),
    ).fetchall()
    for id_, key, automation, state, late, _hold, _account in rows:
        if state == "due" and late == "ask":
            says = f"{key} is late; approve it to send it all the same, or refuse it"
            c.execute(
                "UPDATE deliveries SET state = 'held', hold = 'late', reason = 'late: a person decides', updated_at = ?"
                " WHERE id = ?",
                (now, id_),
            )
            trouble(c, what="held", says=says, subject=key, automation=automation, now=now)
            continue
        reason = "nobody approved it in time" if state == "held" else "too late to be of use"
        end(c, id_, "expired", reason, now)
        trouble(c, what="expired", says=f"{key} expired: {reason}", subject=key, automation=automation, now=now)
    _tell_of_stuck(c, now)
    return [(int(r[0]), str(r[6])) for r in rows]


def _tell_of_stuck(c: Connection, now: int) -> None:
    """What has begun does not expire; each time that its time passes once more, a person is told."""
    rows = c.execute(
        "SELECT id, key, automation, late_ms, reason FROM deliveries WHERE state IN ('held', 'due') AND state = 'due'"
        " AND expires_at <= ? AND first_byte_at IS NOT NULL LIMIT 500",
        (now,),
    ).fetchall()
    for id_, key, automation, late_ms, reason in rows:
        says = f"{key} has begun to leave and cannot go on: {reason}"
        trouble(c, what="lane-stuck", says=says, subject=key, automation=automation, now=now)
        c.execute("UPDATE deliveries SET expires_at = ? WHERE id = ?", (now + max(late_ms, 3_600_000), id_))
