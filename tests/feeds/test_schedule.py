"""Schedules: wall time and zone, each slot once, whatever the clocks do."""

from __future__ import annotations

import asyncio
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldfare import on
from fieldfare._feeds.schedule import Slots
from fieldfare._feeds.walltime import moment, slots_after
from tests.feeds.services import Lent, Reader

ZONES = st.sampled_from(sorted(zoneinfo.available_timezones() - {"Factory", "localtime"}))
DAYS = 800
FIRST = date(2025, 1, 1)
# On Lord Howe Island clocks move by half an hour, in Nuuk over midnight.
AWKWARD = [
    "Australia/Lord_Howe",
    "America/Nuuk",
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Beirut",
]


def shown(moment: datetime, zone: str) -> tuple[date, time]:
    local = moment.astimezone(ZoneInfo(zone))
    return local.date(), local.time()


def expected(day: date, at: time, zone: str) -> datetime:
    """The first moment of a day at which its clocks show `at` or later, found by looking at every minute."""
    wall = datetime.combine(day, at)
    look = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    for _ in range(30 * 60):
        if look.astimezone(ZoneInfo(zone)).replace(tzinfo=None) >= wall:
            return look
        look += timedelta(minutes=1)
    raise AssertionError("no such minute")


def slots(cron: str, zone: str, start: datetime, count: int) -> list[datetime]:
    found = slots_after(cron, zone, start)
    return [next(found) for _ in range(count)]


@pytest.mark.parametrize("zone", AWKWARD)
@pytest.mark.parametrize("at", [time(0, 30), time(1, 30), time(2, 15), time(23, 30)])
def test_a_daily_rule_fires_once_for_each_day_where_clocks_are_awkward(zone: str, at: time) -> None:
    _once_a_day(zone, at)


@given(ZONES, st.times().map(lambda t: t.replace(second=0, microsecond=0)))
def test_a_daily_rule_fires_once_for_each_day_in_every_zone(zone: str, at: time) -> None:
    _once_a_day(zone, at)


def _once_a_day(zone: str, at: time) -> None:
    start = moment(datetime.combine(FIRST, time()), zone) - timedelta(seconds=1)
    for number, slot in enumerate(slots(f"{at.minute} {at.hour} * * *", zone, start, DAYS)):
        day = FIRST + timedelta(days=number)
        if shown(slot, zone) != (day, at) or slot.astimezone(ZoneInfo(zone)).fold:
            assert slot == expected(day, at, zone)


@given(ZONES, st.integers(0, 23), st.integers(0, 6))
def test_a_weekly_rule_fires_once_in_each_week_in_every_zone(zone: str, hour: int, weekday: int) -> None:
    start = moment(datetime.combine(FIRST, time()), zone) - timedelta(seconds=1)
    found = slots(f"0 {hour} * * {weekday}", zone, start, 110)
    wall = [slot.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for slot in found]
    sunday = datetime.fromisoformat("2025-01-05")
    weeks = [(at - sunday - timedelta(days=weekday)) // timedelta(days=7) for at in wall]
    assert weeks == list(range(weeks[0], weeks[0] + 110))


@given(
    ZONES, st.sampled_from(["30 1 * * *", "*/20 * * * *", "15 */3 * * *", "0 0,12 1 * *"]), st.integers(0, 730 * 1440)
)
def test_where_a_reading_resumes_makes_no_difference(zone: str, cron: str, minutes: int) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    whole = slots(cron, zone, start, 6)
    assert [slots(cron, zone, before, 1)[0] for before in [start, *whole[:-1]]] == whole


def test_a_daily_rule_in_the_hour_that_comes_twice_fires_in_the_first() -> None:
    found = slots("30 1 * * *", "America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), 2)
    assert found == [datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 2, 6, 30, tzinfo=UTC)]


def test_a_start_in_the_second_of_the_two_hours_does_not_go_back_to_the_first() -> None:
    start = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)
    assert slots("30 1 * * *", "America/New_York", start, 1) == [datetime(2026, 11, 2, 6, 30, tzinfo=UTC)]


