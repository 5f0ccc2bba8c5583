"""Nothing is lost to a list whose times are claimed by authors and whose pages are cut at a bare time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldfare.plugin import Batch, Followed
from fieldfare_bluesky._notifications import DEEP_EVERY, PAGE, PAGES, Page, look
from fieldfare_bluesky._wire import Notification, author

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Reader:
    """A notification list and somebody who reads it: what was ever handed over is known afterwards."""

    def __init__(self, page: int = PAGE) -> None:
        self.entries: list[dict[str, Any]] = []
        self.known: set[str] = set()
        self.cursor: str | None = None
        self.now = NOON
        self.page = page
        self.asked = 0

    def add(self, name: str, at: datetime | None = None) -> str:
        uri = f"at://did:plc:fan/app.bsky.feed.post/{name}"
        self.entries.append(
            {
                "uri": uri,
                "cid": f"c-{name}",
                "author": {"did": "did:plc:fan", "handle": "fan.test"},
                "reason": "follow",
                "record": {},
                "indexedAt": stamp(at or self.now),
            }
        )
        return uri

    async def read(self, cursor: str | None) -> Page:
        self.asked += 1
        rows = sorted(self.entries, key=lambda e: (e["indexedAt"], e["uri"]), reverse=True)
        rows = [row for row in rows if cursor is None or row["indexedAt"] < cursor]
        page = rows[: self.page]
        return page, page[-1]["indexedAt"] if len(rows) > self.page else None

    async def knows(self, ids: Sequence[str]) -> frozenset[str]:
        return frozenset(ids) & self.known

    def pull(self) -> Batch[Followed]:
        def make(entry: Notification) -> Followed:
            return Followed(id=entry.uri, occurred_at=entry.indexed_at, author=author(entry.author, "me"))

        batch = asyncio.run(look(self.read, self.cursor, self.knows, self.now, make))
        self.cursor = batch.cursor
        self.known |= {event.id for event in batch.events}
        return batch

    def new(self) -> list[str]:
        """Pulls until there is no more at once."""
        found: list[str] = []
        for _ in range(50):
            batch = self.pull()
            found += [event.id for event in batch.events]
            if not batch.more:
                return found
        raise AssertionError("there is always more")


def test_what_came_since_the_last_look_comes_oldest_first_and_once() -> None:
    reader = Reader()
    reader.new()
    one, two = reader.add("1", NOON - timedelta(seconds=2)), reader.add("2", NOON - timedelta(seconds=1))
    assert reader.new() == [one, two]
    assert reader.new() == []


def test_a_back_dated_entry_within_the_first_page_is_found_at_once() -> None:
    reader = Reader()
    reader.add("old", NOON - timedelta(days=1))
    reader.new()
    late = reader.add("late", NOON - timedelta(days=300))
    assert reader.new() == [late]


def test_a_back_dated_entry_behind_a_page_of_known_ones_is_found_by_the_deep_look() -> None:
    reader = Reader()
    for number in range(2 * PAGE):
        reader.add(f"{number:03}", NOON - timedelta(minutes=number))
    reader.new()
    late = reader.add("late", NOON - timedelta(days=300))
    assert reader.new() == []
    reader.now += DEEP_EVERY
    assert reader.new() == [late]


def test_entries_of_one_millisecond_are_not_lost_where_a_page_ends() -> None:
    reader = Reader()
    reader.new()
    wanted = [reader.add(f"{number:03}", NOON) for number in range(PAGE // 2)]
    wanted += [reader.add(f"newer-{number:03}", NOON + timedelta(seconds=1 + number)) for number in range(PAGE - 10)]
    assert set(reader.new()) == set(wanted)


def test_a_page_full_of_one_millisecond_does_not_hold_up_the_rest() -> None:
    reader = Reader()
    reader.new()
    older = reader.add("older", NOON - timedelta(seconds=1))
    for number in range(PAGE + 10):
        reader.add(f"{number:03}", NOON)
    assert older in reader.new()


def test_a_backlog_of_many_pages_comes_over_several_pulls_without_a_gap() -> None:
    reader = Reader(page=5)
    reader.new()
    wanted = [reader.add(f"{number:03}", NOON - timedelta(seconds=number)) for number in range(7 * PAGES)]
    assert reader.pull().more
    reader.cursor, reader.known = None, set()
    reader.entries, held = [], reader.entries
    reader.new()
    reader.entries = held
    assert set(reader.new()) == set(wanted)


def test_history_that_the_first_look_did_not_reach_is_never_new() -> None:
    reader = Reader(page=5)
    for number in range(5 * PAGES + 40):
        reader.add(f"{number:04}", NOON - timedelta(minutes=number))
    first = reader.new()
    assert len(first) < 5 * PAGES + 40
    fresh = reader.add("fresh")
    # What vanishes lets what is older move up.
    reader.entries = [entry for entry in reader.entries if entry["uri"] not in first[-30:]]
    reader.now += DEEP_EVERY
    assert reader.new() == [fresh]


def test_a_quiet_look_asks_once() -> None:
    reader = Reader()
    for number in range(5 * PAGE):
        reader.add(f"{number:03}", NOON - timedelta(minutes=number))
    reader.new()
    reader.asked = 0
    reader.new()
    assert reader.asked == 1


def test_an_edited_or_re_created_post_is_the_same_fact() -> None:
    reader = Reader()
    reader.new()
    reader.add("1")
    reader.new()
    reader.entries[0] |= {"cid": "another", "indexedAt": stamp(NOON + timedelta(minutes=1))}
    assert reader.new() == []


def test_an_entry_that_cannot_be_read_is_named_and_the_others_still_come() -> None:
    reader = Reader()
    reader.new()
    good = reader.add("good")
    reader.entries.append({"uri": "at://x", "indexedAt": stamp(NOON)})
    batch = reader.pull()
    assert [event.id for event in batch.events] == [good]
    assert len(batch.notes) == 1


@pytest.mark.parametrize("last", ["not a time", "1795601863700__bafyrei"])
def test_a_cursor_that_is_no_time_is_used_as_it_came(last: str) -> None:
    reader = Reader()
    reader.new()
    seen: list[str | None] = []

    async def read(cursor: str | None) -> Page:
        seen.append(cursor)
        return ([reader.entries[0]], last) if cursor is None else ([], None)

    reader.add("1")
    reader.read = read  # type: ignore[method-assign]
    reader.new()
    assert seen == [None, last]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("new"), st.integers(1, 12)),
        st.tuples(st.just("back-dated"), st.integers(1, 500)),
        st.tuples(st.just("same moment"), st.integers(1, 4)),
        st.tuples(st.just("pull"), st.just(0)),
        st.tuples(st.just("hour"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_for_every_history_each_entry_comes_exactly_once(steps: list[tuple[str, int]]) -> None:
    reader = Reader(page=5)
    reader.new()
    wanted: set[str] = set()
    found: list[str] = []
    serial = 0
    for what, count in steps:
        reader.now += timedelta(seconds=1)
        if what == "pull":
            found += reader.new()
        elif what == "hour":
            reader.now += DEEP_EVERY
            found += reader.new()
        else:
            for number in range(1 if what == "back-dated" else count):
                serial += 1
                at = {
                    "new": reader.now + timedelta(milliseconds=number * 10),
                    "back-dated": reader.now - timedelta(hours=count),
                    "same moment": reader.now,
                }[what]
                wanted.add(reader.add(f"{serial:04}", at))
    reader.now += DEEP_EVERY
    found += reader.new()
    assert set(found) == wanted
    assert len(found) == len(wanted)
