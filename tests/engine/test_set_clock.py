"""Somebody sets the clock of the machine: waits, gaps and the lease go by what has really passed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Rate
from fieldfare._engine.daemon import Daemon
from fieldfare._engine.stop import LEASE
from fieldfare._store import accounts, events, query
from fieldfare._store.sqlite import ms
from fieldfare.plugin import NotSent

from .keyed import DONE, Desk, hooked, posting
from .line import START, Line
from .test_line import answering, mentioned, quiet

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_a_back_off_goes_on_when_the_clock_is_set_back(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(NotSent("refused"), DONE))).start()
        await hooked(line)
        assert line.states == ["due"]
        line.clock.set_wall(START - HOUR)
        await line.move(5)
        assert line.states == ["delivered"]

    run(story())


def test_a_wait_that_the_network_asked_for_goes_on_when_the_clock_is_set_back(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(NotSent("slow down", retry_after=20), DONE))).start()
        await hooked(line)
        line.clock.set_wall(START - HOUR)
        await line.move(5)
        assert line.states == ["due"]
        await line.move(16)
        assert line.states == ["delivered"]

    run(story())


def test_a_rate_is_kept_and_not_longer_than_its_span_when_the_clock_is_set_back(tmp_path: Path) -> None:
    async def story() -> None:
        rate = Rate(count=1, per=timedelta(seconds=30))
        line = await Line(tmp_path, posting(Desk(DONE), limits=(rate,))).start()
        await hooked(line, "1")
        await hooked(line, "2")
        line.clock.set_wall(START - HOUR)
        await line.move(20)
        assert line.states == ["delivered", "due"]
        await line.move(11)
        assert line.states == ["delivered"] * 2

    run(story())


def test_what_is_decided_after_the_clock_was_set_back_is_not_overdue(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        line.clock.set_wall(START - DAY)
        for id in "123":
            await hooked(line, id)
        assert line.states == ["delivered"] * 3

    run(story())


@pytest.mark.parametrize("beats", [False, True], ids=["while it was down", "just before it died"])
def test_a_clock_that_was_set_back_is_noticed_at_the_next_start(tmp_path: Path, beats: bool) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(NotSent("refused"), DONE))).start()
        await hooked(line)
        await line.store.do(accounts.beat, now=ms(line.clock.now()))
        line.clock.set_wall(START - DAY)
        if beats:
            await line.store.do(accounts.beat, now=ms(line.clock.now()))
        await line.restart()
        await line.move(5)
        assert line.states == ["delivered"]

    run(story())


def test_a_clock_that_is_set_ahead_makes_no_gap(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        line.world(platform).post("ada", "hello again @brand", at=line.clock.now())
        line.clock.set_wall(line.clock.now() + 2 * DAY)
        await line.round()
        assert line.store.read(query.event_counts) == {"decided": 2}

    run(story())


def test_a_lease_that_was_renewed_before_the_process_was_stopped_is_as_old_as_that(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        do = line.store.do

        async def stopped_after_the_commit(sentence: Any, *args: Any, **more: Any) -> Any:
            result = await do(sentence, *args, **more)
            if sentence is accounts.beat:
                line.clock.move(LEASE)
            return result

        line.store.do = stopped_after_the_commit  # type: ignore[method-assign]
        daemon = Daemon.__new__(Daemon)
        daemon.clock = line.clock
        await daemon._chores(line.engine, line.store, line.gate)
        assert line.gate.why() == "the lease on the store was not renewed in time"

    run(story())


def test_what_was_on_its_way_when_the_daemon_died_goes_on_although_the_clock_was_set_back(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(NotSent("refused"), DONE))).start()
        await hooked(line)
        line.clock.move(5)
        way = await line.engine.ways.to("brand")
        assert way is not None
        assert len(await line.engine._deliverer.claim("brand", way)) == 1
        await line.store.do(accounts.beat, now=ms(line.clock.now()))
        line.clock.set_wall(START - DAY)
        await line.restart()
        await line.round()
        assert line.states == ["delivered"]

    run(story())


def test_a_feed_that_is_back_says_so_although_nothing_is_new(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        (key,) = (row[0] for row in line.store.read(query.feeds))
        await line.round()
        await line.store.do(events.pull_failed, feed=key, now=ms(line.clock.now()), error="it did not answer")
        line.engine.feeds._ingestor.pulled.clear()
        line.clock.move(1)
        await line.round()
        assert [row[3] for row in line.store.read(query.feeds)] == [""]

    run(story())


def test_a_clock_that_was_set_back_before_the_first_heartbeat_is_noticed_at_the_next_start(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(NotSent("refused"), DONE))).start()
        line.clock.set_wall(START + HOUR)
        await line.restart()
        await hooked(line)
        line.clock.set_wall(START)
        await line.restart()
        await line.move(5)
        assert line.states == ["delivered"]

    run(story())


def test_a_rate_is_not_kept_for_a_day_because_the_daemon_died_before_it_saw_the_clock(tmp_path: Path) -> None:
    async def story() -> None:
        rate = Rate(count=1, per=timedelta(seconds=30))
        line = await Line(tmp_path, posting(Desk(DONE), limits=(rate,))).start()
        line.clock.set_wall(START + DAY)
        await hooked(line, "1")
        line.clock.set_wall(START)
        await line.restart()
        line.clock.move(31)
        await hooked(line, "2")
        assert line.states == ["delivered"] * 2

    run(story())
