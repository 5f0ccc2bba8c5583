"""The sentence "decision and deliveries": what was decided about events, and what leaves because of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from sqlite3 import Connection

from .._contract.limits import Approval, Budget
from . import former
from . import limits as fences
from .events import DECIDED, armed, trouble
from .planned import Planned
from .second import by_identity
from .steps import AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one automation made of one event. `verdict` is yes, no, error or missed."""

    automation: str
    verdict: str
    reason: str
    source: str
    planned: tuple[Planned, ...] = ()
    crossing: tuple[str, bool] | None = None
    """(post, armed): the memory of a crossing; False is written only if a delivery was admitted or it was missed."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Deliveries that came into being, by row, and the decision's final words."""

    deliveries: tuple[int, ...]
    accounts: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """All that is written about one event at once. `closes`: no automation still thinks about it."""

    event: int
    judged: Sequence[Judged] = field(default_factory=tuple[Judged, ...])
    closes: bool = True


def conclude(c: Connection, conclusions: Sequence[Conclusion], *, judged_by: int, now: int) -> list[Admitted]:
    """Write decisions with their deliveries, event by event; an event's are all written or none.

    A pair that already has a decision is left as it is, so concluding twice changes nothing.
    """
    admitted: list[Admitted] = []
    closed: list[tuple[int, int, int]] = []
    for conclusion in conclusions:
        for judged in conclusion.judged:
            admitted.append(_judge(c, conclusion.event, judged, now))
        if conclusion.closes:
            closed.append((DECIDED, judged_by, conclusion.event))
    c.executemany("UPDATE events SET state = ?, judged_by = ? WHERE id = ? AND state = 0", closed)
    return admitted


def _judge(c: Connection, event: int, judged: Judged, now: int) -> Admitted:
    if c.execute("SELECT 1 FROM decisions WHERE event = ? AND automation = ?", (event, judged.automation)).fetchone():
        return Admitted((), frozenset(), "already decided")
    verdict, reason = judged.verdict, judged.reason
    if verdict == "yes" and judged.crossing is not None and armed(c, judged.automation, judged.crossing[0]) is False:
        judged = Judged(
            automation=judged.automation, verdict="no", reason="passed this level before", source=judged.source
        )
        verdict, reason = judged.verdict, judged.reason
    rows: list[int] = []
    accounts: set[str] = set()
    refused: list[str] = []
    for planned in judged.planned:
        said = _admit(c, event, planned, now)
        if isinstance(said, int):
            rows.append(said)
            accounts.add(planned.account)
        else:
            refused.append(said)
    if refused:
        verdict = "yes" if rows else "no"
        reason = "; ".join(([reason] if reason and rows else []) + refused)
    if judged.crossing is not None:
        _remember_crossing(c, judged, bool(rows))
    c.execute(
        "INSERT INTO decisions (event, automation, verdict, reason, source, at) VALUES (?, ?, ?, ?, ?, ?)",
        (event, judged.automation, verdict, reason, judged.source, now),
    )
    return Admitted(tuple(rows), frozenset(accounts), reason)


def _remember_crossing(c: Connection, judged: Judged, delivered: bool) -> None:
    assert judged.crossing is not None
    post, armed = judged.crossing
    if not armed and judged.verdict == "yes" and not delivered:
        return  # a limit's no does not spend it
    c.execute(
        "INSERT INTO crossings VALUES (?, ?, ?) ON CONFLICT (automation, post) DO UPDATE SET armed = excluded.armed",
        (judged.automation, post, int(armed)),
    )


def _admit(c: Connection, event: int, planned: Planned, now: int) -> int | str:
    """The row of the new delivery, or the reason why there is none."""
    for key in filter(None, (*former.keys(c, planned.automation, planned.key), planned.old_key)):
        if c.execute("SELECT 1 FROM deliveries WHERE key = ?", (key,)).fetchone():
            return f"already acted on {key!r}"
    second = by_identity(c, planned.account, planned.second)
    if second is not None:
        other = c.execute("SELECT key FROM deliveries WHERE second = ?", (second,)).fetchone()
        if other is not None:
            return f"already done by {other[0]!r}"
    for limit in planned.limits:
        no = fences.at_admission(c, limit, planned, now)
        if no is not None:
            return no.reason
    held = planned.approval is not None and _asks(c, planned, planned.approval)
    expires = planned.expires_at
    reason = ""
    if held:
        assert planned.approval is not None
        expires = now + int(planned.approval.expires.total_seconds() * 1000)
        reason = f"waits for {planned.approval.by}"
    cost = planned.cost
    done = c.execute(
        "INSERT INTO deliveries (key, second, event, automation, account, kind, action, digest, state, reason, hold, line,"
        " fingerprint, target, conversation, person, lineage, late, late_ms, not_before, expires_at, approver, cost,"
        " currency, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            planned.key,
            second,
            event,
            planned.automation,
            planned.account,
            planned.kind,
            planned.action,
            planned.digest,
            "held" if held else "due",
            reason,
            "approval" if held else "",
            planned.line,
            planned.fingerprint,
            planned.target,
            planned.conversation,
            planned.person,
            planned.lineage,
            planned.late,
            planned.late_ms,
            AT_ONCE,
            expires,
            planned.approval.by if planned.approval else "",
            str(cost.amount) if cost else None,
            cost.currency if cost else None,
            now,
            now,
        ),
    )
    row = int(done.lastrowid or 0)
    if held:
        says = f"{planned.key} waits for approval by {planned.approval.by if planned.approval else 'a person'}"
        trouble(c, what="held", says=says, subject=planned.key, automation=planned.automation, now=now)
    if cost is not None:
        _warn_of_budget(c, planned, now)
    return row


def _asks(c: Connection, planned: Planned, approval: Approval) -> bool:
    if approval.first is None:
        return True
    done = c.execute(
        "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE automation = ? AND state = 'delivered' LIMIT ?)",
        (planned.automation, approval.first),
    ).fetchone()[0]
    return int(done) < approval.first


def _warn_of_budget(c: Connection, planned: Planned, now: int) -> None:
    for limit in planned.limits:
        if isinstance(limit, Budget):
            used = fences.reserved(c, planned.automation, limit, now)
            if used >= limit.total.amount * Decimal("0.8"):
                says = f"{used} of {limit.total} are reserved or spent"
                trouble(
                    c, what="budget-80", says=says, subject=planned.automation, automation=planned.automation, now=now
                )
