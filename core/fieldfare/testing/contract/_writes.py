"""What is asked of writes that go well, and of answers that say no."""

from __future__ import annotations

from typing import Any

import pytest

from ... import Delete, Like, Publish, Reply, Repost
from ...plugin import (
    Answer,
    AuthFailed,
    Deletes,
    Draft,
    Likes,
    Media,
    Mention,
    NotSent,
    OutcomeUnknown,
    PlatformError,
    Publishes,
    ReadsMentions,
    Receipt,
    Rejected,
    Replies,
    Reposts,
    Session,
    Visibility,
)
from ._bench import DOT, DOT_SHA256, Bench, OtherSide, Pulling, story

ANSWERS = [(401, AuthFailed), (422, Rejected), (429, NotSent), (503, OutcomeUnknown)]


def post(text: str) -> Publish:
    return Publish(draft=Draft(text=text))


async def performed(action: Any, session: Session, bench: Bench, delivery: str = "one") -> Receipt:
    """The receipt of an action that needs no second attempt."""
    done = await action.perform(session, bench.trial(session, delivery))
    assert isinstance(done, Receipt), f"{action.kind} gave {done!r}"
    return done


async def first_mention(session: Any) -> Mention:
    """The mention that the account sees."""
    (event,) = await Pulling(session.mentions).pull()
    assert isinstance(event, Mention)
    return event


