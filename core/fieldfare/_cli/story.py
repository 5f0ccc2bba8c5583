"""What `explain` found out, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from .._domain.values import in_words

Told = Mapping[str, Any]


def of_event(told: Told, now: datetime) -> Iterator[str]:
    """An event with everything that came of it, line by line."""
    yield from fact(told, now)
    yield ""
    if told["state"] == "missed":
        yield "missed: it happened before anybody looked, or in a gap longer than its feed's grace; nothing acts on it"
    for decision in told["decisions"]:
        yield f"{decision['automation']}: {verdict(decision)}"
    if told["state"] == "seen":
        yield "not decided yet"
    others = told["elsewhere"]
    if others:
        yield f"{others} other automation{' waits' if others == 1 else 's wait'} for something else"
    for delivery in told["deliveries"]:
        yield ""
        yield from of_delivery(delivery, now)


def fact(told: Told, now: datetime) -> Iterator[str]:
    """An event by itself."""
    who = f" by {told['who']}" if told["who"] else ""
    to = f", as {told['account']} saw it" if told["account"] else ""
    yield f"{told['kind']} {told['event']}{who}{to}, {when(told['occurred_at'], now)}"
    if told["text"]:
        yield f"  “{told['text']}”"
    if told["url"]:
        yield f"  {told['url']}"
    if told["lineage"]:
        yield f"  it follows from {told['lineage']} of our own deliveries"


def verdict(decision: Told) -> str:
    """`no: the text contains …`, said once whoever said the first word."""
    said, reason = str(decision["verdict"]), str(decision["reason"])
    if not reason:
        return said
    return reason if reason.startswith(f"{said}:") else f"{said}: {reason}"


def of_delivery(told: Told, now: datetime) -> Iterator[str]:
    """A delivery from decision to receipt."""
    by = f" by {told['account']}" if told["account"] else ""
    yield f"{told['kind']} {told['key']} (number {told['number']}){by}: {told['state']}"
    for text in told["texts"]:
        yield f"  “{text}”"
    yield f"  decided {when(told['created_at'], now)}, digest {told['digest'][:12]}"
    if told["approved_by"]:
        yield f"  approved by {told['approved_by']}"
    for number, attempt in enumerate(told["attempts"], 1):
        outcome = attempt["outcome"] or "under way"
        detail = f": {attempt['detail']}" if attempt["detail"] else ""
        yield f"  attempt {number}, {when(attempt['started_at'], now)}: {outcome}{detail}"
    for step in told["steps"]:
        yield f"  step {step['name']}: {_step(step, now)}"
    yield from _end(told, now)


def _step(step: Told, now: datetime) -> str:
    if step["answered"]:
        return f"sent {when(step['sent_at'], now)}, answered" + (f" with {step['status']}" if step["status"] else "")
    if step["sent_at"]:
        return f"sent {when(step['sent_at'], now)}, and no answer came"
    return "chosen, not sent" if step["chosen"] else "not sent"


def _end(told: Told, now: datetime) -> Iterator[str]:
    receipt = told["receipt"]
    if told["state"] == "delivered":
        place = _place(receipt) if receipt else ""
        yield f"  out {when(told['updated_at'], now)}" + (f": {place}" if place else "")
        if told["reason"]:
            yield f"  {told['reason']}"
        return
    if not told["waits_for"]:
        yield f"  {told['reason'] or told['state']}, {when(told['updated_at'], now)}"
        return
    until = f", until {clock(told['until'], now)}" if told["until"] else ""
    yield f"  waits for {told['waits_for']}{until}"
    if told["to_do"]:
        yield f"  to go on: {told['to_do']}"


def _place(receipt: Told) -> str:
    where: Told | None = receipt["ref"]
    return str((where and (where["url"] or where["id"])) or receipt["note"])


def when(moment: str | None, now: datetime) -> str:
    """A moment on the local clock, and how far away it is: `at 10:38:56 (3 min ago)`."""
    if not moment:
        return "at no time"
    said = clock(moment, now)
    return f"on {said}" if " at " in said else f"at {said}"


def clock(moment: str, now: datetime) -> str:
    """As `when`, without its first word: `10:38:56 (3 min ago)`, `2026-11-26 at 10:38:56 (in 23 h)`."""
    there = datetime.fromisoformat(moment)
    local = there.astimezone()
    today = local.date() == now.astimezone().date()
    said = f"{local:%H:%M:%S}" if today else f"{local:%Y-%m-%d} at {local:%H:%M:%S}"
    away = now - there
    if abs(away.total_seconds()) < 1:
        return f"{said} (now)"
    return f"{said} ({in_words(away)} ago)" if away.total_seconds() > 0 else f"{said} (in {in_words(-away)})"
