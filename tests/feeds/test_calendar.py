"""Calendars: rows go once, when they are due, as they stand then; a bad row stops nobody but itself."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldfare import ContentDue, Visibility, on
from fieldfare._feeds.calendar import Calendar
from fieldfare._feeds.rows import read
from fieldfare.plugin import NotSent
from tests.feeds.services import NOW, Lent, Reader

HEADER = "id,publish_at,text"


class Desk:
    """A calendar on a desk: somebody writes, somebody looks."""

    def __init__(self, folder: Path, name: str = "calendar.csv", zone: str = "UTC") -> None:
        self.path = folder / name
        self.reader = Reader(Calendar(Path(name), zone), Lent(now=NOW, project=folder))
        self.writes = 0

    def write(self, *lines: str, header: str = HEADER, encoding: str = "utf-8") -> None:
        self.path.write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
        self.writes += 1
        # Two writes within one tick of the file system's clock are told apart.
        os.utime(self.path, ns=(self.writes, self.writes))

    def look(self, later: timedelta = timedelta(0)) -> list[Any]:
        self.reader.lent.now += later
        return asyncio.run(self.reader.pull())

    @property
    def notes(self) -> list[str]:
        notes, self.reader.notes = self.reader.notes, []
        return notes

    @property
    def next_at(self) -> datetime | None:
        assert self.reader.batch is not None
        return self.reader.batch.next_at

    @property
    def missed_before(self) -> datetime:
        assert self.reader.batch is not None
        assert self.reader.batch.missed_before is not None
        return self.reader.batch.missed_before


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_a_row_goes_when_it_is_due_and_once(desk: Desk) -> None:
    desk.write("a,2026-11-25 13:00,hello")
    assert desk.look() == []
    [event] = desk.look(HOUR)
    assert (event.id, event.occurred_at, event.draft.text) == ("a", NOW + HOUR, "hello")
    assert desk.look(HOUR) == []


def test_a_time_is_wall_time_of_the_zone_unless_it_has_an_offset(tmp_path: Path) -> None:
    desk = Desk(tmp_path, zone="America/New_York")
    desk.write("a,2026-11-25 08:00,local", "b,2026-11-25T13:00:00+01:00,offset", "c,2026-11-25T12:30Z,zulu")
    assert [(e.id, e.occurred_at.strftime("%H:%M")) for e in desk.look(3 * HOUR)] == [
        ("b", "12:00"),
        ("c", "12:30"),
        ("a", "13:00"),
    ]


def test_everything_a_row_says_is_in_the_draft_and_every_column_is_kept(desk: Desk) -> None:
    (desk.path.parent / "bird.png").write_bytes(b"png")
    desk.write(
        "a,2026-11-25 12:00,hello,bird.png,A bird on a post,de-CH,Unlisted,berries,https://e.example/1,winter",
        header="ID, Publish_At ,text,image,alt,language,visibility,warning,link,Campaign",
    )
    [event] = desk.look()
    draft = event.draft
    assert draft.text == "hello\n\nhttps://e.example/1"
    assert [(Path(m.source), m.alt) for m in draft.media] == [(desk.path.parent / "bird.png", "A bird on a post")]
    assert (draft.language, draft.visibility, draft.warning) == ("de-CH", Visibility.UNLISTED, "berries")
    assert (event.row["Campaign"], event.row["ID"], event.row["visibility"]) == ("winter", "a", "Unlisted")


def test_a_link_that_stands_in_the_text_is_not_added_again(desk: Desk) -> None:
    desk.write("a,2026-11-25 12:00,see https://e.example/1 now,https://e.example/1", header="id,publish_at,text,link")
    assert desk.look()[0].draft.text == "see https://e.example/1 now"


def test_what_was_left_open_is_left_to_the_account(desk: Desk) -> None:
    desk.write("a,2026-11-25 12:00,hello,,", header=f"{HEADER},language,visibility")
    draft = desk.look()[0].draft
    assert (draft.language, draft.visibility, draft.warning, draft.media) == (None, None, None, ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_may_begin_with_a_byte_order_mark(desk: Desk, encoding: str) -> None:
    desk.write("a,2026-11-25 12:00,Grüße 🐦", encoding=encoding)
    assert desk.look()[0].draft.text == "Grüße 🐦"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_columns_may_be_divided_as_spreadsheets_elsewhere_do(desk: Desk, delimiter: str) -> None:
    desk.write(f"a{delimiter}2026-11-25 12:00{delimiter}eins, zwei", header=HEADER.replace(",", delimiter))
    assert desk.look()[0].draft.text == "eins, zwei"


def test_a_text_may_have_lines(desk: Desk) -> None:
    desk.write('a,2026-11-25 12:00,"one\n\ntwo, ""three"""', "b,2026-11-25 12:00,next")
    assert [e.draft.text for e in desk.look()] == ['one\n\ntwo, "three"', "next"]


