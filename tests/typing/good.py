"""What automations look like; both type checkers, at their strictest, have nothing to say about it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from fieldfare import (
    Account,
    Action,
    Approval,
    Automation,
    Boost,
    Budget,
    Caps,
    Condition,
    ContentDue,
    Context,
    DeliverySettled,
    Draft,
    Event,
    Followed,
    HookReceived,
    Like,
    Media,
    Mention,
    MetricsObserved,
    Money,
    Notify,
    Outcome,
    PostEvent,
    Publish,
    QuietHours,
    Rate,
    Reply,
    Repost,
    Rule,
    Skip,
    SlotReached,
    TroubleSeen,
    Verdict,
    author_in,
    automation,
    condition,
    contains,
    engagement,
    followers,
    from_bot,
    hookimpl,
    language,
    lineage,
    matches,
    on,
    secret,
    skip,
    younger_than,
)
from fieldfare.plugin import Batch, PostRef
from fieldfare.testing import Playground

brand = Account("brand", Playground())
press = Account("press", Playground(token=secret("PRESS_TOKEN")))
ten_euros = Money(amount=Decimal(10), currency="EUR")


# conditions: of functions and of data, wide and narrow, combined in any order


@condition
def asks_something(event: Mention) -> bool:
    return "?" in event.post.text


@condition
def is_about_a_post(event: PostEvent) -> bool:
    return bool(event.post.text)


def engagement_of(least: int) -> Condition[MetricsObserved]:
    return Condition(f"engagement of {least} or more", lambda event: event.metrics.engagement >= least)


narrow_first: Condition[Mention] = asks_something & is_about_a_post & contains("opening") & lineage(0)
wide_first: Condition[Mention] = lineage(0) & contains("opening") & is_about_a_post & asks_something
mixed: Condition[MetricsObserved] = (engagement(10) | engagement_of(5)) & ~from_bot() & younger_than(timedelta(days=1))
of_a_post: Condition[Mention] = author_in("ada") | language("en") | matches("hours?") | followers(10)


# decisions of every colour and outcome


@automation(on.mention(brand, press), when=asks_something & ~from_bot(), approval=Approval(by="support"))
def answer(event: Mention, ctx: Context) -> Reply | Skip:
    if ctx.history:
        return skip("answered before")
    return Reply(to=event.post.ref, text=f"Thank you, @{event.post.author.handle}!")


@automation(on.mention(brand), once_per=lambda event: event.post.ref.id, limits=[Caps(per_person=1)], late="ask")
async def think(event: Mention, ctx: Context) -> Reply | None:
    return Reply(to=event.post.ref, text="Hello!")


@automation(
    on.metrics(brand, passes=100),
    when=mixed,
    limits=(Budget(total=ten_euros, per="month"), Rate(count=2, per=timedelta(days=1))),
    once_per=lambda event: event.post.ref.id,
)
def advertise(event: MetricsObserved, ctx: Context) -> Boost:
    return Boost(post=event.post.ref, spend=ten_euros, days=3)


@automation(on.schedule("0 9 * * MON-FRI", zone="Europe/Berlin"), account=brand)
def good_morning(event: SlotReached, ctx: Context) -> Sequence[Action[Any]]:
    picture = Media(source="sun.png", alt="the sun over the roof")
    return [Publish(draft=Draft(text=f"Good morning, it is {event.nominal:%A}", media=(picture,)))]


@automation(on.follow(brand))
def greet(event: Followed, ctx: Context) -> Notify | None:
    return Notify(text=f"{event.author.handle} follows") if event.author.followers else None


@automation(on.delivered(answer, after=timedelta(days=1)))
def follow_up(event: DeliverySettled, ctx: Context) -> Outcome:
    return Like(post=event.ref) if event.ref else skip("nothing to like")


@automation(on.trouble("uncertain", "held"))
def tell(event: TroubleSeen, ctx: Context) -> Notify:
    return Notify(text=event.says, webhook=secret("CHAT_HOOK"))


@automation(on.webhook("/shop", secret=secret("SHOP")), account=press)
def sold_out(event: HookReceived, ctx: Context) -> Publish | None:
    name: object = event.body.get("name")
    return Publish(draft=Draft(text=f"{name} is sold out")) if name else None


def anything(event: Event, ctx: Context) -> None:
    """A decision about any event decides about each kind of it."""


def publish_the_row(event: ContentDue, ctx: Context) -> Publish:
    return Publish(draft=event.draft)


wide = Automation(name="wide", trigger=on.reply(brand), decide=anything, when=is_about_a_post)
calendar = Automation(
    name="calendar",
    trigger=on.csv("calendar.csv", zone="Europe/Berlin"),
    decide=publish_the_row,
    account=press,
    limits=(QuietHours(start=time(22), end=time(7), zone="Europe/Berlin"),),
)
typed: Automation[Mention] = answer
spelt_out = Automation[ContentDue](
    name="queue", trigger=on.queue("queue.csv", cron="0 9 * * *", zone="UTC"), decide=publish_the_row, account=brand
)


# rules, hooks, batches


class Greeting(Rule[PostEvent]):
    kind: ClassVar[str] = "greeting"
    text: str

    def decide(self, event: PostEvent, ctx: Context) -> Reply | Awaitable[Outcome]:
        return Reply(to=event.post.ref, text=self.text)


class Share(Rule[MetricsObserved]):
    kind: ClassVar[str] = "share"

    async def decide(self, event: MetricsObserved, ctx: Context) -> Repost:
        return Repost(post=event.post.ref)


ruled = Automation(name="ruled", trigger=on.mention(brand), decide=Greeting(text="Hello!"), when=narrow_first)
shared = Automation(name="shared", trigger=on.metrics(brand), decide=Share(), when=engagement(100))


@hookimpl
def fieldfare_review(action: Action[Any]) -> Verdict | None:
    return Verdict(reason="no links") if any("http" in draft.text for draft in action.drafts) else None


batch: Batch[Mention] = Batch[Mention]([], None)
ref = PostRef(platform="playground", id="1")
