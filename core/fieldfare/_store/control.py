"""Sentences that a person says: approve, refuse, cancel, edit, retry, settle, pause, resume."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from .._contract.limits import Budget, Limit
from .._domain.errors import FieldfareError
from .._domain.values import Money
from .limits import over_budget
from .names import numbered, span
from .pace import caught_up
from .second import by_identity, freed
from .settle import end, hold_missing
from .steps import AT_ONCE, unsend


class TooLate(FieldfareError):
    """What was asked is not possible in the state that the delivery is in."""


def row_of(c: Connection, key: str) -> tuple[int, str, str, int, str, str]:
    """(id, state, hold, shown, digest, automation) of a delivery, by its key or a beginning of it that is unique.

    Raises TooLate when there is none, or more than one.
    """
    rows = c.execute(
        "SELECT id, state, hold, shown, digest, automation FROM deliveries WHERE key = ? OR id = ?",
        (key, numbered(key)),
    ).fetchall()
    if not rows:
        rows = c.execute(
            "SELECT id, state, hold, shown, digest, automation FROM deliveries WHERE key >= ? AND key < ? LIMIT 2",
            span(key),
        ).fetchall()
    if len(rows) != 1:
        said = "no delivery" if not rows else "more than one delivery"
        raise TooLate(f"{said} is called {key!r}; `fieldfare outbox list` shows their names")
    row: tuple[int, str, str, int, str, str] = rows[0]
    return row


def _begun(c: Connection, delivery: int) -> bool:
    """Whether a step of it has left: it may be out."""
    row = c.execute("SELECT 1 FROM steps WHERE delivery = ? AND sent_at IS NOT NULL", (delivery,)).fetchone()
    return row is not None


def approve(c: Connection, *, key: str, digest: str | None, by: str, now: int) -> None:
    """Let a held delivery go. With `digest`, only if its content is still that."""
    id_, state, hold, _, have, _ = row_of(c, key)
    if state != "held" or hold not in ("approval", "late", "account"):
        raise TooLate(f"{key!r} does not wait for approval: it is {state}")
    if digest is not None and not have.startswith(digest):
        raise TooLate(f"{key!r} has changed since: its digest is {have[:12]}, not {digest!r}; look at it again")
    c.execute(
        "UPDATE deliveries SET state = 'due', hold = '', reason = ?, approver = ?, approved_digest = digest, not_before = ?,"
        " expires_at = ? + late_ms, updated_at = ? WHERE id = ?",
        (f"approved by {by}", by, AT_ONCE, now, now, id_),
    )


def refuse(c: Connection, *, key: str, by: str, why: str, now: int) -> None:
    """A person says no to a held delivery."""
    id_, state, _, shown, _, _ = row_of(c, key)
    if state != "held":
        raise TooLate(f"{key!r} does not wait for anybody: it is {state}")
    if shown or _begun(c, id_):
        raise TooLate(f"{key!r} has begun to leave; it goes on when what it waits for is there")
    end(c, id_, "refused", f"refused by {by}" + (f": {why}" if why else ""), now)


def cancel(c: Connection, *, key: str, by: str, now: int) -> None:
    """Withdraw a delivery before its first byte; when this returns it will never leave."""
    id_, state, _, shown, _, _ = row_of(c, key)
    if state not in ("held", "due") or shown or _begun(c, id_):
        raise TooLate(f"{key!r} is {state}; only what has not begun to leave can be cancelled")
    end(c, id_, "cancelled", f"cancelled by {by}", now)


def edit(c: Connection, *, key: str, action: str, digest: str, fingerprint: str, asks: bool, by: str, now: int) -> None:
    """Put another content in the place of one that has not begun to leave; an approval it had is void."""
    id_, state, hold, shown, _, _ = row_of(c, key)
    if state not in ("held", "due") or shown or _begun(c, id_):
        raise TooLate(f"{key!r} is {state}; only what has not begun to leave can be edited")
    c.execute("DELETE FROM steps WHERE delivery = ?", (id_,))
    held = asks or state == "held"
    c.execute(
        "UPDATE deliveries SET action = ?, digest = ?, fingerprint = ?, revision = revision + 1, state = ?, hold = ?,"
        " approved_digest = '', reason = ?, updated_at = ? WHERE id = ?",
        (
            action,
            digest,
            fingerprint,
            "held" if held else "due",
            (hold or "approval") if held else "",
            f"edited by {by}" + ("; waits for approval" if held else ""),
            now,
            id_,
        ),
    )


def retry(c: Connection, *, key: str, limits: Sequence[Limit] | None, by: str, now: int) -> None:
    """Send again what failed, expired, was refused or cancelled; nothing of it may be out or in doubt.

    It is admitted anew: what needs approval and has none is held for it, a second key must be free, and money is
    reserved again (`limits` are the automation's; None when they are not known, and then no money is spent).
    """
    id_, state, _, shown, _, automation = row_of(c, key)
    if state == "uncertain":
        raise TooLate(f"{key!r} may be out already; look, then say so with `fieldfare settle`")
    if state not in ("failed", "expired", "refused", "cancelled"):
        raise TooLate(f"{key!r} is {state}; only what failed, expired, was refused or cancelled can be tried again")
    if shown and state != "failed":
        raise TooLate(f"parts of {key!r} are out already")
    second, account, cost, currency, created, approver, approved, kept = c.execute(
        "SELECT second, account, cost, currency, created_at, approver, approved_digest, action IS NOT NULL"
        " FROM deliveries WHERE id = ?",
        (id_,),
    ).fetchone()
    if not kept:
        raise TooLate(f"{key!r} came to its end so long ago that its content is not kept any more")
    second = by_identity(c, account, freed(second, id_))
    other = c.execute("SELECT key FROM deliveries WHERE second = ? AND id != ?", (second, id_)).fetchone()
    if other is not None:
        raise TooLate(f"{key!r} was done by {other[0]!r} meanwhile")
    if cost is not None:
        created = now
        _reserve(c, id_, key, automation, Money(amount=cost, currency=currency), limits, now)
    held = bool(approver) and not approved
    c.execute(
        "UPDATE deliveries SET state = ?, hold = ?, second = ?, reason = ?, not_before = ?, expires_at = ? + late_ms,"
        " absents = 0, created_at = ?, updated_at = ? WHERE id = ?",
        (
            "held" if held else "due",
            "approval" if held else "",
            second,
            f"tried again by {by}" + (f"; waits for {approver}" if held else ""),
            AT_ONCE,
            now,
            created,
            now,
            id_,
        ),
    )


def _reserve(
    c: Connection, id_: int, key: str, automation: str, cost: Money, limits: Sequence[Limit] | None, now: int
) -> None:
    budgets = [limit for limit in limits or () if isinstance(limit, Budget)]
    if limits is None:
        raise TooLate(f"{key!r} spends money, and nobody here knows its budget; start the daemon and try again")
    if not budgets:
        raise TooLate(f"{key!r} spends money, and {automation!r} has no budget now")
    for budget in budgets:
        no = over_budget(c, budget, automation, cost, now, but=id_)
        if no is not None:
            raise TooLate(f"{key!r} cannot be tried again: {no.reason}")


def settle(c: Connection, *, key: str, happened: bool, receipt: str, refs: list[str], by: str, now: int) -> None:
    """A person has looked at what is uncertain: it is out (`receipt`), or it is not and may be sent."""
    id_, state, _, _, _, _ = row_of(c, key)
    if state != "uncertain":
        raise TooLate(f"{key!r} is {state}; only what is uncertain wants to be settled")
    c.execute("UPDATE deliveries SET token = token + 1 WHERE id = ?", (id_,))
    if happened:
        c.execute(
            "UPDATE deliveries SET state = 'delivered', hold = '', receipt = ?, reason = ?, updated_at = ? WHERE id = ?",
            (receipt, f"settled by {by}: it is out", now, id_),
        )
        c.executemany("INSERT INTO receipts VALUES (?, ?) ON CONFLICT DO NOTHING", [(ref, id_) for ref in refs])
        c.execute(
            "INSERT INTO settlements (delivery, automation) SELECT id, automation FROM deliveries WHERE id = ?", (id_,)
        )
        return
    unsend(c, id_, None)
    c.execute(
        "UPDATE deliveries SET state = 'due', hold = '', passable = 0, reason = ?, not_before = ?,"
        " expires_at = max(expires_at, ? + late_ms), updated_at = ? WHERE id = ?",
        (f"settled by {by}: it is not out", AT_ONCE, now, now, id_),
    )


def pause(c: Connection, *, scope: str, reason: str, by: str, now: int) -> None:
    """Let nothing new leave in a scope: all, account:NAME, platform:KIND or automation:NAME."""
    c.execute(
        "INSERT INTO pauses VALUES (?, ?, ?, ?) ON CONFLICT (scope) DO UPDATE SET reason = excluded.reason,"
        " by = excluded.by, at = excluded.at",
        (scope, reason, by, now),
    )


def resume(c: Connection, *, scope: str, now: int, flagged: bool = False) -> bool:
    """Lift a pause; False when there was none. What waited in a long one is caught up with, see `claim`.

    With `flagged` a flag file stood for it: how long, nobody wrote down.
    """
    row = c.execute("DELETE FROM pauses WHERE scope = ? RETURNING at", (scope,)).fetchone()
    if row is not None or flagged:
        caught_up(c, scope=scope, since=row[0] if row is not None else 0, now=now)
    return row is not None


def adopt(c: Connection, *, automations: set[str], accounts: set[str], kinds: set[str], now: int) -> tuple[int, int]:
    """After a (re)load: hold what names something that is gone, and free what waited for a name that is back.

    Gives (held, freed).
    """
    held = freed = 0
    rows = c.execute(
        "SELECT id, automation, account, kind, state, revision, approved_digest, approver FROM deliveries"
        " INDEXED BY deliveries_open WHERE state IN ('held', 'due') AND (state = 'due' OR hold = 'missing')"
    ).fetchall()
    for id_, automation, account, kind, state, revision, approved, approver in rows:
        gone = [
            f"{what} {name!r}"
            for what, name, have in (
                ("automation", automation, automations),
                ("account", account, accounts),
                ("action kind", kind, kinds),
            )
            if name and name not in have
        ]
        if gone and state == "due":
            hold_missing(c, id_, gone)
            held += 1
        elif not gone and state == "held":
            asks = bool(approver) and not approved and revision > 0
            reason = "edited while its name was gone; waits for approval" if asks else "its name is back"
            c.execute(
                "UPDATE deliveries SET state = ?, hold = ?, reason = ?, not_before = ? WHERE id = ?",
                ("held" if asks else "due", "approval" if asks else "", reason, AT_ONCE, id_),
            )
            freed += 1
    return held, freed
