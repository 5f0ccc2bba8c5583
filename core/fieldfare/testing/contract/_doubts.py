"""What is asked when an answer was lost."""

from __future__ import annotations

import pytest

from ...plugin import Found, OutcomeUnknown, Publishes, Recalls, Receipt
from ._bench import Bench, OtherSide, story
from ._writes import performed, post, writes_of

LOST = "The tea is ready"


class Doubts:
    @story(Publishes)
    async def test_a_lost_answer_is_doubt(self, bench: Bench) -> None:
        session = await bench.open()
        trial = bench.trial(session).lose(await writes_of(session, bench))
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        assert trial.doubt is not None

    @story(Publishes)
    async def test_a_remembered_key_makes_a_repeat_harmless(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        if session.declares[Publishes].idempotency not in ("client_key", "native_key"):
            pytest.skip("this network remembers no keys")
        trial = bench.trial(session).lose(await writes_of(session, bench))
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        bench.settle(session, Publishes)
        trial.repeat()
        done = await post(LOST).perform(session, trial.again())
        assert isinstance(done, Receipt)
        assert [one.ref.id for one in world.published() if LOST in one.text] == [done.ref and done.ref.id]

    @story(Publishes, Recalls)
    async def test_a_post_whose_answer_was_lost_is_found_and_not_sent_again(
        self, bench: Bench, world: OtherSide
    ) -> None:
        session = await bench.open()
        trial = bench.trial(session).lose(await writes_of(session, bench))
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        bench.settle(session, Publishes)
        done = await trial.settled(post(LOST))
        assert isinstance(done, Receipt), f"recall gave {done!r}"
        assert [one.ref.id for one in world.published() if LOST in one.text] == [done.ref and done.ref.id]

    @story(Publishes, Recalls)
    async def test_the_newest_post_is_not_taken_for_the_lost_one(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        trial = bench.trial(session).lose(await writes_of(session, bench))
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        bench.clock.advance(5)
        newest = await performed(post("The cake comes later"), session, bench, "newest")
        bench.settle(session, Publishes)
        done = await trial.settled(post(LOST))
        assert isinstance(done, Receipt), f"recall gave {done!r}"
        assert done.ref is not None
        assert not done.ref.same(newest.ref)
        assert [LOST in one.text for one in world.published() if one.ref.same(done.ref)] == [True]

    @story(Publishes, Recalls)
    async def test_a_post_that_never_arrived_is_not_found(self, bench: Bench, world: OtherSide) -> None:
        session = await bench.open()
        trial = bench.trial(session).swallow(await writes_of(session, bench))
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        bench.clock.advance(5)
        await performed(post("The cake comes later"), session, bench, "newest")
        bench.settle(session, Publishes)
        said = await trial.resolve(post(LOST))
        assert not isinstance(said, Found)
        assert [one for one in world.published() if LOST in one.text] == []

    @story(Publishes, Recalls)
    async def test_an_equal_post_of_an_earlier_delivery_is_not_taken_for_the_lost_one(self, bench: Bench) -> None:
        session = await bench.open()
        count = await writes_of(session, bench)
        earlier = await performed(post(LOST), session, bench, "earlier")
        assert earlier.ref is not None
        bench.clock.advance(1)
        trial = bench.trial(session, "later", taken={earlier.ref.id}).swallow(count)
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        bench.settle(session, Publishes)
        assert not isinstance(await trial.resolve(post(LOST)), Found)

    @story(Publishes, Recalls)
    async def test_an_equal_post_of_another_delivery_is_never_adopted(self, bench: Bench) -> None:
        session = await bench.open()
        trial = bench.trial(session, "first").swallow(await writes_of(session, bench))
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        bench.clock.advance(1)
        neighbour = await performed(post(LOST), session, bench, "second")
        assert neighbour.ref is not None
        trial.taken_ids = frozenset({neighbour.ref.id})
        bench.settle(session, Publishes)
        assert not isinstance(await trial.resolve(post(LOST)), Found)

    @story(Publishes, Recalls)
    async def test_an_equal_post_that_was_there_before_is_not_taken_for_the_lost_one(self, bench: Bench) -> None:
        session = await bench.open()
        count = await writes_of(session, bench)
        await performed(post(LOST), session, bench, "by hand")
        bench.clock.advance(3600)
        trial = bench.trial(session).swallow(count)
        with pytest.raises(OutcomeUnknown):
            await post(LOST).perform(session, trial)
        bench.settle(session, Publishes)
        assert not isinstance(await trial.resolve(post(LOST)), Found)
