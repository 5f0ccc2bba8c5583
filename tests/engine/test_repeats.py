"""Sending again under a key that the network remembers: what the second sending proves, and until when it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare._engine.deliver import repeatable
from fieldfare._store import control
from fieldfare._store.claim import Claimed
from fieldfare._store.sqlite import ms
from fieldfare.plugin import Answer, Declaration, NotSent

from .keyed import DONE, LOST, SAME, SETTLE, Desk, hooked, posting
from .line import START, Line

SLOW_DOWN = Answer(status=429, headers={"retry-after": "40"})
NO = Answer(status=422, headers={})


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def in_doubt(tmp_path: Path, desk: Desk) -> Line:
    line = await Line(tmp_path, posting(desk)).start()
    await hooked(line)
    assert line.states == ["uncertain"]
    return line


@pytest.mark.parametrize("second", [NotSent("refused"), SLOW_DOWN, NO], ids=["refused", "429", "422"])
def test_a_repeat_that_was_not_performed_leaves_the_first_sending_in_doubt(tmp_path: Path, second: Any) -> None:
    async def story() -> None:
        line = await in_doubt(tmp_path, Desk(LOST, second, DONE))
        await line.engine.resolver.look()
        await line.move(SETTLE + 1)
        assert line.states == ["uncertain"]
        with pytest.raises(control.TooLate):
            await line.store.do(control.cancel, key=line.deliveries[0].key, by="a person", now=0)

    run(story())


def test_after_a_repeat_that_was_not_performed_the_same_key_goes_again(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(LOST, NotSent("refused"), DONE)
        line = await in_doubt(tmp_path, desk)
        for _ in range(8):
            await line.engine.resolver.look()
            await line.move(SETTLE + 1)
        assert line.states == ["delivered"]
        assert len(desk.keys) == 3
        assert len(set(desk.keys)) == 1

    run(story())


def test_a_repeat_that_had_to_wait_until_the_key_was_forgotten_is_not_sent(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(LOST, DONE)
        line = await in_doubt(tmp_path, desk)
        await line.engine.resolver.look()
        await line.store.do(control.pause, scope="all", reason="", by="a person", now=0)
        await line.move(SETTLE + 1)
        assert line.states == ["due"]
        line.clock.move(3600)
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        await line.round()
        assert line.states == ["uncertain"]
        assert len(desk.keys) == 1

    run(story())


def test_a_key_is_not_young_again_because_the_clock_was_set_back() -> None:
    claimed = Claimed(1, "k", 1, "a", "brand", "publish", "", 0, 1, 0, ms(START), 1, 0, "", "")
    keys = Declaration(idempotency="native_key", remembers=timedelta(minutes=10))
    assert repeatable(claimed, keys, START + timedelta(minutes=4))
    assert not repeatable(claimed, keys, START - timedelta(seconds=1))
    assert not repeatable(claimed, keys, START + timedelta(minutes=5))


def test_a_post_that_the_network_gives_to_two_deliveries_is_shown_to_a_person(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(SAME))).start()
        for id in "12":
            await hooked(line, id)
        for _ in range(4):
            await line.engine.resolver.look()
            await line.move(SETTLE + 1)
        assert [(d.state, d.hold) for d in line.deliveries] == [("delivered", ""), ("uncertain", "person")]

    run(story())
