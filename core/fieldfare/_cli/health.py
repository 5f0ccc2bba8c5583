"""How a project is doing, as data and in words. Health means that it can act now, not that a process is up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .._domain.values import isoformat
from .._engine.brief import brief
from .._engine.home import Home
from .._engine.stop import flags
from .._store import query, why
from .._store.sqlite import moment
from . import story
from .act import pinged, runs

MOST = 20
"""Deliveries that `status` names one by one."""


def health(home: Home, store: sqlite3.Connection) -> dict[str, Any]:
    """Everything that `status --json` prints; moments in ISO 8601, nulls where nothing is known."""
    up = runs(home)
    heard = pinged(home) if up else None
    alive = heard is not None
    present = why.present_accounts(store)
    paused = _pauses(home, store)
    accounts = [
        {
            "name": name,
            "platform": platform,
            "handle": handle,
            "identity": identity,
            "error": error,
            "present": name in present,
            "seen_at": _iso(seen_at),
            "waits_until": _iso(frozen_until) if frozen_until and moment(frozen_until) > datetime.now(UTC) else None,
        }
        for name, platform, identity, handle, seen_at, error, frozen_until in query.accounts(store)
    ]
    feeds = [
        {"key": key, "pulled_at": _iso(pulled), "failed_at": _iso(failed), "error": error}
        for key, pulled, failed, error in query.feeds(store)
    ]
    why_not = [] if alive else ["no daemon runs" if not up else "the daemon does not answer"]
    why_not += [f"{pause['scope']} is paused" for pause in paused]
    why_not += [f"the account {one['name']}: {one['error']}" for one in accounts if one["present"] and one["error"]]
    why_not += [f"the feed {feed['key']}: {feed['error']}" for feed in feeds if feed["failed_at"]]
    return {
        "project": str(home.root),
        "now": isoformat(datetime.now(UTC)),
        "can_act": not why_not,
        "why_not": why_not,
        "daemon": {
            "runs": up,
            "answers": alive,
            "since": _since(store) if up else None,
            "refused": (heard or {}).get("refused"),
        },
        "events": {"seen": 0, "decided": 0, "missed": 0} | query.event_counts(store),
        "deliveries": query.counts(store),
        "oldest_due": _iso(query.oldest_due(store)),
        "held": [_brief(row) for row in query.deliveries(store, states=("held",), limit=MOST)],
        "uncertain": [_brief(row) for row in query.deliveries(store, states=("uncertain",), limit=MOST)],
        "pauses": paused,
        "feeds": feeds,
        "accounts": accounts,
    }


def _iso(value: int | None) -> str | None:
    return isoformat(moment(value)) if value else None


def _since(store: sqlite3.Connection) -> str | None:
    booted = query.meta(store).get("booted_at")
    return _iso(int(booted)) if booted else None


def _pauses(home: Home, store: sqlite3.Connection) -> list[dict[str, Any]]:
    up = flags(home.state / "pause")
    found = [
        {"scope": scope, "reason": reason, "by": by, "since": _iso(at), "flag": scope in up}
        for scope, reason, by, at in query.pauses(store)
    ]
    known = {str(one["scope"]) for one in found}
    return found + [
        {"scope": scope, "reason": "", "by": "", "since": None, "flag": True} for scope in sorted(up - known)
    ]


def _brief(row: query.Full) -> dict[str, Any]:
    return brief(row) | {"hold": row.hold, "since": _iso(row.updated_at)}


def told(found: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    now = datetime.fromisoformat(found["now"])
    if found["can_act"]:
        yield f"it works: the daemon runs since {story.clock(found['daemon']['since'] or found['now'], now)}"
    else:
        yield "it cannot act fully now:"
        for reason in found["why_not"]:
            yield f"  {reason}"
    if refused := found["daemon"]["refused"]:
        first, *more = refused["mistakes"]
        since = story.clock(refused["since"], now)
        yield f"it runs on older files: those on disk are refused since {since}, for example:"
        yield f"  {first}"
        yield f"  {f'and {len(more)} more; ' if more else ''}fieldfare check shows {'them' if more else 'the place'}"
    events = found["events"]
    yield f"events: {events['decided']} decided, {events['seen']} waiting, {events['missed']} missed"
    counts = ", ".join(f"{count} {state}" for state, count in sorted(found["deliveries"].items()))
    yield f"deliveries: {counts or 'none yet'}"
    if found["oldest_due"]:
        yield f"the oldest that is due: {story.when(found['oldest_due'], now)}"
    for title, rows, hint in (
        ("waits for a person", found["held"], "fieldfare approvals"),
        ("uncertain", found["uncertain"], "fieldfare explain NUMBER"),
    ):
        if rows:
            yield f"{title} ({hint}):"
            for row in rows:
                yield f"  {row['number']}  {row['key']}" + (f": {row['reason']}" if row["reason"] else "")
    for pause in found["pauses"]:
        by = f" by {pause['by']}, {story.when(pause['since'], now)}" if pause["by"] else ""
        yield f"paused: {pause['scope']}{by}" + (f": {pause['reason']}" if pause["reason"] else "")
    if found["accounts"]:
        yield "accounts:"
        for one in found["accounts"]:
            state = one["error"] or (f"@{one['handle']}" if one["handle"] else "not opened yet")
            state = state if one["present"] else "not in the files any more"
            yield f"  {one['name']} on {one['platform']}: {state}"
    if found["feeds"]:
        yield "feeds:"
        for feed in found["feeds"]:
            last = f"read {story.when(feed['pulled_at'], now)}" if feed["pulled_at"] else "never read"
            yield f"  {feed['key']}: {last}" + (f"; {feed['error']}" if feed["error"] else "")
