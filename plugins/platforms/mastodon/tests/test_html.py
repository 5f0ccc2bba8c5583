"""Stored HTML becomes plain text again, and what was sent is recognised in what was stored."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldfare_mastodon._html import normal, plain
from tests.doubles.fediverse_html import render

STYLES = ["gotosocial", "hollo", "mastodon", "snac", "takahe"]
TEXTS = [
    "Hello!",
    "@bob: thank you — we are open",
    "@bob@far.example:3000 and @ada",
    "1 < 2 & 3 > 2, \"quoted\" and 'so'",
    "a line\nanother line\n\nand a paragraph",
    "see https://example.org/a/very/long/path/that/goes/on?with=this&and=that. Good?",
    "(https://example.org/a_(b)) and http://localhost:8080/x",
    "#Tag and #another_tag, not &#35;",
    "*stressed*, **strong**, `code`, ~~gone~~ and _under_score_",
    "- one\n- two\n1. three",
    "> quoted\n> twice",
    "ünïcödé 🐦‍⬛ 👩‍👩‍👧 中文",
    "  spaces   inside  ",
    "5 * 3 * 2 and a_b_c",
    "C:\\path\\file [not a link](really)",
    "[a link](https://example.org/there)",
]


def known(user: str, host: str) -> str | None:
    return f"https://social.example/@{user}" if user in ("bob", "ada") else None


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_recognised_in_what_a_server_made_of_it(style: str, text: str) -> None:
    stored, _ = plain(render(style, text, known, "https://social.example"))

    assert normal(stored) == normal(text)


@pytest.mark.parametrize("style", STYLES)
@settings(derandomize=True)
@given(text=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf")), max_size=80))
def test_any_text_is_recognised_in_what_a_server_made_of_it(style: str, text: str) -> None:
    stored, _ = plain(render(style, text, lambda user, host: None, "https://social.example"))

    assert normal(stored) == normal(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("We open at 9", "We open at 8"), ("yes", "no"), ("@bob yes", "@ada yes"), ("a.", "a!"), ("", "a")],
)
def test_other_texts_stay_other_texts(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def test_paragraphs_and_breaks_are_lines() -> None:
    assert plain("<p>one<br>two<br />three</p><p>four</p>")[0] == "one\ntwo\nthree\n\nfour"


def test_entities_are_characters() -> None:
    assert plain("<p>1 &lt; 2 &amp; &quot;x&quot; &#39;y&#39;&nbsp;&eacute;</p>")[0] == "1 < 2 & \"x\" 'y' é"


def test_a_shortened_address_is_whole_again() -> None:
    content = (
        '<p>see <a href="https://example.org/long/path?q=1&amp;r=2"><span class="invisible">https://</span>'
        '<span class="ellipsis">example.org/long</span><span class="invisible">/path?q=1&amp;r=2</span></a></p>'
    )

    assert plain(content) == ("see https://example.org/long/path?q=1&r=2", ("https://example.org/long/path?q=1&r=2",))


def test_an_address_that_is_cut_for_display_is_whole_again() -> None:
    assert plain('<a href="https://example.org/long/path">example.org/lo…</a>')[0] == "https://example.org/long/path"


def test_a_link_with_other_words_keeps_both() -> None:
    text, links = plain('<a href="https://example.org/">the shop</a>')

    assert (text, links) == ("the shop (https://example.org/)", ("https://example.org/",))


def test_mentions_and_hashtags_are_no_links() -> None:
    content = (
        '<p><span class="h-card"><a href="https://social.example/@bob" class="u-url mention">@<span>bob</span></a>'
        '</span> <a href="https://social.example/tags/tea" class="mention hashtag" rel="tag">#<span>tea</span></a></p>'
    )

    assert plain(content) == ("@bob #tea", ())


def test_the_link_that_stands_for_a_quote_is_left_out() -> None:
    content = '<p class="quote-inline">RE: <a href="https://x.example/1">https://x.example/1</a></p><p>so true</p>'

    assert plain(content) == ("so true", ())


@settings(derandomize=True)
@given(st.text(max_size=200))
def test_anything_at_all_can_be_read(content: str) -> None:
    text, _ = plain(content)

    assert isinstance(normal(text), str)
