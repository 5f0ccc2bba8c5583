"""RSS and Atom."""

from __future__ import annotations

import asyncio
import calendar
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from typing import Annotated, Any, ClassVar, cast

from pydantic import AfterValidator, Field

from .._contract.feeds import Batch, Feed, FeedServices
from .._contract.http import Answer, Request, retry_after
from .._contract.triggers import Trigger
from .._domain.errors import NotSent
from .._domain.events import EntryPublished, Event

ACCEPTED = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
MOST = 1_000
"""Entries of one document that are looked at; further ones are older than any reader needs."""
LONGEST_TITLE = 500
LONGEST_SUMMARY = 5_000
WHITE = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"
"""What may stand before the first '<' in any encoding."""


@dataclass(frozen=True, slots=True)
class _Cursor:
    """What the server said last about the version it sent."""

    etag: str = ""
    modified: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> _Cursor:
        return cls(**json.loads(cursor)) if cursor else cls()

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def conditions(self) -> dict[str, str]:
        found = {"if-none-match": self.etag, "if-modified-since": self.modified}
        return {name: value for name, value in found.items() if value}


class Syndication(Feed[EntryPublished]):
    """Entries of an RSS or Atom document that were not there before, each known by its id, else by its link.

    What stands there at the first look is missed. Whatever comes in place of a feed is `NotSent`, with a sentence about
    what it was; a document that was cut short counts as none.
    """

    event = EntryPublished

    def __init__(self, url: str, every: timedelta, private: tuple[str, ...]) -> None:
        self.url = url
        self.every = every
        self.private = private
        self.terms = f"private ranges {', '.join(private) or 'none'}"

    def key(self, identities: Mapping[str, str]) -> str:
        return f"feed:{self.url}"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[EntryPublished]:
        conditions = _Cursor.read(cursor).conditions
        request = Request(method="GET", url=self.url, headers={"accept": ACCEPTED, **conditions})
        answer = await services.http.read(request, sort=partial(_sort, self.url, bool(conditions)))
        if answer.status == 304:
            return Batch((), cursor)
        document = await asyncio.to_thread(_parsed, answer, self.url)
        now = services.now
        # Newest first is the custom, so that those without a date keep their order when they are turned round.
        entries = [_event(entry, now) for entry in reversed(document.entries[:MOST])]
        known = await services.known([event.id for event in entries])
        fresh = {event.id: event for event in entries if event.id not in known}
        seen = _Cursor(answer.headers.get("etag", ""), answer.headers.get("last-modified", ""))
        return Batch(
            sorted(fresh.values(), key=lambda event: event.occurred_at),
            str(seen),
            missed_before=None if cursor else now + timedelta(seconds=1),
        )


def _sort(url: str, conditional: bool, answer: Answer) -> None:
    status = answer.status
    if status == 200 or (status == 304 and conditional):
        return
    if 300 <= status < 400 and "location" in answer.headers:
        raise NotSent(f"{url!r} has moved to {answer.headers['location']!r}; write that address")
    raise NotSent(f"{url!r} answered {status} in place of a feed", retry_after=retry_after(answer))


def _parsed(answer: Answer, url: str) -> Any:
    # Importing it takes 60 ms, which only those who read feeds should pay.
    from feedparser import parse  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    read = cast("Callable[..., Any]", parse)

    body = answer.body
    mime = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    beginning = body[:512].replace(b"\0", b"").lstrip(WHITE).lower()
    if not beginning:
        raise NotSent(f"{url!r} answered with nothing in place of a feed")
    if not beginning.startswith(b"<"):
        raise NotSent(f"{url!r} sent {mime or 'something'} that is not XML, {len(body)} bytes, in place of a feed")
    if beginning.startswith((b"<!doctype html", b"<html")):
        raise NotSent(f"{url!r} sent a web page in place of a feed; look on the page for the address of its feed")
    about = {name: answer.headers[name] for name in ("content-type",) if name in answer.headers}
    # Bytes as such would be taken for the name of a file.
    found = read(io.BytesIO(body), response_headers={**about, "content-location": url})
    if not found.version:
        raise NotSent(f"{url!r} sent XML ({mime or 'no content type'}) that is neither RSS nor Atom")
    if found.bozo and not re.search(
        rb"</([\w.-]+:)?(rss|feed|rdf)\s*>", body[-4096:].replace(b"\0", b""), re.IGNORECASE
    ):
        raise NotSent(f"{url!r} sent a feed that breaks off after {len(body)} bytes")
    return found


def _event(entry: Mapping[str, Any], now: datetime) -> EntryPublished:
    title = _plain(entry.get("title_detail") or {}, LONGEST_TITLE)
    summary = _plain(entry.get("summary_detail") or {}, LONGEST_SUMMARY)
    link = str(entry.get("link") or "").strip()
    # An entry without a name of its own is known by what it says.
    own = str(entry.get("id") or link).strip() or hashlib.sha256(f"{title}\0{summary}".encode()).hexdigest()
    return EntryPublished(
        id=own,
        occurred_at=_date(entry, now),
        title=title,
        link=link if re.match(r"https?://[^/\s]", link) else "",
        summary=summary,
        author=_clean(str(entry.get("author") or ""), LONGEST_TITLE),
    )


def _date(entry: Mapping[str, Any], now: datetime) -> datetime:
    """When it says it was published, never later than now; now when it does not say."""
    written = entry.get("published_parsed")
    # To ask for this key where it is not makes feedparser warn and answer with the other.
    if not written and "updated_parsed" in entry:
        written = entry["updated_parsed"]
    try:
        return min(datetime.fromtimestamp(calendar.timegm(written), UTC), now) if written else now
    except (ValueError, OverflowError, OSError):
        return now


def _plain(detail: Mapping[str, Any], longest: int) -> str:
    value = str(detail.get("value") or "")
    if "html" not in str(detail.get("type") or ""):
        return _clean(value, longest)
    text = _Text()
    text.feed(value)
    text.close()
    return _clean("".join(text.parts), longest)


def _clean(text: str, longest: int) -> str:
    words = " ".join(text.split())
    return "".join(c for c in words if unicodedata.category(c) not in ("Cc", "Cs"))[:longest]


class _Text(HTMLParser):
    """Collects what a browser would show; where a line ends stands a space. (Scripts were taken out by feedparser.)"""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "p", "div", "li", "tr", "h1", "h2", "h3"):
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _is_an_address(url: str) -> str:
    if re.match(r"https?://[^/\s]*@", url):
        raise ValueError("the address of a feed must not carry a user name or password: it is shown and logged")
    if not re.fullmatch(r"https?://[^/\s]\S*", url):
        raise ValueError(f"{url!r} is not an http(s) address; write it as https://blog.example/feed")
    return url


class OnFeed(Trigger[EntryPublished]):
    kind: ClassVar[str] = "feed"
    event: ClassVar[type[Event]] = EntryPublished

    url: Annotated[str, AfterValidator(_is_an_address)]
    every: Annotated[timedelta, Field(gt=timedelta(0))]
    private: tuple[str, ...] = ()

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Syndication(self.url, self.every, self.private)]
