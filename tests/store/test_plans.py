"""What the line asks of the store costs as much on the millionth event as on the first."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from datetime import timedelta
from decimal import Decimal

import pytest

from fieldfare import Budget, Caps, Money, Rate
from fieldfare._contract.limits import Limit
from fieldfare._store import accounts, bodies, claim, control, doubts, events, query, settle, steps, why
from fieldfare._store.admission import Conclusion, Judged, conclude
from fieldfare._store.planned import Planned
from fieldfare._store.sqlite import Store
from tests.stores import in_memory

SMALL = {"meta", "feeds", "accounts", "pauses", "sets", "automations", "CONSTANT"}
"""Tables that do not grow with what happens."""
MINUTE = timedelta(minutes=1)
LIMITS: tuple[Limit, ...] = (
    Budget(total=Money(amount=Decimal(9), currency="EUR")),
    Rate(count=9, per=MINUTE, full="skip"),
    Rate(count=9, per=MINUTE, over="account"),
    Caps(per_account=1, per_conversation=9, per_person=9),
)


def planned(number: int) -> Planned:
    return Planned(
        key=f"a/{number}/0",
        second=f"s{number}",
        automation="a",
        account="brand",
        kind="reply",
        action='{"sha256": "00"}',
        digest="d",
        line=f"c{number}",
        fingerprint=str(number),
        target=f"p:{number}",
        conversation=f"c{number}",
        person=f"u{number}",
        late_ms=1000,
        expires_at=2000,
        cost=Money(amount=Decimal(1), currency="EUR"),
        limits=LIMITS,
    )


async def live(store: Store) -> None:
    """One event, and every sentence and question that the daemon and a person say about it."""
    for number in range(2):
        fact = events.Fact(id=f"m{number}", kind="mention", occurred_at=1, body="{}", ref=f"p:{number}")
        (row,) = await store.do(events.ingest, feed="f", facts=[fact], cursor="1", now=1, missed_before=None)
        store.read(events.undecided, 0, 10)
        store.read(events.judged_pairs, row)
        judged = Judged(automation="a", verdict="yes", reason="", source="", planned=(planned(number),))
        await store.do(conclude, [Conclusion(row, (judged,))], judged_by=1, now=1)
        store.read(claim.next_due, "brand")
        taken = await store.do(
            claim.claim, account="brand", limits_of=lambda name: LIMITS, now=2, booted=0, most=4, in_flight=4
        )
        for one in taken:
            store.read(steps.steps, one.id)
            await store.do(steps.sending, delivery=one.id, token=one.token, name="post", now=2, server_now=2)
            await store.do(settle.uncertain, delivery=one.id, token=one.token, reason="", now=2)
            store.read(doubts.doubts)
            store.read(doubts.taken, ["p:r"], one.id)
            full = store.read(query.delivery, one.id)
            assert full is not None
            store.read(why.holders, full)
            await store.do(settle.absent, delivery=one.id, token=one.token, reason="", now=2)
            (same,) = await store.do(
                claim.claim, account="brand", limits_of=lambda name: (), now=2, booted=0, most=4, in_flight=4
            )
            await store.do(steps.answered, delivery=same.id, token=same.token, name="post", status=200, answer="{}")
            await store.do(settle.delivered, delivery=same.id, token=same.token, receipt="{}", refs=["p:r"], now=3)
    for name in ("shop", "brand"):
        await store.do(accounts.enrol, name=name, platform="p")
        await store.do(accounts.identified, name=name, identity="id7", handle="brand", now=4)
    store.read(events.known, "f", ["m0", "m7"])
    store.read(events.settled, 0, "a", 10)
    store.read(events.troubles, 0, 10)
    store.read(query.past, "a")
    store.read(query.named, "a/0/0")
    store.read(query.named, "a/")
    store.read(query.on_the_wire)
    store.read(query.wanted_media)
    store.read(why.of_event, 1)
    with pytest.raises(control.TooLate):
        await store.do(control.refuse, key="a/", by="ada", why="", now=4)
    await store.do(claim.expire, now=4)
    await store.do(claim.recover, now=4)
    await store.do(bodies.of_deliveries, first=1, before=9)
    await store.do(bodies.of_events, first=1, before=9)
    await store.do(bodies.of_rates, before=1)
    await store.do(control.adopt, automations={"a"}, accounts={"brand"}, kinds={"reply"}, now=4)


@pytest.fixture(scope="module")
def plans() -> dict[str, list[str]]:
    """How SQLite goes about each statement."""
    store = in_memory()
    connection: sqlite3.Connection = store._reader
    said: list[str] = []
    connection.set_trace_callback(said.append)
    asyncio.run(live(store))
    connection.set_trace_callback(None)
    asked = dict.fromkeys(one for one in said if re.match(r"SELECT|UPDATE|DELETE|INSERT", one))
    return {one: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {one}")] for one in asked}


def test_no_question_of_the_line_reads_a_whole_table(plans: dict[str, list[str]]) -> None:
    read = [
        (question, step)
        for question, steps_ in plans.items()
        for step in steps_
        if (found := re.fullmatch(r"SCAN (\w+)", step)) and found[1] not in SMALL
    ]
    assert not read


def test_every_index_is_used_by_some_question(plans: dict[str, list[str]]) -> None:
    rows = in_memory()._reader.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    unused = {name for (name,) in rows if not any(name in step for steps_ in plans.values() for step in steps_)}
    assert not unused


def test_known_ids_are_looked_up_one_by_one_not_among_all_events_of_the_feed(plans: dict[str, list[str]]) -> None:
    (asked,) = [steps_ for question, steps_ in plans.items() if "m7" in question]
    assert any("(feed=? AND event=?)" in step for step in asked)