def test_line_ends_of_windows_are_not_published(desk: Desk) -> None:
    desk.path.write_bytes(b'id,publish_at,text\r\na,2026-11-02 09:00,"one\r\ntwo"\r\n')
    (row,) = read(desk.path, desk.path.parent, zone="UTC").rows
    assert row.draft.text == "one\ntwo"


def test_a_text_corrected_before_it_is_due_goes_out_corrected(desk: Desk) -> None:
    desk.write("a,2026-11-25 13:00,helo")
    desk.look()
    desk.write("a,2026-11-25 13:00,hello")
    assert desk.look(HOUR)[0].draft.text == "hello"


def test_a_text_corrected_after_it_is_out_repeats_nothing(desk: Desk) -> None:
    desk.write("a,2026-11-25 12:00,helo")
    desk.look()
    desk.write("a,2026-11-25 12:30,hello")
    assert desk.look(HOUR) == []


def test_a_row_that_is_moved_forward_goes_at_its_new_time(desk: Desk) -> None:
    desk.write("a,2026-11-25 18:00,hello")
    desk.look()
    desk.write("a,2026-11-25 12:30,hello")
    assert [e.id for e in desk.look(HOUR)] == ["a"]


def test_a_row_that_is_taken_out_before_it_is_due_does_not_go(desk: Desk) -> None:
    desk.write("a,2026-11-25 13:00,hello")
    desk.look()
    desk.write()
    assert desk.look(2 * HOUR) == []


def test_what_was_due_before_the_first_look_is_named_missed(desk: Desk) -> None:
    desk.write("a,2026-11-25 11:00,before", "b,2026-11-25 12:30,after")
    [before] = desk.look()
    assert before.occurred_at < desk.missed_before
    [after] = desk.look(HOUR)
    assert after.occurred_at >= desk.missed_before


def test_what_was_due_before_the_first_look_stays_missed_when_it_is_written_later(desk: Desk) -> None:
    desk.write()
    desk.look()
    desk.write("a,2025-11-25 12:30,a year too early")
    [late] = desk.look(HOUR)
    assert late.occurred_at < desk.missed_before


def test_what_was_due_longer_ago_than_the_grace_is_named_missed(desk: Desk) -> None:
    desk.write("a,2026-11-26 12:00,old", "b,2026-11-28 11:00,fresh")
    desk.look()
    assert [e.occurred_at < desk.missed_before for e in desk.look(timedelta(days=3))] == [True, False]


def test_a_large_calendar_comes_in_bounded_pulls_oldest_first(desk: Desk) -> None:
    desk.write(*(f"r{n},2026-11-25 13:{n % 60:02},text" for n in range(2_300)))
    desk.look()
    desk.reader.lent.now += 2 * HOUR
    first = asyncio.run(desk.reader.feed.pull(desk.reader.cursor, desk.reader.lent))
    assert (len(first.events), first.more) == (1_000, True)
    found = desk.look()
    assert len({e.id for e in found}) == 2_300
    assert [e.occurred_at for e in found] == sorted(e.occurred_at for e in found)


