"""RSS and Atom: new entries in the order they were written, and a plain sentence about everything that is no feed."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fieldfare import on
from fieldfare._feeds.syndication import Syndication
from fieldfare.plugin import Answer, NotSent
from tests.feeds.services import NOW, Lent, Reader

URL = "https://blog.example/feed.xml"
ATOM = '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title>{}</feed>'
RSS = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Blog</title>{}</channel></rss>'


def item(name: str, day: int | None = None, extra: str = "") -> str:
    date = f"<pubDate>{datetime(2026, 11, day, 9, tzinfo=UTC):%a, %d %b %Y %H:%M:%S} GMT</pubDate>" if day else ""
    return f"<item><guid isPermaLink='false'>{name}</guid><title>{name}</title>{date}{extra}</item>"


def answer(body: str | bytes, status: int = 200, mime: str = "application/rss+xml", **headers: str) -> Answer:
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers={"content-type": mime, **named}, body=content, url=URL)


class Blog:
    """A reader of one feed; each look is given the next answer."""

    def __init__(self) -> None:
        self.reader = Reader(Syndication(URL, timedelta(minutes=15), ()), Lent(now=NOW))

    def look(self, *answers: Answer) -> list[Any]:
        self.reader.lent.http.answers.extend(answers)
        if len(self.reader.lent.http.answers) > len(answers):
            self.reader.lent.http.answers.popleft()
        return asyncio.run(self.reader.pull())

    def sent(self, number: int) -> dict[str, str]:
        return dict(self.reader.lent.http.asked[number].headers)


@pytest.fixture
def blog() -> Blog:
    """Has looked once, when the feed was empty."""
    blog = Blog()
    assert blog.look(answer(RSS.format(""))) == []
    return blog


def test_what_stands_there_at_the_first_look_is_named_missed_dated_or_not() -> None:
    blog = Blog()
    found = blog.look(answer(RSS.format(item("today", 25) + item("undated") + item("tomorrow", 26))))
    assert blog.reader.batch is not None
    before = blog.reader.batch.missed_before
    assert before is not None
    assert len(found) == 3
    assert [event.id for event in found if event.occurred_at >= before] == []


def test_new_entries_come_oldest_first_and_once(blog: Blog) -> None:
    page = answer(RSS.format(item("c", 24) + item("b", 23) + item("a", 20)))
    assert [event.id for event in blog.look(page)] == ["a", "b", "c"]
    assert blog.look(page) == []
    assert blog.reader.batch is not None
    assert blog.reader.batch.events == []


def test_what_first_appears_in_a_later_look_is_new_whatever_date_it_carries(blog: Blog) -> None:
    [event] = blog.look(answer(RSS.format(item("old", 1))))
    assert blog.reader.batch is not None
    assert (event.id, blog.reader.batch.missed_before) == ("old", None)


def test_entries_without_a_date_are_as_old_as_the_look_and_keep_their_order(blog: Blog) -> None:
    found = blog.look(answer(RSS.format(item("newest") + item("middle") + item("oldest"))))
    assert [(event.id, event.occurred_at) for event in found] == [(n, NOW) for n in ("oldest", "middle", "newest")]


@pytest.mark.parametrize("date", ["soon", "", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_date_that_is_none_counts_as_no_date(blog: Blog, date: str) -> None:
    [event] = blog.look(answer(RSS.format(item("a", None, f"<pubDate>{date}</pubDate>"))))
    assert event.occurred_at == NOW


def test_a_date_in_the_future_counts_as_now(blog: Blog) -> None:
    assert blog.look(answer(RSS.format(item("a", 30))))[0].occurred_at == NOW


def test_an_atom_entry_brings_title_link_summary_and_author_as_text(blog: Blog) -> None:
    entry = (
        "<entry><id>tag:blog.example,2026:1</id><title type='html'>Fish &amp;amp; &lt;b&gt;chips&lt;/b&gt;</title>"
        "<link href='/posts/1'/><updated>2026-11-24T08:00:00+01:00</updated><author><name>Ada</name></author>"
        "<summary type='html'>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt;</summary>"
        "</entry>"
    )
    [event] = blog.look(answer(ATOM.format(entry), mime="application/atom+xml"))
    assert (event.id, event.title, event.summary) == ("tag:blog.example,2026:1", "Fish & chips", "One. Two.")
    assert (event.link, event.author) == ("https://blog.example/posts/1", "Ada")
    assert event.occurred_at == datetime(2026, 11, 24, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Grüße &amp;amp; Küsse", "Grüße & Küsse"),
        ("a &lt; b", "a < b"),
        ("<![CDATA[Tom <i>&amp;</i> Jerry]]>", "Tom & Jerry"),
        ("  two\n   lines ", "two lines"),
        ("bird\u200d\u2764", "bird\u200d\u2764"),
    ],
)
def test_a_title_is_reduced_to_text(blog: Blog, title: str, text: str) -> None:
    assert blog.look(answer(RSS.format(f"<item><guid>x</guid><title>{title}</title></item>")))[0].title == text


def test_titles_and_summaries_have_an_end(blog: Blog) -> None:
    words = "x" * 9_000
    [event] = blog.look(
        answer(RSS.format(f"<item><guid>x</guid><title>{words}</title><description>{words}</description></item>"))
    )
    assert (len(event.title), len(event.summary)) == (500, 5_000)


def test_an_entry_without_an_id_is_known_by_its_link_and_without_both_by_what_it_says(blog: Blog) -> None:
    page = answer(
        RSS.format(
            "<item><title>a</title><link>https://blog.example/a</link></item><item><title>b</title></item>"
            "<item><title>c</title></item>"
        )
    )
    found = blog.look(page)
    assert found[-1].id == "https://blog.example/a"
    assert len({event.id for event in found}) == 3
    assert blog.look(page) == []


def test_an_entry_that_stands_there_twice_is_one(blog: Blog) -> None:
    assert len(blog.look(answer(RSS.format(item("a", 20) + item("a", 20))))) == 1


def test_a_link_that_is_no_web_address_is_left_out(blog: Blog) -> None:
    [event] = blog.look(answer(RSS.format(item("a", 20, "<link>javascript:alert(1)</link>"))))
    assert event.link == ""


def test_the_server_is_asked_for_changes_only(blog: Blog) -> None:
    etag, modified = '"v1"', "Wed, 25 Nov 2026 08:00:00 GMT"
    blog.look(answer(RSS.format(item("a", 20)), etag=etag, last_modified=modified))
    assert blog.look(Answer(status=304, headers={}, url=URL)) == []
    assert {"if-none-match", "if-modified-since"}.isdisjoint(blog.sent(1))
    assert (blog.sent(2)["if-none-match"], blog.sent(2)["if-modified-since"]) == (etag, modified)


def test_what_the_server_said_of_its_version_outlives_an_unchanged_answer(blog: Blog) -> None:
    blog.look(answer(RSS.format(""), etag='"v1"'))
    blog.look(Answer(status=304, headers={}, url=URL))
    blog.look(Answer(status=304, headers={}, url=URL))
    assert blog.sent(3)["if-none-match"] == '"v1"'


@pytest.mark.parametrize("mime", ["text/xml", "application/xml; charset=utf-8", "text/html", "application/json", ""])
def test_a_feed_is_a_feed_whatever_it_is_called(blog: Blog, mime: str) -> None:
    assert blog.look(answer(RSS.format(item("Grüße", 20)), mime=mime))[0].title == "Grüße"


def test_a_feed_may_be_in_another_encoding(blog: Blog) -> None:
    body = RSS.format(item("Grüße", 20))
    latin = body.replace("utf-8", "iso-8859-1").encode("iso-8859-1")
    assert blog.look(answer(latin))[0].title == "Grüße"
    wide = body.replace("utf-8", "utf-16").replace("Grüße", "Küsse").encode("utf-16")
    assert blog.look(answer(wide))[0].title == "Küsse"


def test_a_feed_with_a_small_mistake_is_read(blog: Blog) -> None:
    assert [
        e.id for e in blog.look(answer(RSS.format(item("a", 20) + "<item><guid>b</guid><title>x & y</title></item>")))
    ]


def test_an_empty_feed_is_a_feed_even_as_one_tag(blog: Blog) -> None:
    assert blog.look(answer('<feed xmlns="http://www.w3.org/2005/Atom"/>')) == []


def test_what_a_server_sends_is_never_taken_for_the_name_of_a_file(
    blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = '<rss version="2.0"><channel></channel></rss>'
    (tmp_path / body).parent.mkdir(parents=True)
    (tmp_path / body).write_text(RSS.format(item("from a file", 20)))
    monkeypatch.chdir(tmp_path)
    assert blog.look(answer(body)) == []


PAGE = "<!DOCTYPE html><html><head><title>Blog</title></head><body>Hello</body></html>"
NO_FEEDS = [
    (answer(""), "answered with nothing in place of a feed"),
    (answer(" \n "), "answered with nothing in place of a feed"),
    (answer(PAGE, mime="text/html"), "sent a web page in place of a feed"),
    (answer("\n<HTML>hello</HTML>"), "sent a web page in place of a feed"),
    (
        answer('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', mime="text/xml"),
        "sent XML (text/xml) that is neither RSS nor Atom",
    ),
    (answer('<?xml version="1.0"?><stock><bird/></stock>', mime=""), "sent XML (no content type) that is neither"),
    (answer('{"items": []}', mime="application/feed+json"), "sent application/feed+json that is not XML, 13 bytes"),
    (
        answer(b'["' + b"x" * 10_000_000 + b'"]', mime="application/json"),
        "sent application/json that is not XML, 10000004",
    ),
    (answer(b"\x89PNG\r\n\x1a\n\0\0", mime="image/png"), "sent image/png that is not XML, 10 bytes"),
    (answer("Bad gateway", mime="text/plain"), "sent text/plain that is not XML"),
    (answer("/etc/hostname", mime=""), "sent something that is not XML"),
    (answer(RSS.format(item("a", 20) + item("b", 21))[:-60]), "sent a feed that breaks off after"),
    (answer(PAGE, status=404), "answered 404 in place of a feed"),
    (answer("", status=410), "answered 410 in place of a feed"),
    (answer(PAGE, status=401), "answered 401 in place of a feed"),
    (answer(PAGE, status=500), "answered 500 in place of a feed"),
    (answer("", status=304), "answered 304 in place of a feed"),
    (answer("", status=301, location="https://blog.example/new"), "has moved to 'https://blog.example/new'"),
    (answer("", status=204), "answered 204 in place of a feed"),
]


@pytest.mark.parametrize(("given", "said"), NO_FEEDS, ids=[said for _, said in NO_FEEDS])
def test_whatever_comes_in_place_of_a_feed_moves_nothing_and_is_told_in_words(
    blog: Blog, given: Answer, said: str
) -> None:
    before = blog.reader.cursor
    with pytest.raises(NotSent, match=re.escape(said)) as raised:
        blog.look(given)
    assert str(raised.value).startswith(f"'{URL}' ")
    assert blog.reader.cursor == before


def test_a_server_that_asks_to_wait_is_waited_for(blog: Blog) -> None:
    with pytest.raises(NotSent) as raised:
        blog.look(answer("", status=429, retry_after="90"))
    assert raised.value.retry_after == 90


def test_entities_that_multiply_stay_small(blog: Blog) -> None:
    lines = "".join(f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdef", "bcdefg", strict=True))
    bomb = RSS.format(item("x", 20, "<description>&g;</description>")).replace(
        "<rss", f'<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">{lines}]><rss'
    )
    assert all(len(event.summary) <= 5_000 for event in blog.look(answer(bomb)))


def test_an_entity_cannot_read_a_file(blog: Blog) -> None:
    body = RSS.format(item("x", 20, "<description>[&host;]</description>")).replace(
        "<rss", '<!DOCTYPE rss [<!ENTITY host SYSTEM "file:///etc/passwd">]><rss'
    )
    assert "root:" not in blog.look(answer(body))[0].summary


@pytest.mark.parametrize(
    "url", ["blog.example/feed", "ftp://blog.example/feed", "https:///feed", "https://blog example"]
)
def test_an_address_that_is_none_is_refused_when_written(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http"):
        on.feed(url)


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValidationError, match="must not carry a user name or password") as raised:
        on.feed("https://ada:canary-feed-51c8@blog.example/feed")
    assert "canary" not in raised.value.errors()[0]["msg"]


def test_a_feed_keeps_the_slash_at_its_end_and_is_known_by_its_address() -> None:
    [feed] = on.feed("https://blog.example/feed/", private=("127.0.0.0/8",)).feeds()
    assert (feed.key({}), feed.private) == ("feed:https://blog.example/feed/", ("127.0.0.0/8",))
