"""Limits as the store counts them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldfare import Budget, Money, QuietHours, Rate
from fieldfare._store import claim, settle
from fieldfare._store.admission import Conclusion, Judged, conclude
from fieldfare._store.limits import period_start, quiet_until
from fieldfare._store.planned import Planned
from fieldfare._store.sqlite import Store, moment, ms
from tests.stores import in_memory


def planned(number: int, **more: object) -> Planned:
    given: dict[str, object] = {
        "key": f"a/{number}/0",
        "automation": "a",
        "account": "brand",
        "kind": "publish",
        "action": "{}",
        "digest": "",
        "line": str(number),
        "fingerprint": str(number),
        "late_ms": 10**12,
        "expires_at": 10**15,
    }
    return Planned(**{**given, **more})  # type: ignore[arg-type]


async def admit(store: Store, *plans: Planned, now: int = 1) -> None:
    for number, plan in enumerate(plans):
        judged = Judged(automation=f"{plan.automation}{plan.key}", verdict="yes", reason="", source="", planned=(plan,))
        await store.do(conclude, [Conclusion(now * 1000 + number, (judged,))], judged_by=1, now=now)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 4),
    per=st.integers(1, 50),
    steps=st.lists(st.integers(0, 30), min_size=1, max_size=25),
)
def test_for_every_rhythm_no_window_ever_holds_more_than_its_rate(count: int, per: int, steps: list[int]) -> None:
    rate = Rate(count=count, per=timedelta(milliseconds=per))
    left: list[int] = []

    async def story() -> None:
        store = in_memory()
        await admit(store, *(planned(n) for n in range(30)))
        now = 10
        for step in steps:
            now += step
            for one in await store.do(
                claim.claim, account="brand", limits_of=lambda _: (rate,), now=now, booted=0, most=9, in_flight=99
            ):
                left.append(now)
                await store.do(settle.delivered, delivery=one.id, token=one.token, receipt="{}", refs=(), now=now)

    asyncio.run(story())
    for start in left:
        assert len([at for at in left if start <= at < start + per]) <= count


@settings(max_examples=60, deadline=None)
@given(
    costs=st.lists(st.decimals("0.01", "40", places=2), min_size=1, max_size=12), cap=st.decimals("1", "100", places=2)
)
def test_for_every_sequence_of_costs_the_budget_is_never_passed(costs: list[Decimal], cap: Decimal) -> None:
    budget = Budget(total=Money(amount=cap, currency="EUR"))

    async def story() -> list[str]:
        store = in_memory()
        for number, cost in enumerate(costs):
            plan = planned(number, cost=Money(amount=cost, currency="EUR"), limits=(budget,))
            await admit(store, plan, now=number + 1)
        return [r[0] for r in store.read(lambda c: c.execute("SELECT cost FROM deliveries").fetchall())]

    admitted = asyncio.run(story())
    assert sum(map(Decimal, admitted), Decimal(0)) <= cap


def test_a_monthly_budget_begins_on_the_first_in_its_own_zone() -> None:
    budget = Budget(total=Money(amount=Decimal(1), currency="EUR"), per="month", zone="Pacific/Auckland")
    now = ms(datetime(2026, 10, 31, 12, 0, tzinfo=UTC))  # 1 November, 01:00 in Auckland
    assert moment(period_start(budget, now)) == datetime(2026, 10, 31, 11, 0, tzinfo=UTC)


def test_quiet_hours_pass_midnight() -> None:
    night = QuietHours(start=time(22, 0), end=time(7, 0), zone="Europe/Berlin")
    at = ms(datetime(2026, 11, 2, 23, 30, tzinfo=UTC))  # 00:30 in Berlin
    assert moment(quiet_until(night, at)) == datetime(2026, 11, 3, 6, 0, tzinfo=UTC)
    assert quiet_until(night, ms(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))) == 0
