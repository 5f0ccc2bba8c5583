"""A delivery's life beyond the straight way: crashes, pauses, limits, lateness, echoes, sequels."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fieldfare import (
    Account,
    Approval,
    Automation,
    Boost,
    Budget,
    Caps,
    Context,
    DeliverySettled,
    Draft,
    Event,
    Mention,
    MetricsObserved,
    Money,
    Notify,
    PostRef,
    Publish,
    QuietHours,
    Rate,
    Reply,
    Repost,
    hookimpl,
    on,
)
from fieldfare._store import control, steps
from fieldfare._store.sqlite import ms
from fieldfare.plugin import Refused
from fieldfare.testing import Playground, answer_lost, answered

from .line import START, Line
from .test_line import answering, mentioned, ours, quiet


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def posting(platform: Playground, *texts: str, **more: Any) -> Automation[Mention]:
    """Publishes a thread of these texts for every mention."""
    first, *rest = (Draft(text=text) for text in texts)

    def decide(event: Mention, ctx: Context) -> Publish:
        return Publish(draft=first, thread=tuple(rest))

    return Automation(name="posts", trigger=on.mention(Account("brand", platform)), decide=decide, **more)


def test_a_thread_whose_second_post_lost_its_answer_goes_on_with_the_third(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(answer_lost(containing="two"))
        line = await Line(tmp_path, posting(platform, "one", "two", "three")).start()
        await mentioned(line, platform)
        assert line.states == ["uncertain"]
        for _ in range(6):
            await line.move(30)
        assert line.states == ["delivered"]
        assert [kept.text for kept in ours(line, platform)] == ["one", "two", "three"]

    run(story())


def test_a_process_that_dies_after_sending_leaves_doubt_and_not_a_second_post(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        world = line.world(platform)

        async def dies(*_: Any, **__: Any) -> None:
            raise asyncio.CancelledError

        store_do = line.store.do

        async def until_the_answer(sentence: Any, *args: Any, **kwargs: Any) -> Any:
            if sentence is steps.answered:
                await dies()
            if line.store.do is until_the_answer and sentence.__module__.endswith("settle"):
                await dies()
            return await store_do(sentence, *args, **kwargs)

        line.store.do = until_the_answer  # type: ignore[method-assign]
        await mentioned(line, platform)
        line.store.do = store_do  # type: ignore[method-assign]
        assert line.states == ["sending"]
        await line.restart()
        line.engine.sessions._shared[platform.place] = world
        assert line.states == ["uncertain"]
        for _ in range(4):
            await line.move(30)
        assert line.states == ["delivered"]
        assert len(ours(line, platform)) == 1

    run(story())


def test_a_restart_answers_nothing_twice(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        world = line.world(platform)
        await line.restart()
        line.engine.sessions._shared[platform.place] = world
        await line.move(60)
        assert len(ours(line, platform)) == 1

    run(story())


@pytest.mark.parametrize("scope", ["all", "account:brand", "platform:playground", "automation:thanks"])
def test_nothing_leaves_a_paused_scope_until_it_is_resumed(scope: str, tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        await line.store.do(control.pause, scope=scope, reason="test", by="eva", now=0)
        await mentioned(line, platform)
        await line.move(60)
        assert (line.states, ours(line, platform)) == (["due"], [])
        await line.store.do(control.resume, scope=scope, now=ms(line.clock.now()))
        await line.move(1)
        assert line.states == ["delivered"]

    run(story())


def test_a_flag_file_alone_stops_a_send(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        (tmp_path / "pause").mkdir()
        (tmp_path / "pause" / "automation:thanks").touch()
        await mentioned(line, platform)
        assert (line.states, ours(line, platform)) == (["due"], [])

    run(story())


def test_a_dry_run_sends_nothing_whatever_the_connector_does(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        line.gate.dry_run = True
        await mentioned(line, platform)
        assert (line.states, ours(line, platform)) == (["due"], [])

    run(story())


def test_a_cancelled_delivery_never_leaves(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, approval=Approval(by="support"))).start()
        await mentioned(line, platform)
        (held,) = line.deliveries
        await line.store.do(control.cancel, key=held.key, by="eva", now=0)
        with pytest.raises(control.TooLate):
            await line.store.do(control.approve, key=held.key, digest=None, by="eva", now=0)
        await line.move(60)
        assert (line.states, ours(line, platform)) == (["cancelled"], [])

    run(story())


def test_an_edit_voids_the_approval(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, approval=Approval(by="support"))).start()
        await mentioned(line, platform)
        (held,) = line.deliveries
        now = ms(line.clock.now())
        await line.store.do(control.approve, key=held.key, digest=held.digest, by="eva", now=now)
        await line.store.do(
            control.edit, key=held.key, action="{}", digest="other", fingerprint="f", asks=True, by="bob", now=now
        )
        await line.move(1)
        assert line.states == ["held"]
        with pytest.raises(control.TooLate, match="has changed since"):
            await line.store.do(control.approve, key=held.key, digest=held.digest, by="eva", now=now)

    run(story())


def test_content_that_is_not_what_was_approved_is_not_sent(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, approval=Approval(by="support"))).start()
        await mentioned(line, platform)
        (held,) = line.deliveries
        await line.store.do(control.approve, key=held.key, digest=None, by="eva", now=ms(line.clock.now()))
        await line.store.do(lambda c: c.execute("UPDATE deliveries SET action = replace(action, 'thank', 'damn')"))
        await line.move(1)
        assert (line.states, ours(line, platform)) == (["failed"], [])

    run(story())


def test_quiet_hours_hold_until_they_end(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        night = QuietHours(start=time(8, 0), end=time(10, 30), zone="UTC")
        line = await Line(tmp_path, answering(platform, limits=(night,))).start()
        await mentioned(line, platform)
        assert line.states == ["due"]
        await line.move(91 * 60)
        assert line.states == ["delivered"]

    run(story())


def test_a_full_rate_that_skips_leaves_a_reason_and_no_delivery(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        rate = Rate(count=1, per=timedelta(hours=1), full="skip")
        line = await Line(tmp_path, answering(platform, limits=(rate,))).start()
        await mentioned(line, platform)
        await mentioned(line, platform, by="bob")
        assert line.states == ["delivered"]
        assert line.reasons(2)["thanks"][1].startswith("rate: 1 in")

    run(story())


def test_one_person_gets_no_more_replies_than_the_caps_say(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, limits=(Caps(per_person=2),))).start()
        for _ in range(4):
            await mentioned(line, platform)
        assert line.states == ["delivered", "delivered"]
        assert line.reasons(3)["thanks"] == (
            "no",
            "caps: already 2 of 2 automatic replies to this person in 1 day, 0:00:00",
        )

    run(story())


def test_what_could_not_leave_in_time_expires_and_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, late_after=timedelta(minutes=30))).start()
        await line.store.do(control.pause, scope="all", reason="", by="eva", now=0)
        await mentioned(line, platform)
        await line.move(31 * 60)
        assert line.states == ["expired"]
        assert line.store.read(lambda c: c.execute("SELECT what FROM troubles").fetchall()) == [("expired",)]

    run(story())


def test_late_ask_holds_for_a_person(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, late="ask", late_after=timedelta(minutes=30))).start()
        await line.store.do(control.pause, scope="all", reason="", by="eva", now=0)
        await mentioned(line, platform)
        await line.move(31 * 60)
        assert line.states == ["held"]
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        (held,) = line.deliveries
        await line.store.do(control.approve, key=held.key, digest=None, by="eva", now=ms(line.clock.now()))
        await line.move(1)
        assert line.states == ["delivered"]

    run(story())


def test_overdue_posts_leave_one_by_one_after_an_absence(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        line.gate.stopping = True
        for by in ("ada", "bob", "eve"):
            await mentioned(line, platform, by=by)
        world = line.world(platform)
        line.clock.move(3600)
        line.gate.stopping = False
        await line.restart()
        line.engine.sessions._shared[platform.place] = world
        await line.round()
        assert sorted(line.states) == ["delivered", "due", "due"]
        await line.move(21)
        assert sorted(line.states) == ["delivered", "delivered", "due"]

    run(story())


def test_two_automations_repost_the_same_post_once(tmp_path: Path) -> None:
    def repost(event: Mention, ctx: Context) -> Repost:
        return Repost(post=event.post.ref)

    async def story() -> None:
        platform = quiet()
        brand = Account("brand", platform)
        both = [Automation(name=name, trigger=on.mention(brand), decide=repost) for name in ("one", "two")]
        line = await Line(tmp_path, *both).start()
        await mentioned(line, platform)
        assert line.states == ["delivered"]
        assert line.reasons()["two"][1].startswith("already done by 'one/")

    run(story())


def test_an_echo_of_our_own_post_carries_its_lineage(tmp_path: Path) -> None:
    seen: list[int] = []

    def note(event: Event, ctx: Context) -> None:
        seen.append(event.lineage)

    async def story() -> None:
        platform = quiet()
        brand = Account("brand", platform)
        echo = Automation(name="echo", trigger=on.published(brand), decide=note)
        line = await Line(tmp_path, posting(platform, "ours"), echo).start()
        line.world(platform).post("brand", "by hand", at=line.clock.now())
        await mentioned(line, platform)
        await line.move(600)
        assert sorted(seen) == [0, 1]

    run(story())


def test_a_delivery_is_followed_up(tmp_path: Path) -> None:
    def tell(event: DeliverySettled, ctx: Context) -> Notify:
        return Notify(text=f"{event.automation} delivered a {event.action}")

    async def story() -> None:
        platform = quiet()
        first = answering(platform)
        sequel = Automation(name="sequel", trigger=on.delivered(first, after=timedelta(minutes=5)), decide=tell)
        line = await Line(tmp_path, first, sequel).start()
        await mentioned(line, platform)
        await line.move(60)
        assert line.states == ["delivered"]
        await line.move(300)
        assert [(d.automation, d.state) for d in line.deliveries][1:] == [("sequel", "delivered")]

    run(story())


def test_trouble_is_an_event(tmp_path: Path) -> None:
    def tell(event: Any, ctx: Context) -> Notify:
        return Notify(text=f"{event.what}: {event.says}")

    async def story() -> None:
        platform = quiet(answer_lost())
        alarm = Automation(name="alarm", trigger=on.trouble(), decide=tell)
        line = await Line(tmp_path, answering(platform), alarm).start()
        await mentioned(line, platform)
        await line.move(1)
        (notice,) = [d for d in line.deliveries if d.automation == "alarm"]
        assert "uncertain: " in (notice.action or "")

    run(story())


def liked(line: Line, platform: Playground, id: str, people: int) -> None:
    for number in range(people):
        line.world(platform).person(f"fan{number}")
        line.world(platform).like(f"fan{number}", id)


def popular(platform: Playground, **more: Any) -> Automation[MetricsObserved]:
    def repost(event: MetricsObserved, ctx: Context) -> Notify:
        return Notify(text=f"{event.metrics.likes} likes")

    trigger = on.metrics(Account("brand", platform), passes=3, of="likes", **more)
    return Automation(name="popular", trigger=trigger, decide=repost)


def test_a_level_is_crossed_once_however_often_it_is_read(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, popular(platform)).start()
        kept = line.world(platform).post("brand", "a post", at=line.clock.now())
        for people in (1, 3, 4, 9):
            liked(line, platform, kept.ref.id, people)
            await line.move(900)
        assert [d.automation for d in line.deliveries] == ["popular"]

    run(story())


def test_a_post_already_above_at_the_first_reading_is_left_alone(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = Line(tmp_path, popular(platform))
        first = Line(tmp_path / "other", answering(platform), store=line.store)
        await first.start()
        kept = first.world(platform).post("brand", "old", at=START - timedelta(hours=2))
        liked(first, platform, kept.ref.id, 5)
        await line.engine.start(_set(line), line.host)
        line.engine.sessions._shared[platform.place] = first.world(platform)
        await line.round()
        assert line.reasons(1)["popular"][0] == "missed"

    run(story())


def _set(line: Line) -> Any:
    from .line import placed

    return placed(line.automations)


def test_money_is_reserved_before_the_call(tmp_path: Path) -> None:
    spend = Money(amount=Decimal(10), currency="EUR")
    budget = Budget(total=Money(amount=Decimal(25), currency="EUR"))

    async def story() -> None:
        from fieldfare._store.admission import Conclusion, Judged, conclude
        from fieldfare._store.planned import Planned

        line = Line(tmp_path)
        planned = [
            Planned(
                key=f"ads/{n}/0", automation="ads", account="brand", kind="boost", action="{}", digest="", line=str(n),
                fingerprint=str(n), late_ms=1, expires_at=10**15, cost=spend, limits=(budget,),
            )
            for n in range(4)
        ]  # fmt: skip
        for n, one in enumerate(planned):
            judged = Judged(automation=f"ads{n}", verdict="yes", reason="", source="", planned=(one,))
            await line.store.do(conclude, [Conclusion(n, (judged,))], judged_by=1, now=1)
        assert len(line.states) == 2
        assert line.reasons(2)["ads2"][1] == "budget: 10 EUR asked, 5 EUR of 25 EUR left"

    run(story())


def test_what_names_a_missing_automation_is_held_and_moves_when_it_returns(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        line.gate.stopping = True
        await mentioned(line, platform)
        line.gate.stopping = False
        (automation,) = line.automations
        line.automations = (posting(platform, "other"),)
        await line.engine.replace(_set(line), line.host)
        assert (line.states, line.deliveries[0].reason) == (
            ["held"],
            "automation 'thanks' is gone; it moves again when the name returns",
        )
        line.automations = (automation,)
        await line.engine.replace(_set(line), line.host)
        await line.move(1)
        assert line.states == ["delivered"]

    run(story())


def test_a_renamed_automation_keeps_its_once_keys(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform, once_per=lambda e: e.post.author.id)).start()
        await mentioned(line, platform)
        brand = Account("brand", platform)
        (old,) = line.automations
        line.automations = (
            Automation(
                name="gratitude",
                trigger=on.mention(brand),
                decide=old.decide,
                once_per=lambda e: e.post.author.id,
                renamed_from="thanks",
            ),
        )
        await line.engine.replace(_set(line), line.host)
        await mentioned(line, platform)
        assert len(line.states) == 1
        assert line.reasons(2)["gratitude"][1].startswith("already acted on")

    run(story())


def test_a_step_in_doubt_is_not_sent_again_by_another_attempt(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet(answer_lost())
        line = await Line(tmp_path, answering(platform)).start()
        await mentioned(line, platform)
        (doubt,) = line.deliveries
        await line.store.do(lambda c: c.execute("UPDATE deliveries SET state = 'sending'"))
        (step,) = line.store.read(steps.steps, doubt.id)
        again: dict[str, Any] = {
            "delivery": doubt.id,
            "token": doubt.token,
            "name": step.name,
            "now": 1,
            "server_now": 1,
        }
        with pytest.raises(Refused, match="was sent before"):
            await line.store.do(steps.sending, **again)

    run(story())


def test_a_boost_is_never_more_than_its_budget_allows_by_type() -> None:
    boost = Boost(
        post=PostRef(platform="playground", id="1"),
        spend=Money(amount=Decimal(5), currency="EUR"),
        days=2,
    )
    assert boost.cost == boost.spend


def test_a_reply_is_never_more_visible_than_what_it_answers(tmp_path: Path) -> None:
    from fieldfare import Visibility
    from fieldfare.testing import mention, post

    event = mention("psst @brand")
    quiet_post = post("psst @brand").model_copy(update={"visibility": Visibility.FOLLOWERS, "ref": event.post.ref})
    event = event.model_copy(update={"post": quiet_post})
    reply = Reply(to=event.post.ref, text="hi", visibility=Visibility.PUBLIC).completed(event)
    assert reply.visibility is Visibility.FOLLOWERS


def test_a_clock_set_back_delays_nothing_that_was_due(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        line.gate.stopping = True
        await mentioned(line, platform)
        line.gate.stopping = False
        line.clock.set_wall(line.clock.now() - timedelta(hours=1))
        await line.round()
        assert line.states == ["delivered"]

    run(story())


def test_a_notice_that_fails_is_not_told_by_itself_for_ever(tmp_path: Path) -> None:
    def tell(event: Any, ctx: Context) -> Notify:
        return Notify(text=event.says, webhook="https://hooks.example/x")

    async def story() -> None:
        platform = quiet(answered(422))
        alarm = Automation(name="alarm", trigger=on.trouble(), decide=tell, late_after=timedelta(minutes=1))
        line = await Line(tmp_path, answering(platform), alarm).start()
        await mentioned(line, platform)
        for _ in range(12):
            await line.move(30)
        assert [(d.automation, d.state) for d in line.deliveries] == [("thanks", "failed"), ("alarm", "expired")]

    run(story())


def test_an_observer_hears_of_every_state(tmp_path: Path) -> None:
    seen: list[str] = []

    class Watching:
        @staticmethod
        @hookimpl
        def fieldfare_delivery_changed(delivery: Any) -> None:
            seen.append(delivery.state)

    async def story() -> None:
        platform = quiet()
        line = Line(tmp_path, answering(platform))
        line.host.register(Watching, name="watching")
        await line.start()
        await mentioned(line, platform)

    run(story())
    assert seen == ["due", "sending", "delivered"]