def test_a_daily_rule_in_the_hour_that_is_left_out_fires_right_after_it() -> None:
    found = slots("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC), 2)
    assert [shown(slot, "Europe/Berlin") for slot in found] == [
        (date(2026, 3, 29), time(3, 0)),
        (date(2026, 3, 30), time(2, 30)),
    ]


def test_a_written_time_that_is_left_out_means_the_same_as_a_rule() -> None:
    wall = datetime.fromisoformat("2026-03-29 02:30")
    assert moment(wall, "Europe/Berlin") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_written_time_that_comes_twice_means_the_first() -> None:
    wall = datetime.fromisoformat("2026-10-25 02:30")
    assert moment(wall, "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("wall", ["9999-12-31 23:59", "0001-01-01 00:00"])
def test_a_written_time_outside_the_calendar_is_refused(wall: str) -> None:
    zone = "America/New_York" if wall.startswith("9") else "Asia/Tokyo"
    with pytest.raises(ValueError, match="is outside the calendar"):
        moment(datetime.fromisoformat(wall), zone)


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 0 31 2 *", "never fires"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6 *", "never fires"),
        ("0 0 */40 * MON#5", "never fires"),
        ("0 0 32 1 *", "is not a cron line: bad day-of-month"),
        ("60 * * * *", "bad minute"),
        ("* * * *", "has 4 fields"),
        ("0 0 9 * * *", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("", "has 0 fields"),
        ("every day", "has 2 fields"),
        ("0 9 * * FREITAG", "bad day-of-week"),
    ],
)
def test_a_line_that_is_none_or_never_fires_is_refused_when_written(cron: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        on.schedule(cron, zone="UTC")


def test_a_leap_day_is_no_mistake() -> None:
    [feed] = on.schedule("0 0 29 2 *", zone="UTC").feeds()
    assert isinstance(feed, Slots)
    assert slots(feed.cron, feed.zone, datetime(2026, 1, 1, tzinfo=UTC), 1)[0].year == 2028


def test_a_zone_that_does_not_exist_is_refused_with_a_near_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'Europe/Berlin'"):
        on.schedule("0 9 * * *", zone="Europe/Berlim")


def test_equal_schedules_are_one_feed_however_they_are_written() -> None:
    feeds = [
        on.schedule(cron, zone="Europe/Berlin").feeds()[0].key({}) for cron in ("0 9 * * mon-fri", " 0  9 * * MON-FRI")
    ]
    assert feeds == ["schedule:0 9 * * MON-FRI:Europe/Berlin"] * 2


def reader(cron: str = "0 9 * * *", zone: str = "UTC", now: datetime | None = None) -> Reader:
    return Reader(Slots(cron, zone), Lent(now=now or datetime(2026, 6, 1, 8, tzinfo=UTC)))


def pull(it: Reader) -> list[Any]:
    return asyncio.run(it.pull())


def test_the_first_look_brings_nothing_and_knows_what_comes() -> None:
    it = reader()
    assert pull(it) == []
    assert it.batch is not None
    assert it.batch.next_at == datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_a_slot_is_an_event_known_by_its_nominal_time() -> None:
    it = reader()
    pull(it)
    it.lent.now = datetime(2026, 6, 1, 9, 0, 7, tzinfo=UTC)
    [slot] = pull(it)
    nominal = datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert (slot.id, slot.nominal, slot.occurred_at) == ("2026-06-01T09:00:00.000Z", nominal, nominal)
    assert pull(it) == []


def test_a_slot_at_this_very_moment_is_due() -> None:
    it = reader()
    pull(it)
    it.lent.now = datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert len(pull(it)) == 1


def test_every_slot_of_a_gap_is_given_and_those_beyond_the_grace_are_named_missed() -> None:
    it = reader()
    pull(it)
    it.lent.now += timedelta(days=3)
    found = pull(it)
    assert it.batch is not None
    before = it.batch.missed_before
    assert before is not None
    assert [slot.occurred_at < before for slot in found] == [True, True, False]


def test_a_long_gap_comes_in_bounded_pulls_without_a_hole() -> None:
    it = reader("* * * * *")
    pull(it)
    it.lent.now += timedelta(minutes=2_500)
    first = asyncio.run(it.feed.pull(it.cursor, it.lent))
    assert (len(first.events), first.more, first.next_at) == (1_000, True, None)
    found = [slot.nominal for slot in pull(it)]
    assert len(found) == 2_500
    assert {b - a for a, b in pairwise(found)} == {timedelta(minutes=1)}


@given(st.lists(st.sampled_from([-86_400, -3_600, -60, 30, 60, 3_600, 86_400]), max_size=12))
def test_no_jump_of_the_clock_brings_a_slot_twice(steps: list[int]) -> None:
    feed, lent = Slots("*/30 * * * *", "Europe/Berlin"), Lent(now=datetime(2026, 10, 24, 22, tzinfo=UTC))
    cursor: str | None = None
    given_ids: list[str] = []
    for step in [0, *steps]:
        lent.now += timedelta(seconds=step)
        batch = asyncio.run(feed.pull(cursor, lent))
        cursor = batch.cursor
        given_ids += [slot.id for slot in batch.events]
    assert len(given_ids) == len(set(given_ids))
    assert given_ids == sorted(given_ids)


def test_a_clock_that_was_set_back_far_is_named_and_not_waited_for_in_silence() -> None:
    it = reader()
    pull(it)
    it.lent.now = datetime(2036, 1, 1, tzinfo=UTC)
    pull(it)
    it.lent.now = datetime(2026, 6, 2, tzinfo=UTC)
    assert pull(it) == []
    assert any("the clock was set back" in note for note in it.notes)
