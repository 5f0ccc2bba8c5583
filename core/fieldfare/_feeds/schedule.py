"""Cron slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from .._contract.feeds import Batch, Feed, FeedServices
from .._contract.limits import Zone
from .._contract.triggers import Trigger
from .._domain.events import Event, SlotReached
from .._domain.values import in_words, isoformat
from .walltime import CronLine, slots_after

AT_ONCE = 1_000
"""The most slots that one pull brings; the rest follows at once."""
AHEAD = timedelta(days=2)


class Slots(Feed[SlotReached]):
    """Every slot since the last, each once, whenever the daemon looks. The cursor is the last slot's nominal time."""

    event = SlotReached

    def __init__(self, cron: str, zone: str) -> None:
        self.cron = cron
        self.zone = zone

    def key(self, identities: Mapping[str, str]) -> str:
        return f"schedule:{self.cron}:{self.zone}"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[SlotReached]:
        now = services.now
        last = datetime.fromisoformat(cursor) if cursor else now
        passed: list[datetime] = []
        upcoming = None
        for slot in slots_after(self.cron, self.zone, last):
            if slot > now or len(passed) == AT_ONCE:
                upcoming = slot
                break
            passed.append(slot)
        more = upcoming is not None and upcoming <= now
        return Batch(
            [SlotReached(id=isoformat(slot), occurred_at=slot, nominal=slot) for slot in passed],
            isoformat(passed[-1] if passed else last),
            more=more,
            next_at=None if more else upcoming,
            notes=self._doubts(last, now),
            missed_before=now - self.grace,
        )

    def _doubts(self, last: datetime, now: datetime) -> list[str]:
        if last - now < AHEAD:
            return []
        ahead = f"schedule {self.cron!r} was last due {in_words(last - now)} from now, at {isoformat(last)}"
        return [f"{ahead}: the clock was set back since; nothing is due before that moment comes again"]


class OnSchedule(Trigger[SlotReached]):
    kind: ClassVar[str] = "schedule"
    event: ClassVar[type[Event]] = SlotReached

    cron: CronLine
    zone: Zone

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Slots(self.cron, self.zone)]
