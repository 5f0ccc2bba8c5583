"""A name of ours comes to stand for another account of the network: what was meant for the one before asks first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fieldfare import Approval
from fieldfare._store import control
from fieldfare._store.sqlite import ms
from fieldfare.testing import answer_lost

from .line import Line, placed
from .test_line import answering, mentioned, quiet


def by(line: Line, handle: str) -> list[str]:
    world = next(iter(line.engine.sessions._shared.values()))
    return [kept.text for kept in world._posts.values() if kept.by == handle]


async def becomes_another(line: Line, **more: Any) -> None:
    """The files give the account's name to somebody else on the network."""
    line.automations = (answering(quiet(handle="press"), **more),)
    await line.engine.replace(placed(line.automations), line.host)
    await line.engine.sessions.open("brand")
    await line.move(120)


def test_what_was_approved_for_one_account_does_not_leave_from_another(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        approval = Approval(by="support")
        line = await Line(tmp_path, answering(platform, approval=approval)).start()
        await mentioned(line, platform)
        (held,) = line.deliveries
        await line.store.do(control.pause, scope="all", reason="", by="eva", now=0)
        await line.store.do(control.approve, key=held.key, digest=None, by="eva", now=held.created_at)
        await becomes_another(line, approval=approval)
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        await line.move(60)
        (waits,) = line.deliveries
        assert (waits.state, waits.hold) == ("held", "account")
        assert "this was meant for @brand" in waits.reason
        assert by(line, "press") == []

    asyncio.run(story())


def test_a_person_may_let_it_go_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        approval = Approval(by="support")
        line = await Line(tmp_path, answering(platform, approval=approval)).start()
        await mentioned(line, platform)
        await becomes_another(line, approval=approval)
        (waits,) = line.deliveries
        await line.store.do(control.approve, key=waits.key, digest=None, by="eva", now=waits.created_at)
        await line.move(60)
        assert line.states == ["delivered"]
        assert by(line, "press") == ["thank you, @ada"]

    asyncio.run(story())


def test_a_doubt_about_one_account_is_not_looked_up_in_another(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(answer_lost())
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        assert line.states == ["uncertain"]
        await becomes_another(line)
        (waits,) = line.deliveries
        assert (waits.state, waits.hold) == ("uncertain", "person")
        assert by(line, "press") == []

    asyncio.run(story())


def test_who_is_still_the_same_waits_for_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        await line.restart()
        await line.engine.sessions.open("brand")
        await mentioned(line, platform)
        assert line.states == ["delivered"]

    asyncio.run(story())