class Writes:
    @story(Publishes)
    async def test_publishing_says_where_the_post_is(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        done = await performed(post("The kettle is on"), session, bench)
        (there,) = world.published()
        assert done.ref is not None
        assert done.ref.platform == bench.platform.kind
        assert done.ref.same(there.ref)

    @story(Publishes)
    async def test_a_thread_is_one_post_below_the_other(self, bench: Bench, world: OtherSide) -> None:
        if bench.platform.bounds.thread < 3:
            pytest.skip(f"a thread has at most {bench.platform.bounds.thread} posts here")
        session = await bench.open()
        thread = Publish(draft=Draft(text="One"), thread=(Draft(text="Two"), Draft(text="Three")))
        done = await performed(thread, session, bench)
        there = world.published()
        assert [ref.id for ref in done.refs] == [one.ref.id for one in there]
        assert [one.reply_to and one.reply_to.id for one in there] == [None, there[0].ref.id, there[1].ref.id]
        assert done.ref is not None
        assert done.ref.same(done.refs[0])

    @story(Publishes)
    async def test_media_is_published_with_its_post(self, bench: Bench, world: OtherSide) -> None:
        if not bench.platform.bounds.media:
            pytest.skip("no media here")
        session = await bench.open()
        dot = Media(source="dot.png", alt="a grey dot", sha256=DOT_SHA256, mime="image/png", size=len(DOT))
        await performed(Publish(draft=Draft(text="Look", media=(dot,))), session, bench)
        assert [one.media_count for one in world.published()] == [1]

    @story(Publishes)
    async def test_a_delivery_that_is_done_sends_nothing_more(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        trial = bench.trial(session)
        before = await post("The kettle is on").perform(session, trial)
        bench.clock.advance(90)
        again = trial.again()
        after = await post("The kettle is on").perform(session, again)
        assert again.sent == []
        assert after == before
        assert len(world.published()) == 1

    @story(Publishes)
    async def test_a_repeat_sends_the_same_request(self, bench: Bench) -> None:
        session = await bench.open()
        count = await writes_of(session, bench)
        trial = bench.trial(session).refuse(count)
        with pytest.raises(NotSent):
            await post("The kettle is on").perform(session, trial)
        bench.clock.advance(90)
        again = trial.again()
        await post("The kettle is on").perform(session, again)
        before, after = trial.sent[-1], again.sent[0]
        assert (after.method, after.url, after.params) == (before.method, before.url, before.params)
        assert (after.json, after.form, after.content) == (before.json, before.form, before.content)
        assert keys_in(after.headers) == keys_in(before.headers)

    @story(Publishes)
    async def test_two_equal_intents_a_second_apart_are_two_posts(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        if session.declares[Publishes].idempotency == "platform_dedupe":
            pytest.skip("this network takes equal content once")
        first = await performed(post("The kettle is on"), session, bench, "one")
        bench.clock.advance(1)
        second = await performed(post("The kettle is on"), session, bench, "two")
        assert first.ref is not None
        assert not first.ref.same(second.ref)
        assert len(world.published()) == 2

    @pytest.mark.parametrize(("status", "means"), ANSWERS)
    @story(Publishes)
    async def test_an_answer_becomes_the_right_error(
        self, bench: Bench, status: int, means: type[PlatformError]
    ) -> None:
        session = await bench.open()
        trial = bench.trial(session).answer(
            Answer(status=status, headers={"retry-after": "7"}, body=b'{"error": "no"}')
        )
        with pytest.raises(PlatformError) as caught:
            await post("The kettle is on").perform(session, trial)
        assert type(caught.value) is means
        assert (trial.doubt is not None) == (means is OutcomeUnknown)
        if isinstance(caught.value, NotSent):
            assert caught.value.retry_after == 7

    @story(Replies, ReadsMentions)
    async def test_a_reply_names_its_parent(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        parent = world.mention("are you open?", by="ada", at=bench.clock.now())
        event = await first_mention(session)
        await performed(Reply(to=event.post.ref, text="From nine").completed(event), session, bench)
        (answer,) = world.published()
        assert parent.same(answer.reply_to)

    @pytest.mark.parametrize("visibility", list(Visibility))
    @story(Replies, ReadsMentions)
    async def test_a_reply_is_never_more_visible_than_its_parent(
        self, bench: Bench, world: OtherSide, visibility: Visibility
    ) -> None:
        session = await bench.open()
        world.mention("are you open?", by="ada", at=bench.clock.now(), visibility=visibility)
        event = await first_mention(session)
        loud = Reply(to=event.post.ref, text="From nine", visibility=Visibility.PUBLIC)
        await performed(loud, session, bench)
        (answer,) = world.published()
        assert answer.visibility.width <= event.post.visibility.width

    @story(Replies, ReadsMentions)
    async def test_a_reply_to_what_is_gone_is_rejected(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        parent = world.mention("are you open?", by="ada", at=bench.clock.now())
        event = await first_mention(session)
        world.vanish(parent)
        with pytest.raises(Rejected):
            await performed(Reply(to=event.post.ref, text="From nine").completed(event), session, bench)
        assert list(world.published()) == []

    @story(Reposts)
    async def test_a_repost_is_done_and_may_be_asked_for_again(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        there = world.post("fresh bread", by="ada", at=bench.clock.now())
        await performed(Repost(post=there), session, bench, "one")
        await performed(Repost(post=there), session, bench, "two")

    @story(Likes)
    async def test_a_like_is_done_and_may_be_asked_for_again(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        there = world.post("fresh bread", by="ada", at=bench.clock.now())
        await performed(Like(post=there), session, bench, "one")
        await performed(Like(post=there), session, bench, "two")

    @story(Publishes, Deletes)
    async def test_a_deleted_post_is_gone_and_gone_counts_as_done(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        done = await performed(post("The kettle is on"), session, bench)
        assert done.ref is not None
        await performed(Delete(post=done.ref), session, bench, "two")
        assert list(world.published()) == []
        await performed(Delete(post=done.ref), session, bench, "three")


async def writes_of(session: Session, bench: Bench) -> int:
    """How many requests one short post takes: found out with one that is then part of the scene."""
    trial = bench.trial(session, "counting")
    await post("First things first").perform(session, trial)  # type: ignore[arg-type]
    bench.clock.advance(5)
    return len(trial.sent)


def keys_in(headers: Any) -> dict[str, str]:
    """The headers that identify a write."""
    return {name.lower(): value for name, value in headers.items() if "idempotency" in name.lower()}
