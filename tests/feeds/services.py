"""What a pull is lent, by hand: a clock that is set, answers that are scripted, and a memory of what was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fieldfare.plugin import (
    Answer,
    Arrival,
    Batch,
    DeliverySettled,
    Event,
    Feed,
    PlatformError,
    Request,
    Secret,
    Session,
    TroubleSeen,
    sort_read,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass
class Web:
    """Gives the scripted answers in turn, the last one for ever, and keeps the requests."""

    answers: deque[Answer | PlatformError] = field(default_factory=deque)
    asked: list[Request] = field(default_factory=list)

    async def read(self, request: Request, *, sort: Any = sort_read) -> Answer:
        self.asked.append(request)
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, PlatformError):
            raise answer
        sort(answer)
        return answer


@dataclass
class Lent:
    """`FeedServices` over plain lists; `ids` are those that a committed pull brought."""

    now: datetime = NOW
    project: Path = Path()
    http: Web = field(default_factory=Web)
    sessions: Mapping[str, Session] = field(default_factory=dict[str, Session])
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    ids: set[str] = field(default_factory=set[str])
    deliveries: list[tuple[int, DeliverySettled]] = field(default_factory=list)
    seen_troubles: list[tuple[int, TroubleSeen]] = field(default_factory=list)
    waiting: list[Arrival] = field(default_factory=list)

    def secret(self, name: Secret) -> str:
        return self.secrets[name.name]

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        return frozenset(self.ids.intersection(ids))

    async def settled(self, after: int, automation: str) -> Sequence[tuple[int, DeliverySettled]]:
        return [(n, e) for n, e in self.deliveries if n > after and e.automation == automation][:200]

    async def troubles(self, after: int) -> Sequence[tuple[int, TroubleSeen]]:
        return [(n, e) for n, e in self.seen_troubles if n > after][:200]

    async def arrivals(self, path: str) -> Sequence[Arrival]:
        taken, self.waiting = self.waiting[:500], self.waiting[500:]
        return taken

    async def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Reader:
    """Pulls a feed the way the engine does: commits events and cursor together, again at once while there is more."""

    feed: Feed[Any]
    lent: Lent
    cursor: str | None = None
    notes: list[str] = field(default_factory=list)
    batch: Batch[Any] | None = None

    async def pull(self) -> list[Event]:
        """The events that are new, of one pull or of as many as it asks for (at most 100)."""
        fresh: list[Event] = []
        for _ in range(100):
            self.batch = await self.feed.pull(self.cursor, self.lent)
            self.cursor = self.batch.cursor
            self.notes += self.batch.notes
            for event in self.batch.events:
                if event.id not in self.lent.ids:
                    self.lent.ids.add(event.id)
                    fresh.append(event)
            if self.batch.committed:
                self.batch.committed()
            if not self.batch.more:
                return fresh
        raise AssertionError("the feed always wants more")
