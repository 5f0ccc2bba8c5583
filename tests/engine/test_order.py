"""Who may pass whom within a thread of order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Approval, on, secret
from fieldfare._store import control
from fieldfare._store.sqlite import ms

from .keyed import DONE, Desk, hooked, posting
from .line import Line


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_a_new_post_does_not_pass_the_posts_of_its_automation_that_are_being_caught_up(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        await line.store.do(control.pause, scope="all", reason="", by="a person", now=0)
        for id in "123":
            await hooked(line, id)
        line.clock.move(300)
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        await line.restart()
        await line.round()
        await hooked(line, "4")
        assert line.states == ["delivered", "due", "due", "due"]
        for _ in range(4):
            await line.move(21)
        assert line.states == ["delivered"] * 4

    run(story())


@pytest.mark.parametrize("scope", ["all", "account:brand", "automation:news"])
def test_what_waited_in_a_long_pause_leaves_one_by_one(scope: str, tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        began = ms(line.clock.now())
        await line.store.do(control.pause, scope=scope, reason="", by="a person", now=began)
        for id in "123":
            await hooked(line, id)
        line.clock.move(300)
        await line.store.do(control.resume, scope=scope, now=ms(line.clock.now()))
        await line.round()
        assert line.states == ["delivered", "due", "due"]
        for _ in range(2):
            await line.move(21)
        await hooked(line, "4")
        assert line.states == ["delivered"] * 4

    run(story())


def test_a_short_pause_slows_nothing_down(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        line.gate.stopping = True
        for id in "123":
            await hooked(line, id)
        line.clock.move(300)
        line.gate.stopping = False
        await line.store.do(control.pause, scope="all", reason="", by="a person", now=ms(line.clock.now()))
        line.clock.move(30)
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        await line.round()
        assert line.states == ["delivered"] * 3

    run(story())


def test_a_clock_that_was_set_back_behind_the_end_of_a_pause_slows_nothing_down(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        await line.store.do(control.pause, scope="all", reason="", by="a person", now=ms(line.clock.now()))
        line.clock.move(300)
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        line.clock.set_wall(line.clock.now() - timedelta(hours=1))
        await line.round()
        for id in "12":
            await hooked(line, id)
        assert line.states == ["delivered"] * 2

    run(story())


def test_what_may_be_skipped_when_it_is_late_does_not_leave_after_a_long_pause(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, replace(posting(Desk(DONE)), late="skip")).start()
        await line.store.do(control.pause, scope="all", reason="", by="a person", now=ms(line.clock.now()))
        await hooked(line)
        line.clock.move(300)
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        await line.round()
        assert [(d.state, d.reason) for d in line.deliveries] == [("expired", "its time passed while it was paused")]

    run(story())


def test_what_a_person_lets_go_is_not_late_by_the_time_it_took(tmp_path: Path) -> None:
    async def story() -> None:
        asks = replace(posting(Desk(DONE)), late="skip", approval=Approval(by="eva"))
        line = await Line(tmp_path, asks).start()
        await hooked(line)
        line.clock.move(300)
        await line.restart()
        (held,) = line.deliveries
        await line.store.do(control.approve, key=held.key, digest=None, by="eva", now=ms(line.clock.now()))
        await line.round()
        assert line.states == ["delivered"]

    run(story())


def test_a_paused_automation_does_not_hold_up_another_on_the_same_timeline(tmp_path: Path) -> None:
    async def story() -> None:
        one = posting(Desk(DONE))
        other = replace(one, name="other", trigger=on.webhook("/hooks", secret=secret("hooks")))
        line = await Line(tmp_path, one, other).start()
        await line.store.do(control.pause, scope="automation:news", reason="", by="a person", now=0)
        await hooked(line)
        assert {d.automation: d.state for d in line.deliveries} == {"news": "due", "other": "delivered"}

    run(story())
