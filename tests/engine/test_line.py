"""The line from fact to receipt, on the Playground."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare import (
    Account,
    Approval,
    Automation,
    Context,
    Draft,
    Event,
    Mention,
    Outcome,
    Publish,
    Rate,
    Reply,
    contains,
    on,
    skip,
)
from fieldfare._store import control
from fieldfare._store.sqlite import ms
from fieldfare.testing import Playground, answer_lost, answered, swallowed, unreachable

from .line import Line, placed


def quiet(*faults: Any, handle: str = "brand") -> Playground:
    return Playground(world="quiet", faults=faults, handle=handle)


def thanks(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text=f"thank you, @{event.post.author.handle}")


def answering(platform: Playground, **more: Any) -> Automation[Mention]:
    brand = Account("brand", platform)
    return Automation(name="thanks", trigger=on.mention(brand), decide=thanks, **more)


async def mentioned(line: Line, platform: Playground, text: str = "hello @brand", by: str = "ada") -> Any:
    world = line.world(platform)
    world.person(by)
    kept = world.post(by, text, at=line.clock.now())
    await line.round()
    return kept


def ours(line: Line, platform: Playground) -> list[Any]:
    return [kept for kept in line.world(platform)._posts.values() if kept.by == "brand"]


def test_a_mention_is_answered_once(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        kept = await mentioned(line, platform)
        await line.move(60)
        await line.move(60)
        assert line.states == ["delivered"]
        (reply,) = ours(line, platform)
        assert reply.reply_to.id == kept.ref.id

    asyncio.run(story())


def test_a_mention_from_before_the_start_is_missed(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = Line(tmp_path, answering(platform))
        await line.engine.start(placed(line.automations), line.host)
        await line.engine.sessions.open("brand")
        line.world(platform).post("ada", "hello @brand", at=line.clock.now() - timedelta(days=1))
        await line.round()
        assert line.states == []
        assert ours(line, platform) == []

    asyncio.run(story())


def test_a_condition_that_says_no_leaves_no_delivery(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, when=contains("opening"))).start()
        await mentioned(line, platform)
        assert line.states == []

    asyncio.run(story())


def test_a_skip_keeps_its_reason(tmp_path: Path) -> None:
    def decide(event: Mention, ctx: Context) -> Outcome:
        return skip("not today")

    async def story() -> None:
        platform = quiet()
        brand = Account("brand", platform)
        line = await Line(tmp_path, Automation(name="shy", trigger=on.mention(brand), decide=decide)).start()
        await mentioned(line, platform)
        assert line.reasons()["shy"] == ("no", "not today")

    asyncio.run(story())


def test_an_awaited_decision_is_taken(tmp_path: Path) -> None:
    async def decide(event: Mention, ctx: Context) -> Reply:
        await asyncio.sleep(0)
        return thanks(event, ctx)

    async def story() -> None:
        platform = quiet()
        brand = Account("brand", platform)
        line = await Line(tmp_path, Automation(name="slow", trigger=on.mention(brand), decide=decide)).start()
        await mentioned(line, platform)
        assert line.states == ["delivered"]

    asyncio.run(story())


def test_a_decision_that_raises_is_an_error_with_its_words(tmp_path: Path) -> None:
    def decide(event: Mention, ctx: Context) -> Outcome:
        raise ValueError("no idea")

    async def story() -> None:
        platform = quiet()
        brand = Account("brand", platform)
        line = await Line(tmp_path, Automation(name="odd", trigger=on.mention(brand), decide=decide)).start()
        await mentioned(line, platform)
        assert line.reasons()["odd"] == ("error", "decide raised ValueError: no idea")

    asyncio.run(story())


@pytest.mark.parametrize("fault", [answer_lost(), swallowed()])
def test_a_lost_answer_is_looked_up_and_ends_as_one_post(fault: Any, tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(fault)
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        assert line.states == ["uncertain"]
        for _ in range(6):
            await line.move(30)
        assert line.states == ["delivered"]
        assert len(ours(line, platform)) == 1

    asyncio.run(story())


def test_a_refused_connection_is_tried_again(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(unreachable())
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        assert line.states == ["due"]
        await line.move(30)
        assert line.states == ["delivered"]

    asyncio.run(story())


def test_a_rejection_fails_and_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(answered(422))
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        assert line.states == ["failed"]

    asyncio.run(story())


def test_a_rate_limit_of_the_network_freezes_the_account_until_it_says(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(answered(429, retry_after=100))
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        await mentioned(line, platform, by="bob")
        assert line.states == ["due", "due"]
        await line.move(101)
        assert line.states == ["delivered", "delivered"]

    asyncio.run(story())


def test_refused_credentials_pause_the_account(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(answered(401))
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        await line.move(600)
        assert line.states == ["due"]
        assert line.store.read(lambda c: c.execute("SELECT scope FROM pauses").fetchall()) == [("account:brand",)]

    asyncio.run(story())


def test_a_rate_makes_the_rest_wait(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        rate = Rate(count=1, per=timedelta(minutes=10))
        line = await Line(tmp_path, answering(platform, limits=(rate,))).start()
        for by in ("ada", "bob", "eve"):
            await mentioned(line, platform, by=by)
        assert line.states == ["delivered", "due", "due"]
        await line.move(601)
        assert line.states == ["delivered", "delivered", "due"]

    asyncio.run(story())


def test_one_conversation_gets_one_automatic_reply(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        first = await mentioned(line, platform)
        line.world(platform).post("ada", "and again @brand", at=line.clock.now(), reply_to=first.ref.id)
        await line.round()
        assert line.states == ["delivered"]
        assert line.reasons(2)["thanks"][1].startswith("caps: already 1 of 1")

    asyncio.run(story())


def test_what_waits_for_approval_leaves_when_approved(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, approval=Approval(by="support"))).start()
        await mentioned(line, platform)
        assert line.states == ["held"]
        (held,) = line.deliveries
        await line.store.do(control.approve, key=held.key, digest=held.digest, by="eva", now=ms(line.clock.now()))
        await line.round()
        assert line.states == ["delivered"]

    asyncio.run(story())


def test_nobody_approves_in_time(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        approval = Approval(by="support", expires=timedelta(hours=1))
        line = await Line(tmp_path, answering(platform, approval=approval)).start()
        await mentioned(line, platform)
        await line.move(3601)
        assert line.states == ["expired"]

    asyncio.run(story())


def test_a_target_that_is_gone_is_refused_at_the_second_look(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, approval=Approval(by="support"))).start()
        kept = await mentioned(line, platform)
        line.world(platform).remove(kept.ref.id)
        line.clock.move(120)
        (held,) = line.deliveries
        await line.store.do(control.approve, key=held.key, digest=None, by="eva", now=ms(line.clock.now()))
        await line.round()
        assert (line.states, line.deliveries[0].reason) == (["refused"], "its target is gone")

    asyncio.run(story())


def test_two_equal_posts_a_second_apart_are_two_posts(tmp_path: Path) -> None:
    def same(event: Event, ctx: Context) -> Publish:
        return Publish(draft=Draft(text="the same words"))

    async def story() -> None:
        platform = quiet(answer_lost(write=1))
        brand = Account("brand", platform)
        line = await Line(tmp_path, Automation(name="twice", trigger=on.mention(brand), decide=same)).start()
        await mentioned(line, platform)
        line.clock.move(1)
        await mentioned(line, platform, by="bob")
        assert line.states == ["uncertain", "due"]
        for _ in range(6):
            await line.move(30)
        assert line.states == ["delivered", "delivered"]
        assert len(ours(line, platform)) == 2

    asyncio.run(story())
