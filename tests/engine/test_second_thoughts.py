"""What a person takes back: a retry is admitted anew, and nothing that has begun to leave is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Approval, Budget, Money
from fieldfare._store import accounts, control
from fieldfare._store.admission import Conclusion, Judged, conclude
from fieldfare._store.planned import Planned
from fieldfare._store.sqlite import Store, ms
from tests.stores import in_memory

from .keyed import DONE, LOST, Desk, hooked, posting
from .line import START, Line

NOW = ms(START)
EDITOR = Approval(by="editor")
BUDGET = Budget(total=Money(amount=Decimal(100), currency="EUR"))


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def planned(key: str, **more: Any) -> Planned:
    whole: dict[str, Any] = {"automation": "ads", "account": "brand", "kind": "boost", "action": "{}", "digest": "d"}
    return Planned(
        key=key, fingerprint=key, late_ms=3_600_000, expires_at=NOW + 3_600_000, **{**whole, "line": key, **more}
    )


async def admit(store: Store, *plans: Planned) -> None:
    for event, plan in enumerate(plans, start=1):
        judged = Judged(automation=plan.automation, verdict="yes", reason="", source="", planned=(plan,))
        event_of = event + int(store.read(lambda c: c.execute("SELECT count(*) FROM decisions").fetchone()[0]))
        await store.do(conclude, [Conclusion(event_of, [judged])], judged_by=1, now=NOW)


def state(store: Store, key: str) -> tuple[str, str]:
    row = store.read(lambda c: c.execute("SELECT state, hold FROM deliveries WHERE key = ?", (key,)).fetchone())
    return (row[0], row[1])


def test_what_was_refused_and_is_tried_again_waits_for_approval_anew() -> None:
    async def story() -> None:
        store = in_memory()
        await admit(store, planned("a", approval=EDITOR))
        await store.do(control.refuse, key="a", by="editor", why="", now=NOW)
        await store.do(control.retry, key="a", limits=(), by="another", now=NOW)
        assert state(store, "a") == ("held", "approval")

    run(story())


def test_a_retry_does_not_spend_what_others_have_reserved_meanwhile() -> None:
    async def story() -> None:
        store = in_memory()
        cost = Money(amount=Decimal(60), currency="EUR")
        await admit(store, planned("a", cost=cost, limits=(BUDGET,)))
        await store.do(control.cancel, key="a", by="a person", now=NOW)
        await admit(store, planned("b", cost=cost, limits=(BUDGET,)))
        with pytest.raises(control.TooLate, match="budget"):
            await store.do(control.retry, key="a", limits=(BUDGET,), by="a person", now=NOW)

    run(story())


def test_money_is_not_retried_where_the_budget_is_not_known() -> None:
    async def story() -> None:
        store = in_memory()
        await admit(store, planned("a", cost=Money(amount=Decimal(60), currency="EUR"), limits=(BUDGET,)))
        await store.do(control.cancel, key="a", by="a person", now=NOW)
        with pytest.raises(control.TooLate, match="start the daemon"):
            await store.do(control.retry, key="a", limits=None, by="a person", now=NOW)
        await store.do(control.retry, key="a", limits=(BUDGET,), by="a person", now=NOW)
        assert state(store, "a") == ("due", "")

    run(story())


def test_what_another_automation_did_meanwhile_is_not_retried() -> None:
    async def story() -> None:
        store = in_memory()
        await admit(store, planned("a", kind="repost", second="brand|repost|1"))
        await store.do(control.cancel, key="a", by="a person", now=NOW)
        await admit(store, planned("b", kind="repost", second="brand|repost|1"))
        with pytest.raises(control.TooLate, match="done by 'b'"):
            await store.do(control.retry, key="a", limits=(), by="a person", now=NOW)

    run(story())


def test_a_retry_takes_its_second_key_again() -> None:
    async def story() -> None:
        store = in_memory()
        await admit(store, planned("a", kind="repost", second="brand|repost|1"))
        for _ in range(2):
            await store.do(control.cancel, key="a", by="a person", now=NOW)
            await store.do(control.retry, key="a", limits=(), by="a person", now=NOW)
        await admit(store, planned("b", kind="repost", second="brand|repost|1"))
        assert store.read(lambda c: c.execute("SELECT count(*) FROM deliveries").fetchone()) == (1,)

    run(story())


def test_what_was_edited_while_its_name_was_gone_does_not_leave_unapproved() -> None:
    async def story() -> None:
        store = in_memory()
        everything: dict[str, Any] = {"automations": {"ads"}, "accounts": {"brand"}, "kinds": {"publish"}, "now": NOW}
        await admit(store, planned("a", kind="publish", approval=EDITOR))
        await store.do(control.approve, key="a", digest="d", by="editor", now=NOW)
        await store.do(control.adopt, **{**everything, "automations": set()})
        assert state(store, "a") == ("held", "missing")
        await store.do(
            control.edit, key="a", action="{}", digest="e", fingerprint="e", asks=False, by="another", now=NOW
        )
        await store.do(control.adopt, **everything)
        assert state(store, "a") == ("held", "approval")

    run(story())


def test_what_may_be_out_is_not_refused_when_its_name_goes(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(LOST, DONE))).start()
        await hooked(line)
        await line.engine.resolver.look()
        await line.store.do(control.pause, scope="all", reason="", by="a person", now=0)
        await line.move(6)
        key = line.deliveries[0].key
        await line.store.do(control.adopt, automations=set(), accounts={"brand"}, kinds={"publish"}, now=NOW)
        assert state(line.store, key) == ("held", "missing")
        with pytest.raises(control.TooLate, match="begun to leave"):
            await line.store.do(control.refuse, key=key, by="a person", why="", now=NOW)

    run(story())


def test_what_is_done_once_is_so_before_and_after_the_network_has_said_who_the_account_is() -> None:
    async def story() -> None:
        store = in_memory()
        await store.do(accounts.enrol, name="brand", platform="p")
        await admit(store, planned("before", kind="repost", second="p:brand|repost|1"))
        await store.do(accounts.identified, name="brand", identity="id7", handle="brand", now=NOW)
        await admit(store, planned("after", kind="repost", second="p:id7|repost|1"))
        await admit(store, planned("judged before", kind="repost", second="p:brand|repost|1"))
        assert store.read(lambda c: c.execute("SELECT key FROM deliveries").fetchall()) == [("before",)]

    run(story())
