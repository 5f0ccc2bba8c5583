"""Limits as questions to the store, asked inside the transaction that admits or claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from sqlite3 import Connection
from zoneinfo import ZoneInfo

from .._contract.limits import Budget, Caps, Limit, QuietHours, Rate
from .._domain.values import Money
from . import same
from .planned import Planned

OPEN_OR_SPENT = "(state IN ('held', 'due', 'sending', 'uncertain', 'delivered') OR (state = 'failed' AND shown = 1))"


@dataclass(frozen=True, slots=True)
class No:
    """Not admitted, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before this moment (ms), for this reason."""

    until: int
    reason: str


def at_admission(c: Connection, limit: Limit, planned: Planned, now: int) -> No | None:
    """Whether a limit forbids that this delivery comes into being."""
    match limit:
        case Rate(full="skip"):
            free = _rate_free_at(c, limit, planned.automation, planned.account, now, admitted=True)
            return No(f"rate: {limit.count} in {limit.per} are used up") if free > now else None
        case Budget():
            return over_budget(c, limit, planned.automation, planned.cost, now)
        case Caps():
            return _caps(c, limit, planned, now)
        case _:
            return None


def at_claim(c: Connection, limit: Limit, automation: str, account: str, now: int) -> Wait | None:
    """Whether a limit lets a delivery leave now; takes nothing (see `take`)."""
    match limit:
        case Rate():
            free = _rate_free_at(c, limit, automation, account, now, admitted=False)
            return Wait(free, f"rate: {limit.count} in {limit.per}") if free > now else None
        case QuietHours():
            ends = quiet_until(limit, now)
            return Wait(ends, f"quiet hours until {limit.end:%H:%M} {limit.zone}") if ends else None
        case _:
            return None


def take(c: Connection, limits: tuple[Limit, ...], automation: str, account: str, delivery: int, now: int) -> None:
    """Take one token of each rate for a delivery that leaves now; of the account's always, since others may count it."""
    fences = {f"account:{account}"} | {_fence(x, automation, account) for x in limits if isinstance(x, Rate)}
    for fence in fences:
        c.execute(
            "INSERT INTO rates VALUES (?, ?, ?) ON CONFLICT (fence, delivery) DO UPDATE SET at = excluded.at",
            (fence, delivery, now),
        )


def _fence(rate: Rate, automation: str, account: str) -> str:
    return f"automation:{automation}" if rate.over == "automation" else f"account:{account}"


def _rate_free_at(c: Connection, rate: Rate, automation: str, account: str, now: int, *, admitted: bool) -> int:
    """The moment (ms) from which one more fits: now, or when the oldest of the last `count` leaves the window."""
    span = int(rate.per.total_seconds() * 1000)
    scope, names = ("automation", [automation]) if rate.over == "automation" else ("account", same.names(c, account))
    fences = [f"{scope}:{name}" for name in names]
    row = c.execute(
        f"SELECT at FROM rates WHERE fence {same.any_of(fences)} AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        (*fences, now - span, rate.count - 1),
    ).fetchone()
    free = now if row is None else int(row[0]) + span
    if admitted and free <= now:
        waiting = c.execute(
            f"SELECT count(*) FROM deliveries INDEXED BY deliveries_open WHERE {scope} {same.any_of(names)}"
            " AND state IN ('held', 'due')",
            names,
        ).fetchone()[0]
        used = c.execute(
            f"SELECT count(*) FROM rates WHERE fence {same.any_of(fences)} AND at > ?", (*fences, now - span)
        ).fetchone()[0]
        if waiting + used >= rate.count:
            return now + span
    return free


def period_start(budget: Budget, now: int) -> int:
    """When the budget's current calendar period began (ms); 0 for a budget without period."""
    local = datetime.fromtimestamp(now / 1000, ZoneInfo(budget.zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match budget.per:
        case None:
            return 0
        case "day":
            start = midnight
        case "week":
            start = midnight - timedelta(days=midnight.weekday())
        case "month":
            start = midnight.replace(day=1)
    return int(start.astimezone(UTC).timestamp() * 1000)


def reserved(c: Connection, automation: str, budget: Budget, now: int, *, but: int = 0) -> Decimal:
    """What is reserved and spent in the budget's period, at its worst case, by all deliveries `but` this one."""
    rows = c.execute(
        f"SELECT cost FROM deliveries WHERE automation = ? AND currency = ? AND created_at >= ? AND cost IS NOT NULL"
        f" AND {OPEN_OR_SPENT} AND id != ?",
        (automation, budget.total.currency, period_start(budget, now), but),
    )
    return sum((Decimal(r[0]) for r in rows), Decimal(0))


def over_budget(
    c: Connection, budget: Budget, automation: str, cost: Money | None, now: int, *, but: int = 0
) -> No | None:
    """Whether this cost does not fit into what is left of a budget."""
    if cost is None:
        return None
    if cost.currency != budget.total.currency:
        return No(f"budget: it is in {budget.total.currency}, the action costs {cost.currency}")
    used = reserved(c, automation, budget, now, but=but)
    if used + cost.amount > budget.total.amount:
        left = budget.total.amount - used
        return No(f"budget: {cost} asked, {left} {budget.total.currency} of {budget.total} left")
    return None


def _caps(c: Connection, caps: Caps, planned: Planned, now: int) -> No | None:
    if planned.kind != "reply":
        return None
    since = now - int(caps.within.total_seconds() * 1000)
    accounts = same.names(c, planned.account)
    ours = f"account {same.any_of(accounts)}"
    if planned.conversation:
        row = c.execute(
            f"SELECT count(*) FROM deliveries WHERE {ours} AND conversation = ? AND conversation != ''"
            f" AND kind = 'reply' AND {OPEN_OR_SPENT}",
            (*accounts, planned.conversation),
        ).fetchone()
        if row[0] >= caps.per_conversation:
            return No(f"caps: already {row[0]} of {caps.per_conversation} automatic replies in this conversation")
    if planned.person:
        row = c.execute(
            f"SELECT count(*) FROM deliveries WHERE {ours} AND person = ? AND person != '' AND created_at > ?"
            f" AND kind = 'reply' AND {OPEN_OR_SPENT}",
            (*accounts, planned.person, since),
        ).fetchone()
        if row[0] >= caps.per_person:
            return No(f"caps: already {row[0]} of {caps.per_person} automatic replies to this person in {caps.within}")
    if int(c.execute("SELECT coalesce(max(id), 0) FROM deliveries").fetchone()[0]) < caps.per_account:
        return None  # fewer rows than the cap: no need to count them
    count = c.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE {ours} AND kind = 'reply' AND created_at > ?"
        f" AND {OPEN_OR_SPENT} LIMIT ?)",
        (*accounts, since, caps.per_account),
    ).fetchone()[0]
    if count >= caps.per_account:
        return No(f"caps: already {count} of {caps.per_account} automatic replies from this account in {caps.within}")
    return None


def quiet_until(quiet: QuietHours, now: int) -> int:
    """When the quiet hours that cover this moment end (ms); 0 when none do."""
    zone = ZoneInfo(quiet.zone)
    local = datetime.fromtimestamp(now / 1000, zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        start = datetime.combine(day, quiet.start, zone)
        last = day if quiet.end > quiet.start else day + timedelta(days=1)
        end = datetime.combine(last, quiet.end, zone)
        if start <= local < end:
            return int(end.timestamp() * 1000)
    return 0
