"""What a seed makes: accounts on scripted networks, automations with limits, and what happens to them."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

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
    HookReceived,
    Like,
    Limit,
    Mention,
    Money,
    Notify,
    Outcome,
    PostRef,
    Publish,
    QuietHours,
    Rate,
    Reply,
    SlotReached,
    TroubleSeen,
    on,
    secret,
    skip,
)
from fieldfare._engine.placed import Placed
from fieldfare._engine.sets import AutomationSet
from fieldfare._feeds import plugin
from fieldfare._host import PluginHost

from .connector import KIND, MutePigeon, Pigeon
from .network import FATES, MANNERS

PASSWORD = "canary-simulation-5c1e"


@functools.cache
def plugins() -> PluginHost:
    host = PluginHost()
    host.register(plugin, name="core")
    return host


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One account as drawn."""

    account: Account
    manner: str
    settle: float
    latest: float
    remembers: float
    trouble: float
    fates: tuple[str, ...]
    skew: float
    lag: float
    reach: int


@dataclass(kw_only=True)
class Universe:
    """Everything that was drawn before time began."""

    seed: int
    rnd: random.Random
    beyond: bool
    length: float
    """Seconds of the eventful part."""
    accounts: list[Drawn]
    automations: list[Automation[Any]]
    crashes: float
    """How likely each minute ends with a kill."""
    jumps: float
    freezes: float
    reloads: float
    stops: float
    """How likely each look of the person pauses, cancels or edits something."""
    by_hand: float
    cap: Decimal | None = None
    needs_approval: set[str] = field(default_factory=set[str])


def drawn(seed: int, *, beyond: bool = False) -> Universe:
    """The universe of a seed."""
    rnd = random.Random(f"fieldfare {seed} {beyond}")
    accounts = [_account(rnd, number, beyond) for number in range(rnd.choice((1, 1, 2, 3)))]
    universe = Universe(
        seed=seed,
        rnd=rnd,
        beyond=beyond,
        length=rnd.choice((60.0, 120.0, 240.0)),
        accounts=accounts,
        automations=[],
        crashes=rnd.choice((0.0, 0.3, 0.9)),
        jumps=0.0 if beyond else rnd.choice((0.0, 0.0, 0.5)),
        freezes=rnd.choice((0.0, 0.0, 0.3)),
        reloads=rnd.choice((0.0, 0.0, 0.4)),
        stops=rnd.choice((0.0, 0.1, 0.3)),
        by_hand=rnd.choice((0.0, 0.0, 0.15)),
    )
    for one in accounts:
        universe.automations += _automations(rnd, universe, one)
    universe.automations.append(_watch())
    return universe


def _account(rnd: random.Random, number: int, beyond: bool) -> Drawn:
    manner = rnd.choice(MANNERS)
    settle = rnd.choice((8.0, 20.0))
    remembers = rnd.choice((120.0, 600.0))
    # What is performed late, and listed later still, is so before the settle time is over.
    lag = rnd.choice((0.0, 0.0, 2.0))
    latest = settle * 4 if beyond else settle - lag - 1.0
    server = f"net{number}.example"
    if beyond:
        manner = rnd.choice(("none", "none", "native_key"))
    make = MutePigeon if manner == "mute" else Pigeon
    by_cursor = rnd.random() < 0.5
    platform = make(server=server, manner=manner, settle=settle, remembers=remembers, by_cursor=by_cursor)
    fates = FATES if rnd.random() < 0.5 else tuple(rnd.sample(FATES, 3))
    if beyond:
        fates = ("late", "hang", "dropped")
    if rnd.random() < 0.6:
        fates = tuple(fate for fate in fates if fate != "login") or ("dropped",)
    return Drawn(
        account=Account(f"acct{number}", platform),
        manner=manner,
        settle=settle,
        latest=latest,
        remembers=remembers,
        trouble=rnd.choice((0.0, 0.1, 0.3, 0.6)),
        fates=fates,
        skew=rnd.choice((0.0, 0.0, -70.0, 45.0)),
        lag=lag,
        reach=rnd.choice((1000, 1000, 3)),
    )


def _limits(rnd: random.Random) -> tuple[Limit, ...]:
    limits: list[Limit] = [Caps(per_conversation=3, per_person=rnd.choice((2, 50)), per_account=rnd.choice((3, 300)))]
    if rnd.random() < 0.25:
        full = rnd.choice(("wait", "wait", "skip"))
        over = rnd.choice(("automation", "account"))
        limits.append(Rate(count=rnd.choice((1, 2)), per=timedelta(seconds=rnd.choice((10, 30))), over=over, full=full))
    if rnd.random() < 0.15:
        limits.append(QuietHours(start=time(9, 1), end=time(9, 2), zone="UTC"))
    return tuple(limits)