def test_the_next_look_is_at_the_next_row_and_no_later_than_usual(desk: Desk) -> None:
    desk.write("a,2026-11-25 12:00:20,soon", "b,2026-11-25 18:00,late")
    desk.look()
    assert desk.next_at == NOW + timedelta(seconds=20)
    desk.look(timedelta(seconds=20))
    assert desk.next_at == NOW + timedelta(seconds=80)


def test_a_file_that_did_not_change_is_not_read_again_before_a_row_is_due(desk: Desk) -> None:
    desk.write("a,2026-11-25 13:00,hello")
    desk.look()
    text = desk.path.read_text()
    desk.path.write_text(text.replace("13:00", "12:30"))
    os.utime(desk.path, ns=(1, 1))
    assert desk.look(45 * MINUTE) == []
    assert [e.id for e in desk.look(15 * MINUTE)] == ["a"]


BAD = [
    (",2026-11-25 12:00,text", "the row has no id"),
    ("x,,text", "publish_at is empty"),
    ("x,tomorrow,text", "publish_at 'tomorrow' is not a time; write it as 2026-11-30 09:00"),
    ("x,25.11.2026 12:00,text", "publish_at '25.11.2026 12:00' is not a time"),
    ("x,2026-02-30 12:00,text", "publish_at '2026-02-30 12:00' is not a time"),
    ("x,2026-11-25,text", "publish_at '2026-11-25' has no time of day; write it as 2026-11-25 09:00"),
    ("x,0001-01-01 00:00+14:00,text", "is outside the calendar"),
    ("x,2026-11-25 12:00,", "the row has neither text nor image"),
    ("x,2026-11-25 12:00", "the row has neither text nor image"),
    ("x", "publish_at is empty"),
    ("x,2026-11-25 12:00,one, two, three, four, five, six, seven, eight", "put double quotes around a cell"),
    ("x,2026-11-25 12:00,text,bird.png", "image 'bird.png' has no alt text"),
    ("x,2026-11-25 12:00,text,,a bird", "there is an alt text and no image"),
    ("x,2026-11-25 12:00,text,gone.png,a bird", "image 'gone.png' is not there yet; the row goes when it is"),
    ("x,2026-11-25 12:00,text,../secret.png,a bird", "image '../secret.png' is outside the folder"),
    ("x,2026-11-25 12:00,text,/etc/hostname,a bird", "image '/etc/hostname' is outside the folder"),
    ("x,2026-11-25 12:00,text,,,English", "language 'English' is not a language code; write it as en or pt-BR"),
    ("x,2026-11-25 12:00,text,,,,everybody", "visibility 'everybody' is none of public, unlisted"),
    ("x,2026-11-25 12:00,text,,,,,example.org", "link 'example.org' is not an http(s) address"),
    ("good,2026-11-25 12:00,text", "id 'good' is already used in line 2"),
    ("x,2026-11-25 12:00,te\x07xt", "the row contains the control character '\\x07'"),
    ('x,2026-11-25 12:00,"never closed', "the row cannot be split into columns"),
    ('x,2026-11-25 12:00,"closed" too early', "the row cannot be split into columns"),
]
WIDE = f"{HEADER},image,alt,language,visibility,link"


@pytest.mark.parametrize(("row", "why"), BAD)
def test_a_bad_row_is_named_with_its_line_and_the_good_ones_go(tmp_path: Path, row: str, why: str) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "bird.png").write_bytes(b"png")
    (tmp_path / "secret.png").write_bytes(b"png")
    desk = Desk(folder)
    desk.write("good,2026-11-25 12:00,before", row, "fine,2026-11-25 12:00,after", header=WIDE)
    assert [e.id for e in desk.look()] == ["good", "fine"]
    [note] = desk.notes
    assert note.startswith("calendar.csv:3: ")
    assert why in note


