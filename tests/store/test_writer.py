"""One writer: groups, savepoints, fencing."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from fieldfare._store import accounts, events
from fieldfare._store.sqlite import Store
from fieldfare._store.writer import Fenced
from tests.stores import in_memory


def count(c: sqlite3.Connection) -> int:
    return int(c.execute("SELECT count(*) FROM events").fetchone()[0])


def fact(number: int) -> events.Fact:
    return events.Fact(id=str(number), kind="mention", occurred_at=number, body="{}")


async def put(store: Store, number: int) -> list[int]:
    return await store.do(
        events.ingest, feed="f", facts=[fact(number)], cursor=str(number), now=number, missed_before=None
    )


def test_what_is_written_side_by_side_is_all_there(tmp_path: Path) -> None:
    async def story() -> None:
        store = Store.threaded(tmp_path / "s.db")
        try:
            await asyncio.gather(*(put(store, n) for n in range(300)))
            assert store.read(count) == 300
        finally:
            await store.close()

    asyncio.run(story())


def test_a_change_that_raises_is_undone_alone(tmp_path: Path) -> None:
    def half(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO meta VALUES ('half', '1')")
        raise ValueError("no")

    async def story() -> None:
        store = Store.threaded(tmp_path / "s.db")
        try:
            results = await asyncio.gather(put(store, 1), store.do(half), put(store, 2), return_exceptions=True)
            assert [type(r).__name__ for r in results] == ["list", "ValueError", "list"]
            assert store.read(lambda c: c.execute("SELECT * FROM meta WHERE key = 'half'").fetchall()) == []
            assert store.read(count) == 2
        finally:
            await store.close()

    asyncio.run(story())


def test_a_holder_that_was_taken_over_writes_nothing_more(tmp_path: Path) -> None:
    async def story() -> None:
        old = Store.threaded(tmp_path / "s.db")
        new = Store.threaded(tmp_path / "s.db")
        try:
            old.fence(await old.do(accounts.take_over, boot="a", now=1))
            await put(old, 1)
            new.fence(await new.do(accounts.take_over, boot="b", now=2))
            with pytest.raises(Fenced, match="taken this store over"):
                await put(old, 2)
            await put(new, 3)
            assert new.read(count) == 2
        finally:
            await old.close()
            await new.close()

    asyncio.run(story())


def test_events_and_cursor_move_together_or_not_at_all(tmp_path: Path) -> None:
    def torn(c: sqlite3.Connection) -> None:
        events.ingest(c, feed="f", facts=[fact(1)], cursor="1", now=1, missed_before=None)
        raise RuntimeError("the power went")

    async def story() -> None:
        store = in_memory()
        with pytest.raises(RuntimeError):
            await store.do(torn)
        assert (store.read(count), store.read(events.cursor_of, "f")) == (0, (None, None))

    asyncio.run(story())


def test_a_repeat_of_an_event_is_not_an_event() -> None:
    async def story() -> None:
        store = in_memory()
        assert len(await put(store, 1)) == 1
        assert await put(store, 1) == []
        assert store.read(events.known, "f", ["1", "2"]) == {"1"}

    asyncio.run(story())


def test_writing_to_a_closed_store_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        store = Store.threaded(tmp_path / "s.db")
        await store.close()
        with pytest.raises(Exception, match="the store is closed"):
            await put(store, 1)

    asyncio.run(story())
