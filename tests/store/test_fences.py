"""Fences that hold whoever asks: other automations of the account, a new name, what is out in part."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fieldfare import Budget, Money, Rate
from fieldfare._contract.limits import Limit
from fieldfare._store import claim, control, events, former, query, settle, steps
from fieldfare._store.admission import Conclusion, Judged, conclude
from fieldfare._store.claim import Claimed
from fieldfare._store.planned import Planned
from tests.stores import in_memory

NOW = 10_000_000
HOUR = 3_600_000


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def euros(amount: int) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def planned(automation: str, once: str, **more: Any) -> Planned:
    whole: dict[str, Any] = {"account": "brand", "kind": "publish", "action": "{}", "digest": "d", "late_ms": HOUR}
    key = f"{automation}/{once}/0"
    own = {"key": key, "automation": automation, "line": key, "fingerprint": key, "expires_at": NOW + HOUR}
    return Planned(**{**whole, **own, **more})


class Desk:
    """A store that is asked for deliveries, one event after another."""

    def __init__(self) -> None:
        self.store = in_memory()
        self.event = 0

    async def admit(self, plan: Planned, now: int = NOW) -> str:
        """The words of the decision."""
        self.event += 1
        judged = Judged(automation=plan.automation, verdict="yes", reason="", source="", planned=(plan,))
        (done,) = await self.store.do(conclude, [Conclusion(self.event, [judged])], judged_by=1, now=now)
        return done.reason

    async def claim(self, limits: dict[str, tuple[Limit, ...]], now: int = NOW) -> list[Claimed]:
        return await self.store.do(
            claim.claim, account="brand", limits_of=limits.get, now=now, booted=0, most=9, in_flight=99
        )

    async def deliver(self, taken: list[Claimed]) -> None:
        for one in taken:
            await self.store.do(settle.delivered, delivery=one.id, token=one.token, receipt="{}", refs=[], now=NOW)

    async def fail_in_part(self, taken: list[Claimed]) -> None:
        for one in taken:
            mine = {"delivery": one.id, "token": one.token}
            await self.store.do(steps.sending, **mine, name="ad", now=NOW, server_now=NOW)
            await self.store.do(steps.answered, **mine, name="ad", status=200, answer="{}")
            await self.store.do(settle.failed, **mine, reason="no", now=NOW)

    def states(self) -> dict[str, str]:
        return {d.key: d.state for d in self.store.read(query.deliveries)}


def test_a_rate_over_the_account_counts_what_automations_without_one_send() -> None:
    async def story() -> None:
        desk, rate = Desk(), Rate(count=2, per=timedelta(hours=1), over="account")
        for once in ("1", "2"):
            await desk.admit(planned("free", once))
        await desk.admit(planned("fenced", "1", limits=(rate,)))
        assert len(await desk.claim({"free": (), "fenced": (rate,)})) == 2

    run(story())


def test_another_number_in_a_rate_does_not_begin_it_anew() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.admit(planned("a", "1"))
        assert len(await desk.claim({"a": (Rate(count=1, per=timedelta(hours=1)),)})) == 1
        for once in ("2", "3"):
            await desk.admit(planned("a", once))
        assert len(await desk.claim({"a": (Rate(count=2, per=timedelta(hours=1)),)}, now=NOW + HOUR - 1)) == 1

    run(story())


def test_a_delivery_whose_automation_is_gone_is_held_and_passes_no_limit() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.admit(planned("gone", "1"))
        assert await desk.claim({}) == []
        (delivery,) = desk.store.read(query.deliveries)
        assert (delivery.state, delivery.hold) == ("held", "missing")

    run(story())


def test_a_budget_counts_what_was_spent_under_the_former_name() -> None:
    async def story() -> None:
        desk, budget = Desk(), Budget(total=euros(10))
        await desk.admit(planned("old", "1", cost=euros(8), limits=(budget,)))
        await desk.deliver(await desk.claim({"old": ()}))
        await desk.store.do(former.rename, old="old", new="new")
        assert await desk.admit(planned("new", "2", cost=euros(8), limits=(budget,))) == (
            "budget: 8 EUR asked, 2 EUR of 10 EUR left"
        )

    run(story())


def test_a_rate_goes_on_under_the_new_name() -> None:
    async def story() -> None:
        desk, rate = Desk(), Rate(count=1, per=timedelta(hours=1))
        await desk.admit(planned("old", "1"))
        await desk.claim({"old": (rate,)})
        await desk.store.do(former.rename, old="old", new="new")
        await desk.admit(planned("new", "2"))
        assert await desk.claim({"new": (rate,)}) == []

    run(story())


def test_a_paused_automation_stays_paused_under_its_new_name() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.admit(planned("old", "1"))
        await desk.store.do(control.pause, scope="automation:old", reason="", by="eve", now=NOW)
        await desk.store.do(former.rename, old="old", new="new")
        assert await desk.claim({"new": ()}) == []
        assert await desk.store.do(control.resume, scope="automation:new", now=NOW)
        await desk.store.do(former.rename, old="old", new="new")
        assert len(await desk.claim({"new": ()})) == 1

    run(story())


@pytest.mark.parametrize("names", [("b", "c"), ("b", "a"), ("b", "c", "d")])
def test_what_was_done_under_any_former_name_is_not_done_again(names: tuple[str, ...]) -> None:
    async def story() -> None:
        desk, before = Desk(), "a"
        await desk.admit(planned("a", "welcome ada"))
        for name in names:
            await desk.store.do(former.rename, old=before, new=name)
            before = name
        assert await desk.admit(planned(before, "welcome ada")) == "already acted on 'a/welcome ada/0'"

    run(story())


def test_what_was_delivered_under_the_former_name_is_still_followed_up() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.admit(planned("old", "1"))
        await desk.deliver(await desk.claim({"old": ()}))
        await desk.store.do(former.rename, old="old", new="new")
        assert len(desk.store.read(events.settled, 0, "new", 10)) == 1

    run(story())


def test_money_that_is_out_in_part_is_spent() -> None:
    async def story() -> None:
        desk, budget = Desk(), Budget(total=euros(10))
        await desk.admit(planned("ads", "1", cost=euros(8), limits=(budget,)))
        await desk.fail_in_part(await desk.claim({"ads": ()}))
        assert (await desk.admit(planned("ads", "2", cost=euros(8), limits=(budget,)))).startswith("budget: ")
        await desk.store.do(control.retry, key="ads/1/0", limits=(budget,), by="eve", now=NOW)
        assert desk.states() == {"ads/1/0": "due"}

    run(story())


def test_what_is_out_in_part_is_not_done_by_another_automation() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.admit(planned("ads", "1", second="brand|boost|x:1"))
        await desk.fail_in_part(await desk.claim({"ads": ()}))
        assert await desk.admit(planned("more", "1", second="brand|boost|x:1")) == "already done by 'ads/1/0'"
        await desk.store.do(control.retry, key="ads/1/0", limits=(), by="eve", now=NOW)
        assert desk.states() == {"ads/1/0": "due"}

    run(story())
