"""What is wrong in calendars and queues, row by row. Their good rows go all the same: such a project runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from .._contract.platform import Account
from .._domain.errors import Mistake, NotSent
from .._domain.events import ContentDue
from .._feeds import rows
from .._feeds.calendar import Calendar
from .._feeds.queue import Queue
from .content import acting, objections, would_decide
from .found import Loaded
from .placed import Placed, asked

MOST = 2_000
"""Rows of one file that are decided on trial; a longer file is checked as far as that."""
_PLACED = re.compile(r"(?P<path>[^:]+):(?P<line>\d+): (?P<what>.*)", re.DOTALL)


def findings(loaded: Loaded, *, now: datetime | None = None) -> list[Mistake]:
    """Rows that cannot be used, and those whose post a network would not take, each with its line."""
    moment = now or datetime.now(UTC)
    found = [one for placed in loaded.automations for one in _of(loaded, placed, moment)]
    return sorted(dict.fromkeys(found), key=lambda mistake: (str(mistake.path), mistake.line))


def _of(loaded: Loaded, placed: Placed, now: datetime) -> Iterator[Mistake]:
    for feed in placed.automation.trigger.feeds():
        for said in feed.objections(loaded.project):
            yield _placed(loaded, placed, said)
        if isinstance(feed, Calendar | Queue):
            zone = feed.zone if isinstance(feed, Calendar) else None
            try:
                sheet = rows.read(loaded.project / feed.path, loaded.project, zone=zone)
            except NotSent:
                continue
            for row in sheet.rows[:MOST]:
                event = ContentDue(id=row.id, occurred_at=row.due or now, draft=row.draft, row=dict(row.columns))
                for account in acting(placed.automation):
                    for said in _trial(loaded, placed, event, account, now):
                        yield _placed(loaded, placed, f"{sheet.shown}:{row.line}: {placed.automation.name!r}: {said}")


def _trial(loaded: Loaded, placed: Placed, event: ContentDue, account: Account, now: datetime) -> list[str]:
    """What a network would refuse of the post that is made of a row."""
    data, functions = asked(placed.automation)
    try:
        if not all(condition(event, now) for condition in (*data, *functions)):
            return []
        actions = would_decide(placed, event, account, now)
    except Exception as exc:
        return [f"on this row it raises {type(exc).__name__}: {exc}"]
    drafts = [draft for action in actions for draft in action.drafts]
    return [said for draft in drafts for said in objections(draft, [account], loaded.project)]


def _placed(loaded: Loaded, placed: Placed, said: str) -> Mistake:
    """A sentence that begins with its place, as a mistake there; any other one at the trigger."""
    found = _PLACED.fullmatch(said)
    if found is None:
        return loaded.mistake(placed, said, setting="trigger")
    path, line = loaded.project / found["path"], int(found["line"])
    return Mistake(loaded.shown / found["path"], line, 1, found["what"], "", _line(path, line))


def _line(path: Path, number: int) -> str:
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[number - 1] if 0 < number <= len(lines) else ""
