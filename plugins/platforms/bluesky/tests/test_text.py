"""Links, mentions and hashtags are found where the network wants them found, by UTF-8 byte offsets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldfare_bluesky._text import facets, graphemes, spans

WORDS = st.sampled_from(
    [
        "Grüße",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "@brand.example",
        "@Brand.Example,",
        "#тег",
        "#2026",
        "#a1!",
        "https://brand.example/a?b=c#d",
        "(https://brand.example/x_(y))",
        "http://[::1]/",
        "mail@brand.example",
        "é",
        "\n",
        "@",
        "#",
        "https://",
        "ᄀᆨ",
        "e\u0301",
    ]
)


async def _everybody(handle: str) -> str | None:
    return f"did:plc:{handle}"


def _facets(text: str) -> list[dict[str, Any]]:
    return asyncio.run(facets(text, _everybody))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Hello @brand.example!", "mention", "brand.example"),
        ("(@Brand.Example)", "mention", "brand.example"),
        ("@brand.example's shop", "mention", "brand.example"),
        ("see https://brand.example/a.", "link", "https://brand.example/a"),
        ("see (https://brand.example/a_(b))", "link", "https://brand.example/a_(b)"),
        ("„https://brand.example/ü“", "link", "https://brand.example/ü"),
        ("https://brand.example/@you", "link", "https://brand.example/@you"),
        ("https://brand.example/?to=@you.example", "link", "https://brand.example/?to=@you.example"),
        ("we are #open, today", "tag", "open"),
        ("#öffnung", "tag", "öffnung"),
        ("＃open", "tag", "open"),
        ("#24h", "tag", "24h"),
    ],
)
def test_what_points_somewhere_is_found(text: str, kind: str, value: str) -> None:
    assert [(span.kind, span.value) for span in spans(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "mail@brand.example",
        "@brand",
        "@brand.example@fedi.example",
        "@brand.4you",
        "no#tag",
        "#1",
        "#2026",
        "#\ufe0f\u20e3",
        "#" + "a" * 65,
        "https://",
        "http://?",
        "#!",
        "ftp://brand.example",
    ],
)
def test_what_only_looks_like_it_is_left_as_text(text: str) -> None:
    assert spans(text) == []


def test_a_handle_that_nobody_has_stays_text() -> None:
    async def nobody(handle: str) -> str | None:
        return None

    assert asyncio.run(facets("@nobody.example", nobody)) == []


def test_a_mention_carries_the_did_and_counts_bytes() -> None:
    [facet] = _facets("Grüße 🐦 @brand.example")
    assert facet["index"] == {"byteStart": 13, "byteEnd": 27}
    assert facet["features"] == [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:brand.example"}]


def test_a_family_counts_as_one_character() -> None:
    assert graphemes("👨‍👩‍👧‍👦" * 100) == 100


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=10).map(" ".join))
def test_for_every_text_facets_lie_on_character_borders_and_never_overlap(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    end = 0
    for facet in _facets(text):
        start, stop = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert end <= start < stop <= len(raw)
        covered = raw[start:stop].decode()
        [feature] = facet["features"]
        match feature["$type"].rpartition("#")[2]:
            case "link":
                assert covered == feature["uri"]
            case "mention":
                assert covered.lower() == "@" + feature["did"].removeprefix("did:plc:")
            case _:
                assert covered[1:] == feature["tag"]
        end = stop
