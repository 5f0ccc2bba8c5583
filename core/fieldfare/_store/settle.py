"""Sentences that end an attempt, or resolve its doubt. Each carries the token; a stale one changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from .events import trouble
from .second import free
from .steps import ALLOWED, AT_ONCE, answer_step, open_step, unsend


def _close(c: Connection, delivery: int, token: int, outcome: str, detail: str, now: int) -> bool:
    """End an attempt; False when the token is stale, and then nothing may follow."""
    mine = c.execute(
        "SELECT 1 FROM deliveries WHERE id = ? AND token = ? AND state IN ('sending', 'uncertain')", (delivery, token)
    ).fetchone()
    if mine is None:
        return False
    c.execute(
        "UPDATE attempts SET ended_at = ?, outcome = ?, detail = ? WHERE delivery = ? AND token = ?",
        (now, outcome, detail[:500], delivery, token),
    )
    return True


def delivered(
    c: Connection, *, delivery: int, token: int, receipt: str, refs: Sequence[str], now: int, detail: str = ""
) -> bool:
    """It is done. False: the token is stale, or another delivery holds one of these posts as its receipt."""
    for ref in refs:
        other = c.execute("SELECT 1 FROM receipts WHERE ref = ? AND delivery != ?", (ref, delivery)).fetchone()
        kind = c.execute("SELECT kind FROM deliveries WHERE id = ?", (delivery,)).fetchone()
        if other is not None and kind is not None and kind[0] in ("publish", "reply"):
            return False
    if not _close(c, delivery, token, "delivered", detail, now):
        return False
    c.execute(
        "UPDATE deliveries SET state = 'delivered', reason = ?, hold = '', receipt = ?, updated_at = ? WHERE id = ?",
        (detail, receipt, now, delivery),
    )
    c.executemany("INSERT INTO receipts VALUES (?, ?) ON CONFLICT DO NOTHING", [(ref, delivery) for ref in refs])
    c.execute(
        "INSERT INTO settlements (delivery, automation) SELECT id, automation FROM deliveries WHERE id = ?", (delivery,)
    )
    return True


def again(
    c: Connection,
    *,
    delivery: int,
    token: int,
    at: int,
    reason: str,
    now: int,
    outcome: str = "not sent",
    counts: bool = True,
) -> bool:
    """Due again at `at`: proven not sent, rate limited, or pending. With `counts=False` the attempt is not counted."""
    if not _close(c, delivery, token, outcome, reason, now):
        return False
    c.execute(
        "UPDATE deliveries SET state = 'due', hold = '', not_before = ?, reason = ?, attempts = attempts - ?, updated_at = ?"
        " WHERE id = ?",
        (at, reason, 0 if counts else 1, now, delivery),
    )
    return True


def failed(c: Connection, *, delivery: int, token: int, reason: str, now: int) -> bool:
    """The network said no. What is already out of it stays out, and the reason says so."""
    if not _close(c, delivery, token, "failed", reason, now):
        return False
    out = [
        r[0] for r in c.execute("SELECT name FROM steps WHERE delivery = ? AND answered = 1 ORDER BY seq", (delivery,))
    ]
    said = f"{reason} (already out: {', '.join(out)})" if out else reason
    end(c, delivery, "failed", said, now, in_part=bool(out))
    row = c.execute("SELECT key, automation FROM deliveries WHERE id = ?", (delivery,)).fetchone()
    trouble(c, what="failed", says=f"{row[0]} failed: {said}", subject=row[0], automation=row[1], now=now)
    return True


def refused(c: Connection, *, delivery: int, token: int, reason: str, now: int) -> bool:
    """The second look said no, before any byte left."""
    if not _close(c, delivery, token, "refused", reason, now):
        return False
    end(c, delivery, "refused", reason, now)
    return True


def uncertain(c: Connection, *, delivery: int, token: int, reason: str, now: int) -> bool:
    """The request left and no clear answer came."""
    if not _close(c, delivery, token, "uncertain", reason, now):
        return False
    doubt(c, delivery, reason, now)
    return True


def stopped(c: Connection, *, delivery: int, token: int, now: int) -> bool:
    """The daemon stopped in the midst of an attempt: in doubt if a step is by now, else due again at once."""
    mine = {"delivery": delivery, "token": token, "now": now}
    step = open_step(c, delivery)
    if step is not None:
        return uncertain(c, **mine, reason=f"the daemon stopped while step {step!r} was on its way")
    if c.execute("SELECT 1 FROM deliveries WHERE id = ? AND state = 'sending'", (delivery,)).fetchone() is None:
        return False
    return again(c, **mine, at=AT_ONCE, reason="the daemon stopped", outcome="stopped", counts=False)


def doubt(c: Connection, delivery: int, reason: str, now: int) -> None:
    """Mark a delivery uncertain and tell the operator."""
    c.execute(
        "UPDATE deliveries SET state = 'uncertain', hold = '', passable = 0, reason = ?, updated_at = ? WHERE id = ?",
        (reason, now, delivery),
    )
    row = c.execute("SELECT key, automation FROM deliveries WHERE id = ?", (delivery,)).fetchone()
    says = f"{row[0]} left and no clear answer came: {reason}"
    trouble(c, what="uncertain", says=says, subject=row[0], automation=row[1], now=now)


def hold_missing(c: Connection, delivery: int, gone: Sequence[str]) -> None:
    """Hold what names something that is gone."""
    reason = f"{' and '.join(gone)} is gone; it moves again when the name returns"
    c.execute("UPDATE deliveries SET state = 'held', hold = 'missing', reason = ? WHERE id = ?", (reason, delivery))


def end(c: Connection, delivery: int, state: str, reason: str, now: int, *, in_part: bool = False) -> None:
    """A final state; a second key is free again for others, unless parts are out."""
    c.execute(
        "UPDATE deliveries SET state = ?, reason = ?, hold = '', updated_at = ? WHERE id = ?",
        (state, reason, now, delivery),
    )
    if not in_part:
        free(c, delivery)


def _goes_on(c: Connection, delivery: int, reason: str, now: int) -> None:
    """The doubt is resolved, and there is something left to send."""
    c.execute(
        "UPDATE deliveries SET state = 'due', not_before = ?, reason = ?, updated_at = ? WHERE id = ?",
        (AT_ONCE, reason, now, delivery),
    )


def found_steps(c: Connection, *, delivery: int, token: int, answers: dict[str, Any], now: int) -> bool:
    """A recall found steps performed: they are answered, and the delivery goes on."""
    if not _close(c, delivery, token, "found", ", ".join(answers), now):
        return False
    for name, body in answers.items():
        answer_step(c, delivery, name, 200, json.dumps({"headers": {}, "body": json.dumps(body)}))
    if open_step(c, delivery) is None:
        _goes_on(c, delivery, "found; goes on", now)
    return True


def absent(c: Connection, *, delivery: int, token: int, reason: str, now: int) -> bool:
    """A recall proved that it did not happen: due again, with every unanswered step free to be sent."""
    if not _close(c, delivery, token, "absent", reason, now):
        return False
    unsend(c, delivery, None)
    c.execute("UPDATE deliveries SET absents = absents + 1 WHERE id = ?", (delivery,))
    _goes_on(c, delivery, f"looked and it is not there: {reason}", now)
    return True


def repeat(c: Connection, *, delivery: int, token: int, now: int) -> bool:
    """The network still remembers our keys: the same steps go again under the same keys."""
    if not _close(c, delivery, token, "repeat", "", now):
        return False
    c.execute(
        "UPDATE steps SET repeat = ? WHERE delivery = ? AND sent_at IS NOT NULL AND answered = 0", (ALLOWED, delivery)
    )
    _goes_on(c, delivery, "the same call again, under the same key", now)
    return True


def ask_person(c: Connection, *, delivery: int, token: int, reason: str, now: int) -> bool:
    """Nobody but a person can tell; later posts may pass."""
    if not _close(c, delivery, token, "unknowable", reason, now):
        return False
    c.execute(
        "UPDATE deliveries SET hold = 'person', passable = 1, reason = ?, updated_at = ? WHERE id = ?",
        (reason, now, delivery),
    )
    row = c.execute("SELECT key, automation FROM deliveries WHERE id = ?", (delivery,)).fetchone()
    says = f"{row[0]} may or may not be out ({reason}); look, then run `fieldfare settle {row[0]}`"
    trouble(c, what="uncertain", says=says, subject=row[0], automation=row[1], now=now)
    return True


def let_pass(c: Connection, *, delivery: int) -> None:
    """The settle time is over and the doubt is not: a later post may pass this one."""
    c.execute("UPDATE deliveries SET passable = 1 WHERE id = ? AND state = 'uncertain'", (delivery,))
