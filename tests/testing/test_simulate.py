"""Decisions without consequences."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from fieldfare import (
    Account,
    Automation,
    Condition,
    Context,
    DeliverySettled,
    Draft,
    Event,
    Media,
    Mention,
    MetricsObserved,
    Notify,
    Outcome,
    Publish,
    Reply,
    Repost,
    SlotReached,
    TroubleSeen,
    Verdict,
    automation,
    condition,
    contains,
    engagement,
    from_bot,
    hookimpl,
    on,
    skip,
)
from fieldfare.testing import (
    Playground,
    Simulation,
    author,
    delivered,
    due,
    follow,
    mention,
    post,
    published,
    reading,
    reply,
    simulate,
    slot,
    trouble,
)
from fieldfare.testing._lent import NOON

brand = Account("brand", Playground())
press = Account("press", Playground(handle="press"))


def run(automations: Any, events: Sequence[Event], **more: Any) -> Simulation:
    return asyncio.run(simulate(automations, events, **more))


@automation(on.mention(brand), when=~from_bot())
def answer(event: Mention, ctx: Context) -> Outcome:
    if "?" not in event.post.text:
        return skip("not a question")
    return Reply(to=event.post.ref, text=f"Hi @{event.post.author.handle}")


def texts(simulation: Simulation) -> list[str]:
    return [draft.text for action in simulation.actions for draft in action.drafts]


def test_an_action_comes_out_complete() -> None:
    (made,) = run(answer, [mention("open? @brand", by="ada", language="de", warning="bread")]).actions
    assert isinstance(made, Reply)
    assert (made.text, made.language, made.warning, made.person) == ("Hi @ada", "de", "bread", "person-ada")


def test_what_is_not_done_has_a_reason() -> None:
    simulation = run(answer, [mention("hello @brand")])
    assert (simulation.actions, simulation.reasons) == ([], ["not a question"])


def test_a_condition_that_says_no_is_named() -> None:
    assert run(answer, [mention("open?", by=author("clockwork", bot=True))]).reasons == ["no: not author is a bot"]


def test_the_account_itself_is_not_answered() -> None:
    assert run(answer, [mention("open?", by=author("brand", us=True))]).reasons == [
        "no: not author is the account itself"
    ]


def test_a_function_that_says_no_is_named() -> None:
    @condition
    def is_a_greeting(event: Mention) -> bool:
        return "hello" in event.post.text

    greet = Automation(name="greet", trigger=on.mention(brand), decide=answer.decide, when=is_a_greeting)
    assert run(greet, [mention("open?")]).reasons == ["no: is a greeting"]


def test_twice_the_same_is_twice_equal() -> None:
    @automation(on.mention(brand))
    def dice(event: Mention, ctx: Context) -> Reply:
        return Reply(to=event.post.ref, text=f"You threw {random.randint(1, 10**9)}")

    events = [mention("throw one"), mention("throw two"), mention("throw three")]
    assert run(dice, events, seed=3) == run(dice, events, seed=3)
    assert texts(run(dice, events, seed=3)) != texts(run(dice, events, seed=4))


def test_a_simulation_leaves_the_dice_as_they_were() -> None:
    random.seed(1)
    expected = random.Random(1).random()
    run(answer, [mention("open?")])
    assert random.random() == expected


def test_a_simulation_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.new_event_loop()

    def refused(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    simulation = loop.run_until_complete(simulate(answer, [mention("open?")]))
    monkeypatch.undo()
    loop.close()
    assert len(simulation.actions) == 1


def test_events_of_another_kind_or_account_are_nothing_to_it() -> None:
    elsewhere = mention("open?").model_copy(update={"account": "press"})
    assert run(answer, [follow(), reply("open?"), elsewhere]) == Simulation()


def test_each_automation_has_its_own_decision() -> None:
    @automation(on.mention(brand))
    def look_away(event: Mention, ctx: Context) -> Outcome:
        return None

    decisions = run([answer, look_away], [mention("open?")]).decisions
    assert [(d.automation, d.verdict, d.reason) for d in decisions] == [
        ("answer", "yes", "reply"),
        ("look-away", "no", "decided to do nothing"),
    ]


def test_an_error_is_a_decision_that_says_so() -> None:
    @automation(on.mention(brand))
    def stumble(event: Mention, ctx: Context) -> Outcome:
        raise ValueError("no such thing")

    assert [d.verdict for d in run(stumble, [mention()]).decisions] == ["error"]
    assert run(stumble, [mention()]).reasons == ["decide raised ValueError: no such thing"]


def test_a_decision_may_be_awaited() -> None:
    @automation(on.mention(brand))
    async def think(event: Mention, ctx: Context) -> Outcome:
        await asyncio.sleep(0)
        return Reply(to=event.post.ref, text="I thought about it")

    assert texts(run(think, [mention()])) == ["I thought about it"]


def test_an_awaited_decision_that_fails_says_so() -> None:
    @automation(on.mention(brand))
    async def think(event: Mention, ctx: Context) -> Outcome:
        raise RuntimeError("too hard")

    assert run(think, [mention()]).reasons == ["decide raised RuntimeError: too hard"]


def test_a_text_over_the_bounds_is_no_action() -> None:
    @automation(on.mention(brand))
    def ramble(event: Mention, ctx: Context) -> Outcome:
        return Reply(to=event.post.ref, text="la " * 200)

    (reason,) = run(ramble, [mention()]).reasons
    assert "300 is allowed" in reason


def test_a_reviewer_is_heard() -> None:
    class NoBread:
        @hookimpl
        def fieldfare_review(self, action: Any) -> Verdict | None:
            return Verdict(reason="no bread") if "bread" in action.drafts[0].text else None

    @automation(on.mention(brand))
    def echo(event: Mention, ctx: Context) -> Outcome:
        return Reply(to=event.post.ref, text=event.post.text)

    simulation = run(echo, [mention("bread?"), mention("tea?")], plugins=[NoBread()])
    assert (texts(simulation), simulation.reasons) == (["tea?"], ["review: no bread"])


def test_once_per_is_remembered() -> None:
    @automation(on.mention(brand), once_per=lambda event: event.post.author.id)
    def greet(event: Mention, ctx: Context) -> Outcome:
        return Reply(to=event.post.ref, text="Hi")

    simulation = run(greet, [mention("one"), mention("two"), mention("three", by="ben")])
    assert len(simulation.actions) == 2
    assert simulation.reasons == ["already acted on 'greet/person-ada/0'"]


def test_a_decision_sees_what_it_did_before_and_nothing_of_others() -> None:
    @automation(on.mention(brand))
    def count(event: Mention, ctx: Context) -> Outcome:
        return Reply(to=event.post.ref, text=", ".join(str(past.action["text"]) for past in ctx.history) or "first")

    simulation = run([answer, count], [mention("one?"), mention("two?"), mention("three?")])
    assert texts(simulation)[1::2] == ["first", "first", "first, first"]


def test_an_action_that_happens_once_happens_once_whoever_asks() -> None:
    @automation(on.metrics(brand), when=engagement(10))
    def share(event: MetricsObserved, ctx: Context) -> Outcome:
        return Repost(post=event.post.ref)

    twin = Automation(name="twin", trigger=on.metrics(brand), decide=share.decide)
    simulation = run([share, twin], [reading(likes=12)])
    assert len(simulation.actions) == 1
    (reason,) = simulation.reasons
    assert reason.startswith("already done by 'share/")


def test_the_same_event_again_is_no_event() -> None:
    simulation = run(answer, [mention("open?"), mention("open?")])
    assert len(simulation.actions) == 1
    assert "the same event again" in simulation.reasons[0]


def test_a_level_is_passed_once_and_again_after_it_was_below() -> None:
    @automation(on.metrics(brand, passes=10), once_per=lambda event: event.id)
    def tell(event: MetricsObserved, ctx: Context) -> Outcome:
        return Notify(text=f"{event.metrics.engagement}")

    simulation = run(tell, [reading(likes=n) for n in (5, 12, 15, 3, 11)])
    assert [action.text for action in simulation.actions if isinstance(action, Notify)] == ["12", "11"]
    assert simulation.reasons == ["below engagement 10", "passed engagement 10 before", "below engagement 10"]


def test_a_no_does_not_spend_a_crossing() -> None:
    @automation(on.metrics(brand, passes=10))
    def tell(event: MetricsObserved, ctx: Context) -> Outcome:
        return skip("not yet") if event.metrics.engagement < 13 else Notify(text="now")

    assert len(run(tell, [reading(likes=n) for n in (5, 12, 15)]).actions) == 1


def test_a_repeat_does_not_spend_a_crossing() -> None:
    @automation(on.metrics(brand, passes=10), once_per=lambda event: "today")
    def tell(event: MetricsObserved, ctx: Context) -> Outcome:
        return Notify(text="now")

    other = post("good night", by=author("brand", us=True))
    simulation = run(tell, [reading(likes=12), *(reading(likes=n, of=other) for n in (12, 13))])
    assert simulation.reasons == ["already acted on 'tell/today/0'"] * 2


def test_a_follow_up_listens_to_its_own_automation_only() -> None:
    @automation(on.delivered("announce", after=timedelta(days=1)))
    def thank(event: DeliverySettled, ctx: Context) -> Outcome:
        return Notify(text=event.automation)

    assert len(run(thank, [delivered("announce"), delivered("other")]).decisions) == 1


def test_trouble_of_another_kind_is_nothing_to_it() -> None:
    @automation(on.trouble("held"))
    def tell(event: TroubleSeen, ctx: Context) -> Outcome:
        return Notify(text=event.says)

    assert len(run(tell, [trouble("held"), trouble("uncertain")]).decisions) == 1


def test_an_event_is_judged_at_its_own_moment_unless_told_otherwise() -> None:
    moments: list[Any] = []

    @automation(on.schedule("0 9 * * *", zone="Europe/Berlin"), account=brand)
    def note(event: SlotReached, ctx: Context) -> Outcome:
        moments.append((ctx.now, ctx.account))
        return Publish(draft=Draft(text="good morning"))

    run(note, [slot()])
    run(note, [slot()], now=NOON + timedelta(hours=1))
    assert moments == [(NOON, brand), (NOON + timedelta(hours=1), brand)]


def test_media_is_measured_and_a_missing_file_is_an_error(tmp_path: Any) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n....")

    @automation(on.mention(brand))
    def show(event: Mention, ctx: Context) -> Outcome:
        return Reply(to=event.post.ref, text="look", media=(Media(source=event.post.text, alt="a dot"),))

    simulation = run(show, [mention("dot.png"), mention("cat.png")], project=tmp_path)
    assert [(d.media[0].mime, d.media[0].size) for a in simulation.actions for d in a.drafts] == [("image/png", 12)]
    assert simulation.reasons == ["'cat.png' cannot be read: No such file or directory"]


def test_the_same_maker_makes_the_same_event() -> None:
    assert mention("hi") == mention("hi")
    assert mention("hi").id != mention("ho").id
    assert reading(likes=1).id != reading(likes=2).id
    assert reading(likes=1).post.ref == reading(likes=2).post.ref


def test_made_events_say_who_and_what() -> None:
    above = post("good morning", by=author("brand", us=True))
    answered = reply("thanks", to=above)
    assert answered.post.reply_to == above.ref
    assert answered.conversation == above.ref.id
    assert published().post.author.is_self
    assert due("tea", row={"image": "tea.png"}).row == {"id": due("tea").id, "text": "tea", "image": "tea.png"}


def test_data_conditions_and_functions_are_asked_in_the_order_of_the_engine() -> None:
    @condition
    def never(event: Mention) -> bool:
        return False

    when: Condition[Mention] = never & contains("tea")
    both = Automation(name="both", trigger=on.mention(brand), decide=answer.decide, when=when)
    assert run(both, [mention("coffee")]).reasons == ["no: text contains 'tea'"]