def test_a_bad_row_is_named_once_and_again_when_it_is_wrong_in_another_way(desk: Desk) -> None:
    desk.write("a,tomorrow,text", "b,2026-11-25 18:00,text")
    desk.look()
    assert len(desk.notes) == 1
    desk.write("a,tomorrow,text", "b,2026-11-25 18:00,other text")
    desk.look(MINUTE)
    assert desk.notes == []
    desk.write("new,2026-11-25 18:00,above", "a,tomorrow,text", "b,2026-11-25 18:00,text")
    desk.look(MINUTE)
    assert desk.notes == []
    desk.write("a,next week,text")
    desk.look(MINUTE)
    assert desk.notes == ["calendar.csv:2: publish_at 'next week' is not a time; write it as 2026-11-30 09:00"]


def test_a_row_that_only_moved_is_not_named_again(desk: Desk) -> None:
    desk.write("a,2026-11-25 18:00,one", "a,2026-11-25 18:00,two")
    desk.look()
    assert desk.notes == ["calendar.csv:3: id 'a' is already used in line 2"]
    desk.write("new,2026-11-25 18:00,above", "a,2026-11-25 18:00,one", "a,2026-11-25 18:00,two")
    desk.look(MINUTE)
    assert desk.notes == []


def test_two_rows_that_cannot_be_split_are_both_named(desk: Desk) -> None:
    desk.write('a,2026-11-25 12:00,"one" x')
    desk.look()
    desk.write('a,2026-11-25 12:00,"one" x', 'b,2026-11-25 12:00,"two" x')
    desk.look(MINUTE)
    assert [note.split(": ")[0] for note in desk.notes] == ["calendar.csv:2", "calendar.csv:3"]


def test_a_bad_row_goes_once_it_is_corrected(desk: Desk) -> None:
    desk.write("a,tomorrow,text")
    desk.look()
    desk.write("a,2026-11-25 12:00,text")
    assert [e.id for e in desk.look(MINUTE)] == ["a"]


def test_a_row_goes_when_its_image_has_come(desk: Desk) -> None:
    desk.write("a,2026-11-25 12:00,text,bird.png,a bird", header=f"{HEADER},image,alt")
    assert desk.look() == []
    assert desk.look(MINUTE) == []
    (desk.path.parent / "bird.png").write_bytes(b"png")
    assert [e.id for e in desk.look(MINUTE)] == ["a"]
    assert len(desk.notes) == 1


def test_an_image_lies_beside_its_calendar_wherever_the_project_is(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "bird.png").write_bytes(b"png")
    desk = Desk(tmp_path, "content/calendar.csv")
    desk.write("a,2026-11-25 12:00,text,bird.png,a bird", header=f"{HEADER},image,alt")
    assert Path(desk.look()[0].draft.media[0].source) == tmp_path / "content" / "bird.png"


def test_a_link_in_the_file_system_does_not_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "secret.png").write_bytes(b"png")
    (tmp_path / "project" / "bird.png").symlink_to(tmp_path / "secret.png")
    desk = Desk(tmp_path / "project")
    desk.write("a,2026-11-25 12:00,text,bird.png,a bird", header=f"{HEADER},image,alt")
    assert desk.look() == []
    assert "outside the folder" in desk.notes[0]


def test_thousands_of_bad_rows_are_counted_and_not_listed(desk: Desk) -> None:
    desk.write(*(f"r{n},soon,text" for n in range(3_000)))
    desk.look()
    notes = desk.notes
    assert (len(notes), notes[-1]) == (101, "calendar.csv: 2900 more rows cannot be used")


