"""What is asked of reads: nothing lost, nothing twice, oldest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ...plugin import (
    Answer,
    AuthFailed,
    NotSent,
    PlatformError,
    PostRef,
    Publishes,
    ReadsFollowers,
    ReadsMentions,
    ReadsMetrics,
    ReadsOwnPosts,
    ReadsPosts,
    ReadsReplies,
)
from ._bench import Bench, OtherSide, Pulling, story
from ._writes import performed, post

ERRORS = [(401, AuthFailed), (429, NotSent), (503, NotSent)]
MANY = 95


def ids(events: list[Any]) -> list[str]:
    return [event.post.ref.id for event in events]


class Reads:
    @story(ReadsMentions)
    async def test_mentions_come_oldest_first_and_once(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        refs = [mentioned(world, bench, number) for number in range(3)]
        feed = Pulling(session.mentions)
        events = await feed.pull()
        assert ids(events) == [ref.id for ref in refs]
        assert [f"number {n}" in event.post.text for n, event in enumerate(events)] == [True, True, True]
        assert await feed.pull() == []

    @story(ReadsMentions)
    async def test_an_empty_look_forgets_nothing(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        feed = Pulling(session.mentions)
        assert await feed.pull() == []
        first = mentioned(world, bench, 1)
        assert ids(await feed.pull()) == [first.id]
        assert await feed.pull() == []
        second = mentioned(world, bench, 2)
        assert ids(await feed.pull()) == [second.id]

    @story(ReadsMentions)
    async def test_mentions_of_one_moment_all_come(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        feed = Pulling(session.mentions)
        at = bench.clock.now()
        before = [world.mention(f"number {n}", by="ada", at=at) for n in range(3)]
        assert sorted(ids(await feed.pull())) == sorted(ref.id for ref in before)
        after = [world.mention(f"number {n}", by="ben", at=at) for n in range(3)]
        assert sorted(ids(await feed.pull())) == sorted(ref.id for ref in after)

    @story(ReadsMentions)
    async def test_more_mentions_than_a_page_all_come_once_and_in_order(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        feed = Pulling(session.mentions)
        mentioned(world, bench, 0)
        await feed.pull()
        refs = [mentioned(world, bench, number) for number in range(1, MANY + 1)]
        found: list[Any] = []
        for _ in range(10):
            found.extend(await feed.pull())
        assert ids(found) == [ref.id for ref in refs]

    @story(ReadsMentions)
    async def test_a_new_session_goes_on_where_the_old_one_was(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        feed = Pulling(session.mentions)
        mentioned(world, bench, 1)
        await feed.pull()
        await session.aclose()
        second = mentioned(world, bench, 2)
        feed.read = (await bench.open()).mentions
        assert ids(await feed.pull()) == [second.id]

    @story(ReadsMentions)
    async def test_bots_and_the_account_itself_are_marked(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        at = bench.clock.advance(1)
        person = world.mention("from a person", by="ada", at=at)
        bot = world.mention("from a bot", by="clockwork", at=bench.clock.advance(1), bot=True)
        own = world.mention("from ourselves", by="", at=bench.clock.advance(1), us=True)
        marks = {
            e.post.ref.id: (e.post.author.is_bot, e.post.author.is_self) for e in await Pulling(session.mentions).pull()
        }
        assert marks[person.id] == (False, False)
        assert marks[bot.id] == (True, False)
        # Many networks do not tell an account of its own posts; one that does must say whose they are.
        assert marks.get(own.id, (False, True))[1]

    @pytest.mark.parametrize(("status", "means"), ERRORS)
    @story(ReadsMentions)
    async def test_a_read_that_fails_changes_nothing(
        self, bench: Bench, status: int, means: type[PlatformError]
    ) -> None:
        session = await bench.open()
        if session.transport is not None:
            pytest.skip("this platform does not read over HTTP")
        bench.instead = Answer(status=status, headers={"retry-after": "7"}, body=b'{"error": "no"}')
        with pytest.raises(PlatformError) as caught:
            await Pulling(session.mentions).pull()
        assert type(caught.value) is means

    @story(Publishes, ReadsReplies)
    async def test_replies_come_oldest_first_and_once(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        parent = (await performed(post("Who wants tea?"), session, bench)).ref
        assert parent is not None
        refs = [world.reply(f"me {n}", to=parent, by=f"guest{n}", at=bench.clock.advance(1)) for n in range(3)]
        feed = Pulling(session.replies)
        events = await feed.pull()
        assert ids(events) == [ref.id for ref in refs]
        assert [event.post.reply_to and event.post.reply_to.id for event in events] == [parent.id] * 3
        assert await feed.pull() == []

    @story(ReadsFollowers)
    async def test_a_new_follower_comes_once(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        feed = Pulling(session.followers)
        await feed.pull()
        world.follow(by="ada", at=bench.clock.advance(1))
        (event,) = await feed.pull()
        assert "ada" in event.author.handle
        assert await feed.pull() == []

    @story(Publishes, ReadsOwnPosts)
    async def test_own_posts_come_newest_first_and_no_older_than_asked(self, bench: Bench) -> None:
        session = await bench.open()
        await performed(post("Old news"), session, bench, "old")
        bench.clock.advance(3600)
        since = bench.clock.now() - timedelta(seconds=60)
        second = (await performed(post("Second"), session, bench, "second")).ref
        bench.clock.advance(60)
        third = (await performed(post("Third"), session, bench, "third")).ref
        assert second is not None
        assert third is not None
        found = await session.own_posts(since)
        assert [one.ref.id for one in found] == [third.id, second.id]
        assert all(one.author.is_self for one in found)

    @story(ReadsPosts)
    async def test_posts_that_are_gone_are_missing(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        stays, goes = (world.post(text, by="ada", at=bench.clock.advance(1)) for text in ("stays", "goes"))
        world.vanish(goes)
        found = await session.posts([stays, goes])
        assert {id: "stays" in one.text for id, one in found.items()} == {stays.id: True}

    @story(Publishes, ReadsMetrics)
    async def test_metrics_say_when_they_were_measured(self, bench: Bench) -> None:
        session = await bench.open()
        ref = (await performed(post("The kettle is on"), session, bench)).ref
        assert ref is not None
        found = (await session.metrics([ref]))[ref.id].metrics
        assert found is not None
        assert found.engagement == 0
        assert abs(found.measured_at - bench.clock.now()) < timedelta(minutes=1)


def mentioned(world: OtherSide, bench: Bench, number: int) -> PostRef:
    """One more mention, a second after what was before."""
    return world.mention(f"number {number}", by="ada", at=bench.clock.advance(1))
