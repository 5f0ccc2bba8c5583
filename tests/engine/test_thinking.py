"""Decisions that are awaited: a bounded number at once, each event closed only when all of it is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Account, Automation, Context, HookReceived, Mention, Outcome, Publish, on, secret, skip
from fieldfare._contract.feeds import Arrival
from fieldfare._engine.lanes import decide as lane
from fieldfare._store import query
from fieldfare.plugin import Draft

from .keyed import DONE, Desk, hooked, posting
from .line import Line
from .test_line import answering, quiet
from .test_media import PICTURE, PNG, slow


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def arrive(line: Line, count: int) -> None:
    """So many web hooks wait to be taken."""
    headers = {"authorization": "Bearer canary-hooks", "content-type": "application/json"}
    for number in range(count):
        body = json.dumps({"id": str(number)}).encode()
        line.arrivals.append(Arrival(headers, body, line.clock.now(), lambda status: None))


HOOKS = on.webhook("/hooks", secret=secret("hooks"))


def test_an_event_is_not_closed_by_a_quick_thought_while_files_of_another_decision_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    thought = asyncio.Event()

    async def think(event: HookReceived, ctx: Context) -> Outcome:
        thought.set()
        return skip("thought")

    async def story() -> None:
        line = Line(tmp_path, Automation(name="quick", trigger=HOOKS, decide=think), posting(Desk(DONE), (PICTURE,)))
        folder = slow(line)
        await line.start()
        going = asyncio.create_task(hooked(line))
        await thought.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert (line.reasons(), line.store.read(query.event_counts)) == ({}, {"seen": 1})
        await folder.turning("keep")
        await going
        assert line.reasons() == {"quick": ("no", "thought"), "news": ("yes", "publish")}
        assert line.store.read(query.event_counts) == {"decided": 1}

    run(story())


def test_a_bounded_number_of_events_is_thought_about_and_other_feeds_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MOST_THOUGHT_ABOUT", 3)

    async def story() -> None:
        begun: list[str] = []
        may = asyncio.Event()

        async def think(event: HookReceived, ctx: Context) -> Publish:
            begun.append(event.id)
            await may.wait()
            return Publish(draft=Draft(text=f"news {event.id}"))

        platform = quiet()
        thinking = Automation(name="slow", trigger=HOOKS, decide=think, account=posting(Desk(DONE)).account)
        other = replace(answering(platform), trigger=on.mention(Account("people", platform)))
        line = Line(tmp_path, thinking, other)
        await line.start()
        arrive(line, 10)
        world = line.world(platform)
        world.person("ada")
        world.post("ada", "hello @brand", at=line.clock.now())
        await line.engine.feeds.pull_all()
        while await line.engine.decide.round():
            pass
        assert len(line.engine.decide._thinking) == 3
        assert [d.automation for d in line.deliveries] == ["thanks"]
        may.set()
        await line.engine.round()
        assert begun == [str(number) for number in range(10)]
        assert line.store.read(query.event_counts) == {"decided": 11}
        assert line.states == ["delivered"] * 11

    run(story())


def test_a_lane_that_is_full_goes_on_when_a_thought_comes_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MOST_THOUGHT_ABOUT", 1)

    async def think(event: HookReceived, ctx: Context) -> Outcome:
        await asyncio.sleep(0)
        return skip("thought")

    async def story() -> None:
        line = await Line(tmp_path, Automation(name="slow", trigger=HOOKS, decide=think)).start()
        arrive(line, 3)
        await line.engine.feeds.pull_all()
        deciding = line.engine.decide
        for _ in range(3):
            assert await deciding.round()
            deciding.wake.clear()
            assert not await deciding.round()
            await asyncio.wait_for(deciding.wake.wait(), 5)
        assert line.store.read(query.event_counts) == {"decided": 3}

    run(story())


def test_what_was_taken_beside_a_full_lane_is_not_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MOST_THOUGHT_ABOUT", 2)

    async def story() -> None:
        asked: list[str] = []
        may = {"hook-received": asyncio.Event(), "mention": asyncio.Event()}

        async def think(event: HookReceived | Mention, ctx: Context) -> Outcome:
            asked.append(event.kind)
            await may[event.kind].wait()
            return skip("thought")

        platform = quiet()
        mentions = on.mention(Account("people", platform))
        line = Line(
            tmp_path,
            Automation(name="slow", trigger=HOOKS, decide=think),
            Automation(name="people", trigger=mentions, decide=think),
        )
        await line.start()
        arrive(line, 2)
        await line.engine.feeds.pull_all()
        world = line.world(platform)
        world.person("ada")
        world.post("ada", "hello @brand", at=line.clock.now())
        await line.engine.feeds.pull_all()
        deciding = line.engine.decide
        while await deciding.round():
            await asyncio.sleep(0)
        may["hook-received"].set()
        while len(deciding._thinking) > 1:
            await asyncio.sleep(0)
        while await deciding.round():
            await asyncio.sleep(0)
        may["mention"].set()
        await line.engine.round()
        assert asked == ["hook-received", "hook-received", "mention"]
        assert line.store.read(query.event_counts) == {"decided": 3}

    run(story())
