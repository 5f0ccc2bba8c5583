"""Other settings for an account: what is on its way comes to its end under the old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from fieldfare import Account
from fieldfare._engine.sessions import LAST
from fieldfare.plugin import Answer, Request, Services, Session

from .keyed import DONE, Desk, Keyed, KeyedSession, hooked, posting
from .line import Line, ManualClock, placed


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class Turning(ManualClock):
    """Waits by turning the loop until the event is set or the clock was moved far enough."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        until = self.monotonic() + (seconds or 0)
        while not event.is_set() and self.monotonic() < until:
            await asyncio.sleep(0)
        return event.is_set()


class SlowDesk(Desk):
    """Answers when it may; `heard` tells in which order things happened."""

    def __init__(self) -> None:
        super().__init__(DONE)
        self.asked = asyncio.Event()
        self.may = asyncio.Event()
        self.heard: list[str] = []

    async def __call__(self, request: Request) -> Answer:
        self.asked.set()
        await self.may.wait()
        self.heard.append("answered")
        return await super().__call__(request)


class ClosingSession(KeyedSession):
    async def aclose(self) -> None:
        self.transport.heard.append("closed")  # type: ignore[union-attr]


class Closing(Keyed):
    token: str

    async def open(self, services: Services) -> Session:
        return ClosingSession(self.desk)


def posts_as(desk: SlowDesk, token: str) -> Any:
    return replace(posting(desk), account=Account("brand", Closing(desk=desk, token=token)))


async def reloaded(folder: Path, then: Callable[[Line, SlowDesk], Coroutine[Any, Any, None]]) -> None:
    """A request is on its way when its account gets another token."""
    desk = SlowDesk()
    line = Line(folder, posts_as(desk, "old"))
    line.clock = Turning()
    line.engine = line._engine()
    await line.start()
    going = asyncio.create_task(hooked(line))
    await desk.asked.wait()
    await line.engine.replace(placed([posts_as(desk, "new")]), line.host)
    for _ in range(20):
        await asyncio.sleep(0)
    assert desk.heard == []
    await then(line, desk)
    desk.may.set()
    await going
    await line.engine.aclose()


def test_an_account_is_closed_when_its_last_answer_has_come(tmp_path: Path) -> None:
    async def then(line: Line, desk: SlowDesk) -> None:
        desk.may.set()
        while desk.heard != ["answered", "closed"]:
            await asyncio.sleep(0)
        assert line.states == ["delivered"]

    run(asyncio.wait_for(reloaded(tmp_path, then), 10))


def test_an_account_whose_answer_does_not_come_is_closed_all_the_same(tmp_path: Path) -> None:
    async def then(line: Line, desk: SlowDesk) -> None:
        line.clock.move(LAST)
        while desk.heard != ["closed"]:
            await asyncio.sleep(0)

    run(asyncio.wait_for(reloaded(tmp_path, then), 10))


def test_an_account_that_is_still_awaited_is_closed_when_the_engine_is(tmp_path: Path) -> None:
    async def then(line: Line, desk: SlowDesk) -> None:
        await line.engine.aclose()
        assert desk.heard == ["closed"]

    run(asyncio.wait_for(reloaded(tmp_path, then), 10))
