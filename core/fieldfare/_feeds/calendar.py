"""A content calendar."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from .._contract.feeds import Batch, Feed, FeedServices
from .._contract.limits import Zone
from .._contract.triggers import Trigger
from .._domain.events import ContentDue, Event
from .._domain.values import isoformat
from . import rows, table

AT_ONCE = 1_000
"""The most rows that one pull brings; the rest follows at once."""


@dataclass(slots=True)
class _Cursor:
    """When reading began, the file as it was read last, when its next row is due, and the bad rows that were named."""

    start: str
    stamp: str = ""
    upcoming: str = ""
    told: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


class Calendar(Feed[ContentDue]):
    """Rows of a CSV file as they become due, each once, known by its id; as they stand when they are due.

    Rows that were due before the first look are missed. A bad row is named once; it goes when it has been corrected.
    """

    event = ContentDue

    def __init__(self, path: Path, zone: str) -> None:
        self.path = path
        self.zone = zone

    def key(self, identities: Mapping[str, str]) -> str:
        return f"csv:{os.path.normpath(self.path)}:{self.zone}"

    def objections(self, project: Path) -> list[str]:
        return rows.objections(project / self.path, project, zone=self.zone)

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[ContentDue]:
        now = services.now
        state = _Cursor(**json.loads(cursor)) if cursor else _Cursor(isoformat(now))
        path = services.project / self.path
        stamp = table.stamp(path, table.shown(path, services.project))
        if stamp == state.stamp and (not state.upcoming or now < datetime.fromisoformat(state.upcoming)):
            return Batch((), cursor, next_at=self._next_look(state, now))
        sheet = await asyncio.to_thread(rows.read, path, services.project, zone=self.zone)
        dated = sorted(((row.due, row) for row in sheet.rows if row.due), key=lambda pair: pair[0])
        ready = [(due, row) for due, row in dated if due <= now and not row.waits]
        known = await services.known([row.id for _, row in ready])
        fresh = [(due, row) for due, row in ready if row.id not in known]
        more = len(fresh) > AT_ONCE
        waits = any(due <= now and row.waits for due, row in dated)
        # What waits for its image is not seen by looking at the calendar's own stamp.
        state.stamp = "" if more or waits else stamp
        state.upcoming = next((isoformat(due) for due, _ in dated if due > now), "")
        notes, state.told = sheet.news(state.told)
        return Batch(
            [
                ContentDue(id=row.id, occurred_at=due, draft=row.draft, row=dict(row.columns))
                for due, row in fresh[:AT_ONCE]
            ],
            str(state),
            more=more,
            next_at=None if more else self._next_look(state, now),
            notes=notes,
            missed_before=max(datetime.fromisoformat(state.start), now - self.grace),
        )

    def _next_look(self, state: _Cursor, now: datetime) -> datetime:
        soon = now + self.every
        return min(soon, datetime.fromisoformat(state.upcoming)) if state.upcoming else soon


class OnCsv(Trigger[ContentDue]):
    kind: ClassVar[str] = "csv"
    event: ClassVar[type[Event]] = ContentDue

    path: Path
    zone: Zone

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Calendar(self.path, self.zone)]
