"""Sentences about the ledger of steps: each write of a delivery at most once."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from .._domain.errors import Refused

AT_ONCE = 0
"""`not_before` of what need not wait: not the present, which a clock that is set back would make a future."""

ALLOWED, REPEATED = 1, 2
"""`repeat` of a step in doubt: it may be sent again under the same key; it was, and an earlier sending is in doubt."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A step as the ledger has it; `answer` is JSON text."""

    name: str
    value: str | None
    frozen: bool
    sent_at: int | None
    repeat: int
    answered: bool
    status: int | None
    answer: str | None


def is_paused(c: Connection, account: str) -> bool:
    """Whether a pause covers everything, the account, or its platform."""
    row = c.execute(
        "SELECT 1 FROM pauses WHERE scope IN ('all', 'account:' || ?)"
        " OR scope = 'platform:' || (SELECT platform FROM accounts WHERE name = ?)",
        (account, account),
    ).fetchone()
    return row is not None


def steps(c: Connection, delivery: int) -> list[Stored]:
    """The ledger of a delivery's steps, oldest first."""
    rows = c.execute(
        "SELECT name, value, frozen, sent_at, repeat, answered, status, answer FROM steps WHERE delivery = ? ORDER BY seq",
        (delivery,),
    )
    return [Stored(r[0], r[1], bool(r[2]), r[3], r[4], bool(r[5]), r[6], r[7]) for r in rows]


def open_step(c: Connection, delivery: int) -> str | None:
    """The name of a step that was sent and has no answer; None when nothing is in doubt."""
    row = c.execute(
        "SELECT name FROM steps WHERE delivery = ? AND sent_at IS NOT NULL AND answered = 0", (delivery,)
    ).fetchone()
    return row[0] if row else None


def _mine(c: Connection, delivery: int, token: int) -> None:
    row = c.execute(
        "SELECT 1 FROM deliveries WHERE id = ? AND token = ? AND state = 'sending'", (delivery, token)
    ).fetchone()
    if row is None:
        raise Refused("this attempt is over: the delivery was taken by another")


def freeze(c: Connection, *, delivery: int, token: int, name: str, value: str) -> str:
    """Commit a value; gives the one that is frozen, which is the older one if there is any."""
    _mine(c, delivery, token)
    _step(c, delivery, name)
    c.execute(
        "UPDATE steps SET value = ?, frozen = 1 WHERE delivery = ? AND name = ? AND frozen = 0", (value, delivery, name)
    )
    row = c.execute("SELECT value FROM steps WHERE delivery = ? AND name = ?", (delivery, name)).fetchone()
    return str(row[0])


def _step(c: Connection, delivery: int, name: str) -> None:
    c.execute(
        "INSERT INTO steps (delivery, name, seq) SELECT ?, ?, count(*) FROM steps WHERE delivery = ? ON CONFLICT DO NOTHING",
        (delivery, name, delivery),
    )


def sending(c: Connection, *, delivery: int, token: int, name: str, now: int, server_now: int) -> None:
    """Commit that a step's request is about to leave. Raises Refused: stale token, pause, or a step already in doubt."""
    _mine(c, delivery, token)
    row = c.execute("SELECT account, automation FROM deliveries WHERE id = ?", (delivery,)).fetchone()
    if is_paused(c, row[0]) or c.execute("SELECT 1 FROM pauses WHERE scope = 'automation:' || ?", (row[1],)).fetchone():
        raise Refused("paused")
    _step(c, delivery, name)
    state = c.execute(
        "SELECT sent_at, answered, repeat FROM steps WHERE delivery = ? AND name = ?", (delivery, name)
    ).fetchone()
    if state[1] or (state[0] is not None and state[2] != ALLOWED):
        raise Refused(f"step {name!r} was sent before and is not known to have failed")
    c.execute(
        "UPDATE steps SET sent_at = ?, repeat = ? WHERE delivery = ? AND name = ?",
        (now, REPEATED if state[0] is not None else 0, delivery, name),
    )
    c.execute("UPDATE deliveries SET first_byte_at = coalesce(first_byte_at, ?) WHERE id = ?", (server_now, delivery))


def answered(c: Connection, *, delivery: int, token: int, name: str, status: int, answer: str) -> None:
    """Commit a step's answer: it is never sent again, and the delivery only goes forward."""
    _mine(c, delivery, token)
    answer_step(c, delivery, name, status, answer)


def answer_step(c: Connection, delivery: int, name: str, status: int, answer: str) -> None:
    """Record an answer whoever brought it; see `answered` for the attempt's own."""
    _step(c, delivery, name)
    c.execute(
        "UPDATE steps SET answered = 1, status = ?, answer = ?, sent_at = coalesce(sent_at, 0) WHERE delivery = ? AND name = ?",
        (status, answer, delivery, name),
    )
    c.execute("UPDATE deliveries SET shown = 1 WHERE id = ?", (delivery,))


def not_performed(c: Connection, *, delivery: int, token: int, name: str) -> None:
    """Commit that a step was not performed by this sending: it may be sent again.

    One that repeats a sending in doubt stays in doubt: what is proven of the second says nothing of the first.
    """
    _mine(c, delivery, token)
    again = c.execute(
        "UPDATE steps SET repeat = ? WHERE delivery = ? AND name = ? AND answered = 0 AND repeat = ?",
        (ALLOWED, delivery, name, REPEATED),
    )
    if not again.rowcount:
        unsend(c, delivery, name)


def unsend(c: Connection, delivery: int, name: str | None) -> None:
    """Free an unanswered step (None: all of them) to be sent again."""
    c.execute(
        "UPDATE steps SET sent_at = NULL, repeat = 0 WHERE delivery = ? AND answered = 0 AND (? IS NULL OR name = ?)",
        (delivery, name, name),
    )
    c.execute(
        "UPDATE deliveries SET first_byte_at = NULL WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM steps WHERE delivery = ? AND sent_at IS NOT NULL)",
        (delivery, delivery),
    )
