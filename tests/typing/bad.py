"""One mistake on each marked line; both type checkers find all of them and nothing else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from fieldfare import (
    Account,
    Automation,
    Boost,
    Budget,
    Condition,
    Context,
    Draft,
    Followed,
    Mention,
    MetricsObserved,
    Money,
    Publish,
    Rate,
    Reply,
    Rule,
    Skip,
    SlotReached,
    automation,
    condition,
    contains,
    engagement,
    on,
    secret,
    skip,
)
from fieldfare.plugin import Batch
from fieldfare.testing import Playground

brand = Account("brand", Playground())


class Share(Rule[MetricsObserved]):
    kind: ClassVar[str] = "share"
    least: int = 0

    def decide(self, event: MetricsObserved, ctx: Context) -> Skip:
        return skip("no")


@condition
def is_popular(event: MetricsObserved) -> bool:
    return event.metrics.likes > 10


def answer(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text="hello")


def text(event: Mention, ctx: Context) -> str:
    return "hello"


async def think(event: Mention, ctx: Context) -> list[str]:
    return []


Automation(name="a", trigger=on.metrics(brand), decide=answer)  # wrong: a function for another event
Automation(name="a", trigger=on.mention(brand), decide=Share())  # wrong: a rule for another event
Automation(name="a", trigger=on.mention(brand), decide=Share)  # wrong: the class of a rule, not a rule
Automation(name="a", trigger=on.mention(brand), decide=answer, when=is_popular)  # wrong: a condition of another event
Automation(name="a", trigger=on.mention(brand), decide=answer, when=engagement(3))  # wrong: the same, built in
Automation(name="a", trigger=on.follow(brand), decide=lambda e, c: None, when=contains("x"))  # wrong: no post there
Automation(name="a", trigger=on.mention(brand), decide=text)  # wrong: the outcome is text
Automation(name="a", trigger=on.mention(brand), decide=think)  # wrong: the outcome of an async decision
Automation(name="a", trigger=on.mention(brand), decide=answer, account="brand")  # wrong: the name of an account
Automation(name="a", trigger=brand, decide=answer)  # wrong: an account is no trigger
Automation(name="a", trigger=on.mention(brand), decied=answer)  # wrong: a misspelt setting
Automation(name="a", trigger=on.mention(brand), decide=answer, late="never")  # wrong: no such way to be late
Automation(name="a", trigger=on.mention(brand), decide=answer, limits=Rate(count=1, per=timedelta(1)))  # wrong: one limit
Automation(name="a", trigger=on.mention(brand), decide=answer, once_per=lambda e: e.nominal)  # wrong: of another event


@automation(on.schedule("0 9 * * *", zone="UTC"))  # wrong: a function for another event
def decorated(event: Mention, ctx: Context) -> None: ...


@automation(on.mention(brand))  # wrong: the outcome is a number
def number(event: Mention, ctx: Context) -> int:
    return 3


@automation(on.mention(brand))
def inside(event: Mention, ctx: Context) -> Reply | Skip:
    if event.post.likes > 3:  # wrong: an attribute that does not exist
        return skip(3)  # wrong: a reason is text
    if ctx.nwo:  # wrong: a misspelt attribute
        return Reply(to=event.post, text="hello")  # wrong: a post is not its reference
    return Reply(to=event.post.ref, txt="hello")  # wrong: a misspelt field


def other(event: Followed, ctx: Context) -> Publish:
    return Draft(text="hello")  # wrong: a draft is no action


def lost(event: SlotReached, ctx: Context) -> Publish:
    return Publish(draft=Draft(text=event.post.text))  # wrong: a slot has no post


on.mention("brand")  # wrong: the name of an account
on.mention(brand, evry=timedelta(minutes=1))  # wrong: a misspelt argument
on.schedule("0 9 * * *")  # wrong: no zone
on.webhook("/shop", secret="canary-shop-1f3a")  # wrong: a value in the place of a secret's name
on.metrics(brand, of="loves")  # wrong: no such count
on.mentoin(brand)  # wrong: a misspelt trigger
Money(amount=1.5, currency="EUR")  # wrong: money as a float
Budget(total=Decimal(3), per="month")  # wrong: money without a currency
Budget(total=Money(amount=Decimal(3), currency="EUR"), per="year")  # wrong: no such period
Rate(count=3, pre=timedelta(hours=1))  # wrong: a misspelt setting
Boost(post="1", spend=Money(amount=Decimal(3), currency="EUR"), days=1)  # wrong: text is no reference
Playground(token="canary-play-77b0")  # wrong: a value in the place of a secret's name
Account("brand", "playground")  # wrong: text is no platform
secret(3)  # wrong: a name is text
either: Condition[Mention] = contains("x") & is_popular  # wrong: a condition of another event inside
batch: Batch[Mention] = Batch[Followed]([], None)  # wrong: a batch of another event
