"""Lengths as Mastodon counts them."""

from __future__ import annotations

import pytest

from fieldfare.plugin import Draft, Media
from fieldfare_mastodon import Mastodon

BRAND = Mastodon(server="https://social.example")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("Hello", 5),
        ("e\u0301", 1),
        ("👩‍👩‍👧‍👦", 1),
        ("🇩🇪🇩🇪", 2),
        ("https://example.org", 23),
        ("https://example.org/" + "x" * 200, 23),
        ("http://a.io", 23),
        ("see https://example.org/path. Good", 4 + 23 + 6),
        ("(https://example.org/path)", 25),
        ("https://en.wikipedia.org/wiki/Fieldfare_(bird)", 23),
        ("https://localhost/path", 22),
        ("example.org/path", 16),
        ("@bob", 4),
        ("@bob@social.example", 4),
        ("@bob@social.example and @eve@far.example.org!", 4 + 5 + 4 + 1),
        ("mail@social.example", 19),
        ("https://social.example/@bob@far.example", 23),
    ],
)
def test_a_text_is_counted_as_mastodon_counts(text: str, length: int) -> None:
    assert BRAND.measure(text) == length


def test_a_content_warning_counts_as_well() -> None:
    fits = Draft(text="x" * 490, warning="y" * 10)
    long = Draft(text="x" * 490, warning="y" * 11)

    assert BRAND.objections(fits) == []
    assert BRAND.objections(long) == [
        "text and content warning together are 501 long as mastodon counts, 500 is allowed"
    ]


def test_a_server_may_allow_more() -> None:
    wide = Mastodon(server="https://social.example", text_limit=5000)

    assert wide.objections(Draft(text="x" * 5000)) == []
    assert len(wide.objections(Draft(text="x" * 5001))) == 1


def test_five_pictures_are_one_too_many() -> None:
    dot = Media(source="dot.png", alt="a dot", mime="image/png", size=10)

    assert BRAND.objections(Draft(text="x", media=(dot,) * 4)) == []
    assert BRAND.objections(Draft(text="x", media=(dot,) * 5)) == ["5 media files, 4 are allowed on mastodon"]


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("https://social.example", "social.example"),
        ("https://social.example:443", "social.example"),
        ("http://127.0.0.1:3000", "127.0.0.1:3000"),
        ("http://social.example", "social.example"),
    ],
)
def test_credentials_go_to_the_server_alone(server: str, host: str) -> None:
    assert Mastodon(server=server).hosts == {host}
