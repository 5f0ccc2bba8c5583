"""Which feeds may be pulled side by side."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any, cast

from fieldfare._contract.feeds import Batch, Feed, FeedServices
from fieldfare._domain.events import HookReceived
from fieldfare._engine.clock import RealClock
from fieldfare._engine.ingest import Ingestor, PullServices
from fieldfare._engine.lanes.feeds import PULLS_AT_ONCE, FeedLanes
from fieldfare._engine.sets import FeedUse
from tests.stores import in_memory


class Waiting(Feed[HookReceived]):
    """Takes web hooks for an account, and none comes."""

    event = HookReceived

    def __init__(self, name: str) -> None:
        self.accounts = (name,)
        self.arrives_at = f"/{name}"

    def key(self, identities: Mapping[str, str]) -> str:
        return self.arrives_at

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[HookReceived]:
        await asyncio.Event().wait()
        raise AssertionError("nothing sets it")


class Polled(Feed[HookReceived]):
    event = HookReceived
    accounts = ("brand",)

    def __init__(self) -> None:
        self.pulled = asyncio.Event()

    def key(self, identities: Mapping[str, str]) -> str:
        return "polled"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[HookReceived]:
        self.pulled.set()
        return Batch((), "1")


def test_feeds_that_wait_for_web_hooks_keep_no_other_feed_from_being_pulled() -> None:
    async def story() -> None:
        async def services(key: str, feed: Feed[Any], now: object) -> PullServices:
            return cast(PullServices, None)

        clock = RealClock()
        ingestor = Ingestor(store=in_memory(), clock=clock, services=services)
        lanes = FeedLanes(ingestor, clock, random.Random(7), lambda: None)
        polled = Polled()
        feeds: list[Feed[Any]] = [*(Waiting(f"a{number}") for number in range(PULLS_AT_ONCE)), polled]
        lanes.replace({feed.key({}): FeedUse(feed.key({}), feed, ()) for feed in feeds})
        running = asyncio.create_task(lanes.run())
        try:
            async with asyncio.timeout(20):
                await polled.pulled.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
