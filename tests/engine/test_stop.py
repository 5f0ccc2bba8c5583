"""Stop means stop, whatever a scope is called, and a stop in the midst of things leaves nothing undecided."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Automation, Context, HookReceived, Notify, on, secret
from fieldfare._engine.control import ControlServer, call
from fieldfare._engine.embedded import Engine
from fieldfare._engine.media import MediaFolder
from fieldfare._engine.operations import Operations
from fieldfare._engine.stop import LEASE, Stop, flags, lower_flag, raise_flag
from fieldfare._store import doubts, steps
from fieldfare.plugin import Answer, Media, Request

from .keyed import DONE, LOST, Desk, hooked, posting
from .line import Line, ManualClock, NoNetwork


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


@pytest.mark.parametrize("name", ["感谢" * 60, "📣" * 120, "a+b", "100 %", "~", "naïve: yes"])
def test_an_automation_of_any_name_can_be_paused_and_goes_on(tmp_path: Path, name: str) -> None:
    gate, scope = Stop(tmp_path / "pause", ManualClock()), f"automation:{name}"
    raise_flag(gate.folder, scope)
    assert gate.why(automation=name) == f"paused ({scope})"
    assert gate.why(automation=f"{name[:-1]}!") is None
    assert flags(gate.folder) == {scope}
    assert lower_flag(gate.folder, scope)
    assert gate.why(automation=name) is None


def operations(line: Line, woken: list[str]) -> Operations:
    return Operations(
        store=line.store,
        clock=line.clock,
        flags=line.gate.folder,
        decode=line.engine.action,
        asks=lambda name: False,
        wake=woken.append,
    )


def test_a_question_whether_the_daemon_lives_wakes_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        line, woken = await Line(tmp_path, posting(Desk(DONE))).start(), list[str]()
        assert await operations(line, woken).run("ping", {}, "eve") == {"alive": True, "refused": None}
        assert woken == []

    run(story())


def test_a_flag_that_stood_alone_counts_as_a_long_pause(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        raise_flag(line.gate.folder, "all")
        for id in "12":
            await hooked(line, id)
        line.clock.move(300)
        assert (await operations(line, []).run("resume", {"scope": "all"}, "eve"))["lifted"] == ["all"]
        await line.round()
        assert line.states == ["delivered", "due"]

    run(story())


def test_a_post_that_a_person_has_found_is_nobody_elses(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(LOST))).start()
        await hooked(line)
        (delivery,) = line.deliveries
        args = {"key": delivery.key, "happened": True, "post": "77"}
        await operations(line, []).run("settle", args, "eve")
        assert line.store.read(doubts.taken, ["keyed:77"], 0) == {"keyed:77"}

    run(story())


def test_an_answer_that_is_written_down_while_the_daemon_stops_is_an_answer(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(DONE)
        line = await Line(tmp_path, posting(desk)).start()
        store_do, there = line.store.do, asyncio.Event()

        async def slow(sentence: Any, *args: Any, **kwargs: Any) -> Any:
            done = await store_do(sentence, *args, **kwargs)
            if sentence is steps.answered:
                there.set()
                await asyncio.Event().wait()
            return done

        line.store.do = slow  # type: ignore[method-assign]
        going = asyncio.create_task(hooked(line))
        await there.wait()
        line.store.do = store_do  # type: ignore[method-assign]
        await line.engine.stop(0)
        await going
        await line.move(1)
        assert (line.states, len(desk.keys)) == (["delivered"], 1)

    run(story())


async def nothing(name: str, args: Mapping[str, Any], by: str) -> dict[str, Any]:
    return {"by": by}


def test_a_holder_that_wakes_too_late_does_not_take_its_successors_socket_away(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "control"
        late, successor = ControlServer(path, nothing), ControlServer(path, nothing)
        await late.start()
        await successor.start()
        await late.stop()
        assert await call(path, "ping", {}) is not None
        await successor.stop()
        assert not path.exists()

    run(story())


def test_media_of_a_decision_that_is_not_committed_yet_are_not_swept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    folder = MediaFolder(tmp_path / "media", tmp_path)
    kept = folder.keep(Media(source="a.png", alt="a"))
    assert folder.sweep(set()) == 0
    folder.keep(Media(source="a.png", alt="a"))
    assert folder.sweep(set()) == 0
    assert folder.read(kept)
    assert folder.sweep(set()) == 1
    assert os.listdir(tmp_path / "media") == []


class Halted(NoNetwork):
    """The process is halted while its connection is made, the first time, and does not know it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.told: list[str] = []

    async def exchange(self, request: Request, **more: Any) -> Answer:
        if not self.told:
            self.told.append("halted")
            self.line.clock.move(LEASE)
        more["leaves"]()
        self.told.append(request.url)
        return Answer(status=200, headers={})


def test_a_write_whose_lease_is_lost_while_its_connection_is_made_does_not_leave(tmp_path: Path) -> None:
    def decide(event: HookReceived, ctx: Context) -> Notify:
        return Notify(text="news", webhook="https://chat.example/1")

    async def story() -> None:
        trigger = on.webhook("/hooks", secret=secret("hooks"))
        line = Line(tmp_path, Automation(name="news", trigger=trigger, decide=decide))
        client = Halted(line)
        line.engine = Engine(replace(line.engine._around, client=lambda account, private, hosts: client))
        await line.start()
        line.gate.beat_at = line.clock.monotonic()
        await hooked(line)
        assert (line.states, client.told) == (["due"], ["halted"])
        line.gate.beat_at = line.clock.monotonic()
        await line.move(2)
        assert (line.states, client.told) == (["delivered"], ["halted", "https://chat.example/1"])

    run(story())
