"""What o'clock a server has decides how far back a listing is read: a wrong answer sends a post twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from fieldfare import Account
from fieldfare._engine.attempt import Offset
from fieldfare._engine.sessions import Sessions
from fieldfare.plugin import Answer, Author, Bounds, Platform, Request, Services, Session
from tests.stores import in_memory

from .line import START, ManualClock, NoSecrets

SERVER = START - timedelta(seconds=70)


def dated(moment: datetime, **headers: str) -> Answer:
    date = moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return Answer(status=200, headers={"date": date, **headers})


class Reading(Session):
    def __init__(self, services: Services) -> None:
        self._http = services.http

    async def whoami(self) -> Author:
        await self._http.read(Request(method="GET", url="https://server.example/me"))
        return Author(id="1", handle="brand")


class Server(Platform):
    kind: ClassVar[str] = "server"
    session: ClassVar[type[Session]] = Reading

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=100)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({"server.example"})

    async def open(self, services: Services) -> Session:
        return Reading(services)


class Behind:
    """A client whose server's clock is 70 seconds behind ours."""

    async def read(self, request: Request, **_: Any) -> Answer:
        return dated(SERVER)

    async def exchange(self, request: Request, **_: Any) -> Answer:
        return dated(SERVER)

    async def aclose(self) -> None: ...


def test_a_servers_time_is_known_from_the_first_read_before_anything_is_sent() -> None:
    async def story() -> None:
        clock = ManualClock()
        accounts = {"brand": Account("brand", Server())}
        sessions = Sessions(in_memory(), clock, NoSecrets(), lambda account, private, hosts: Behind(), accounts)
        live = await sessions.open("brand")
        clock.move(5)
        assert live.offset.now(clock) == SERVER + timedelta(seconds=5)

    asyncio.run(story())


def test_a_servers_time_does_not_move_when_our_clock_is_set() -> None:
    clock, offset = ManualClock(), Offset()
    offset.learn(dated(SERVER), clock.monotonic())
    clock.set_wall(START + timedelta(days=1))
    clock.move(3)
    assert offset.now(clock) == SERVER + timedelta(seconds=3)


def test_an_answer_out_of_a_cache_tells_no_time() -> None:
    clock, offset = ManualClock(), Offset()
    offset.learn(dated(SERVER), clock.monotonic())
    offset.learn(dated(SERVER - timedelta(hours=1), age="3600"), clock.monotonic())
    assert offset.now(clock) == SERVER
