"""Who may pass whom within a thread of order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from fieldfare import on, secret
from fieldfare._store import control

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
        await line.store.do(control.resume, scope="all")
        await line.restart()
        await line.round()
        await hooked(line, "4")
        assert line.states == ["delivered", "due", "due", "due"]
        for _ in range(4):
            await line.move(21)
        assert line.states == ["delivered"] * 4

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
