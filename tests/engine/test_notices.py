"""Telling a person: one address that is wrong silences nobody, and notices about notices come to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Automation, Context, Notify, TroubleSeen, on
from fieldfare._engine.embedded import Engine
from fieldfare._net import Client
from fieldfare._store import events
from fieldfare.plugin import Answer, NotSent, Request

from .keyed import DONE, LOST, Desk, hooked, posting
from .line import Line, ManualClock, NoNetwork
from .test_unforeseen import careless, raising


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class Closed(NoNetwork):
    """Web hooks that are answered with one status; `told` counts them by address."""

    def __init__(self, status: int, told: list[str]) -> None:
        self.status = status
        self.told = told

    async def exchange(self, request: Request, **_: Any) -> Answer:
        self.told.append(request.url)
        return Answer(status=self.status, headers={})


def telling(name: str, url: str | None = None) -> Automation[TroubleSeen]:
    def decide(event: TroubleSeen, ctx: Context) -> Notify:
        return Notify(text=event.says, webhook=url)

    return Automation(name=name, trigger=on.trouble(), decide=decide)


def behind(line: Line, status: int) -> list[str]:
    """The addresses that are told, whose web hooks all answer with this status."""
    told: list[str] = []
    around = replace(line.engine._around, client=lambda account, private, hosts: Closed(status, told))
    line.engine = Engine(around)
    return told


def test_a_web_hook_that_wants_other_credentials_does_not_silence_the_others(tmp_path: Path) -> None:
    async def story() -> None:
        line = Line(tmp_path, posting(Desk(LOST)), telling("wrong", "https://a.example/1"), telling("log"))
        behind(line, 401)
        await line.start()
        await hooked(line)
        for _ in range(3):
            await line.move(6)
        states = {(d.automation, d.state) for d in line.deliveries}
        assert {("wrong", "failed"), ("log", "delivered")} <= states
        assert all(d.state != "due" for d in line.deliveries)

    run(story())


class Guarded(NoNetwork):
    """The client of a daemon that may write to no private address."""

    async def exchange(self, request: Request, **_: Any) -> Answer:
        client = Client(hosts=(), clock=ManualClock())
        try:
            return await client.exchange(request)
        finally:
            await client.aclose()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "https://10.1.2.3/hook", "http://localhost:9/hook"])
def test_an_address_that_we_refuse_ourselves_fails_at_once_with_the_remedy(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        line = Line(tmp_path, posting(Desk(LOST)), telling("wrong", url), telling("log"))
        line.engine = Engine(replace(line.engine._around, client=lambda account, private, hosts: Guarded()))
        await line.start()
        await hooked(line)
        for _ in range(3):
            await line.move(6)
        (wrong, *_) = [d for d in line.deliveries if d.automation == "wrong"]
        assert (wrong.state, wrong.attempts) == ("failed", 1)
        assert "name its range in `private` of the platform, the trigger, or for Notify fieldfare.toml" in wrong.reason

    run(story())


def test_two_that_cannot_tell_do_not_tell_each_other_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        urls = ("https://a.example/1", "https://b.example/1")
        line = Line(tmp_path, posting(Desk(LOST)), *(telling(url[8], url) for url in urls))
        told = behind(line, 404)
        await line.start()
        await hooked(line)
        for _ in range(20):
            await line.move(6)
        many = len(told)
        for _ in range(20):
            await line.move(6)
        assert len(told) == many
        assert set(told) == set(urls)

    run(story())


def test_what_has_begun_and_cannot_go_on_is_told_now_and_then(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(desk := Desk(DONE))).start()
        careless(line, desk, raising(NotSent("the second half is refused")))
        await hooked(line)
        for _ in range(30):
            await line.move(300)
        whats = [row[1] for row in line.store.read(events.troubles, 0, 100)]
        assert whats == ["lane-stuck", "lane-stuck"]
        assert line.states == ["due"]

    run(story())
