"""Queues: at each slot the next item that was not used, in the order of the file."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare import on
from fieldfare._feeds.queue import Queue
from fieldfare.plugin import NotSent
from tests.feeds.services import NOW, Lent, Reader

HOUR = timedelta(hours=1)


class Shelf:
    """A queue on a shelf with a slot at every full hour; the first look is at 12:00, at noon."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue.csv"
        self.reader = Reader(Queue(Path("queue.csv"), "0 * * * *", "UTC"), Lent(now=NOW, project=folder))

    def write(self, *lines: str, header: str = "id,text") -> None:
        self.path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")

    def look(self, later: timedelta = HOUR) -> list[Any]:
        self.reader.lent.now += later
        return asyncio.run(self.reader.pull())

    @property
    def notes(self) -> list[str]:
        notes, self.reader.notes = self.reader.notes, []
        return notes


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.write("a,first", "b,second", "c,third")
    shelf.look(timedelta(0))
    return shelf


def test_each_slot_brings_the_next_item_in_the_order_of_the_file(shelf: Shelf) -> None:
    given = [shelf.look() for _ in range(3)]
    assert [[e.id for e in events] for events in given] == [["a"], ["b"], ["c"]]
    assert [events[0].occurred_at for events in given] == [NOW + n * HOUR for n in (1, 2, 3)]


def test_between_two_slots_nothing_goes(shelf: Shelf) -> None:
    assert shelf.look(HOUR / 2) == []
    assert shelf.reader.batch is not None
    assert shelf.reader.batch.next_at == NOW + HOUR


def test_an_item_that_is_put_first_is_next(shelf: Shelf) -> None:
    shelf.look()
    shelf.write("new,urgent", "a,first", "b,second")
    assert [e.id for e in shelf.look()] == ["new"]
    assert [e.id for e in shelf.look()] == ["b"]


def test_an_item_that_is_used_and_comes_back_is_not_used_again(shelf: Shelf) -> None:
    shelf.look()
    shelf.write("b,second")
    shelf.look()
    shelf.write("a,first again", "c,third")
    assert [e.id for e in shelf.look()] == ["c"]


def test_an_empty_queue_is_told_once_until_it_was_filled_again(shelf: Shelf) -> None:
    shelf.write()
    assert [shelf.look(), shelf.look()] == [[], []]
    assert shelf.notes == ["queue.csv: the queue is empty; what is added goes out from the next slot on"]
    shelf.write("d,fourth")
    assert [e.id for e in shelf.look()] == ["d"]
    assert shelf.notes == []
    shelf.look()
    assert len(shelf.notes) == 1


def test_slots_that_passed_within_the_grace_bring_one_item_together(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.reader.feed = Queue(Path("queue.csv"), "*/10 * * * *", "UTC")
    shelf.write("a,first", "b,second")
    shelf.look(timedelta(0))
    [event] = shelf.look(timedelta(minutes=35))
    assert (event.id, event.occurred_at) == ("a", NOW + timedelta(minutes=30))
    assert shelf.notes == ["queue.csv: 3 slots passed since the last look; they bring one item together"]


def test_a_slot_that_passed_too_long_ago_uses_nothing_up(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.reader.feed = Queue(Path("queue.csv"), "0 9 * * *", "UTC")
    shelf.write("a,first", "b,second")
    shelf.look(timedelta(0))
    assert shelf.look(timedelta(days=3)) == []
    assert shelf.notes == ["queue.csv: no item went out at 2026-11-26T09:00:00.000Z; nobody looked then"]
    assert shelf.look(timedelta(minutes=1)) == []
    assert shelf.notes == []
    assert [e.id for e in shelf.look(timedelta(hours=21))] == ["a"]


def test_a_bad_row_is_named_when_the_daemon_starts_and_passed_over(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.write(",no id", "b,second")
    shelf.look(timedelta(0))
    assert shelf.notes == ["queue.csv:2: the row has no id"]
    assert [e.id for e in shelf.look()] == ["b"]
    assert shelf.notes == []


def test_what_is_wrong_shows_before_anything_runs(shelf: Shelf) -> None:
    shelf.write("a,first", "a,second")
    assert shelf.reader.feed.objections(shelf.path.parent) == ["queue.csv:3: id 'a' is already used in line 2"]


def test_an_item_whose_image_is_not_there_is_passed_over_until_it_is(shelf: Shelf) -> None:
    shelf.write("a,first,bird.png,a bird", "b,second", header="id,text,image,alt")
    assert [e.id for e in shelf.look()] == ["b"]
    (shelf.path.parent / "bird.png").write_bytes(b"png")
    assert [e.id for e in shelf.look()] == ["a"]


def test_a_long_queue_is_searched_to_its_end(shelf: Shelf) -> None:
    shelf.write(*(f"r{n},text" for n in range(1_234)), "last,text")
    shelf.reader.lent.ids |= {f"r{n}" for n in range(1_234)}
    assert [e.id for e in shelf.look()] == ["last"]


def test_a_queue_that_is_not_there_moves_nothing_and_goes_when_it_is(shelf: Shelf) -> None:
    os.remove(shelf.path)
    with pytest.raises(NotSent, match="no such file"):
        shelf.look()
    shelf.write("a,first")
    assert [e.id for e in shelf.look(timedelta(minutes=5))] == ["a"]


def test_other_slots_do_not_begin_the_queue_anew_and_two_at_once_disagree() -> None:
    [morning] = on.queue("q.csv", cron="0 9 * * *", zone="UTC").feeds()
    [evening] = on.queue("q.csv", cron="0 18 * * *", zone="UTC").feeds()
    assert morning.key({}) == evening.key({})
    assert morning.terms != evening.terms


def test_a_queue_whose_slots_never_come_is_refused_when_written() -> None:
    with pytest.raises(ValueError, match="never fires"):
        on.queue("q.csv", cron="0 0 31 2 *", zone="UTC")
