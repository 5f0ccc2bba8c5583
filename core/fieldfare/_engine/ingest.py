"""Stage one: a pull of a feed becomes recorded events and a moved cursor, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import structlog

from .._contract.feeds import Arrival, Batch, Feed
from .._contract.http import Http
from .._contract.platform import Session
from .._domain.errors import ConfigError, PlatformError, StoreError
from .._domain.events import DeliverySettled, Event, PostEvent, TroubleSeen
from .._domain.values import PostRef, Receipt, Secret
from .._store import events, query
from .._store.sqlite import Store, moment, ms
from .clock import Clock

log = structlog.get_logger("fieldfare.ingest")

TOUCH_MS = 30_000
"""How old the record of a feed's last good pull may become while nothing comes: writing it costs a flush."""

Arrivals = Callable[[str], Awaitable[Sequence[Arrival]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullServices:
    """What one pull is lent."""

    store: Store
    clock: Clock
    feed: str
    now: datetime
    http: Http
    project: Path
    sessions: Mapping[str, Session]
    read_secret: Callable[[str], str]
    take: Arrivals

    def secret(self, name: Secret) -> str:
        return self.read_secret(name.name)

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        return self.store.read(events.known, self.feed, ids)

    async def settled(self, after: int, automation: str) -> Sequence[tuple[int, DeliverySettled]]:
        found: list[tuple[int, DeliverySettled]] = []
        for position, row in self.store.read(events.settled, after, automation, 200):
            delivery = self.store.read(query.delivery, row)
            if delivery is not None:
                found.append((position, settled_event(delivery)))
        return found

    async def troubles(self, after: int) -> Sequence[tuple[int, TroubleSeen]]:
        return [
            (
                seq,
                TroubleSeen(
                    id=str(seq), occurred_at=moment(at), what=what, says=says, subject=subject, automation=automation
                ),
            )
            for seq, what, subject, automation, says, at in self.store.read(events.troubles, after, 200)
        ]

    async def arrivals(self, path: str) -> Sequence[Arrival]:
        return await self.take(path)

    async def wait(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


def settled_event(delivery: query.Full) -> DeliverySettled:
    """A delivered delivery as the fact that it is."""
    receipt = Receipt.model_validate_json(delivery.receipt) if delivery.receipt else Receipt()
    target: PostRef | None = None
    if delivery.target:
        platform, _, id_ = delivery.target.partition(":")
        target = PostRef(platform=platform, id=id_)
    return DeliverySettled(
        id=str(delivery.id),
        occurred_at=moment(delivery.updated_at),
        account=delivery.account,
        lineage=delivery.lineage + 1,
        automation=delivery.automation,
        delivery=delivery.key,
        action=delivery.kind,
        ref=receipt.ref,
        target=target,
    )


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull left behind."""

    fresh: tuple[int, ...]
    more: bool = False
    next_at: datetime | None = None
    failed: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestor:
    """Pulls one feed once: the network first, then one transaction."""

    store: Store
    clock: Clock
    services: Callable[[str, Feed[Any], datetime], Awaitable[PullServices]]
    """(key, feed, now) → what the pull is lent; raises PlatformError when an account cannot be opened."""
    ingested: Callable[[], Callable[[Event], None] | None] = lambda: None
    """Who is told of each new event after the transaction; None when nobody listens."""
    pulled: dict[str, float] = field(default_factory=dict[str, float])
    """When this process last pulled a feed well (monotonic): no gap is seen where only the clock was set."""
    redact: Callable[[str], str] = lambda text: text
    """Takes secrets out of what a source said, before it is written down."""
    down: set[str] = field(default_factory=set[str])
    """Feeds whose last pull failed."""

    async def pull(self, key: str, feed: Feed[Any]) -> Pulled:
        """One pull. A source that does not answer changes nothing but the feed's error."""
        start, began = self.clock.now(), self.clock.monotonic()
        before, back = self.pulled.get(key), key in self.down
        cursor, pulled_at = self.store.read(events.cursor_of, key)
        try:
            services = await self.services(key, feed, start)
            batch = cast(Batch[Event], await feed.pull(cursor, services))
            account = feed.accounts[0] if len(feed.accounts) == 1 else ""
            facts = [_fact(_placed(event, account)) for event in batch.events]
        except (PlatformError, ConfigError) as exc:
            return await self._failed(key, start, self.redact(str(exc)) or type(exc).__name__, exc)
        except (StoreError, sqlite3.Error):
            raise
        except Exception as exc:
            log.error("a feed raised", feed=key, exc_info=exc)
            return await self._failed(key, start, self.redact(f"{type(exc).__name__}: {exc}"), exc)
        watched = before is not None and self.clock.monotonic() - before <= feed.grace.total_seconds()
        if not facts and batch.cursor == cursor and pulled_at is not None and not batch.notes:
            # A feed that is back says so at once; a record from the future is of a clock that was set back.
            if back or before is None or abs(ms(start) - pulled_at) > TOUCH_MS:
                await self._touch(key, cursor, start)
            self._well(key, began)
            return Pulled((), batch.more, batch.next_at)
        fresh = await self.store.do(
            events.ingest,
            feed=key,
            facts=facts,
            cursor=batch.cursor,
            now=ms(self.clock.now()),
            missed_before=_missed_before(feed, batch, start, pulled_at, watched=watched),
        )
        self._well(key, began)
        if batch.committed is not None:
            batch.committed()
        for note in batch.notes:
            log.warning("a feed could not read something", feed=key, note=note)
        tell = self.ingested()
        if tell is not None and fresh:
            self._tell(tell, fresh, batch.events)
        return Pulled(tuple(fresh), batch.more, batch.next_at)

    async def _failed(self, key: str, start: datetime, said: str, exc: Exception) -> Pulled:
        self.down.add(key)
        said = said.encode("utf-8", "replace").decode()
        await self.store.do(events.pull_failed, feed=key, now=ms(start), error=said)
        return Pulled((), failed=said, retry_after=getattr(exc, "retry_after", None))

    def _well(self, key: str, began: float) -> None:
        self.pulled[key] = began
        self.down.discard(key)

    async def _touch(self, key: str, cursor: str | None, start: datetime) -> None:
        await self.store.do(events.ingest, feed=key, facts=(), cursor=cursor, now=ms(start), missed_before=None)

    def _tell(self, tell: Callable[[Event], None], fresh: Sequence[int], pulled: Sequence[Event]) -> None:
        ids = {row_id for row in fresh if (row_id := self.store.read(query.event_id, row))}
        for event in pulled:
            if event.id in ids:
                tell(event)


def _placed(event: Event, account: str) -> Event:
    return event.model_copy(update={"account": account}) if account and not event.account else event


def _fact(event: Event) -> events.Fact:
    ref = f"{event.post.ref.platform}:{event.post.ref.id}" if isinstance(event, PostEvent) else ""
    return events.Fact(
        id=event.id,
        kind=event.kind,
        occurred_at=ms(event.occurred_at),
        body=event.model_dump_json(),
        ref=ref,
        lineage=event.lineage,
    )


def _missed_before(
    feed: Feed[Any], batch: Batch[Any], start: datetime, pulled_at: int | None, *, watched: bool
) -> int | None:
    """Facts older than this are missed: before the start on the first pull, beyond the grace after a long gap (there is
    none when it was `watched`, whatever the clock says), and what the feed itself says; else nothing is."""
    said = [ms(batch.missed_before)] if batch.missed_before is not None else []
    if pulled_at is None:
        return max([ms(start), *said])
    if not watched and timedelta(milliseconds=ms(start) - pulled_at) > feed.grace:
        said.append(ms(start - feed.grace))
    return max(said, default=None)
