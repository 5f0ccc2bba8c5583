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


def of_automation(told: Told, now: datetime) -> Iterator[str]:
    """An automation: what it did last."""
    name = told["automation"]
    yield f"automation {name}" + ("" if told["present"] else ", which is not in the files any more")
    for one in told["decisions"]:
        yield f"  {when(one['at'], now)}, about {one['kind']} {one['event']}: {verdict(one)}"
    if not told["decisions"]:
        yield "  it has decided nothing yet; what its conditions rule out is told of the event: fieldfare explain EVENT"
    if told["deliveries"]:
        yield f"its last deliveries (all of them: fieldfare outbox list --automation {name}):"
    for one in told["deliveries"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        yield f"  {one['number']}  {one['key']}, {one['state']} {when(one['updated_at'], now)}{reason}"
    if told["feeds"]:
        yield "it reads:"
    for one in told["feeds"]:
        yield f"  {pulls(one, now)}"


def of_feed(told: Told, now: datetime) -> Iterator[str]:
    """A feed: what it brought last, and to whom."""
    yield f"feed {pulls(told, now)}"
    if told["automations"]:
        yield f"  read for {', '.join(told['automations'])}"
    for one in told["events"]:
        yield f"  {one['kind']} {one['event']}, {when(one['occurred_at'], now)}: {one['state']}"
    if not told["events"]:
        yield "  it has brought nothing yet"


def pulls(feed: Told, now: datetime) -> str:
    """When a feed was read, what went wrong, and when its next slot is."""
    said = f"{feed['feed']}: " + (f"read {when(feed['pulled_at'], now)}" if feed["pulled_at"] else "never read")
    if feed["error"]:
        said += f"; {feed['error']}"
    return said + (f"; the next slot is {when(feed['next_slot'], now)}" if feed["next_slot"] else "")


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
    last = told["attempts"][-1] if told["attempts"] else None
    for step in told["steps"]:
        said = _step(step, now)
        if not step["sent_at"] and last is not None and last["outcome"]:
            # What an answer has proven not to be done counts as not sent; and what comes after it was not reached.
            said, last = f"not done; attempt {len(told['attempts'])} came to: {last['outcome']}", None
        yield f"  step {step['name']}: {said}"
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
