"""The next item at each slot."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from .._contract.feeds import Batch, Feed, FeedServices
from .._contract.limits import Zone
from .._contract.triggers import Trigger
from .._domain.events import ContentDue, Event
from .._domain.values import isoformat
from . import rows
from .walltime import CronLine, slots_after

ASKED = 200
"""How many ids are looked up at once."""


@dataclass(slots=True)
class _Cursor:
    """The last slot, the bad rows that were named, and whether it was said that the queue is empty."""

    slot: str
    told: list[str] = field(default_factory=list[str])
    empty: bool = False

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


class Queue(Feed[ContentDue]):
    """At each slot the first row of a CSV file that was not used yet; a row is known by its id.

    Slots that passed while nobody looked bring one item together, and none when the last of them is older than the
    grace: nothing is used up, the queue goes on where it stood. What was used is remembered with the events themselves,
    so another `cron` does not begin the queue anew.
    """

    event = ContentDue
    grace = timedelta(hours=1)

    def __init__(self, path: Path, cron: str, zone: str) -> None:
        self.path = path
        self.cron = cron
        self.zone = zone
        self.terms = f"{cron} in {zone}"

    def key(self, identities: Mapping[str, str]) -> str:
        return f"queue:{os.path.normpath(self.path)}"

    def objections(self, project: Path) -> list[str]:
        return rows.objections(project / self.path, project, zone=None)

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[ContentDue]:
        now = services.now
        state = _Cursor(**json.loads(cursor)) if cursor else _Cursor(isoformat(now))
        missed, passed, upcoming = self._slots(datetime.fromisoformat(state.slot), now)
        if cursor and not missed and not passed:
            return Batch((), cursor, next_at=upcoming)
        sheet = await asyncio.to_thread(rows.read, services.project / self.path, services.project, zone=None)
        notes, state.told = sheet.news(state.told)
        events: list[ContentDue] = []
        if missed:
            state.slot = isoformat(now - self.grace)
            notes.append(f"{sheet.shown}: no item went out at {isoformat(missed)}; nobody looked then")
        if passed:
            state.slot = isoformat(passed[-1])
            row = await self._next(sheet.rows, services)
            if row is not None:
                events.append(ContentDue(id=row.id, occurred_at=passed[-1], draft=row.draft, row=dict(row.columns)))
            elif not state.empty:
                notes.append(f"{sheet.shown}: the queue is empty; what is added goes out from the next slot on")
            state.empty = row is None
        if len(passed) > 1:
            notes.append(f"{sheet.shown}: {len(passed)} slots passed since the last look; they bring one item together")
        return Batch(events, str(state), next_at=upcoming, notes=notes)

    def _slots(self, last: datetime, now: datetime) -> tuple[datetime | None, list[datetime], datetime | None]:
        """The first slot that is too long ago, those that count, and the next."""
        oldest = now - self.grace
        missed = next(slots_after(self.cron, self.zone, last), None)
        passed: list[datetime] = []
        upcoming = None
        for slot in slots_after(self.cron, self.zone, max(last, oldest)):
            if slot > now:
                upcoming = slot
                break
            passed.append(slot)
        return missed if missed and missed <= oldest else None, passed, upcoming

    async def _next(self, candidates: Sequence[rows.Row], services: FeedServices) -> rows.Row | None:
        ready = [row for row in candidates if not row.waits]
        for start in range(0, len(ready), ASKED):
            some = ready[start : start + ASKED]
            known = await services.known([row.id for row in some])
            for row in some:
                if row.id not in known:
                    return row
        return None


class OnQueue(Trigger[ContentDue]):
    kind: ClassVar[str] = "queue"
    event: ClassVar[type[Event]] = ContentDue

    path: Path
    cron: CronLine
    zone: Zone

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Queue(self.path, self.cron, self.zone)]
