"""Follow-ups and troubles: what we did ourselves comes back as events, when it is due."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fieldfare import Automation, Skip, on, skip
from fieldfare._feeds.settled import Settled, Troubles
from fieldfare.plugin import DeliverySettled, TroubleSeen
from tests.feeds.services import NOW, Lent, Reader

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def reader(after: timedelta = timedelta(0)) -> Reader:
    return Reader(Settled("welcome", after), Lent(now=NOW))


def deliver(it: Reader, *ages: timedelta, automation: str = "welcome") -> None:
    """One delivery for each age, in this order."""
    for age in ages:
        number = len(it.lent.deliveries) + 1
        fact = DeliverySettled(
            id=f"d{number}", occurred_at=it.lent.now - age, automation=automation, delivery=str(number), action="reply"
        )
        it.lent.deliveries.append((number, fact))


def look(it: Reader, later: timedelta = timedelta(0)) -> list[Any]:
    it.lent.now += later
    return asyncio.run(it.pull())


def test_a_delivery_of_the_automation_is_given_once() -> None:
    it = reader()
    look(it)
    deliver(it, timedelta(0))
    deliver(it, timedelta(0), automation="another")
    assert [event.id for event in look(it)] == ["d1"]
    assert look(it) == []


def test_a_delivery_is_given_after_its_wait_and_the_next_look_is_then() -> None:
    it = reader(DAY)
    look(it)
    deliver(it, timedelta(0), -HOUR)
    assert look(it) == []
    assert it.batch is not None
    assert it.batch.next_at == NOW + DAY
    assert [event.id for event in look(it, DAY)] == ["d1"]
    assert it.batch.next_at == NOW + DAY + HOUR
    assert [event.id for event in look(it, HOUR)] == ["d2"]


def test_what_was_due_before_the_first_look_is_named_missed_and_what_comes_due_later_is_not() -> None:
    it = reader(DAY)
    deliver(it, 3 * DAY, HOUR)
    [old] = look(it)
    assert it.batch is not None
    assert it.batch.missed_before is not None
    assert old.occurred_at < it.batch.missed_before
    [due] = look(it, DAY)
    assert it.batch.missed_before is not None
    assert due.occurred_at >= it.batch.missed_before


def test_a_long_past_is_named_missed_on_every_page_of_it() -> None:
    it = reader()
    deliver(it, *[HOUR] * 450)
    first = asyncio.run(it.feed.pull(None, it.lent))
    assert (len(first.events), first.more) == (200, True)
    second = asyncio.run(it.feed.pull(first.cursor, it.lent))
    assert second.missed_before is not None
    assert [event.id for event in second.events if event.occurred_at >= second.missed_before] == []
    assert len(look(it)) == 450


def test_what_was_due_longer_ago_than_the_grace_is_named_missed() -> None:
    it = reader(DAY)
    look(it)
    deliver(it, timedelta(0), -2 * DAY)
    found = look(it, 4 * DAY)
    assert it.batch is not None
    assert it.batch.missed_before is not None
    assert [event.occurred_at < it.batch.missed_before for event in found] == [True, False]


def test_a_wait_is_no_gap() -> None:
    assert Settled("welcome", 7 * DAY).grace >= 8 * DAY


def test_an_automation_or_its_name_says_whose_deliveries() -> None:
    def nothing(event: TroubleSeen, ctx: object) -> Skip:
        return skip("nothing to do")

    named = Automation(name="welcome", trigger=on.trouble(), decide=nothing)
    keys = {on.delivered(which, after=HOUR).feeds()[0].key({}) for which in (named, "welcome")}
    assert keys == {"delivered:welcome:3600"}


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        on.delivered("welcome", after=-HOUR)


def trouble(it: Reader, *what: str) -> None:
    for word in what:
        number = len(it.lent.seen_troubles) + 1
        fact = TroubleSeen(id=f"t{number}", occurred_at=it.lent.now, what=word, says=f"{word} it is")
        it.lent.seen_troubles.append((number, fact))


def test_all_troubles_are_given_unless_some_are_named() -> None:
    everything, some = (Reader(Troubles(what), Lent(now=NOW)) for what in (frozenset[str](), frozenset({"held"})))
    for it in (everything, some):
        look(it)
        trouble(it, "uncertain", "held", "expired")
    assert [event.what for event in look(everything)] == ["uncertain", "held", "expired"]
    assert [event.what for event in look(some)] == ["held"]
    assert look(some) == []


def test_troubles_of_before_the_first_look_are_named_missed() -> None:
    it = Reader(Troubles(frozenset()), Lent(now=NOW - HOUR))
    trouble(it, *["held"] * 300)
    assert len(look(it, HOUR)) == 300
    assert it.batch is not None
    assert it.batch.missed_before == NOW


def test_a_trouble_that_does_not_exist_is_refused_with_a_near_one() -> None:
    with pytest.raises(ValueError, match="'uncertian' is no kind of trouble; did you mean 'uncertain'"):
        on.trouble("uncertian")