def test_a_file_full_of_open_quotation_marks_is_given_up_in_words(desk: Desk) -> None:
    desk.write(*['x,2026-11-25 12:00,"open' for _ in range(301)])
    desk.look()
    assert desk.notes[-1].startswith("calendar.csv:")
    sheet = read(desk.path, desk.path.parent, zone="UTC")
    assert "nothing is read from here on" in sheet.bad[-1].why


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: no such file"),
        (b"", "is empty; its first line names the columns: id, publish_at, text"),
        (b"\n\n", "is empty"),
        (b"id,when,text\n", "calendar.csv:1: there is no column 'publish_at', only id, when, text"),
        (b"id,publish_on,text\n", "; rename 'publish_on' if it is that"),
        (b"id,publish_at,text,Text\n", "column 'text' is there twice"),
        (b"id,publish_at,text\na,2026-11-25 12:00,Gr\xfc\xdfe\n", "calendar.csv:2: the file is not UTF-8"),
        ("id,publish_at,text\n".encode("utf-16"), "the file is not UTF-8"),
        (b'"' + b"x" * 200_000, "the header cannot be split"),
        (b"id,publish_at,text\n" + b"x" * 5_000_000, "is larger than 4 MiB"),
        (b"{}", "there is no column 'id'"),
    ],
)
def test_a_file_that_is_no_calendar_moves_nothing_and_says_why(desk: Desk, content: bytes | None, said: str) -> None:
    if content is not None:
        desk.path.write_bytes(content)
    with pytest.raises(NotSent, match=re.escape(said)):
        desk.look()


def test_what_is_wrong_shows_before_anything_runs(desk: Desk) -> None:
    assert desk.reader.feed.objections(desk.path.parent) == ["'calendar.csv' cannot be read: no such file or directory"]
    desk.write("a,tomorrow,text", "b,2026-11-25 12:00,text")
    [said] = desk.reader.feed.objections(desk.path.parent)
    assert said.startswith("calendar.csv:2: publish_at 'tomorrow' is not a time")
    desk.write("b,2026-11-25 12:00,text")
    assert desk.reader.feed.objections(desk.path.parent) == []


def test_a_folder_is_no_calendar(tmp_path: Path) -> None:
    (tmp_path / "calendar.csv").mkdir()
    with pytest.raises(NotSent, match="is a directory"):
        Desk(tmp_path).look()


def test_a_calendar_is_known_by_path_and_zone() -> None:
    [feed] = on.csv("content/../plan.csv", zone="Europe/Berlin").feeds()
    assert feed.key({}) == "csv:plan.csv:Europe/Berlin"


def text_of(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["id", "publish_at", "text"], *rows])
    return out.getvalue()


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30).filter(
    str.strip
)
SPOILS = st.sampled_from(["", "soon", "2026-11-25", "2026-13-01 09:00", "9999999999", "12:00"])


@given(st.lists(st.tuples(TEXTS, st.none() | SPOILS, st.integers(0, 59)), max_size=12))
def test_every_good_row_goes_and_every_bad_one_is_named_whatever_the_texts_are(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[str, str | None, int]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    rows = [
        (f"r{n}", spoilt if spoilt is not None else f"2026-11-25 11:{minute:02}", text)
        for n, (text, spoilt, minute) in enumerate(plan)
    ]
    desk.path.write_text(text_of(rows), encoding="utf-8")
    events: list[ContentDue] = desk.look()
    good = {f"r{n}": text.strip() for n, (text, spoilt, _) in enumerate(plan) if spoilt is None}
    assert {e.id: e.draft.text for e in events} == good
    assert len(desk.notes) == len(plan) - len(good)


def test_a_row_without_a_zone_of_its_own_moves_with_the_clocks_of_the_zone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, zone="Europe/Berlin")
    desk.write("summer,2026-10-24 09:00,a", "winter,2026-10-26 09:00,b")
    assert [e.occurred_at for e in desk.look()] == [
        datetime(2026, 10, 24, 7, tzinfo=UTC),
        datetime(2026, 10, 26, 8, tzinfo=UTC),
    ]
