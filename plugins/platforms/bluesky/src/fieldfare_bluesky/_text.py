"""Text as the network wants it: links, mentions and hashtags pointed out by UTF-8 byte offsets.

The network finds nothing in a text by itself: an `@handle` without a facet notifies nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import regex

LONGEST = 300
"""Grapheme clusters in a post."""
LARGEST = 3000
"""UTF-8 bytes in a post."""
LONGEST_TAG = 64
"""Grapheme clusters in a hashtag."""

_LINK = regex.compile(r"https?://[^\s<>\"\p{Cc}]+", regex.IGNORECASE)
_MENTION = regex.compile(
    r"(?<![\w@./-])@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)",
    regex.IGNORECASE,
)
_TAG = regex.compile(r"(?<!\S)[#\uFF03]([^\s\p{Cf}]*)")
_CLOSERS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that points somewhere; `start` and `end` count characters, `value` is what it names."""

    kind: Literal["link", "mention", "tag"]
    start: int
    end: int
    value: str


def graphemes(text: str) -> int:
    """User-perceived characters: what the network counts."""
    return len(regex.findall(r"\X", text))


def spans(text: str) -> list[Span]:
    """Links, mentions and hashtags in order of appearance, none inside another."""
    found = list(_links(text))
    for span in (*_mentions(text), *_tags(text)):
        if all(span.end <= other.start or other.end <= span.start for other in found):
            found.append(span)
    return sorted(found, key=lambda span: span.start)


async def facets(text: str, resolve: Callable[[str], Awaitable[str | None]]) -> list[dict[str, Any]]:
    """The facets of a text; `resolve` gives a handle's DID, or None where nobody has it: that stays plain text."""
    found: list[dict[str, Any]] = []
    for span in spans(text):
        feature: dict[str, str]
        if span.kind == "mention":
            did = await resolve(span.value)
            if did is None:
                continue
            feature = {"$type": "app.bsky.richtext.facet#mention", "did": did}
        elif span.kind == "link":
            feature = {"$type": "app.bsky.richtext.facet#link", "uri": span.value}
        else:
            feature = {"$type": "app.bsky.richtext.facet#tag", "tag": span.value}
        start = len(text[: span.start].encode())
        end = start + len(text[span.start : span.end].encode())
        found.append({"index": {"byteStart": start, "byteEnd": end}, "features": [feature]})
    return found


def _links(text: str) -> Iterator[Span]:
    for match in _LINK.finditer(text):
        url = _without_tail(match[0])
        if regex.match(r"https?://[^/?#]*\w", url, regex.IGNORECASE):
            yield Span("link", match.start(), match.start() + len(url), url)


def _without_tail(url: str) -> str:
    """Without the punctuation of the sentence around it; a closing bracket stays when the link opened it."""
    while url:
        last = url[-1]
        opener = _CLOSERS.get(last)
        if (opener is not None and url.count(opener) < url.count(last)) or last in ".,;:!?'…*_~»”“’":
            url = url[:-1]
        else:
            break
    return url


def _mentions(text: str) -> Iterator[Span]:
    for match in _MENTION.finditer(text):
        following = text[match.end() : match.end() + 1]
        if following not in ("@", "_") and not following.isalnum():
            yield Span("mention", match.start(), match.end(), match[1].lower())


def _tags(text: str) -> Iterator[Span]:
    for match in _TAG.finditer(text):
        tag = regex.sub(r"\p{P}+$", "", match[1])
        if tag.startswith("\ufe0f") or not regex.search(r"[^\d\p{P}]", tag) or graphemes(tag) > LONGEST_TAG:
            continue  # a keycap emoji, a mere number, or longer than a tag may be
        yield Span("tag", match.start(), match.start() + 1 + len(tag), tag)
