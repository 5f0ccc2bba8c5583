"""Pulling feeds when they are due."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from ..clock import Clock
from ..ingest import Ingestor, Pulled
from ..sets import FeedUse

log = structlog.get_logger("fieldfare.lanes")

PULLS_AT_ONCE = 32
LONGEST_PAUSE = 300.0
"""Seconds between two pulls of a feed that does not answer, at most."""
LOOK_AT_CLOCK = 30.0
"""Seconds that a wait for a wall-clock moment lasts at most: clocks are set while we sleep."""


@dataclass(slots=True)
class _Feed:
    use: FeedUse
    due: float = 0.0
    failures: int = 0
    task: asyncio.Task[None] | None = None
    gone: bool = False


class FeedLanes:
    """Pulls each feed when it is due; at most `PULLS_AT_ONCE` at the same time, and never one twice."""

    def __init__(self, ingestor: Ingestor, clock: Clock, rnd: random.Random, ingested: Callable[[], None]) -> None:
        self._ingestor = ingestor
        self._clock = clock
        self._rnd = rnd
        self._ingested = ingested
        self._feeds: dict[str, _Feed] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(PULLS_AT_ONCE)

    def replace(self, uses: Mapping[str, FeedUse]) -> None:
        """Follow this set of feeds from now on; those that stay keep their time."""
        for key, feed in list(self._feeds.items()):
            if key not in uses:
                feed.gone = True
                del self._feeds[key]
                if feed.task is not None:
                    feed.task.cancel()
        for key, use in uses.items():
            if key in self._feeds:
                self._feeds[key].use = use
            else:
                self._feeds[key] = _Feed(use)
                self._plan(key, self._clock.monotonic())
        self._wake.set()

    def hurry(self, keys: Iterable[str]) -> None:
        """Pull these feeds at once: something they read has changed."""
        now = self._clock.monotonic()
        for key in keys:
            feed = self._feeds.get(key)
            if feed is not None and feed.task is None and feed.due > now:
                self._plan(key, now)
        self._wake.set()

    async def pull_all(self) -> None:
        """Every feed once, side by side: for a single round."""
        await asyncio.gather(*(self._pull(key, feed) for key, feed in list(self._feeds.items())))

    async def run(self) -> None:
        """Pull until cancelled."""
        try:
            while True:
                self._wake.clear()
                wait = self._start_due()
                await self._clock.wait(self._wake, wait)
        finally:
            tasks = [feed.task for feed in self._feeds.values() if feed.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_due(self) -> float | None:
        now = self._clock.monotonic()
        while self._heap:
            due, _, key = self._heap[0]
            feed = self._feeds.get(key)
            if feed is None or feed.due != due or feed.task is not None:
                heapq.heappop(self._heap)
                continue
            if due > now:
                return due - now
            heapq.heappop(self._heap)
            feed.task = asyncio.create_task(self._lane(key, feed), name=f"pull {key}")
        return None

    async def _lane(self, key: str, feed: _Feed) -> None:
        try:
            asks = feed.use.feed.accounts and not feed.use.feed.arrives_at
            async with self._slots if asks else _Free():
                wait = await self._pull(key, feed)
        except asyncio.CancelledError:
            raise
        except Exception as exc:
            feed.failures += 1
            log.error("a feed raised", feed=key, exc_info=exc)
            wait = self._back_off(feed)
        finally:
            feed.task = None
        if not feed.gone:
            self._plan(key, self._clock.monotonic() + wait)
            self._wake.set()

    async def _pull(self, key: str, feed: _Feed) -> float:
        pulled = await self._ingestor.pull(key, feed.use.feed)
        if pulled.fresh:
            self._ingested()
        if pulled.failed:
            feed.failures += 1
            if feed.failures == 1:
                log.warning("feed down", feed=key, why=pulled.failed)
            return pulled.retry_after if pulled.retry_after is not None else self._back_off(feed)
        if feed.failures:
            log.info("feed back", feed=key, failures=feed.failures)
            feed.failures = 0
        return self._next(feed, pulled)

    def _next(self, feed: _Feed, pulled: Pulled) -> float:
        if pulled.more or feed.use.feed.arrives_at:
            return 0.0
        every = feed.use.feed.every.total_seconds()
        if pulled.next_at is None:
            return every
        until = (pulled.next_at - self._clock.now()).total_seconds()
        return max(0.0, min(until, LOOK_AT_CLOCK)) if until < every or every == 0 else min(every, LOOK_AT_CLOCK)

    def _back_off(self, feed: _Feed) -> float:
        base = max(1.0, feed.use.feed.every.total_seconds())
        return min(LONGEST_PAUSE, base * 2.0 ** min(feed.failures - 1, 8)) * self._rnd.uniform(0.75, 1.0)

    def _plan(self, key: str, due: float) -> None:
        self._feeds[key].due = due
        heapq.heappush(self._heap, (due, next(self._count), key))


class _Free:
    """No slot is needed: the feed does not ask a network; one that waits for web hooks would never give it back."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *exc: object) -> None: ...
