"""What is left of a text that is longer than a network allows."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from fieldfare.plugin import Bounds, Platform, Services, Session


class Board(Platform):
    """A network that counts as the contract does unless told otherwise, and allows `longest`."""

    kind: ClassVar[str] = "board"
    session: ClassVar[type[Session]] = Session
    longest: int = 20
    links_count: int | None = None

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=self.longest)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset()

    async def open(self, services: Services) -> Session:
        raise NotImplementedError

    def measure(self, text: str) -> int:
        if self.links_count is None:
            return super().measure(text)
        return super().measure(regex.sub(r"https?://\S+", "x" * self.links_count, text))


FAMILY = "👩‍👩‍👧‍👦"
PIECES = st.sampled_from(["a", "word", " ", "\n", FAMILY, "é", "日本", "https://e.example/a-long-path", "क्षि"])
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert Board(longest=11).shortened("hello world") == "hello world"


@pytest.mark.parametrize(
    ("text", "room", "kept"),
    [
        ("hello world, how are you", 20, "hello world, how…"),
        ("hello", 4, "hel…"),
        ("Donaudampfschifffahrt", 8, "Donauda…"),
        ("日本語の長い文章です", 5, "日本語の…"),
        (FAMILY * 9, 3, FAMILY * 2 + "…"),
        ("see https://e.example/abc now", 20, "see…"),
        ("see https://e.example/abc and more", 28, "see https://e.example/abc …"),
        ("https://e.example/abc", 10, ""),
        ("hello", 1, ""),
        ("hello", 0, ""),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text: str, room: int, kept: str) -> None:
    assert Board().shortened(text, room) == kept


@given(TEXTS, st.integers(0, 30), st.sampled_from([None, 0, 3, 23]))
def test_a_shortened_text_fits_and_is_the_beginning_of_the_whole(text: str, room: int, links: int | None) -> None:
    board = Board(links_count=links)
    kept = board.shortened(text, room)
    assert board.measure(kept) <= room
    if kept != text:
        beginning = kept.removesuffix("…").rstrip()
        assert text.startswith(beginning)
        ends: list[Any] = [0, *(found.end() for found in regex.finditer(r"\X", text))]
        assert len(beginning) in ends


@given(TEXTS, st.integers(0, 30))
def test_no_web_address_is_ever_cut(text: str, room: int) -> None:
    kept = Board().shortened(text, room).removesuffix("…").rstrip()
    addresses = [word for word in regex.findall(r"\S+", kept) if "://" in word]
    assert [word for word in addresses if word not in regex.findall(r"\S+", text)] == []