def _approval(rnd: random.Random, universe: Universe, name: str, chance: float) -> Approval | None:
    if rnd.random() >= chance:
        return None
    universe.needs_approval.add(name)
    return Approval(by="editor", expires=timedelta(seconds=rnd.choice((90, 300))))


def _automations(rnd: random.Random, universe: Universe, one: Drawn) -> Sequence[Automation[Any]]:
    number = one.account.name[-1]
    account = one.account
    made: list[Automation[Any]] = []
    every = timedelta(seconds=rnd.choice((6, 20)))
    lates: tuple[Literal["run", "skip", "ask"], ...] = ("run", "run", "run", "skip", "ask")
    late = rnd.choice(lates)
    if rnd.random() < 0.7:
        name = f"answer{number}"
        approval = _approval(rnd, universe, name, 0.25)
        trigger = on.mention(account, every=every)
        made.append(
            Automation(name=name, trigger=trigger, decide=_answer, limits=_limits(rnd), approval=approval, late=late)
        )
    if rnd.random() < 0.3:
        for name in (f"like{number}", f"like-too{number}"):
            made.append(Automation(name=name, trigger=on.mention(account, every=every), decide=_like))
    if rnd.random() < 0.8 or not made:
        name = f"thread{number}"
        hook = on.webhook(f"/hooks/{number}", secret=secret("hooks"))
        approval = _approval(rnd, universe, name, 0.3)
        made.append(
            Automation(
                name=name,
                trigger=hook,
                decide=_thread,
                account=account,
                limits=_limits(rnd),
                approval=approval,
                late_after=timedelta(seconds=rnd.choice((120, 3600))),
                late=late,
            )
        )
        if rnd.random() < 0.3:
            sequel = on.delivered(name, after=timedelta(seconds=20))
            made.append(Automation(name=f"sequel{number}", trigger=sequel, decide=_sequel, account=account))
    if rnd.random() < 0.3:
        slots = on.schedule("*/2 * * * *", zone="UTC")
        made.append(
            Automation(name=f"slots{number}", trigger=slots, decide=_slot, account=account, limits=_limits(rnd))
        )
    if rnd.random() < 0.4:
        name = f"ads{number}"
        universe.cap = Decimal(100)
        budget = Budget(total=Money(amount=universe.cap, currency="EUR"))
        hook = on.webhook(f"/ads/{number}", secret=secret("hooks"))
        approval = _approval(rnd, universe, name, 0.4)
        made.append(
            Automation(name=name, trigger=hook, decide=_ad, account=account, limits=(budget,), approval=approval)
        )
    return made


def _watch() -> Automation[Any]:
    return Automation(name="watch", trigger=on.trouble(), decide=_tell)


# Decisions: plain functions, the same for every universe.


def _answer(event: Mention, ctx: Context) -> Outcome:
    if event.post.text.endswith("7"):
        return skip("nothing to say to this")
    return Reply(to=event.post.ref, text=f"thank  you {event.post.text} http://shop.example/{event.id}")


def _like(event: Mention, ctx: Context) -> Outcome:
    return Like(post=event.post.ref)


async def _thread(event: HookReceived, ctx: Context) -> Outcome:
    first, *rest = [Draft(text=text) for text in event.body["texts"]]
    return Publish(draft=first, thread=tuple(rest))


def _sequel(event: DeliverySettled, ctx: Context) -> Outcome:
    return Like(post=event.ref) if event.ref is not None else skip("there is no post to like")


def _slot(event: SlotReached, ctx: Context) -> Outcome:
    return Publish(draft=Draft(text=f"{ctx.automation}  at {event.id}"))


def _ad(event: HookReceived, ctx: Context) -> Outcome:
    spend = Money(amount=Decimal(event.body["spend"]), currency="EUR")
    return [Boost(post=PostRef(platform=KIND, id=post), spend=spend, days=3) for post in event.body["posts"]]


def _tell(event: TroubleSeen, ctx: Context) -> Outcome:
    return Notify(text=event.says)


def automation_set(automations: Sequence[Automation[Any]]) -> AutomationSet:
    here = Path("automations.py")
    return AutomationSet([Placed(a, here, i + 1, 1, "0" * 12) for i, a in enumerate(automations)])


def renamed(automation: Automation[Any], name: str) -> Automation[Any]:
    return replace(automation, name=name, renamed_from=automation.name)
